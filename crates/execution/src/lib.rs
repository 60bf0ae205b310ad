//! The state transition: genesis, building and verifying blocks, simulation and tracing.
//!
//! The only crate, with `precompiles`, that names revm; nothing of revm shows in its interface.
//!
//! **Invariant:** the same parent and block give the same bytes on every machine: no clock, no
//! float, no randomness, no hash-map order.
//! **Invariant:** in every block the sum of balance changes and the rise of `burned` is zero, and
//! the books of every native module add up.

mod block_state;
mod books;
mod build;
mod conservation;
mod context;
mod edits;
mod env;
mod error;
mod executor;
mod genesis;
mod header;
mod native;
mod pool;
mod sender;
mod simulation;
mod spec;

pub use build::{BlockAttributes, BlockLimits, BuiltBlock, Parent, SkippedTx};
pub use context::BlockContext;
pub use error::{ExecutionError, GenesisError, PlanError, SimulationError, TxError};
pub use executor::{BlockExecutor, SequentialExecutor};
pub use genesis::{
    Allocation, Bucket, ContractAlloc, DEV_MNEMONIC, DevAccount, Genesis, dev_accounts,
    dev_signer_key, launch_account,
};
pub use header::HeaderContext;
pub use native::{burned, check_books, next_poke, next_timer};
pub use pool::{PoolVerdict, validate_for_pool};
pub use sender::{RecoveredTx, impersonated};
pub use simulation::{
    CallOutcome, CallStatus, SimulatedBlock, SimulatedCall, SimulationOverrides, Simulator,
};
pub use spec::{BurnRecord, ChainSpec, EvmVersion, ForkRules};

/// The store's vocabulary that appears in this crate's interface.
pub use tributary_storage::{
    Account, GenesisBlock, SealedBlock, SealedHeader, SealedState, StateEdit, StateView, TxReceipt,
};

#[cfg(test)]
mod tests;
