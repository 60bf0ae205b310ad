//! Admission, eviction and the views of the pool.

use crate::best::BestTransactions;
use crate::journal::{Durable, Journal};
use crate::pooled::PooledTx;
use crate::queue::SenderQueue;
use crate::recent::Recent;
use crate::{PoolConfig, PoolError, Result};
use alloy_consensus::{Transaction as _, TxEnvelope};
use alloy_eips::Decodable2718;
use alloy_primitives::{Address, B256};
use parking_lot::{Mutex, RwLock};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;
use tokio::sync::broadcast;
use tributary_execution::{ChainSpec, RecoveredTx, validate_for_pool};
use tributary_storage::Store;

/// The journal is written anew when it is larger than this and mostly stale.
const COMPACT_BYTES: u64 = 4 << 20;

/// The transaction pool. Cheap to clone; all clones are one pool.
#[derive(Clone)]
pub struct Pool(Arc<Shared>);

struct Shared {
    spec: Arc<ChainSpec>,
    store: Store,
    config: PoolConfig,
    inner: Mutex<Inner>,
    journal: Option<Journal>,
    wake: RwLock<Option<Box<dyn Fn() + Send + Sync>>>,
    arrivals: broadcast::Sender<B256>,
}

#[derive(Default)]
struct Inner {
    by_hash: HashMap<B256, Arc<PooledTx>>,
    senders: BTreeMap<Address, SenderQueue>,
    bytes: usize,
    arrivals: u64,
    recent: Recent,
}

/// A transaction that was admitted. Wait for `durable` before telling anyone the hash.
#[derive(Debug)]
#[must_use = "acknowledge only after `durable` resolved"]
pub struct Submitted {
    /// Hash of the transaction.
    pub hash: B256,
    /// The transaction that it took the place of.
    pub replaced: Option<B256>,
    /// It can run in the next block.
    pub executable: bool,
    /// Resolves when it is on disk.
    pub durable: Durable,
}

/// How many transactions wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolStatus {
    /// They can run now.
    pub pending: usize,
    /// A nonce before them is missing.
    pub queued: usize,
}

/// Transactions by sender and nonce.
pub type BySender = BTreeMap<Address, BTreeMap<u64, Arc<PooledTx>>>;

/// Everything in the pool.
#[derive(Debug, Clone, Default)]
pub struct PoolContent {
    /// They can run now.
    pub pending: BySender,
    /// A nonce before them is missing.
    pub queued: BySender,
}

impl core::fmt::Debug for Pool {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Pool").field("status", &self.status()).finish_non_exhaustive()
    }
}

impl Pool {
    /// Makes a pool. With a journal, what it acknowledged earlier and is still valid is in it
    /// again; without one it lives in memory only.
    pub fn open(
        spec: Arc<ChainSpec>,
        store: Store,
        config: PoolConfig,
        journal: Option<&Path>,
    ) -> Result<Self> {
        let opened = journal.map(|path| Journal::open(path, store.genesis_hash())).transpose()?;
        let (journal, reloaded) = opened.map_or((None, Vec::new()), |(j, t)| (Some(j), t));
        let pool = Self(Arc::new(Shared {
            spec,
            store,
            config,
            inner: Mutex::default(),
            journal,
            wake: RwLock::new(None),
            arrivals: broadcast::channel(1_024).0,
        }));
        for encoded in reloaded {
            if let Err(error) = pool.reload(&encoded) {
                // Most were included in a block meanwhile.
                tracing::debug!(%error, "a journaled transaction is no longer valid");
            }
        }
        pool.rewrite_journal(&pool.0.inner.lock());
        Ok(pool)
    }

    /// Admits a transaction, or says why not. It counts as acknowledged only when
    /// [`Submitted::durable`] resolved.
    pub fn submit(&self, tx: RecoveredTx) -> Result<Submitted> {
        let submitted = {
            let mut inner = self.0.inner.lock();
            let (tx, replaced) = self.admit(&mut inner, tx)?;
            let executable = inner.is_executable(&tx);
            let durable = match &self.0.journal {
                Some(journal) => journal.add(tx.encoded()),
                None => Durable::at_once(),
            };
            if executable {
                inner.recent.push(tx.hash());
            }
            Submitted { hash: tx.hash(), replaced, executable, durable }
        };
        if submitted.executable {
            // Nobody listening is fine.
            drop(self.0.arrivals.send(submitted.hash));
            self.wake();
        }
        Ok(submitted)
    }

