//! What the tensor crate refuses.

/// A refusal: the model, adapter or request cannot be computed exactly.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TensorError {
    /// A dimension is outside what the format's bounds were proven for.
    #[error("{what} is {value}, allowed is {low} to {high}")]
    OutOfRange { what: &'static str, value: i64, low: i64, high: i64 },
    /// A tensor's size does not follow from the shape.
    #[error("{what} has {found} elements, the shape asks for {expected}")]
    WrongSize { what: String, found: usize, expected: usize },
    /// An i8 weight of -128 would break the kernels' exactness.
    #[error("{what} holds -128, which the format excludes")]
    ForbiddenValue { what: String },
    /// A token id past the vocabulary.
    #[error("token {token} is outside the vocabulary of {vocab}")]
    UnknownToken { token: u32, vocab: u32 },
    /// The sequence would outgrow the model's position table.
    #[error("the sequence would hold {wanted} tokens, the model's context is {context}")]
    ContextFull { wanted: usize, context: u32 },
    /// A cache made for another shape.
    #[error("the cache belongs to a model of another shape")]
    ForeignCache,
    /// An adapter with another number of layers than the model.
    #[error("the adapter has {found} layers, the model {expected}")]
    AdapterLayers { found: usize, expected: usize },
}
