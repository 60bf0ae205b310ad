//! What a gateway is told at its start.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;
use tributary_artifacts::Artifacts;
use tributary_client::{Chain, ProviderApi, Sender, Signer};
use tributary_indexer::Index;
use tributary_primitives::{Address, Amount, OPEN};

/// Settings of a gateway.
#[derive(Clone, Debug)]
pub struct GatewayConfig {
    /// Where people reach it: what citations and links begin with.
    pub public_url: String,
    /// Names in `Host` that are answered, without ports. Others are refused: a page from
    /// elsewhere could have pointed its own name at this machine.
    pub hosts: Vec<String>,
    /// Guest accounts; none where absent.
    pub guests: Option<GuestPolicy>,
    /// Requests per key.
    pub key_rate: Rate,
    /// Writes per remote address, but for those that count for a key or a guest.
    pub origin_rate: Rate,
    /// Time between epoch roots.
    pub epoch: Duration,
    /// Claims for payees once their roots stand.
    pub auto_claim: bool,
    /// Model that is trained and asked when none is named.
    pub default_model: String,
    /// Longest time one answer may take.
    pub answer_deadline: Duration,
    /// Sample rows for a newcomer, as JSONL.
    pub samples: String,
}

/// How guests are taken in.
#[derive(Clone, Debug)]
pub struct GuestPolicy {
    /// OPEN for each.
    pub gift: Amount,
    /// Most guests of one remote address in a day.
    pub per_origin_per_day: u32,
    /// Cap of the key that a guest's own chat uses.
    pub key_cap: Amount,
}

/// A token bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Refill.
    pub per_minute: u32,
    /// Size.
    pub burst: u32,
}

impl Default for GatewayConfig {
    fn default() -> Self {
        Self {
            public_url: "http://localhost:8545".into(),
            hosts: vec!["localhost".into(), "127.0.0.1".into(), "[::1]".into()],
            guests: None,
            key_rate: Rate { per_minute: 600, burst: 120 },
            origin_rate: Rate { per_minute: 1_200, burst: 300 },
            epoch: Duration::from_secs(3_600),
            auto_claim: false,
            default_model: "tributary/seed".into(),
            answer_deadline: Duration::from_secs(300),
            samples: String::new(),
        }
    }
}

impl GatewayConfig {
    /// For a development chain: guests with 100 OPEN, an epoch every 10 s.
    pub fn dev(public_url: impl Into<String>) -> Self {
        let open = |count: u128| Amount::from_wei(count * OPEN.wei());
        Self {
            public_url: public_url.into(),
            guests: Some(GuestPolicy {
                gift: open(100),
                per_origin_per_day: 200,
                key_cap: open(20),
            }),
            epoch: Duration::from_secs(10),
            ..Self::default()
        }
    }
}

/// What a gateway works with.
#[derive(Clone)]
pub struct GatewayDeps {
    /// The chain.
    pub chain: Chain,
    /// The gateway's own key: posts roots, redeems vouchers, speaks to providers.
    pub signer: Signer,
    /// Funds guests.
    pub faucet: Option<Sender>,
    /// Receipts, keys, uploads, sessions.
    pub index: Index,
    /// Rows, models, root data.
    pub artifacts: Artifacts,
    /// Providers in this process, by account; all others are reached over HTTP.
    pub providers: BTreeMap<Address, Arc<dyn ProviderApi>>,
    /// Ends everything the gateway runs.
    pub cancel: CancellationToken,
}