    /// The transaction with this hash.
    pub fn get(&self, hash: &B256) -> Option<Arc<PooledTx>> {
        self.0.inner.lock().by_hash.get(hash).cloned()
    }

    /// The nonce that the sender's next transaction should carry.
    pub fn next_nonce(&self, sender: Address, account_nonce: u64) -> u64 {
        let inner = self.0.inner.lock();
        inner.senders.get(&sender).map_or(account_nonce, |q| q.next_nonce().max(account_nonce))
    }

    /// Counts.
    pub fn status(&self) -> PoolStatus {
        let inner = self.0.inner.lock();
        let pending = inner.senders.values().map(|queue| queue.executable().count()).sum();
        PoolStatus { pending, queued: inner.by_hash.len().saturating_sub(pending) }
    }

    /// Everything, by sender and nonce.
    pub fn content(&self) -> PoolContent {
        let inner = self.0.inner.lock();
        let mut content = PoolContent::default();
        for (sender, queue) in &inner.senders {
            let next = queue.next_nonce();
            for tx in queue.iter() {
                let part =
                    if tx.nonce() < next { &mut content.pending } else { &mut content.queued };
                part.entry(*sender).or_default().insert(tx.nonce(), Arc::clone(tx));
            }
        }
        content
    }

    /// What the next block should take, in order.
    pub fn best(&self, base_fee: u64) -> BestTransactions {
        let inner = self.0.inner.lock();
        let mut best = BestTransactions::new(base_fee);
        for queue in inner.senders.values() {
            best.push(queue.executable_lane());
        }
        best
    }

    /// Is there a transaction that can run at this base fee?
    pub fn has_ready(&self, base_fee: u64) -> bool {
        let inner = self.0.inner.lock();
        inner.senders.values().any(|queue| {
            queue.executable().next().is_some_and(|first| first.tip(base_fee).is_some())
        })
    }

    /// Does a transaction that could run wait for a base fee between `least` and this one?
    pub fn waits_for_base_fee(&self, base_fee: u64, least: u64) -> bool {
        let inner = self.0.inner.lock();
        inner.senders.values().any(|queue| {
            queue.executable().next().is_some_and(|first| {
                first.fee_cap() < u128::from(base_fee) && first.fee_cap() >= u128::from(least)
            })
        })
    }

    /// Looks again at the senders whose accounts a committed block changed.
    pub fn on_block(&self, touched: impl IntoIterator<Item = Address>) -> Result<()> {
        let mut inner = self.0.inner.lock();
        for sender in touched {
            self.refresh(&mut inner, sender)?;
        }
        if let Some(journal) = &self.0.journal {
            let stale = journal.size_bytes() > (inner.bytes as u64).saturating_mul(4);
            if stale && journal.size_bytes() > COMPACT_BYTES {
                self.rewrite_journal(&inner);
            }
        }
        Ok(())
    }

    /// Looks at every sender again after the chain was taken back.
    pub fn on_rewind(&self) -> Result<()> {
        let mut inner = self.0.inner.lock();
        let senders: Vec<Address> = inner.senders.keys().copied().collect();
        for sender in senders {
            self.refresh(&mut inner, sender)?;
        }
        // Transactions of the blocks taken back must not return from the journal.
        self.rewrite_journal(&inner);
        Ok(())
    }

    /// Forgets one transaction; false when it was not there.
    pub fn drop_transaction(&self, hash: &B256) -> bool {
        let mut inner = self.0.inner.lock();
        let dropped = inner.remove(hash).is_some();
        if let (true, Some(journal)) = (dropped, &self.0.journal) {
            journal.drop_transaction(*hash);
        }
        dropped
    }

