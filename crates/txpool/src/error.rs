//! Why a transaction is not admitted.

use alloy_primitives::U256;
use tributary_execution::TxError;
use tributary_storage::StorageError;

/// A refusal or a failure of the pool. Texts follow what Ethereum clients say, because wallets
/// match on them.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PoolError {
    /// The same transaction is in the pool.
    #[error("already known")]
    AlreadyKnown,
    /// The nonce is taken and the new fee caps are not high enough.
    #[error(
        "replacement transaction underpriced: both fee caps must rise by {percent}% (at least \
         {needed_fee} wei per gas with a tip of {needed_tip})"
    )]
    Underpriced {
        /// Required rise.
        percent: u32,
        /// Least accepted fee cap.
        needed_fee: u128,
        /// Least accepted tip cap.
        needed_tip: u128,
    },
    /// Blob transactions are refused by this chain.
    #[error("transaction type 3 (blobs) is not supported by this chain; send data as calldata")]
    BlobsUnsupported,
    /// The encoded transaction is too large.
    #[error("oversized data: transaction size {size}, limit {limit}")]
    Oversized {
        /// Encoded bytes.
        size: usize,
        /// Allowed bytes.
        limit: usize,
    },
    /// All transactions of the sender together cost more than the balance.
    #[error(
        "insufficient funds for gas * price + value: overshot {overshot} wei, with the sender's \
         other pending transactions"
    )]
    Overdraft {
        /// What is missing.
        overshot: U256,
    },
    /// The sender holds its share of the pool.
    #[error("txpool is full for this sender: {limit} transactions; wait for some to be included")]
    SenderFull {
        /// Allowed transactions.
        limit: usize,
    },
    /// The pool is full and the transaction pays no more than those in it.
    #[error("txpool is full; raise the priority fee or try again later")]
    Full,
    /// A block would refuse it.
    #[error(transparent)]
    Invalid(#[from] TxError),
    /// The journal belongs to another network.
    #[error(
        "{path} belongs to another network; choose another --datadir, or remove the file to \
         forget its transactions"
    )]
    WrongNetwork {
        /// The journal file.
        path: String,
    },
    /// The journal cannot be read or written. After a failed write no transaction is acknowledged
    /// until the node restarts.
    #[error("the transaction journal failed: {cause}; free space or repair the disk, then restart")]
    Journal {
        /// What the disk said.
        cause: String,
    },
    /// The state cannot be read.
    #[error(transparent)]
    Storage(#[from] StorageError),
}
