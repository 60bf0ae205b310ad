//! Every tree a contract checks: keccak256, binary, with leaves and nodes in separate domains.
//!
//! - [`items`]: the records of one contribution;
//! - [`contributions`]: the append-only tree of a datanet's accepted contributions;
//! - [`sums`]: a gateway's Merkle-sum tree of what it owes to whom.
//!
//! **Invariants:** a proof fixes index, count and leaf; no leaf hashes like a node, no tree like
//! another; sums are checked at every level and never wrap.

pub mod contributions;
mod hash;
pub mod items;
pub mod sums;

pub use contributions::{ContributionLeaf, Frontier};
pub use sums::{SumLeaf, SumNode, SumTree};

/// Why a tree cannot be built or a proof not made.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProofError {
    /// There is no leaf at this index.
    #[error("leaf {index} of a tree of {count}")]
    NoSuchLeaf {
        /// The index asked for.
        index: u64,
        /// Leaves there are.
        count: u64,
    },
    /// The sums do not fit into a `u128`.
    #[error("the sum of the leaves does not fit")]
    Overflow,
    /// The tree holds all the leaves it can.
    #[error("the tree is full")]
    Full,
}
