//! Exact integer tensors and the transformer step (EXI8, `docs/specs/0001-exi8.md`).
//!
//! One semantic: [`forward`] serves users, settles disputes and is what verification replays.
//! [`reference`] is its short scalar twin; every kernel must agree with it bit for bit.
//! **Invariant:** no floating-point number exists in this crate, and no result depends on batch
//! size, chunking, thread count or instruction set.

mod adapter;
mod attention;
mod backend;
mod cache;
mod digest;
mod error;
mod forward;
mod gemm;
mod kernels;
mod linear;
mod model;
mod norm;
pub mod reference;
pub mod rounding;
mod sampler;
pub mod tables;

pub use adapter::{Adapter, AdapterLayer, LowRank};
pub use backend::{Backend, Isa};
pub use cache::KvCache;
pub use digest::LogitsDigest;
pub use error::TensorError;
pub use forward::{Logits, Segment, Want, forward};
pub use linear::{Linear, MAX_INPUTS};
pub use model::{
    Embedding, EmbeddingRows, Fractions, Layer, LimbCount, Limbs, Model, ModelParts, Norm,
    RopeTable, Shape,
};
pub use sampler::{Sampling, argmax, random_at, sample};

#[cfg(test)]
mod tests;
