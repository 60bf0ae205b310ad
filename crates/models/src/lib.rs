//! Loading, converting and quantising models and adapters; tokenizers; model cards.
//!
//! **Invariants:** no machine-learning framework; every parser refuses hostile input with a
//! typed error and allocates only for bytes that are there; a digest is BLAKE3 of the one
//! canonical encoding.

mod adapter;
mod adapter_file;
pub mod bench;
mod bundle;
mod bytes;
mod calibration;
mod card;
mod comparison;
mod error;
mod evaluate;
mod file;
mod float;
mod float_forward;
mod fold;
mod huggingface;
mod import;
mod ladder;
pub mod llama2c;
mod llama2c_tokenizer;
mod peft;
mod quantize;
mod safetensors;
mod template;
mod tokenizer;

pub use adapter::{
    FloatAdapter, FloatAdapterLayer, FloatLowRank, QuantizedAdapter, quantize_adapter,
};
pub use bundle::{Bundle, CARD_FILE, MODEL_FILE, TOKENIZER_FILE};
pub use calibration::Calibration;
pub use card::{Card, CardMeasure, CardShape};
pub use comparison::Comparison;
pub use error::ModelError;
pub use evaluate::{Evaluation, Sides, Text, calibrate, evaluate};
pub use float::{FloatLayer, FloatModel, Matrix, Rope, RopeScaling};
pub use fold::{Fold, QuantizedModel};
pub use import::{FloatImport, Imported, import};
pub use ladder::{Conversion, MOST_LOSS_PERCENT, quantize_to_loss};
pub use peft::{PeftAdapter, write_peft};
pub use quantize::{QuantizeOptions, quantize};
pub use tokenizer::{DecodeStream, Special, Tokenizer};
