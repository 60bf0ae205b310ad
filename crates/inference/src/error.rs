//! What the engine refuses.

use tributary_primitives::Digest;
use tributary_tensor::TensorError;

/// A refusal; nothing was started.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// All places and the whole queue are taken.
    #[error("all places are taken: try again in {retry_after_ms} ms")]
    Busy {
        /// When a place is expected, from what jobs took lately.
        retry_after_ms: u64,
    },
    /// No such model is loaded.
    #[error("model {0} is not loaded")]
    UnknownModel(Digest),
    /// No such adapter is loaded.
    #[error("adapter {0} is not loaded")]
    UnknownAdapter(Digest),
    /// The adapter belongs to another model.
    #[error("adapter {adapter} belongs to model {base}")]
    WrongAdapter {
        /// The adapter.
        adapter: Digest,
        /// Its base.
        base: Digest,
    },
    /// Nothing to continue.
    #[error("the prompt is empty")]
    EmptyPrompt,
    /// No room for an answer.
    #[error("prompt and answer need {wanted} tokens, the model's context is {most}")]
    TooLong {
        /// Tokens of both.
        wanted: usize,
        /// The context.
        most: usize,
    },
    /// The arithmetic refuses.
    #[error(transparent)]
    Tensor(#[from] TensorError),
    /// The engine has ended.
    #[error("the engine has stopped")]
    Stopped,
}
