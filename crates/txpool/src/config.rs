//! Bounds of the pool.

/// Bounds of the pool; every one is enforced at admission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolConfig {
    /// Most transactions in all.
    pub max_transactions: usize,
    /// Most encoded bytes in all.
    pub max_bytes: usize,
    /// Most transactions of one sender.
    pub max_per_sender: usize,
    /// Most encoded bytes of one transaction.
    pub max_tx_bytes: usize,
    /// By how many percent both fee caps of a replacement must exceed the replaced ones.
    pub price_bump_percent: u32,
}

impl Default for PoolConfig {
    fn default() -> Self {
        Self {
            max_transactions: 10_000,
            max_bytes: 64 << 20,
            max_per_sender: 1_000,
            max_tx_bytes: 128 << 10,
            price_bump_percent: 10,
        }
    }
}
