//! The boundary between a consensus engine and the chain.

use crate::Result;
use alloy_primitives::B256;
use std::sync::Arc;
use tributary_execution::BuiltBlock;
use tributary_storage::{SealedBlock, SealedHeader, StateEdit};

/// Where in the engine's order a proposal stands; committed to by the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Round {
    /// Committee.
    pub epoch: u32,
    /// View within the epoch.
    pub view: u64,
    /// View of the parent.
    pub parent_view: u64,
    /// Index of the leader in the committee.
    pub leader: u32,
}

/// What an engine asks of a leader.
#[derive(Debug, Clone, Default)]
pub struct ProposeRequest {
    /// Build on this block: final, proposed or verified here.
    pub parent: B256,
    /// The round that the proposal is for.
    pub round: Round,
    /// The leader's time in milliseconds; the block takes the parent's when that is later.
    pub now_ms: u64,
    /// Dev cheat codes; refused by chains without them.
    pub edits: Vec<StateEdit>,
}

/// What a validator thinks of a proposal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Vote for it.
    Valid,
    /// It cannot be judged yet (parent missing, time ahead of ours): ask again, do not refuse.
    NotYet(String),
    /// It is wrong and stays wrong.
    Invalid(String),
}

/// The chain, as a consensus engine sees it.
///
/// Contract, held by the boundary tests for every implementation and every engine:
/// - `head` is the last final block and survives a restart.
/// - What `propose` returns, `verify` of any other node with the same parent calls `Valid`.
/// - `verify` has no effect on the head, and never says `Invalid` where a later call may say
///   `Valid`.
/// - `finalize` takes blocks that were proposed or verified, in order; when it returns, the block
///   is durable, and only then listeners hear of it. Finalizing a final block again is fine.
/// - Several blocks of one height may be proposed or verified; the final one drops the rest.
pub trait Application: Send + Sync + 'static {
    /// The last final block.
    fn head(&self) -> SealedHeader;

    /// Builds a block. An error is the engine's fault (unknown parent) or fatal.
    fn propose(&self, request: ProposeRequest) -> Result<Arc<BuiltBlock>>;

    /// Judges a block of another leader. An error is fatal.
    fn verify(&self, block: &SealedBlock) -> Result<Verdict>;

    /// Makes a block final and durable.
    fn finalize(&self, hash: B256) -> Result<()>;
}
