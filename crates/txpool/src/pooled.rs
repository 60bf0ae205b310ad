//! One transaction in the pool.

use alloy_consensus::Transaction as _;
use alloy_eips::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, U256};
use tributary_execution::RecoveredTx;

/// A transaction in the pool with what ordering needs.
#[derive(Debug, Clone)]
pub struct PooledTx {
    tx: RecoveredTx,
    hash: B256,
    size_bytes: usize,
    max_cost: U256,
    arrival: u64,
}

impl PooledTx {
    pub(crate) fn new(tx: RecoveredTx, max_cost: U256, arrival: u64) -> Self {
        let hash = *tx.inner().tx_hash();
        let size_bytes = tx.inner().encode_2718_len();
        Self { tx, hash, size_bytes, max_cost, arrival }
    }

    /// The transaction and its sender.
    pub fn tx(&self) -> &RecoveredTx {
        &self.tx
    }

    /// Its hash.
    pub fn hash(&self) -> B256 {
        self.hash
    }

    /// Who sent it.
    pub fn sender(&self) -> Address {
        self.tx.signer()
    }

    /// Its nonce.
    pub fn nonce(&self) -> u64 {
        self.tx.inner().nonce()
    }

    /// Encoded size.
    pub fn size_bytes(&self) -> usize {
        self.size_bytes
    }

    /// The most wei it can take from its sender.
    pub fn max_cost(&self) -> U256 {
        self.max_cost
    }

    /// Position in the order of arrival.
    pub fn arrival(&self) -> u64 {
        self.arrival
    }

    /// Wei per gas above the base fee; `None` when the fee cap is under the base fee.
    pub fn tip(&self, base_fee: u64) -> Option<u128> {
        self.tx.inner().effective_tip_per_gas(base_fee)
    }

    /// Fee cap per gas.
    pub fn fee_cap(&self) -> u128 {
        self.tx.inner().max_fee_per_gas()
    }

    /// Tip cap per gas.
    pub fn tip_cap(&self) -> u128 {
        let tx = self.tx.inner();
        tx.max_priority_fee_per_gas().unwrap_or_else(|| tx.max_fee_per_gas())
    }

    /// EIP-2718 bytes.
    pub fn encoded(&self) -> Bytes {
        self.tx.inner().encoded_2718().into()
    }
}