    /// Forgets everything.
    pub fn clear(&self) {
        let mut inner = self.0.inner.lock();
        let recent = core::mem::take(&mut inner.recent);
        let arrivals = inner.arrivals;
        *inner = Inner { recent, arrivals, ..Inner::default() };
        self.rewrite_journal(&inner);
    }

    /// Is called after each admission of a transaction that can run.
    pub fn on_ready(&self, wake: impl Fn() + Send + Sync + 'static) {
        *self.0.wake.write() = Some(Box::new(wake));
    }

    /// Hashes as they become pending.
    pub fn arrivals(&self) -> broadcast::Receiver<B256> {
        self.0.arrivals.subscribe()
    }

    /// Hashes that became pending since `position`, as far as remembered, and the new position.
    pub fn arrivals_since(&self, position: u64) -> (Vec<B256>, u64) {
        let inner = self.0.inner.lock();
        (inner.recent.since(position), inner.recent.end())
    }

    fn reload(&self, encoded: &[u8]) -> Result<()> {
        let tx = TxEnvelope::decode_2718_exact(encoded)
            .map_err(|error| PoolError::Journal { cause: error.to_string() })?;
        let tx = self.0.spec.recover(tx)?;
        self.admit(&mut self.0.inner.lock(), tx)?;
        Ok(())
    }

    fn admit(&self, inner: &mut Inner, tx: RecoveredTx) -> Result<(Arc<PooledTx>, Option<B256>)> {
        if tx.inner().is_eip4844() {
            return Err(PoolError::BlobsUnsupported);
        }
        let config = &self.0.config;
        if inner.by_hash.contains_key(tx.inner().tx_hash()) {
            return Err(PoolError::AlreadyKnown);
        }
        // A length check before the checks that cost more.
        let size = alloy_eips::Encodable2718::encode_2718_len(tx.inner());
        if size > config.max_tx_bytes {
            return Err(PoolError::Oversized { size, limit: config.max_tx_bytes });
        }
        let (head, state) = (self.0.store.head(), self.0.store.latest_state());
        let verdict = validate_for_pool(&self.0.spec, &state, &head.header, &tx)??;
        let sender = tx.signer();
        let known = inner.senders.get(&sender);
        if let Some(old) = known.and_then(|queue| queue.get(tx.inner().nonce())) {
            check_bump(old, &tx, config.price_bump_percent)?;
        } else if known.is_some_and(|queue| queue.len() >= config.max_per_sender) {
            return Err(PoolError::SenderFull { limit: config.max_per_sender });
        }
        let others = known.map_or_else(Default::default, |q| q.cost_without(tx.inner().nonce()));
        let total = others.saturating_add(verdict.max_cost);
        if total > verdict.balance {
            return Err(PoolError::Overdraft { overshot: total.saturating_sub(verdict.balance) });
        }
        let arrival = inner.arrivals;
        let tx = Arc::new(PooledTx::new(tx, verdict.max_cost, arrival));
        inner.make_room(&tx, verdict.account_nonce, config)?;
        inner.arrivals = arrival.saturating_add(1);
        let queue = inner.senders.entry(sender).or_default();
        queue.set_account(verdict.account_nonce, verdict.balance);
        let replaced = queue.insert(Arc::clone(&tx));
        if let Some(old) = &replaced {
            inner.by_hash.remove(&old.hash());
            inner.bytes = inner.bytes.saturating_sub(old.size_bytes());
        }
        inner.bytes = inner.bytes.saturating_add(tx.size_bytes());
        inner.by_hash.insert(tx.hash(), Arc::clone(&tx));
        Ok((tx, replaced.map(|old| old.hash())))
    }

    fn refresh(&self, inner: &mut Inner, sender: Address) -> Result<()> {
        let Some(queue) = inner.senders.get_mut(&sender) else { return Ok(()) };
        let account = self.0.store.latest_state().account(sender)?.unwrap_or_default();
        queue.set_account(account.nonce, account.balance);
        let stale = queue.take_stale();
        if queue.is_empty() {
            inner.senders.remove(&sender);
        }
        for tx in stale {
            inner.by_hash.remove(&tx.hash());
            inner.bytes = inner.bytes.saturating_sub(tx.size_bytes());
        }
        Ok(())
    }

