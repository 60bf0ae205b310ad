//! Errors with the codes that Ethereum clients expect.

use alloy_primitives::{Bytes, hex};
use alloy_sol_types::decode_revert_reason;
use jsonrpsee::types::ErrorObjectOwned;
use tributary_consensus::ConsensusError;
use tributary_execution::{ExecutionError, SimulationError, TxError};
use tributary_storage::StorageError;
use tributary_txpool::PoolError;

/// Why a call has no result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RpcError {
    /// The parameters do not parse or do not go together.
    #[error("{0}")]
    InvalidParams(String),
    /// The call reverts.
    #[error("execution reverted{}", reason(.0))]
    Reverted(Bytes),
    /// What was asked for is refused or impossible.
    #[error("{0}")]
    Refused(String),
    /// What was asked for is not there.
    #[error("{0}")]
    NotFound(String),
    /// More than this interface gives.
    #[error("{0}")]
    LimitExceeded(String),
    /// A refusal whose code the method's specification sets.
    #[error("{message}")]
    Coded {
        /// JSON-RPC error code.
        code: i32,
        /// What is wrong.
        message: String,
    },
    /// The account is not one that this node signs for.
    #[error("unknown account")]
    UnknownAccount,
    /// Ours.
    #[error("internal error: {0}")]
    Internal(String),
    /// A method was registered twice.
    #[error("method registered twice: {0}")]
    Register(#[from] jsonrpsee::core::RegisterMethodError),
}

/// The reason in revert data, as geth appends it.
fn reason(data: &Bytes) -> String {
    let reason = decode_revert_reason(data).unwrap_or_default();
    let reason = reason.strip_prefix("revert: ").unwrap_or(&reason);
    if reason.is_empty() { String::new() } else { format!(": {reason}") }
}

impl RpcError {
    fn code(&self) -> i32 {
        match self {
            Self::InvalidParams(_) => -32602,
            Self::Reverted(_) => 3,
            Self::Refused(_) | Self::UnknownAccount => -32000,
            Self::NotFound(_) => -32001,
            Self::LimitExceeded(_) => -32005,
            Self::Coded { code, .. } => *code,
            Self::Internal(_) | Self::Register(_) => -32603,
        }
    }
}

impl From<RpcError> for ErrorObjectOwned {
    fn from(error: RpcError) -> Self {
        match &error {
            RpcError::Reverted(data) => {
                Self::owned(error.code(), error.to_string(), Some(hex::encode_prefixed(data)))
            }
            _ => Self::owned(error.code(), error.to_string(), None::<()>),
        }
    }
}

/// What the parser says of a parameter; the message carries it all, as clients show that alone.
impl From<ErrorObjectOwned> for RpcError {
    fn from(object: ErrorObjectOwned) -> Self {
        let detail = object.data().and_then(|data| serde_json::from_str::<String>(data.get()).ok());
        Self::InvalidParams(match detail {
            Some(detail) => format!("invalid params: {detail}"),
            None => object.message().to_owned(),
        })
    }
}

impl From<StorageError> for RpcError {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::TooManyLogs { .. } | StorageError::ProofTooOld { .. } => {
                Self::LimitExceeded(error.to_string())
            }
            StorageError::UnknownBlock { .. } => Self::Refused("header not found".into()),
            StorageError::HistoryPruned { .. } => Self::Refused(error.to_string()),
            other => {
                tracing::error!(error = %other, "the store failed under a call");
                Self::Internal(other.to_string())
            }
        }
    }
}

impl From<TxError> for RpcError {
    fn from(error: TxError) -> Self {
        Self::Refused(error.to_string())
    }
}

impl From<PoolError> for RpcError {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Storage(error) => error.into(),
            PoolError::Journal { .. } => Self::Internal(error.to_string()),
            other => Self::Refused(other.to_string()),
        }
    }
}

impl From<ExecutionError> for RpcError {
    fn from(error: ExecutionError) -> Self {
        match error {
            ExecutionError::Storage(error) => error.into(),
            error if error.is_fatal() => Self::Internal(error.to_string()),
            other => Self::Refused(other.to_string()),
        }
    }
}

impl From<ConsensusError> for RpcError {
    fn from(error: ConsensusError) -> Self {
        match error {
            ConsensusError::Storage(error) => error.into(),
            ConsensusError::Pool(error) => error.into(),
            ConsensusError::Execution(error) => error.into(),
            ConsensusError::TimestampFalls { .. } | ConsensusError::TooManyBlocks { .. } => {
                Self::InvalidParams(error.to_string())
            }
            other => Self::Internal(other.to_string()),
        }
    }
}

impl From<SimulationError> for RpcError {
    fn from(error: SimulationError) -> Self {
        match error {
            SimulationError::Reverted(data) => Self::Reverted(data),
            SimulationError::Halted(what) => Self::Refused(what),
            SimulationError::Invalid(what) => Self::InvalidParams(what),
            SimulationError::Tx(error) => error.into(),
            SimulationError::Plan(error) => Self::Refused(error.to_string()),
            SimulationError::Storage(error) => error.into(),
            other => Self::Internal(other.to_string()),
        }
    }
}
