//! Loading, converting and quantising models and adapters; tokenizers; model cards.
//!
//! **Invariants:** no machine-learning framework; every parser refuses hostile input with a
//! typed error and allocates only for bytes that are there; a digest is BLAKE3 of the one
//! canonical encoding.

mod bytes;
mod calibration;
mod error;
mod file;
mod float;
mod fold;
pub mod llama2c;
mod quantize;

pub use calibration::Calibration;
pub use error::ModelError;
pub use float::{FloatLayer, FloatModel, Matrix, Rope, RopeScaling};
pub use fold::{Fold, QuantizedModel};
pub use quantize::{QuantizeOptions, quantize};