    fn rewrite_journal(&self, inner: &Inner) {
        if let Some(journal) = &self.0.journal {
            let mut all: Vec<&Arc<PooledTx>> = inner.by_hash.values().collect();
            all.sort_by_key(|tx| tx.arrival());
            journal.rewrite(all.into_iter().map(|tx| tx.encoded()).collect());
        }
    }

    fn wake(&self) {
        if let Some(wake) = &*self.0.wake.read() {
            wake();
        }
    }
}

impl Inner {
    fn is_executable(&self, tx: &PooledTx) -> bool {
        self.senders.get(&tx.sender()).is_some_and(|queue| tx.nonce() < queue.next_nonce())
    }

    fn remove(&mut self, hash: &B256) -> Option<Arc<PooledTx>> {
        let tx = self.by_hash.remove(hash)?;
        self.bytes = self.bytes.saturating_sub(tx.size_bytes());
        if let Some(queue) = self.senders.get_mut(&tx.sender()) {
            queue.remove(tx.nonce());
            if queue.is_empty() {
                self.senders.remove(&tx.sender());
            }
        }
        Some(tx)
    }

    /// Displaces the worst transactions until the newcomer fits, or refuses it.
    fn make_room(
        &mut self,
        newcomer: &PooledTx,
        account_nonce: u64,
        config: &PoolConfig,
    ) -> Result<()> {
        let queue = self.senders.get(&newcomer.sender());
        let replaced = queue.and_then(|queue| queue.get(newcomer.nonce()));
        let freed = replaced.map_or((0, 0), |old| (1, old.size_bytes()));
        let next = queue.map_or(account_nonce, SenderQueue::next_nonce);
        let gapped = newcomer.nonce() > next;
        loop {
            let count = self.by_hash.len().saturating_sub(freed.0);
            let bytes = self.bytes.saturating_sub(freed.1);
            let fits = count < config.max_transactions
                && bytes.saturating_add(newcomer.size_bytes()) <= config.max_bytes;
            if fits {
                return Ok(());
            }
            let (victim, victim_queued) = self.worst().ok_or(PoolError::Full)?;
            let better = match (gapped, victim_queued) {
                (false, true) => true,
                (true, false) => false,
                _ => newcomer.tip_cap() > victim.tip_cap(),
            };
            // Displacing one's own predecessor would strand the newcomer.
            let own_predecessor =
                victim.sender() == newcomer.sender() && victim.nonce() <= newcomer.nonce();
            if !better || own_predecessor {
                return Err(PoolError::Full);
            }
            let hash = victim.hash();
            tracing::debug!(%hash, "displaced from the full pool");
            self.remove(&hash);
        }
    }

    /// The transaction to displace first: of all last ones of their senders a queued one, then
    /// the one with the lowest tip cap, then the youngest.
    fn worst(&self) -> Option<(Arc<PooledTx>, bool)> {
        self.senders
            .values()
            .filter_map(|queue| {
                let tail = queue.tail()?;
                Some((tail, tail.nonce() >= queue.next_nonce()))
            })
            .min_by_key(|(tail, queued)| (!queued, tail.tip_cap(), u64::MAX - tail.arrival()))
            .map(|(tail, queued)| (Arc::clone(tail), queued))
    }
}

fn check_bump(old: &PooledTx, new: &RecoveredTx, percent: u32) -> Result<()> {
    let raised = |value: u128| {
        let bump = value.saturating_mul(u128::from(percent)).div_ceil(100);
        value.saturating_add(bump.max(1))
    };
    let (needed_fee, needed_tip) = (raised(old.fee_cap()), raised(old.tip_cap()));
    let tx = new.inner();
    let tip_cap = tx.max_priority_fee_per_gas().unwrap_or_else(|| tx.max_fee_per_gas());
    // A tip cap of zero cannot rise by a tenth; the fee cap alone counts then.
    let tip_ok = tip_cap >= needed_tip || (old.tip_cap() == 0 && tip_cap == 0);
    if tx.max_fee_per_gas() < needed_fee || !tip_ok {
        return Err(PoolError::Underpriced { percent, needed_fee, needed_tip });
    }
    Ok(())
}
