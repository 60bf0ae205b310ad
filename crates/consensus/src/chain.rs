//! The application: state, pool and executor behind the boundary.

use crate::boundary::{Application, ProposeRequest, Verdict};
use crate::clock::{Clock, SystemClock};
use crate::event::{ChainEvent, CommittedBlock};
use crate::{ConsensusError, Result};
use alloy_primitives::{Address, B256, keccak256};
use parking_lot::Mutex;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use tokio::sync::broadcast;
use tributary_execution::{
    BlockAttributes, BlockExecutor, BlockLimits, BuiltBlock, ChainSpec, HeaderContext, Parent,
    next_timer,
};
use tributary_storage::{SealedBlock, SealedHeader, Store};
use tributary_txpool::Pool;

/// How far a leader's clock may be ahead of ours.
const MAX_AHEAD_MS: u64 = 2_000;
/// Blocks that are proposed or verified but not final; more are refused until some are.
const MAX_OPEN_BLOCKS: usize = 64;
/// Newest blocks that are kept decoded, for everyone who asks for receipts.
const MAX_RECENT: usize = 16;
/// Blocks that a rewind reports to its listeners.
const MAX_REMOVED: u64 = 1_024;

/// What a chain takes beside its parts.
#[derive(Clone)]
pub struct ChainConfig {
    /// Receives the tips.
    pub beneficiary: Address,
    /// Bounds of one block.
    pub limits: BlockLimits,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

impl Default for ChainConfig {
    fn default() -> Self {
        Self {
            beneficiary: Address::ZERO,
            limits: BlockLimits::default(),
            clock: Arc::new(SystemClock),
        }
    }
}

/// The chain. Cheap to clone; all clones are one chain.
#[derive(Clone)]
pub struct Chain(Arc<Shared>);

struct Shared {
    spec: Arc<ChainSpec>,
    store: Store,
    pool: Pool,
    executor: Arc<dyn BlockExecutor>,
    config: ChainConfig,
    /// Proposed or verified, not final.
    open: Mutex<BTreeMap<B256, Arc<BuiltBlock>>>,
    /// The newest final blocks.
    recent: Mutex<VecDeque<Arc<CommittedBlock>>>,
    /// Held while the head moves.
    moving: Mutex<()>,
    time_offset_ms: AtomicI64,
    events: broadcast::Sender<ChainEvent>,
}

impl core::fmt::Debug for Chain {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Chain").field("head", &self.head().number).finish_non_exhaustive()
    }
}

impl Chain {
    /// Puts the parts together.
    pub fn new(
        spec: Arc<ChainSpec>,
        store: Store,
        pool: Pool,
        executor: Arc<dyn BlockExecutor>,
        config: ChainConfig,
    ) -> Self {
        let chain = Self(Arc::new(Shared {
            spec,
            store,
            pool,
            executor,
            config,
            open: Mutex::default(),
            recent: Mutex::default(),
            moving: Mutex::default(),
            time_offset_ms: AtomicI64::new(0),
            events: broadcast::channel(1_024).0,
        }));
        if chain.spec().cheats {
            // Time that a cheat code moved ahead goes on from there after a restart.
            let (head_ms, now_ms) = (chain.head_ms(), chain.now_ms());
            if head_ms > now_ms {
                chain.set_now_ms(head_ms);
            }
        }
        chain
    }

    /// The rules.
    pub fn spec(&self) -> &Arc<ChainSpec> {
        &self.0.spec
    }

    /// The store.
    pub fn store(&self) -> &Store {
        &self.0.store
    }

    /// The pool.
    pub fn pool(&self) -> &Pool {
        &self.0.pool
    }

    /// The last final block.
    pub fn head(&self) -> SealedHeader {
        self.0.store.head()
    }

    /// The highest block that cannot be taken back. Where cheat codes exist any block can, but
    /// tools expect the tag to move, so there it is the head.
    pub fn finalized(&self) -> u64 {
        if self.0.spec.cheats { self.head().number } else { self.0.store.finalized() }
    }

    /// Receives the tips.
    pub fn beneficiary(&self) -> Address {
        self.0.config.beneficiary
    }

    /// Time in milliseconds, with what dev cheat codes added.
    pub fn now_ms(&self) -> u64 {
        self.0.config.clock.now_ms().saturating_add_signed(self.time_offset_ms())
    }

