//! What every handler and actor of a gateway works with.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tributary_artifacts::Artifacts;
use tributary_client::{Chain, Sender, Signer};
use tributary_contracts::IModels;
use tributary_indexer::Index;
use tributary_primitives::{Address, Amount, DatanetId, Digest, ModelId, OPEN};

use crate::{
    GatewayConfig, GatewayDeps, Refusal, api::Traced, config::GuestPolicy, directory::Directory,
    limits::Limiter, vault::Vault,
};

/// Shared state; handlers hold it in an `Arc`.
pub struct Shared {
    pub(crate) config: GatewayConfig,
    pub(crate) chain: Chain,
    pub(crate) sender: Sender,
    pub(crate) faucet: Option<Sender>,
    pub(crate) index: Index,
    pub(crate) artifacts: Artifacts,
    pub(crate) directory: Directory,
    pub(crate) vault: Vault,
    pub(crate) key_limiter: Limiter,
    pub(crate) origin_limiter: Limiter,
    pub(crate) cancel: CancellationToken,
    pub(crate) calls: TaskTracker,
    pub(crate) traced: Mutex<HashMap<(DatanetId, u32), Arc<Traced>>>,
    guests: Mutex<HashMap<Address, Sender>>,
    turns: Mutex<HashMap<Digest, Arc<tokio::sync::Mutex<()>>>>,
    names: Mutex<HashMap<String, (Instant, IModels::Model)>>,
}

/// Turns that are remembered although nobody has or awaits them.
const TURNS: usize = 1_024;
/// How long a model found by name is taken as it was.
const NAME_AGE: Duration = Duration::from_millis(500);

impl Shared {
    pub(crate) fn new(config: GatewayConfig, deps: GatewayDeps) -> Arc<Self> {
        let GatewayDeps { chain, signer, faucet, index, artifacts, providers, cancel } = deps;
        Arc::new(Self {
            vault: Vault::new(&signer),
            directory: Directory::new(chain.clone(), signer.clone(), providers),
            key_limiter: Limiter::new(config.key_rate),
            origin_limiter: Limiter::new(config.origin_rate),
            sender: Sender::new(chain.clone(), signer),
            config,
            chain,
            faucet,
            index,
            artifacts,
            cancel: cancel.child_token(),
            calls: TaskTracker::new(),
            traced: Mutex::default(),
            guests: Mutex::default(),
            turns: Mutex::default(),
            names: Mutex::default(),
        })
    }

    /// The gateway's account.
    pub(crate) fn address(&self) -> Address {
        self.sender.address()
    }

    /// How guests are taken in, where they are.
    pub(crate) fn guest_policy(&self) -> Result<(&GuestPolicy, &Sender), Refusal> {
        match (&self.config.guests, &self.faucet) {
            (Some(policy), Some(faucet)) => Ok((policy, faucet)),
            _ => Err(Refusal::forbidden("guests_off", "this gateway takes no guests")
                .hint("use an account of your own")),
        }
    }

    /// The sender of a guest's transactions: one per account, so that nonces stay in order.
    pub(crate) fn guest_sender(&self, account: Address) -> Result<Sender, Refusal> {
        if let Some(sender) = self.guests.lock().get(&account) {
            return Ok(sender.clone());
        }
        let signer = self.guest_signer(account)?;
        let mut guests = self.guests.lock();
        let sender =
            guests.entry(account).or_insert_with(|| Sender::new(self.chain.clone(), signer));
        Ok(sender.clone())
    }

    /// A guest's key.
    pub(crate) fn guest_signer(&self, account: Address) -> Result<Signer, Refusal> {
        let guest = self.index.guest(account)?;
        let guest = guest.ok_or_else(|| Refusal::not_found("guest", account))?;
        let secret = self.vault.open(&guest_label(account), &guest.key_blob);
        let secret: Option<[u8; 32]> = secret.and_then(|bytes| bytes.as_slice().try_into().ok());
        let secret = secret.ok_or_else(|| {
            Refusal::internal(format!("the key of guest {account} does not open"))
        })?;
        Ok(Signer::from_bytes(secret)?)
    }

    /// The turn of a key: its vouchers are signed one after the other.
    pub(crate) fn turn_of(&self, key: Digest) -> Arc<tokio::sync::Mutex<()>> {
        let mut turns = self.turns.lock();
        if turns.len() >= TURNS {
            turns.retain(|_, turn| Arc::strong_count(turn) > 1);
        }
        turns.entry(key).or_default().clone()
    }

    /// A model by its name.
    pub(crate) async fn model_named(&self, name: &str) -> Result<IModels::Model, Refusal> {
        let known = self.names.lock().get(name).cloned();
        if let Some((at, model)) = known
            && at.elapsed() < NAME_AGE
        {
            return Ok(model);
        }
        let model = self.chain.models().by_name(name).await?.ok_or_else(|| {
            Refusal::not_found("model", name).param("model").hint("GET /v1/models lists the models")
        })?;
        let mut names = self.names.lock();
        if names.len() > 4_096 {
            names.clear();
        }
        names.insert(name.to_owned(), (Instant::now(), model.clone()));
        Ok(model)
    }

    /// A model by its id or name.
    pub(crate) async fn model_called(&self, text: &str) -> Result<IModels::Model, Refusal> {
        match text.parse::<u64>() {
            Ok(id) => Ok(self.chain.models().get(ModelId(id)).await?),
            Err(_) => self.model_named(text).await,
        }
    }
}

/// What a guest's key is sealed under.
pub(crate) fn guest_label(account: Address) -> String {
    format!("guest key of {account}")
}

/// Whole OPEN.
pub(crate) const fn open(count: u128) -> Amount {
    Amount::from_wei(count * OPEN.wei())
}

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.ok().and_then(|since| i64::try_from(since.as_millis()).ok()).unwrap_or_default()
}

/// 32 fresh bytes from the system.
pub(crate) fn fresh() -> Digest {
    Digest(*Signer::random().to_secret_bytes())
}
