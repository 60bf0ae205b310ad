//! A running gateway: its routes, its actors and how it stops.

use std::{sync::Arc, time::Duration};

use axum::{Extension, Router, middleware};
use tokio::task::JoinSet;
use tributary_client::{ApiSecret, ProviderApi, Sender, channels};
use tributary_contracts::ChannelStatus;
use tributary_indexer::KeyRow;
use tributary_primitives::{Amount, ChannelId};

use crate::{
    GatewayConfig, GatewayDeps, Refusal, answers,
    api::{self, Hub},
    directory::Providers,
    epochs, guard, idempotency, keys, mirror,
    shared::{Shared, now_ms},
    v1,
};

/// How long running calls may take to settle when the gateway stops.
const STOP_GRACE: Duration = Duration::from_secs(2);

/// A gateway with its actors.
pub struct Gateway {
    shared: Arc<Shared>,
    hub: Arc<Hub>,
    actors: JoinSet<()>,
}

impl Gateway {
    /// Reconciles what a crash left and starts the actors.
    pub async fn start(config: GatewayConfig, deps: GatewayDeps) -> Result<Self, Refusal> {
        let shared = Shared::new(config, deps);
        shared.index.release_all_holds().await?;
        shared.index.drop_running_idempotent().await?;
        let hub = Arc::new(Hub::default());
        let mut actors = JoinSet::new();
        actors.spawn(hub.clone().run(shared.index.clone(), shared.cancel.clone()));
        actors.spawn(epochs::run(shared.clone()));
        actors.spawn(mirror::run(shared.clone()));
        actors.spawn(answers::run(shared.clone()));
        Ok(Self { shared, hub, actors })
    }

    /// `/v1` and `/api/v1`.
    pub fn router(&self) -> Router {
        let shared = self.shared.clone();
        Router::new()
            .nest("/v1", v1::router())
            .nest("/api/v1", api::router())
            .layer(Extension(self.hub.clone()))
            .layer(middleware::from_fn(api::redirect_forms))
            .layer(middleware::from_fn_with_state(shared.clone(), idempotency::replay))
            .layer(middleware::from_fn_with_state(shared.clone(), guard::guard))
            .with_state(shared)
    }

    /// The providers of the chain as one: what pages ask for quotes.
    pub fn providers(&self) -> Arc<dyn ProviderApi> {
        Arc::new(Providers(self.shared.clone()))
    }

    /// Closes the running epoch now instead of at its end.
    pub async fn close_epoch(&self) -> Result<(), Refusal> {
        epochs::close(&self.shared).await
    }

    /// Makes sure that a secret is a key of `owner` with an open channel. The same secret after a
    /// restart changes nothing.
    pub async fn ensure_key(
        &self,
        owner: &Sender,
        secret: &ApiSecret,
        cap: Amount,
        name: &str,
    ) -> Result<(), Refusal> {
        let shared = &self.shared;
        if shared.index.key(secret.id())?.is_some() {
            return Ok(());
        }
        let view = shared.chain.channels();
        let signer = secret.voucher_signer()?.address();
        let usable = |channel: &tributary_contracts::IChannels::Channel| {
            channel.signer == signer
                && channel.gateway == shared.address()
                && channel.status == ChannelStatus::Open.code()
        };
        let channel = match view.of_payer(owner.address()).await?.into_iter().find(usable) {
            Some(channel) => channel,
            None => {
                let longest = view.params().await?.maxExpiry;
                let expiry = shared.chain.head().await?.timestamp + longest - longest / 10;
                let call = channels::open(shared.address(), signer, cap, expiry);
                let receipt = keys::send_from_escrow(shared, owner, None, &call, cap).await?;
                let id = channels::opened_id(&receipt)
                    .ok_or_else(|| Refusal::internal("opening a channel left no event"))?;
                view.get(id).await?
            }
        };
        let redeemed = Amount::from_wei(channel.redeemed);
        let row = KeyRow {
            hash: secret.id(),
            owner: owner.address(),
            name: name.to_owned(),
            channel: ChannelId(channel.id),
            signer,
            cap: Amount::from_wei(channel.cap),
            spent: redeemed,
            held: Amount::ZERO,
            redeemed,
            voucher: None,
            sealed_secret: None,
            active: true,
            expires_at: channel.expiry,
            created_ms: now_ms(),
        };
        Ok(shared.index.put_key(row).await?)
    }

    /// Lets running calls settle, then ends the actors.
    pub async fn stop(mut self) {
        self.shared.calls.close();
        let settled = tokio::time::timeout(STOP_GRACE, self.shared.calls.wait()).await;
        if settled.is_err() {
            tracing::warn!("calls were still running at the stop; nothing was paid for them");
        }
        self.shared.cancel.cancel();
        let ended = async { while self.actors.join_next().await.is_some() {} };
        if tokio::time::timeout(STOP_GRACE, ended).await.is_err() {
            self.actors.abort_all();
        }
    }
}
