//! The transaction pool: what was sent and is not in a block yet.
//!
//! Admission checks what a block would check, one nonce queue per sender, replacement by fee,
//! bounded in count and bytes, ordered by effective tip. A journal on disk keeps every
//! acknowledged transaction across a crash.
//!
//! **Invariant:** a transaction whose [`Durable`] resolved is, after any crash, in the pool again
//! or in a committed block, unless a better-paying one displaced it.
//! **Invariant:** count and bytes never exceed [`PoolConfig`].

mod best;
mod config;
mod error;
mod journal;
mod pool;
mod pooled;
mod queue;
mod recent;

pub use best::BestTransactions;
pub use config::PoolConfig;
pub use error::PoolError;
pub use journal::Durable;
pub use pool::{BySender, Pool, PoolContent, PoolStatus, Submitted};
pub use pooled::PooledTx;

/// Result of every pool operation.
pub type Result<T, E = PoolError> = core::result::Result<T, E>;

#[cfg(test)]
mod tests;
