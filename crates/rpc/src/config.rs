//! Bounds of the interface.

use std::time::Duration;

/// Bounds of the interface.
#[derive(Debug, Clone)]
pub struct RpcConfig {
    /// Largest request body, and largest WebSocket message.
    pub max_body_bytes: u32,
    /// Largest answer.
    pub max_response_bytes: u32,
    /// Most calls in one batch.
    pub max_batch: u32,
    /// Most connections at once.
    pub max_connections: u32,
    /// Most subscriptions of one WebSocket connection.
    pub max_subscriptions: u32,
    /// Most filters that are polled.
    pub max_filters: usize,
    /// A filter that nobody polls this long is forgotten.
    pub filter_expiry: Duration,
    /// Most logs of one answer.
    pub max_logs: usize,
    /// Most blocks that one log query spans.
    pub max_log_blocks: u64,
    /// Most gas that a simulated call gets.
    pub gas_cap: u64,
    /// Simulations and traces that run at once.
    pub max_simulations: usize,
    /// Simulations and traces that wait for their turn; more are refused.
    pub max_waiting_simulations: usize,
    /// Offer `debug_*`.
    pub debug: bool,
    /// Answer of `web3_clientVersion`.
    pub client_version: String,
}

impl Default for RpcConfig {
    fn default() -> Self {
        Self {
            max_body_bytes: 5 << 20,
            max_response_bytes: 64 << 20,
            max_batch: 100,
            max_connections: 2_000,
            max_subscriptions: 128,
            max_filters: 1_000,
            filter_expiry: Duration::from_secs(300),
            max_logs: 10_000,
            max_log_blocks: 100_000,
            gas_cap: 50_000_000,
            max_simulations: 8,
            max_waiting_simulations: 2_000,
            debug: true,
            client_version: concat!("tributary/v", env!("CARGO_PKG_VERSION")).into(),
        }
    }
}
