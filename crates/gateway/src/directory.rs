//! Which provider serves which model: from the chain's profiles and the providers' own word.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use parking_lot::Mutex;
use tributary_client::{
    Chain, ClientError, HttpProvider, ProviderApi, Signer,
    provider::{InferRequest, InferStream, ProviderStatus, QuoteRequest, TrainingQuote},
    staking,
};
use tributary_contracts::ProvisionRole;
use tributary_primitives::{
    Address, Amount, B256, Digest, ModelId, Prices, Receipt, TaskId, Transcript,
};

use crate::{Refusal, shared::Shared};

/// A provider that can be asked.
#[derive(Clone)]
pub struct Peer {
    /// Its account.
    pub address: Address,
    /// Who signs its receipts.
    pub receipt_key: Address,
    /// Its compute prices.
    pub prices: Prices,
    /// Its price of a trained token.
    pub train_price: Amount,
    /// The way to it.
    pub api: Arc<dyn ProviderApi>,
    /// True when it runs in this process.
    pub is_local: bool,
}

/// The providers of the chain.
pub struct Directory {
    chain: Chain,
    signer: Signer,
    local: BTreeMap<Address, Arc<dyn ProviderApi>>,
    cached: Mutex<Option<(Instant, Vec<Peer>)>>,
    served: Mutex<BTreeMap<(Address, ModelId), Instant>>,
}

const PEERS_AGE: Duration = Duration::from_secs(2);
/// How long a provider's word that it serves a model holds.
const SERVED_AGE: Duration = Duration::from_secs(30);

impl Directory {
    pub(crate) fn new(
        chain: Chain,
        signer: Signer,
        local: BTreeMap<Address, Arc<dyn ProviderApi>>,
    ) -> Self {
        Self { chain, signer, local, cached: Mutex::default(), served: Mutex::default() }
    }

    /// Everybody active as a provider.
    pub async fn peers(&self) -> Result<Vec<Peer>, ClientError> {
        let cached = self.cached.lock().clone();
        if let Some((at, peers)) = cached
            && at.elapsed() < PEERS_AGE
        {
            return Ok(peers);
        }
        let members = self.chain.staking().members(ProvisionRole::Provider).await?;
        let mut peers = Vec::with_capacity(members.len());
        for member in members {
            let address = member.provision.owner;
            let api = match self.local.get(&address) {
                Some(api) => api.clone(),
                None if member.profile.endpoint.is_empty() => continue,
                None => HttpProvider::new(&member.profile.endpoint, address, self.signer.clone())?
                    .into_shared(),
            };
            peers.push(Peer {
                address,
                receipt_key: member.profile.receiptKey,
                prices: staking::prices(&member.profile),
                train_price: Amount::from_wei(member.profile.trainPrice),
                api,
                is_local: self.local.contains_key(&address),
            });
        }
        *self.cached.lock() = Some((Instant::now(), peers.clone()));
        Ok(peers)
    }

    /// The cheapest provider that serves a model.
    pub async fn serving(&self, model: ModelId) -> Result<Peer, Refusal> {
        let mut peers = self.peers().await?;
        peers.sort_by_key(|peer| (peer.prices.output, peer.prices.input, peer.address));
        for peer in peers {
            let known = self.served.lock().get(&(peer.address, model)).copied();
            if known.is_some_and(|at| at.elapsed() < SERVED_AGE) {
                return Ok(peer);
            }
            match peer.api.status().await {
                Ok(status) => {
                    let now = Instant::now();
                    let mut served = self.served.lock();
                    for model in &status.models {
                        served.insert((peer.address, *model), now);
                    }
                    if status.models.contains(&model) {
                        return Ok(peer);
                    }
                }
                Err(error) => {
                    tracing::warn!(provider = %peer.address, %error, "provider does not answer");
                }
            }
        }
        Err(Refusal::unavailable("no_provider", "no provider serves this model now")
            .param("model")
            .hint("try again shortly"))
    }

    /// Any provider, for quotes of training.
    pub async fn any(&self) -> Result<Peer, Refusal> {
        let mut peers = self.peers().await?;
        peers.sort_by_key(|peer| (peer.train_price, peer.address));
        peers.into_iter().next().ok_or_else(|| {
            Refusal::unavailable("no_provider", "no provider is registered")
                .hint("start one: `tributary dev` runs one")
        })
    }

    /// One provider by its account.
    pub async fn by_address(&self, address: Address) -> Result<Option<Peer>, ClientError> {
        Ok(self.peers().await?.into_iter().find(|peer| peer.address == address))
    }

    /// Forgets that a provider serves a model, after it said otherwise.
    pub fn forget(&self, provider: Address, model: ModelId) {
        self.served.lock().remove(&(provider, model));
    }
}

/// Whichever provider fits, behind the API of one.
pub struct Providers(pub Arc<Shared>);

impl Providers {
    async fn any(&self) -> Result<Peer, ClientError> {
        self.0.directory.any().await.map_err(|refusal| ClientError::Service {
            status: refusal.status.as_u16(),
            code: refusal.code,
            message: refusal.detail,
            hint: refusal.hint,
        })
    }
}

#[async_trait]
impl ProviderApi for Providers {
    async fn status(&self) -> Result<ProviderStatus, ClientError> {
        self.any().await?.api.status().await
    }

    async fn infer(&self, request: InferRequest) -> Result<InferStream, ClientError> {
        self.any().await?.api.infer(request).await
    }

    async fn cancel(&self, job: Digest) -> Result<(), ClientError> {
        self.any().await?.api.cancel(job).await
    }

    async fn transcript(&self, receipt: B256) -> Result<Transcript, ClientError> {
        self.any().await?.api.transcript(receipt).await
    }

    async fn receipt(&self, receipt: B256) -> Result<Receipt, ClientError> {
        self.any().await?.api.receipt(receipt).await
    }

    async fn quote(&self, request: QuoteRequest) -> Result<TrainingQuote, ClientError> {
        self.any().await?.api.quote(request).await
    }

    async fn stop_task(&self, task: TaskId) -> Result<(), ClientError> {
        self.any().await?.api.stop_task(task).await
    }
}
