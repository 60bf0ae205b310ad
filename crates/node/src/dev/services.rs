//! The service wing of a process: what its roles ask for of gateway, console, provider, curator
//! and keeper, all over `client`.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use axum::{Router, routing::get};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tributary_artifacts::Artifacts;
use tributary_client::{ApiSecret, Chain, ProviderApi, Sender, Signer};
use tributary_gateway::{Gateway, GatewayConfig, GatewayDeps};
use tributary_indexer::{Follower, Index};
use tributary_primitives::{Amount, DatanetId, Digest, OPEN};
use tributary_provider::{Blobs, Curator, Keeper};
use zeroize::Zeroizing;

use super::{
    actors::Actors,
    compute::{Compute, Tools},
    ready::Facts,
    setup::{self, Setup},
};
use crate::{
    NodeError, assets,
    config::DevConfig,
    datadir::Datadir,
    role::{Role, Roles},
    telemetry,
};

/// How long a node that is otherwise ready waits for its history.
const HISTORY_LIMIT: Duration = Duration::from_secs(10);

/// Where a process lives and is reached.
pub struct Place<'a> {
    /// Its configuration.
    pub config: &'a DevConfig,
    /// Its folder.
    pub datadir: &'a Datadir,
    /// Its own URL.
    pub url: &'a str,
}

/// The running services.
pub struct Services {
    roles: Roles,
    actors: Actors,
    chain: Chain,
    index: Index,
    artifacts: Artifacts,
    blobs: Blobs,
    gateway: Option<Gateway>,
    compute: Option<Arc<Compute>>,
    api_key: Zeroizing<String>,
    url: String,
}

impl Services {
    /// Opens stores, takes roles on chain and starts what answers requests.
    pub async fn start(
        place: &Place<'_>,
        chain: Chain,
        stop: &CancellationToken,
    ) -> Result<Self, NodeError> {
        let Place { config, datadir, url } = place;
        let (roles, actors) = (config.roles.clone(), Actors::new(&chain)?);
        let index = Index::open(&datadir.join("index.sqlite"))?;
        let artifacts = Artifacts::open(&datadir.join("artifacts"))?;
        let blobs = Blobs::new(artifacts.clone(), chain.clone());
        let api_key = Digest(datadir.secret("api", rand::random)?);
        let mut services = Self {
            compute: None,
            gateway: None,
            api_key: Zeroizing::new(format!("trib_sk_{api_key}")),
            url: (*url).to_owned(),
            roles,
            actors,
            chain,
            index,
            artifacts,
            blobs,
        };
        if services.roles.has(Role::Provider) {
            services.compute = Some(Arc::new(services.compute(datadir)?));
        }
        if services.roles.has(Role::Chain) {
            services.setup().seed().await?;
        }
        if let Some(compute) = &services.compute {
            setup::fund_provider(&services.actors, compute.sender()).await?;
            compute.enrol(url).await?;
        }
        if services.roles.has(Role::Gateway) {
            services.gateway = Some(services.gateway(stop).await?);
        }
        Ok(services)
    }

    /// Beside the chain, the provider is the dev network's well-known one; elsewhere it has a key
    /// of its own.
    fn compute(&self, datadir: &Datadir) -> Result<Compute, NodeError> {
        let sender = if self.roles.has(Role::Chain) {
            self.actors.provider.clone()
        } else {
            let own = Signer::from_bytes(datadir.secret("provider", rand::random)?)?;
            Sender::new(self.chain.clone(), own)
        };
        let tools = Tools {
            chain: self.chain.clone(),
            blobs: self.blobs.clone(),
            history: self.index.clone(),
        };
        Compute::start(tools, datadir, sender)
    }

    async fn gateway(&self, stop: &CancellationToken) -> Result<Gateway, NodeError> {
        let mut providers: BTreeMap<_, Arc<dyn ProviderApi>> = BTreeMap::new();
        if let Some(compute) = &self.compute {
            providers.insert(compute.address(), compute.local.clone().into_shared());
        }
        let config = GatewayConfig {
            samples: assets::NEWCOMER_ROWS.to_owned(),
            ..GatewayConfig::dev(&*self.url)
        };
        let deps = GatewayDeps {
            chain: self.chain.clone(),
            signer: self.actors.gateway.signer().clone(),
            faucet: Some(self.actors.launch.clone()),
            index: self.index.clone(),
            artifacts: self.artifacts.clone(),
            providers,
            cancel: stop.child_token(),
        };
        Ok(Gateway::start(config, deps).await?)
    }

