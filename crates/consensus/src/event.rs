//! What the chain tells its listeners.

use std::sync::Arc;
use tributary_storage::{SealedBlock, SealedHeader, TxReceipt};

/// A block that is durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommittedBlock {
    /// The block.
    pub block: SealedBlock,
    /// Its receipts in order.
    pub receipts: Vec<TxReceipt>,
}

/// A change of the chain's head, sent after it is durable.
#[derive(Debug, Clone)]
pub enum ChainEvent {
    /// A block was added.
    Committed(Arc<CommittedBlock>),
    /// Blocks were taken back by a dev cheat code.
    Rewound {
        /// The head now.
        head: SealedHeader,
        /// What was taken back, newest first; only the newest 1,024 of a longer rewind.
        removed: Vec<Arc<CommittedBlock>>,
    },
}
