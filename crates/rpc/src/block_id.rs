//! Which block a caller means.

use crate::RpcError;
use crate::params::Answer;
use crate::state::Node;
use alloy_eips::{BlockId, BlockNumberOrTag};
use tributary_execution::BlockContext;
use tributary_storage::{SealedHeader, StateView};

/// A block on the chain, or the one that comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    /// By number.
    Number(u64),
    /// The next one.
    Pending,
}

impl Node {
    /// Finds the block; `None` when there is none.
    pub(crate) fn target(&self, id: BlockId) -> Answer<Option<Target>> {
        match id {
            BlockId::Number(tag) => {
                let number = match tag {
                    BlockNumberOrTag::Pending => return Ok(Some(Target::Pending)),
                    tag => self.tag_number(tag),
                };
                Ok((number <= self.chain.head().number).then_some(Target::Number(number)))
            }
            BlockId::Hash(hash) => Ok(self.store().number_of(hash.block_hash)?.map(Target::Number)),
        }
    }

    /// The number that a tag stands for; pending is the one after the head.
    pub(crate) fn tag_number(&self, tag: BlockNumberOrTag) -> u64 {
        match tag {
            BlockNumberOrTag::Latest => self.chain.head().number,
            BlockNumberOrTag::Finalized | BlockNumberOrTag::Safe => self.chain.finalized(),
            BlockNumberOrTag::Earliest => 0,
            BlockNumberOrTag::Pending => self.chain.head().number.saturating_add(1),
            BlockNumberOrTag::Number(number) => number,
        }
    }

    /// Finds the block, or says so as geth does.
    pub(crate) fn target_or_error(&self, id: BlockId) -> Answer<Target> {
        self.target(id)?.ok_or_else(|| match id {
            BlockId::Hash(_) => RpcError::Refused("header for hash not found".into()),
            BlockId::Number(_) => RpcError::Refused("header not found".into()),
        })
    }

    /// The state after a block. Pending transactions are not applied: the sequencer takes them at
    /// once, so the latest state is what the next block starts from.
    pub(crate) fn state_at(&self, id: BlockId) -> Answer<StateView> {
        match self.target_or_error(id)? {
            Target::Pending => Ok(self.store().latest_state()),
            Target::Number(number) => self.state_of(number),
        }
    }

    /// The state after a block by number.
    pub(crate) fn state_of(&self, number: u64) -> Answer<StateView> {
        let latest = self.store().latest_state();
        if latest.number() == number {
            return Ok(latest);
        }
        Ok(self.store().state_at(number)?)
    }

    /// State and block values that a simulation runs with.
    pub(crate) fn simulation_at(&self, id: BlockId) -> Answer<(StateView, BlockContext)> {
        match self.target_or_error(id)? {
            Target::Pending => {
                let head = self.chain.head();
                let now = self.chain.next_timestamp_ms() / 1_000;
                let context = BlockContext::pending(self.chain.spec(), &head.header, now);
                Ok((self.state_of(head.number)?, context))
            }
            Target::Number(number) => {
                let header = self.header(number)?;
                Ok((self.state_of(number)?, BlockContext::of(&header.header)))
            }
        }
    }

    /// A header that must exist.
    pub(crate) fn header(&self, number: u64) -> Answer<SealedHeader> {
        self.store().header(number)?.ok_or_else(|| RpcError::Refused("header not found".into()))
    }
}
