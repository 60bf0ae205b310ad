//! Why an index cannot be built or opened, or a fee cannot be split.

use tributary_primitives::{Digest, ModelId};

/// What is wrong with an index or its input.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AttributionError {
    /// The index was built with another tokenizer.
    #[error(
        "the index was built with the tokenizer {index}, not with {given}; build it again or \
         name its own with --tokenizer"
    )]
    OtherTokenizer {
        /// The index's.
        index: Digest,
        /// The one that was offered.
        given: Digest,
    },
    /// The tokenizer gave an id beyond its vocabulary.
    #[error("token id {id} is beyond the vocabulary of {vocab_size}")]
    TokenBeyondVocabulary {
        /// The id.
        id: u32,
        /// Ids are below this.
        vocab_size: u32,
    },
    /// A tokenizer with absurdly large ids.
    #[error("a vocabulary of {vocab_size} is more than an index takes ({limit})")]
    VocabularyTooLarge {
        /// The tokenizer's.
        vocab_size: u32,
        /// Allowed.
        limit: u32,
    },
    /// More tokens than one index may hold.
    #[error("{tokens} tokens are more than one index holds ({limit})")]
    TooManyTokens {
        /// Tokens offered.
        tokens: u64,
        /// Tokens allowed.
        limit: u64,
    },
    /// The tokenizer refused a text or an id.
    #[error(transparent)]
    Tokenizer(#[from] tributary_models::ModelError),
    /// The suffix sorter failed.
    #[error("the suffix array could not be built: {0}")]
    Sort(String),
    /// The bytes are no index.
    #[error("not an index, or a damaged one: {0}")]
    Damaged(&'static str),
    /// The file could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// Token ranges that do not fit the text.
    #[error("the token ranges do not fit the text: {0}")]
    Ranges(&'static str),
}

/// Why a fee cannot be split.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum SplitError {
    /// No model to pay.
    #[error("the lineage is empty: the served model must stand first")]
    NoModel,
    /// A model that names a later one as parent, or twice the same.
    #[error("model {model} names {parent} as parent, which is not older")]
    ParentNotOlder {
        /// The child.
        model: ModelId,
        /// The alleged parent.
        parent: ModelId,
    },
    /// A model's parents take more than the whole.
    #[error("the parents of model {0} take more than the whole")]
    ParentsTakeTooMuch(ModelId),
    /// A model that stands twice in the lineage.
    #[error("model {0} stands twice in the lineage")]
    ModelTwice(ModelId),
    /// A fee beyond `u128`.
    #[error("the fee does not fit")]
    FeeTooLarge,
    /// Spans that overlap, are empty or lie beyond the answer.
    #[error("span {0} is empty, overlaps the one before it or lies beyond the answer")]
    Spans(usize),
    /// A span without an owner.
    #[error("span {0} names no record")]
    SpanWithoutRecord(usize),
}