    fn setup(&self) -> Setup<'_> {
        Setup {
            chain: &self.chain,
            actors: &self.actors,
            artifacts: &self.artifacts,
            index: &self.index,
            url: &self.url,
        }
    }

    /// Everything but JSON-RPC.
    pub fn pages(&self) -> Router {
        let mut pages = Router::new();
        if let Some(gateway) = &self.gateway {
            pages = pages.merge(gateway.router());
        }
        if let Some(compute) = &self.compute {
            let routes = tributary_provider::router(compute.local.clone(), self.chain.clone());
            pages = pages.nest("/provider", routes);
        }
        if let Some(gateway) = self.gateway.as_ref().filter(|_| self.roles.has(Role::Console)) {
            pages = pages.merge(tributary_console::router(tributary_console::ConsoleConfig {
                index: self.index.clone(),
                chain: self.chain.clone(),
                provider: Some(gateway.providers()),
                guests_allowed: true,
            }));
        }
        if let Some(metrics) = telemetry::metrics() {
            let serve = move || async move { telemetry::exposition(&metrics) };
            pages = pages.route("/metrics", get(serve));
        }
        pages
    }

    /// The actors: follower, trainer, curator, keeper.
    pub fn spawn(&self, tasks: &mut JoinSet<()>, stop: &CancellationToken) {
        if self.gateway.is_some() {
            let follower = Follower::new(self.index.clone(), self.chain.clone());
            tasks.spawn(follower.run(stop.clone()));
        }
        if let Some(compute) = &self.compute {
            tasks.spawn(compute.clone().run(stop.clone()));
        }
        if self.roles.has(Role::Curator) {
            let (sender, blobs) = (self.actors.curator.clone(), self.blobs.clone());
            let curator = Curator::new(sender, blobs, self.index.clone());
            tasks.spawn(curator.run(stop.clone()));
        }
        if self.roles.has(Role::Keeper) {
            tasks.spawn(Keeper::new(self.actors.keeper.clone()).run(stop.clone()));
        }
    }

    /// Finishes the set-up and gives what a ready process tells: JSON, and a banner for people.
    pub async fn finish(&self) -> Result<(Value, String), NodeError> {
        let Some(gateway) = &self.gateway else { return Ok(self.worker_facts()) };
        let datanets: Vec<DatanetId> =
            if self.roles.has(Role::Curator) { self.setup().datanets().await? } else { Vec::new() };
        let cap = Amount::from_wei(500 * OPEN.wei());
        let secret = ApiSecret::parse(&self.api_key)
            .ok_or_else(|| NodeError::Fatal("the stored API key is damaged".into()))?;
        gateway.ensure_key(&self.actors.app, &secret, cap, "config-out").await?;
        // Lists and pages read the history, and a script reads as soon as it is told.
        let head = self.chain.head().await?.number;
        if !self.index.reach(head, HISTORY_LIMIT).await? {
            tracing::warn!("the history is still being read: lists are not complete yet");
        }
        let (url, accounts) = (self.url.as_str(), self.actors.accounts()?);
        let api_key = &self.api_key;
        let facts = Facts { url, api_key, accounts: &accounts, datanets: &datanets };
        Ok((facts.to_json(), facts.banner()))
    }

    /// What a process without a gateway tells.
    fn worker_facts(&self) -> (Value, String) {
        let (url, roles) = (&self.url, self.roles.names());
        let provider = self.compute.as_ref().map(|compute| compute.address());
        let facts = json!({
            "url": url, "roles": roles, "provider": provider, "chain_id": self.chain.chain_id(),
        });
        let who = provider.map_or_else(String::new, |account| format!("  Provider {account}\n"));
        (facts, format!("\n  Tributary is ready: {} at {url}\n{who}", roles.join(", ")))
    }

    /// Lets running calls settle.
    pub async fn stop_gateway(&mut self) {
        if let Some(gateway) = self.gateway.take() {
            gateway.stop().await;
        }
    }

    /// Closes the history, after everything that writes to it.
    pub fn close(&self) {
        self.index.close();
    }
}
