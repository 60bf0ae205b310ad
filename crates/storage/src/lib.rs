//! The chain's memory: blocks, receipts, flat state, the Ethereum state trie and its history.
//!
//! One block is one durable redb transaction: header, body, receipts, indexes, flat state, trie
//! nodes and reverse history become visible together or not at all.
//!
//! **Invariant:** what `commit` acknowledged survives a crash; what it did not acknowledge is
//! either wholly there or wholly absent.
//! **Invariant:** no clock, no randomness, no hash-map order; `storage` knows nothing of the EVM.

mod block;
mod codec;
mod error;
mod faults;
mod history;
mod logs;
mod snapshot;
mod state;
mod store;
mod tables;
mod trie;
mod view;
mod write;

pub use block::{
    GenesisBlock, Head, SealedBlock, SealedHeader, Transaction, TxLocation, TxReceipt,
};
pub use error::StorageError;
pub use faults::{FaultPlan, FaultyBackend};
pub use logs::{LogEntry, LogFilter};
pub use state::{Account, AccountChange, SealedState, StateDiff, StateEdit};
pub use store::{DATABASE_FILE, SCHEMA_VERSION, Store};
pub use trie::{AccountProof, SlotProof};
pub use view::StateView;

/// Result of every storage operation.
pub type Result<T, E = StorageError> = core::result::Result<T, E>;

#[cfg(test)]
mod tests;
