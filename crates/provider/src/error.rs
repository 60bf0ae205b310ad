//! What a provider answers when it can't do a job.

use tributary_artifacts::ArtifactError;
use tributary_attribution::{AttributionError, SplitError};
use tributary_client::ClientError;
use tributary_datasets::DatasetError;
use tributary_indexer::IndexError;
use tributary_models::ModelError;
use tributary_primitives::{Amount, B256, DatanetId, Digest, ModelId};

/// Why a job, a quote or a look-up failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProviderError {
    /// The request can't be served as it is.
    #[error("{reason}")]
    Refused {
        /// Stable word for programs.
        code: &'static str,
        /// What is wrong and what to do.
        reason: String,
    },
    /// No such model is registered.
    #[error("model {0} is not registered: list the models with `tributary model ls`")]
    UnknownModel(ModelId),
    /// The job could cost more than the caller holds.
    #[error("the answer could cost {fee}, more than the {limit} held for it")]
    OverLimit {
        /// What it could cost.
        fee: Amount,
        /// What is held.
        limit: Amount,
    },
    /// All places are taken.
    #[error("all places are taken: try again in {retry_after_ms} ms")]
    Busy {
        /// When a place is expected.
        retry_after_ms: u64,
    },
    /// A blob that the chain names can't be had.
    #[error("blob {0} is nowhere to be had: its gateway must serve it")]
    MissingBlob(Digest),
    /// Rows that differ from what the chain froze.
    #[error("the rows of datanet {datanet} version {version} do not match its root on chain")]
    WrongSnapshot {
        /// The datanet.
        datanet: DatanetId,
        /// Its version.
        version: u32,
    },
    /// No receipt of this id was signed here.
    #[error("receipt {0} was not signed here")]
    UnknownReceipt(B256),
    /// The job was called off.
    #[error("the job was called off")]
    Cancelled,
    /// The chain did not answer or refused.
    #[error(transparent)]
    Chain(#[from] ClientError),
    /// The blob store failed.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// The history store failed.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// Rows can't be read.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// A model, adapter or tokenizer can't be read.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The attribution index failed.
    #[error(transparent)]
    Attribution(#[from] AttributionError),
    /// A fee can't be split.
    #[error(transparent)]
    Split(#[from] SplitError),
    /// Fine-tuning failed.
    #[error(transparent)]
    Training(#[from] tributary_training::TrainingError),
    /// The engine failed.
    #[error(transparent)]
    Engine(#[from] tributary_inference::EngineError),
    /// Something of ours broke.
    #[error("{0}")]
    Internal(String),
}

impl ProviderError {
    /// The HTTP status and the stable word of this failure.
    pub fn kind(&self) -> (u16, &'static str) {
        match self {
            Self::Refused { code, .. } => (400, code),
            Self::UnknownModel(_) => (404, "model_not_found"),
            Self::UnknownReceipt(_) => (404, "receipt_not_found"),
            Self::Artifact(ArtifactError::Absent(_)) => (404, "blob_not_found"),
            Self::OverLimit { .. } => (402, "insufficient_quota"),
            Self::Busy { .. } => (503, "busy"),
            Self::MissingBlob(_) | Self::Chain(_) => (503, "dependency_unavailable"),
            Self::WrongSnapshot { .. } => (422, "wrong_snapshot"),
            Self::Cancelled => (409, "cancelled"),
            _ => (500, "internal_error"),
        }
    }

    /// A refusal with a stable word and a reason that says what to do.
    pub(crate) fn refused(code: &'static str, reason: impl Into<String>) -> Self {
        Self::Refused { code, reason: reason.into() }
    }
}
