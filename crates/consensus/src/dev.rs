//! Cheat codes of the dev role, as anvil and hardhat have them.

use crate::chain::Chain;
use crate::sequencer::{Mailbox, Mining};
use crate::{ConsensusError, Result};
use alloy_primitives::Address;
use parking_lot::RwLock;
use std::collections::BTreeSet;
use std::sync::Arc;
use tributary_storage::StateEdit;

/// Blocks that one call may make.
const MAX_BLOCKS: u64 = 10_000;

/// Cheat codes. Exists only where the chain's rules allow them. Calls block until the sequencer
/// has done them, so keep them off an async reactor.
#[derive(Debug, Clone)]
pub struct DevHandle {
    mailbox: Mailbox,
    chain: Chain,
    impersonation: Arc<RwLock<Impersonation>>,
}

#[derive(Debug, Default)]
struct Impersonation {
    all: bool,
    accounts: BTreeSet<Address>,
}

impl DevHandle {
    pub(crate) fn new(mailbox: Mailbox, chain: Chain) -> Self {
        Self { mailbox, chain, impersonation: Arc::default() }
    }

    /// Makes blocks, `interval_s` seconds apart.
    pub fn mine(&self, blocks: u64, interval_s: u64) -> Result<()> {
        if blocks > MAX_BLOCKS {
            return Err(ConsensusError::TooManyBlocks { asked: blocks, limit: MAX_BLOCKS });
        }
        self.mailbox.run(move |state| {
            for nth in 0..blocks {
                if nth == 0 || interval_s == 0 {
                    state.make_block(Vec::new())?;
                } else {
                    let next = state.chain.head().timestamp.saturating_add(interval_s);
                    state.set_next_timestamp(next)?;
                    state.make_block(Vec::new())?;
                }
            }
            Ok(())
        })
    }

    /// Changes the state by a block of its own.
    pub fn edit(&self, edits: Vec<StateEdit>) -> Result<()> {
        self.mailbox.run(move |state| state.make_block(edits).map(drop))
    }

    /// The next block carries this timestamp, and time goes on from there.
    pub fn set_next_timestamp(&self, seconds: u64) -> Result<()> {
        self.mailbox.run(move |state| state.set_next_timestamp(seconds))
    }

    /// Moves time ahead; returns by how many seconds it is ahead in all.
    pub fn increase_time(&self, seconds: u64) -> Result<i64> {
        let chain = self.chain.clone();
        self.mailbox.run(move |_| {
            let by_ms = i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1_000);
            let offset = chain.time_offset_ms().saturating_add(by_ms);
            chain.set_time_offset_ms(offset);
            Ok(offset / 1_000)
        })
    }

    /// It is this time now; returns by how many seconds time is ahead.
    pub fn set_time(&self, seconds: u64) -> Result<i64> {
        let chain = self.chain.clone();
        self.mailbox.run(move |_| {
            let head = chain.head().timestamp;
            if seconds < head {
                return Err(ConsensusError::TimestampFalls { asked: seconds, head });
            }
            chain.set_now_ms(seconds.saturating_mul(1_000));
            Ok(chain.time_offset_ms() / 1_000)
        })
    }

    /// Remembers this point of the chain.
    pub fn snapshot(&self) -> Result<u64> {
        self.mailbox.run(|state| Ok(state.snapshot()))
    }

    /// Takes the chain back to a snapshot; false when there is none of that id.
    pub fn revert(&self, id: u64) -> Result<bool> {
        self.mailbox.run(move |state| state.revert(id))
    }

    /// Takes the chain back to genesis.
    pub fn reset(&self) -> Result<()> {
        *self.impersonation.write() = Impersonation::default();
        self.mailbox.run(|state| state.reset())
    }

    /// When blocks are made.
    pub fn mining(&self) -> Result<Mining> {
        self.mailbox.run(|state| Ok(state.mining))
    }

    /// Sets when blocks are made.
    pub fn set_mining(&self, mining: Mining) -> Result<()> {
        self.mailbox.run(move |state| {
            state.set_mining(mining);
            Ok(())
        })
    }

    /// Accepts unsigned transactions of this account.
    pub fn impersonate(&self, account: Address) {
        self.impersonation.write().accounts.insert(account);
    }

    /// Stops that.
    pub fn stop_impersonating(&self, account: Address) {
        self.impersonation.write().accounts.remove(&account);
    }

    /// Accepts unsigned transactions of every account, or not.
    pub fn impersonate_all(&self, on: bool) {
        self.impersonation.write().all = on;
    }

    /// Are unsigned transactions of this account accepted?
    pub fn is_impersonated(&self, account: Address) -> bool {
        let impersonation = self.impersonation.read();
        impersonation.all || impersonation.accounts.contains(&account)
    }
}
