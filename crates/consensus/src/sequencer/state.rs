//! What the sequencer knows, and when it makes a block.

use super::{Mining, SequencerConfig};
use crate::boundary::{Application, ProposeRequest, Round};
use crate::chain::Chain;
use crate::{ConsensusError, Result};
use alloy_primitives::B256;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tributary_execution::{BuiltBlock, HeaderContext, SkippedTx};
use tributary_storage::StateEdit;

/// Snapshots that are kept; the oldest goes first.
const MAX_SNAPSHOTS: usize = 1_000;

/// A place to return to.
#[derive(Debug, Clone, Copy)]
struct Snapshot {
    number: u64,
    hash: B256,
    time_offset_ms: i64,
}

/// State of the sequencer's thread.
pub(crate) struct State {
    application: Arc<dyn Application>,
    pub(crate) chain: Chain,
    pub(crate) mining: Mining,
    timer_poll: Duration,
    next_interval: Instant,
    /// Milliseconds that the next block must carry.
    next_timestamp_ms: Option<u64>,
    /// The pool's transactions do not fit the next block; wait until something changes.
    stalled: bool,
    /// The last block left transactions that can run: look again at once.
    eager: bool,
    /// When a block lowers the base fee for transactions that wait for it.
    next_cooling: Option<Instant>,
    /// The next module timer, as of a head.
    timer: Option<(B256, Option<u64>)>,
    snapshots: BTreeMap<u64, Snapshot>,
    last_snapshot: u64,
}

impl State {
    pub(crate) fn new(
        application: Arc<dyn Application>,
        chain: Chain,
        config: SequencerConfig,
    ) -> Self {
        let mut state = Self {
            application,
            chain,
            mining: Mining::Manual,
            timer_poll: config.timer_poll,
            next_interval: Instant::now(),
            next_timestamp_ms: None,
            stalled: false,
            eager: false,
            next_cooling: None,
            timer: None,
            snapshots: BTreeMap::new(),
            last_snapshot: 0,
        };
        state.set_mining(config.mining);
        state
    }

    /// How long it may sleep.
    pub(crate) fn patience(&self) -> Duration {
        if self.eager {
            return Duration::ZERO;
        }
        match self.mining {
            Mining::Interval(_) => {
                self.next_interval.saturating_duration_since(Instant::now()).min(self.timer_poll)
            }
            Mining::Auto | Mining::Manual => self.timer_poll,
        }
    }

    pub(crate) fn note_work(&mut self) {
        self.stalled = false;
    }

    pub(crate) fn set_mining(&mut self, mining: Mining) {
        self.mining = mining;
        self.stalled = false;
        if let Mining::Interval(pace) = mining {
            self.next_interval = Instant::now().checked_add(pace).unwrap_or_else(Instant::now);
        }
    }

    /// Makes the blocks that are due.
    pub(crate) fn act(&mut self) -> Result<()> {
        self.eager = false;
        match self.mining {
            Mining::Manual => return Ok(()),
            Mining::Interval(pace) => {
                if Instant::now() >= self.next_interval {
                    self.next_interval =
                        Instant::now().checked_add(pace).unwrap_or_else(Instant::now);
                    self.make_block(Vec::new())?;
                }
                return Ok(());
            }
            Mining::Auto => {}
        }
        if !self.stalled && self.chain.pool().has_ready(self.chain.next_base_fee()) {
            let made = self.make_block_with_work()?;
            self.stalled = !made;
            self.eager = made;
        } else if self.timer_is_due()? || self.cooling_is_due() {
            self.make_block(Vec::new())?;
        }
        Ok(())
    }

    /// Is a timer between the head's time and now? Its block moves the head past it, so one due
    /// timer makes one block.
    fn timer_is_due(&mut self) -> Result<bool> {
        let head = self.chain.head();
        let due = match self.timer {
            Some((hash, due)) if hash == head.hash => due,
            _ => {
                let due = self.chain.next_timer()?;
                self.timer = Some((head.hash, due));
                due
            }
        };
        let now = self.chain.now_ms() / 1_000;
        Ok(due.is_some_and(|due| head.timestamp < due && due <= now))
    }

    /// A transaction may offer less than the base fee, which falls only from block to block. An
    /// idle chain makes blocks for it at the timer's pace, so it never waits for other people's
    /// transactions; what is under the least base fee was refused at the door.
    fn cooling_is_due(&mut self) -> bool {
        let (base_fee, least) = (self.chain.next_base_fee(), self.chain.least_base_fee());
        if !self.chain.pool().waits_for_base_fee(base_fee, least) {
            self.next_cooling = None;
            return false;
        }
        let now = Instant::now();
        let due = self.next_cooling.is_some_and(|next| next <= now);
        if due || self.next_cooling.is_none() {
            self.next_cooling = now.checked_add(self.timer_poll);
        }
        due
    }

