//! What the models crate refuses, each by name.

use std::path::PathBuf;

use tributary_tensor::TensorError;

/// A model, adapter or tokenizer that cannot be taken in.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// The file system said no.
    #[error("cannot read {path}: {source}")]
    Read {
        /// What was read.
        path: PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
    /// The file system said no.
    #[error("cannot write {path}: {source}")]
    Write {
        /// What was written.
        path: PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
    /// Neither a model directory, nor an adapter, nor a known file.
    #[error(
        "{path} is neither a Hugging Face model (config.json), a PEFT adapter \
         (adapter_config.json), a llama2.c .bin nor an .exi8 file"
    )]
    UnknownFormat {
        /// What was offered.
        path: PathBuf,
    },
    /// Weights as a Python pickle, which runs code when it is loaded.
    #[error("{path} is a Python pickle, which is never read: save the model as safetensors")]
    Pickle {
        /// The file.
        path: PathBuf,
    },
    /// A part that must lie in the directory is missing.
    #[error("{path} is missing: {hint}")]
    MissingFile {
        /// The absent file.
        path: PathBuf,
        /// What to do.
        hint: &'static str,
    },
    /// A JSON file that does not parse or has a field of the wrong kind.
    #[error("{file}: {reason}")]
    Json {
        /// Which file.
        file: String,
        /// Line, column and cause.
        reason: String,
    },
    /// Not a Llama.
    #[error("architecture {found} is not supported; Llama is")]
    UnsupportedArchitecture {
        /// What the configuration says.
        found: String,
    },
    /// A feature of the configuration that the engine cannot compute.
    #[error("{feature} is not supported: {found}")]
    UnsupportedFeature {
        /// Name of the field.
        feature: String,
        /// Its value.
        found: String,
    },
    /// A tensor's number format.
    #[error("tensor {tensor} has dtype {dtype}; F32, F16 and BF16 are read")]
    UnsupportedDtype {
        /// Tensor name.
        tensor: String,
        /// Its format.
        dtype: String,
    },
    /// A tensor that the architecture needs.
    #[error("tensor {tensor} is missing")]
    MissingTensor {
        /// Tensor name.
        tensor: String,
    },
    /// A tensor that the architecture does not know.
    #[error("tensor {tensor} has no place in this architecture")]
    UnexpectedTensor {
        /// Tensor name.
        tensor: String,
    },
    /// A tensor of another shape than the configuration implies.
    #[error("tensor {tensor} has shape {found:?}, the configuration asks for {expected:?}")]
    ShapeMismatch {
        /// Tensor name.
        tensor: String,
        /// Shape in the file.
        found: Vec<usize>,
        /// Shape by the configuration.
        expected: Vec<usize>,
    },
    /// NaN or infinity among weights.
    #[error("tensor {tensor} holds a value that is not finite at index {index}")]
    NotFinite {
        /// Tensor name.
        tensor: String,
        /// First such element.
        index: usize,
    },
    /// A container that is cut short, too long, or inconsistent.
    #[error("{file} is damaged: {reason}")]
    Damaged {
        /// Which file or container.
        file: String,
        /// What is wrong and where.
        reason: String,
    },
    /// A larger file than the limits allow.
    #[error("{file} has {size_bytes} bytes, at most {limit_bytes} are read")]
    TooLarge {
        /// Which file.
        file: String,
        /// Its size.
        size_bytes: u64,
        /// The limit.
        limit_bytes: u64,
    },
    /// The integer model cannot hold it.
    #[error(transparent)]
    Tensor(#[from] TensorError),
    /// The tokenizer file or its use failed.
    #[error("tokenizer: {0}")]
    Tokenizer(String),
    /// The chat template failed.
    #[error("chat template: {0}")]
    Template(String),
    /// A tokenizer that names ids the model does not have.
    #[error("the tokenizer has {tokens} tokens, the model {vocab}")]
    TokenizerMismatch {
        /// Tokenizer size.
        tokens: usize,
        /// Model vocabulary.
        vocab: usize,
    },
    /// An adapter quantised for another base.
    #[error("the adapter belongs to base {found}, this is {expected}")]
    ForeignBase {
        /// Digest in the adapter.
        found: String,
        /// Digest of the model.
        expected: String,
    },
    /// Integers without the float weights that they were made from.
    #[error(
        "{path} holds no float weights to compare with: name the original checkpoint, a Hugging \
         Face directory or a llama2.c .bin"
    )]
    NoOriginal {
        /// What was offered.
        path: PathBuf,
    },
    /// Float weights that a stored model was not made from.
    #[error("{path} was not made from that original: {reason}")]
    ForeignOriginal {
        /// The stored model.
        path: PathBuf,
        /// What differs.
        reason: String,
    },
    /// Too little text to measure on.
    #[error("the text has {tokens} tokens, at least {least} are needed")]
    TooLittleText {
        /// Tokens found.
        tokens: usize,
        /// Tokens needed.
        least: usize,
    },
}

impl ModelError {
    /// What to do next, where the message does not say it.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Read { .. } => "look at the path and who may read it",
            Self::Write { .. } => "look at free space and who may write there",
            Self::UnsupportedArchitecture { .. } | Self::UnsupportedFeature { .. } => {
                "bring a Llama: RMSNorm, rotary positions, SiLU, no biases"
            }
            Self::UnsupportedDtype { .. } => "save the weights as float16, bfloat16 or float32",
            Self::MissingTensor { .. }
            | Self::UnexpectedTensor { .. }
            | Self::ShapeMismatch { .. } => "take weights and config.json from the same model",
            Self::NotFinite { .. } => "the training diverged: take an earlier checkpoint",
            Self::Damaged { .. } => "fetch or save the file again and compare its checksum",
            Self::TooLarge { .. } => "bring a smaller model, or split its weights into shards",
            Self::Json { .. } | Self::Tokenizer(_) | Self::Template(_) => {
                "take the file as the model's author published it"
            }
            Self::TokenizerMismatch { .. } => {
                "bring the tokenizer.json that the model was trained with"
            }
            Self::ForeignBase { .. } => "import the base that the adapter was trained on",
            Self::ForeignOriginal { .. } => "name the checkpoint that was imported with --original",
            Self::TooLittleText { .. } => "measure on a longer text",
            Self::UnknownFormat { .. }
            | Self::Pickle { .. }
            | Self::MissingFile { .. }
            | Self::NoOriginal { .. }
            | Self::Tensor(_) => return None,
        })
    }
}