    /// The timestamp that a block made now would carry, in milliseconds.
    pub fn next_timestamp_ms(&self) -> u64 {
        self.now_ms().max(self.head_ms())
    }

    /// Every change of the head, after it is durable.
    pub fn subscribe(&self) -> broadcast::Receiver<ChainEvent> {
        self.0.events.subscribe()
    }

    /// A block with its receipts.
    pub fn committed(&self, number: u64) -> Result<Option<Arc<CommittedBlock>>> {
        let recent = self.0.recent.lock().iter().find(|b| b.block.number() == number).cloned();
        if recent.is_some() {
            return Ok(recent);
        }
        let store = &self.0.store;
        let (Some(block), Some(receipts)) = (store.block(number)?, store.receipts(number)?) else {
            return Ok(None);
        };
        Ok(Some(Arc::new(CommittedBlock { block, receipts })))
    }

    /// When the next module timer is due, in seconds.
    pub fn next_timer(&self) -> Result<Option<u64>> {
        Ok(next_timer(&self.0.store.latest_state())?)
    }

    /// The base fee of a block on the head.
    pub fn next_base_fee(&self) -> u64 {
        self.0.spec.next_base_fee(&self.head().header)
    }

    /// The base fee that blocks without work fall to.
    pub(crate) fn least_base_fee(&self) -> u64 {
        let head = self.head();
        self.0.spec.rules_at(head.number.saturating_add(1), head.timestamp).min_base_fee
    }

    pub(crate) fn time_offset_ms(&self) -> i64 {
        self.0.time_offset_ms.load(Ordering::SeqCst)
    }

    pub(crate) fn set_time_offset_ms(&self, offset_ms: i64) {
        self.0.time_offset_ms.store(offset_ms, Ordering::SeqCst);
    }

    /// Moves time so that it is `now_ms` now.
    pub(crate) fn set_now_ms(&self, now_ms: u64) {
        let real = i128::from(self.0.config.clock.now_ms());
        let offset = i128::from(now_ms).saturating_sub(real);
        self.set_time_offset_ms(i64::try_from(offset).unwrap_or(i64::MAX));
    }

    pub(crate) fn head_ms(&self) -> u64 {
        timestamp_ms(&self.head())
    }

    /// Takes blocks back. Dev only; the store refuses it below a final block elsewhere.
    pub(crate) fn rewind(&self, number: u64) -> Result<()> {
        let _moving = self.0.moving.lock();
        let head = self.head().number;
        let first = number.saturating_add(1).max(head.saturating_sub(MAX_REMOVED));
        let mut removed = Vec::new();
        for height in (first..=head).rev() {
            removed.extend(self.committed(height)?);
        }
        self.0.recent.lock().clear();
        self.0.store.rewind(number)?;
        self.0.open.lock().clear();
        self.0.pool.on_rewind()?;
        self.announce(ChainEvent::Rewound { head: self.head(), removed });
        Ok(())
    }

    fn announce(&self, event: ChainEvent) {
        // Nobody listening is fine.
        drop(self.0.events.send(event));
    }

    /// The block to build on, with its state: the head, or an open block on top of it.
    fn parent(&self, hash: B256) -> Option<Parent> {
        let head = self.0.store.head();
        let mut path = Vec::new();
        let mut at = hash;
        {
            let open = self.0.open.lock();
            while at != head.hash {
                let built = open.get(&at)?;
                path.push(Arc::clone(built));
                at = built.block.header.parent_hash;
            }
        }
        let mut parent = Parent { header: head, state: self.0.store.latest_state() };
        for built in path.into_iter().rev() {
            let header = built.block.sealed_header();
            let state = parent.state.extend(&header, Arc::clone(&built.state));
            parent = Parent { header, state };
        }
        Some(parent)
    }

    fn keep_open(&self, built: Arc<BuiltBlock>) {
        let head = self.head().number;
        let mut open = self.0.open.lock();
        open.retain(|_, other| other.block.number() > head);
        if open.len() >= MAX_OPEN_BLOCKS {
            // The highest is the furthest from being final.
            let highest = open.iter().max_by_key(|(_, b)| b.block.number()).map(|(h, _)| *h);
            open.remove(&highest.unwrap_or_default());
        }
        open.insert(built.block.hash, built);
    }

