//! Training on a CPU: a Llama base model from nothing, LoRA adapters on served weights, and the
//! float reference that exact inference is measured against.
//!
//! The forward and backward passes are written by hand on packed sequences; candle's autograd
//! serves as the oracle that the tests compare the gradients with.

mod attention;
mod backward;
mod checkpoint;
mod config;
mod decoder;
mod error;
mod example;
mod finetune;
mod float;
mod gemm;
mod generate;
mod hf;
mod kernels;
mod lora;
mod model;
mod optimizer;
mod params;
mod perplexity;
mod pretrain;
pub mod reference;
mod rope;
mod rounding;
mod shards;
pub mod tokenizer;

pub use checkpoint::Progress;
pub use config::{LlamaConfig, RopeLayout};
pub use decoder::CandleDecoder;
pub use error::TrainingError;
pub use example::{Example, example};
pub use finetune::{
    Control, Estimate, FinetuneOptions, FinetuneReport, Preset, estimate, finetune,
};
pub use generate::generate;
pub use lora::{Lora, LoraConfig, LoraPair};
pub use model::{Batch, IGNORE};
pub use params::{Projection, Weights};
pub use perplexity::{Perplexity, float_perplexity};
pub use pretrain::{DocumentSource, PretrainOptions, PretrainReport, pretrain};
