//! What can go wrong between a proposal and a final block.

use alloy_primitives::B256;
use tributary_execution::ExecutionError;
use tributary_storage::StorageError;
use tributary_txpool::PoolError;

/// A failure of consensus.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConsensusError {
    /// The parent of a proposal is neither final nor verified.
    #[error("parent block {0} is unknown")]
    UnknownParent(B256),
    /// Only a block that was proposed or verified here can be final.
    #[error("block {0} was neither proposed nor verified here")]
    NotVerified(B256),
    /// A final block must extend the head.
    #[error("block {hash} does not extend the final block {head}")]
    OutOfOrder {
        /// The refused block.
        hash: B256,
        /// The head.
        head: B256,
    },
    /// Time must not run backwards.
    #[error("timestamp {asked} is lower than the previous block's timestamp {head}")]
    TimestampFalls {
        /// Asked for.
        asked: u64,
        /// The head's.
        head: u64,
    },
    /// Too many blocks at once.
    #[error("{asked} blocks at once are too many; at most {limit}")]
    TooManyBlocks {
        /// Asked for.
        asked: u64,
        /// Allowed.
        limit: u64,
    },
    /// The sequencer has stopped.
    #[error("the sequencer has stopped{}", reason.as_deref().map(|r| format!(": {r}")).unwrap_or_default())]
    Stopped {
        /// Why, when it was not asked to.
        reason: Option<String>,
    },
    /// The thread could not be started.
    #[error("cannot start the sequencer thread: {0}")]
    Thread(String),
    /// Executing a block failed.
    #[error(transparent)]
    Execution(#[from] ExecutionError),
    /// The pool failed.
    #[error(transparent)]
    Pool(#[from] PoolError),
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}