    /// Makes a block, also an empty one.
    pub(crate) fn make_block(&mut self, edits: Vec<StateEdit>) -> Result<Arc<BuiltBlock>> {
        let now_ms = self.next_timestamp_ms.unwrap_or_else(|| self.chain.now_ms());
        self.make_block_at(now_ms, edits)
    }

    /// Makes a block at a time, also an empty one.
    pub(crate) fn make_block_at(
        &mut self,
        now_ms: u64,
        edits: Vec<StateEdit>,
    ) -> Result<Arc<BuiltBlock>> {
        let built = self.propose(now_ms, edits)?;
        self.finalize(&built)?;
        Ok(built)
    }

    /// Makes a block if some transaction fits it.
    fn make_block_with_work(&mut self) -> Result<bool> {
        let now_ms = self.next_timestamp_ms.unwrap_or_else(|| self.chain.now_ms());
        let built = self.propose(now_ms, Vec::new())?;
        if built.block.transactions.is_empty() {
            return Ok(self.forget_invalid(&built.skipped) > 0);
        }
        self.finalize(&built)?;
        Ok(true)
    }

    fn propose(&self, now_ms: u64, edits: Vec<StateEdit>) -> Result<Arc<BuiltBlock>> {
        let parent = self.application.head();
        let parent_view = HeaderContext::decode(&parent.header).map_or(0, |context| context.view);
        let round = Round { epoch: 0, view: parent_view.saturating_add(1), parent_view, leader: 0 };
        self.application.propose(ProposeRequest { parent: parent.hash, round, now_ms, edits })
    }

    fn finalize(&mut self, built: &BuiltBlock) -> Result<()> {
        self.application.finalize(built.block.hash)?;
        self.forget_invalid(&built.skipped);
        if self.next_timestamp_ms.take().is_some() {
            // Time goes on from the timestamp that was asked for.
            self.chain.set_now_ms(self.chain.head_ms());
        }
        Ok(())
    }

    /// Drops what no later block can take; how many.
    fn forget_invalid(&self, skipped: &[SkippedTx]) -> usize {
        let invalid = skipped.iter().filter(|tx| !tx.reason.is_transient());
        invalid
            .filter(|tx| {
                tracing::debug!(hash = %tx.hash, reason = %tx.reason, "dropped from the pool");
                self.chain.pool().drop_transaction(&tx.hash)
            })
            .count()
    }

    pub(crate) fn set_next_timestamp(&mut self, seconds: u64) -> Result<()> {
        let head = self.chain.head().timestamp;
        if seconds < head {
            return Err(ConsensusError::TimestampFalls { asked: seconds, head });
        }
        self.next_timestamp_ms = Some(seconds.saturating_mul(1_000));
        Ok(())
    }

    pub(crate) fn snapshot(&mut self) -> u64 {
        let head = self.chain.head();
        self.last_snapshot = self.last_snapshot.saturating_add(1);
        let time_offset_ms = self.chain.time_offset_ms();
        let snapshot = Snapshot { number: head.number, hash: head.hash, time_offset_ms };
        self.snapshots.insert(self.last_snapshot, snapshot);
        if self.snapshots.len() > MAX_SNAPSHOTS {
            self.snapshots.pop_first();
        }
        self.last_snapshot
    }

    /// Goes back to a snapshot; false when it is unknown or no longer lies on the chain.
    pub(crate) fn revert(&mut self, id: u64) -> Result<bool> {
        let Some(snapshot) = self.snapshots.get(&id).copied() else { return Ok(false) };
        // Later snapshots lie on blocks that go.
        self.snapshots.split_off(&id);
        if self.chain.store().number_of(snapshot.hash)? != Some(snapshot.number) {
            return Ok(false);
        }
        if self.chain.head().number > snapshot.number {
            self.chain.rewind(snapshot.number)?;
        }
        self.chain.set_time_offset_ms(snapshot.time_offset_ms);
        self.next_timestamp_ms = None;
        self.stalled = false;
        Ok(true)
    }

    /// Back to genesis, with an empty pool and real time.
    pub(crate) fn reset(&mut self) -> Result<()> {
        self.chain.pool().clear();
        self.snapshots.clear();
        if self.chain.head().number > 0 {
            self.chain.rewind(0)?;
        }
        self.chain.set_time_offset_ms(0);
        self.next_timestamp_ms = None;
        self.stalled = false;
        Ok(())
    }
}
