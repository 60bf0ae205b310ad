//! The order in which a block takes transactions.

use crate::pooled::PooledTx;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::Arc;
use tributary_execution::RecoveredTx;

/// Transactions that can run now: highest effective tip first, earliest arrival on a tie, nonces
/// of one sender in order. A snapshot; the pool may change meanwhile.
#[derive(Debug)]
pub struct BestTransactions {
    base_fee: u64,
    heap: BinaryHeap<Lane>,
}

/// The transactions of one sender from its next nonce on.
#[derive(Debug)]
struct Lane {
    tip: u128,
    arrival: u64,
    rest: VecDeque<Arc<PooledTx>>,
}

impl PartialEq for Lane {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Lane {}

impl PartialOrd for Lane {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Lane {
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        self.tip.cmp(&other.tip).then_with(|| other.arrival.cmp(&self.arrival))
    }
}

impl BestTransactions {
    pub(crate) fn new(base_fee: u64) -> Self {
        Self { base_fee, heap: BinaryHeap::new() }
    }

    /// Adds a sender whose first transaction pays the base fee; drops it otherwise.
    pub(crate) fn push(&mut self, rest: VecDeque<Arc<PooledTx>>) {
        let Some(first) = rest.front() else { return };
        let Some(tip) = first.tip(self.base_fee) else { return };
        let arrival = first.arrival();
        self.heap.push(Lane { tip, arrival, rest });
    }
}

impl Iterator for BestTransactions {
    type Item = RecoveredTx;

    fn next(&mut self) -> Option<RecoveredTx> {
        let mut lane = self.heap.pop()?;
        let first = lane.rest.pop_front()?;
        self.push(lane.rest);
        Some(first.tx().clone())
    }
}