    fn check_time(&self, parent: &SealedHeader, block: &SealedBlock) -> Verdict {
        let Some(context) = HeaderContext::decode(&block.header) else {
            return Verdict::Invalid("extraData carries no consensus context".into());
        };
        if context.timestamp_ms / 1_000 != block.header.timestamp {
            return Verdict::Invalid("milliseconds in extraData and seconds differ".into());
        }
        if context.timestamp_ms < timestamp_ms(parent) {
            return Verdict::Invalid("time falls below the parent's".into());
        }
        if context.timestamp_ms > self.now_ms().saturating_add(MAX_AHEAD_MS) {
            return Verdict::NotYet("the leader's clock is ahead".into());
        }
        Verdict::Valid
    }
}

/// Milliseconds from `extraData`; genesis has none.
fn timestamp_ms(header: &SealedHeader) -> u64 {
    HeaderContext::decode(&header.header)
        .map_or_else(|| header.timestamp.saturating_mul(1_000), |context| context.timestamp_ms)
}

impl Application for Chain {
    fn head(&self) -> SealedHeader {
        self.0.store.head()
    }

    fn propose(&self, request: ProposeRequest) -> Result<Arc<BuiltBlock>> {
        let parent =
            self.parent(request.parent).ok_or(ConsensusError::UnknownParent(request.parent))?;
        let round = request.round;
        let context = HeaderContext {
            timestamp_ms: request.now_ms.max(timestamp_ms(&parent.header)),
            epoch: round.epoch,
            view: round.view,
            parent_view: round.parent_view,
            leader: round.leader,
        };
        let attributes = BlockAttributes {
            context,
            beneficiary: self.0.config.beneficiary,
            // No secret lies in it: a hash of the parent, so equal proposals are equal blocks.
            prev_randao: keccak256(parent.header.hash),
            gas_limit: None,
            edits: request.edits,
        };
        let base_fee = self.0.spec.next_base_fee(&parent.header.header);
        let mut best = self.0.pool.best(base_fee);
        let limits = &self.0.config.limits;
        let built = self.0.executor.build(&parent, &attributes, &mut best, limits)?;
        let built = Arc::new(built);
        self.keep_open(Arc::clone(&built));
        Ok(built)
    }

    fn verify(&self, block: &SealedBlock) -> Result<Verdict> {
        if self.0.open.lock().contains_key(&block.hash)
            || self.0.store.number_of(block.hash)?.is_some()
        {
            return Ok(Verdict::Valid);
        }
        if block.header.hash_slow() != block.hash {
            return Ok(Verdict::Invalid("the hash is not that of the header".into()));
        }
        if block.number() <= self.head().number {
            return Ok(Verdict::Invalid("another block of this height is final".into()));
        }
        let Some(parent) = self.parent(block.header.parent_hash) else {
            return Ok(Verdict::NotYet("the parent is unknown".into()));
        };
        let time = self.check_time(&parent.header, block);
        if time != Verdict::Valid {
            return Ok(time);
        }
        match self.0.executor.execute(&parent, block) {
            Ok(built) => {
                self.keep_open(Arc::new(built));
                Ok(Verdict::Valid)
            }
            Err(error) if error.is_fatal() => Err(error.into()),
            Err(error) => Ok(Verdict::Invalid(error.to_string())),
        }
    }

    fn finalize(&self, hash: B256) -> Result<()> {
        let _moving = self.0.moving.lock();
        let store = &self.0.store;
        if store.number_of(hash)?.is_some() {
            return Ok(());
        }
        let built = self.0.open.lock().get(&hash).cloned();
        let built = built.ok_or(ConsensusError::NotVerified(hash))?;
        let head = store.head();
        if built.block.header.parent_hash != head.hash {
            return Err(ConsensusError::OutOfOrder { hash, head: head.hash });
        }
        // Where cheat codes take blocks back, none is final for ever.
        if self.0.spec.cheats {
            store.commit(&built.block, &built.receipts, &built.state)?;
        } else {
            store.commit_final(&built.block, &built.receipts, &built.state)?;
        }
        let height = built.block.number();
        self.0.open.lock().retain(|_, other| other.block.number() > height);
        self.0.pool.on_block(built.state.diff().accounts.keys().copied())?;
        let (block, receipts) = (built.block.clone(), built.receipts.clone());
        let committed = Arc::new(CommittedBlock { block, receipts });
        {
            let mut recent = self.0.recent.lock();
            recent.truncate(MAX_RECENT.saturating_sub(1));
            recent.push_front(Arc::clone(&committed));
        }
        self.announce(ChainEvent::Committed(committed));
        Ok(())
    }
}
