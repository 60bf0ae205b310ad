//! What can go wrong in the store, each with what to do next.

use alloy_primitives::B256;

/// A failure of the store.
///
/// *Invalid* variants (`NotNextBlock`, `RootMismatch`, ...) leave the store as it was. A write that
/// fails poisons the handle: stop, repair the cause, open again.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {
    /// There is no chain in the directory.
    #[error("no chain database at {path}; start with a new data directory or check --datadir")]
    NotFound {
        /// The file that was looked for.
        path: String,
    },
    /// `create` found a chain already.
    #[error("a chain database already stands at {path}; open it, or choose another --datadir")]
    AlreadyExists {
        /// The file that was found.
        path: String,
    },
    /// The directory belongs to another network.
    #[error(
        "data directory of another network: it holds chain {found_chain_id} with genesis \
         {found_genesis}, this node runs chain {chain_id} with genesis {genesis}; choose another \
         --datadir, or give this one the genesis that it was made with"
    )]
    WrongNetwork {
        /// Chain id of this node.
        chain_id: u64,
        /// Genesis hash of this node.
        genesis: B256,
        /// Chain id in the directory.
        found_chain_id: u64,
        /// Genesis hash in the directory.
        found_genesis: B256,
    },
    /// The directory was written by another version of the layout.
    #[error(
        "data directory has layout version {found}, this program reads version {expected}; run \
         the program version that wrote it, or choose another --datadir"
    )]
    WrongSchema {
        /// Version of this program.
        expected: u64,
        /// Version in the directory.
        found: u64,
    },
    /// Another process holds the database.
    #[error(
        "the chain database is in use by another process; stop it, or choose another --datadir"
    )]
    Locked,
    /// An earlier write failed, so nothing more is written through this handle.
    #[error(
        "the chain database refused an earlier write ({cause}); free space or repair the disk, \
         then restart"
    )]
    Poisoned {
        /// The first failure.
        cause: String,
    },
    /// A write failed. The handle is poisoned from here on.
    #[error(
        "writing the chain database failed: {cause}; free space or repair the disk, then restart"
    )]
    Write {
        /// What redb or the disk said.
        cause: String,
    },
    /// A read failed.
    #[error("reading the chain database failed: {cause}")]
    Read {
        /// What redb or the disk said.
        cause: String,
    },
    /// Bytes in the database do not decode or do not hash to what they should.
    #[error("the chain database is damaged ({what}); restore a backup or synchronise afresh")]
    Corrupt {
        /// What was found where.
        what: String,
    },
    /// The block does not extend the head.
    #[error("block {number} with parent {parent} does not extend head {head_number} {head_hash}")]
    NotNextBlock {
        /// Number of the refused block.
        number: u64,
        /// Its parent hash.
        parent: B256,
        /// Number of the head.
        head_number: u64,
        /// Hash of the head.
        head_hash: B256,
    },
    /// The header's state root is not the root of the sealed state.
    #[error("block {number} claims state root {claimed}, its state has {computed}")]
    RootMismatch {
        /// Number of the refused block.
        number: u64,
        /// In the header.
        claimed: B256,
        /// Of the sealed state.
        computed: B256,
    },
    /// The sealed state was made on another parent.
    #[error("state was sealed on root {sealed_on}, the head has {head_root}")]
    WrongParentState {
        /// Root the diff was applied to.
        sealed_on: B256,
        /// Root of the head.
        head_root: B256,
    },
    /// Number of receipts and transactions differ.
    #[error("block has {transactions} transactions but {receipts} receipts")]
    ReceiptCount {
        /// In the body.
        transactions: usize,
        /// Given.
        receipts: usize,
    },
    /// No canonical block has this number.
    #[error("block {number} is unknown; the head is {head}")]
    UnknownBlock {
        /// Asked for.
        number: u64,
        /// The head's number.
        head: u64,
    },
    /// The state of this block is no longer kept.
    #[error("state of block {number} is no longer kept; the oldest is {oldest}")]
    HistoryPruned {
        /// Asked for.
        number: u64,
        /// Oldest block whose state can be read.
        oldest: u64,
    },
    /// A proof that far back would need too much work.
    #[error("proofs reach {limit} blocks back, block {number} is further; ask for a newer block")]
    ProofTooOld {
        /// Asked for.
        number: u64,
        /// How far back proofs reach.
        limit: u64,
    },
    /// Rewinding under the finalized block is refused.
    #[error("block {number} is below the finalized block {finalized}; finalized blocks stay")]
    Finalized {
        /// Asked for.
        number: u64,
        /// Finalized height.
        finalized: u64,
    },
    /// A log query matches more than its limit.
    #[error("more than {limit} logs match; ask for fewer blocks or a narrower filter")]
    TooManyLogs {
        /// The limit.
        limit: usize,
    },
}

impl StorageError {
    /// A damaged database.
    pub(crate) fn corrupt(what: impl Into<String>) -> Self {
        Self::Corrupt { what: what.into() }
    }

    /// A failed read.
    pub(crate) fn read(cause: impl core::fmt::Display) -> Self {
        Self::Read { cause: cause.to_string() }
    }

    /// A failed write.
    pub(crate) fn write(cause: impl core::fmt::Display) -> Self {
        Self::Write { cause: cause.to_string() }
    }
}
