//! The transactions of one sender, by nonce.

use crate::pooled::PooledTx;
use alloy_primitives::U256;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// One sender's transactions and what its account last looked like.
#[derive(Debug, Default)]
pub(crate) struct SenderQueue {
    account_nonce: u64,
    balance: U256,
    txs: BTreeMap<u64, Arc<PooledTx>>,
}

impl SenderQueue {
    pub(crate) fn len(&self) -> usize {
        self.txs.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.txs.is_empty()
    }

    pub(crate) fn get(&self, nonce: u64) -> Option<&Arc<PooledTx>> {
        self.txs.get(&nonce)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<PooledTx>> {
        self.txs.values()
    }

    /// The run without a gap from the account's nonce on.
    pub(crate) fn executable(&self) -> impl Iterator<Item = &Arc<PooledTx>> {
        self.txs
            .range(self.account_nonce..)
            .zip(self.account_nonce..)
            .take_while(|((nonce, _), expected)| **nonce == *expected)
            .map(|((_, tx), _)| tx)
    }

    pub(crate) fn executable_lane(&self) -> VecDeque<Arc<PooledTx>> {
        self.executable().cloned().collect()
    }

    /// The nonce after the run that can be executed.
    pub(crate) fn next_nonce(&self) -> u64 {
        self.account_nonce.saturating_add(self.executable().count() as u64)
    }

    /// The transaction with the highest nonce; removing it opens no gap.
    pub(crate) fn tail(&self) -> Option<&Arc<PooledTx>> {
        self.txs.values().next_back()
    }

    /// What all transactions but the one at `nonce` can cost together.
    pub(crate) fn cost_without(&self, nonce: u64) -> U256 {
        self.txs
            .iter()
            .filter(|(at, _)| **at != nonce)
            .fold(U256::ZERO, |sum, (_, tx)| sum.saturating_add(tx.max_cost()))
    }

    pub(crate) fn insert(&mut self, tx: Arc<PooledTx>) -> Option<Arc<PooledTx>> {
        self.txs.insert(tx.nonce(), tx)
    }

    pub(crate) fn remove(&mut self, nonce: u64) -> Option<Arc<PooledTx>> {
        self.txs.remove(&nonce)
    }

    pub(crate) fn set_account(&mut self, nonce: u64, balance: U256) {
        self.account_nonce = nonce;
        self.balance = balance;
    }

    /// Takes out what the account's new nonce and balance rule out.
    pub(crate) fn take_stale(&mut self) -> Vec<Arc<PooledTx>> {
        let (nonce, balance) = (self.account_nonce, self.balance);
        let stale: Vec<u64> = self
            .txs
            .iter()
            .filter(|(at, tx)| **at < nonce || tx.max_cost() > balance)
            .map(|(at, _)| *at)
            .collect();
        stale.into_iter().filter_map(|at| self.txs.remove(&at)).collect()
    }
}
