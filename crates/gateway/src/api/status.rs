//! What is running, and how much of it.

use std::sync::Arc;

use axum::{Json, extract::State};
use tributary_client::api;
use tributary_primitives::Amount;

use crate::{Refusal, shared::Shared};

pub(super) async fn status(
    State(shared): State<Arc<Shared>>,
) -> Result<Json<api::Status>, Refusal> {
    let head = shared.chain.head().await?;
    let models = shared.chain.models().list().await?;
    let datanets = shared.chain.datanets().list().await?;
    let peers = shared.directory.peers().await.unwrap_or_default();
    let mut provider = api::ProviderView::default();
    if let Some(peer) = peers.first() {
        let status = peer.api.status().await;
        provider = api::ProviderView {
            online: status.is_ok(),
            address: Some(peer.address),
            receipt_key: Some(peer.receipt_key),
            prices: Some(peer.prices),
            train_price: Some(peer.train_price),
            models: status.map(|status| status.models).unwrap_or_default(),
        };
    }
    Ok(Json(api::Status {
        chain_id: shared.chain.chain_id(),
        block_number: head.number,
        block_hash: head.hash,
        models: models.into_iter().map(|model| model.name).collect(),
        datanets: datanets.iter().map(|datanet| datanet.id).collect(),
        guests_allowed: shared.guest_policy().is_ok(),
        provider,
        gateway: shared.address(),
        default_model: shared.config.default_model.clone(),
        epoch_seconds: shared.config.epoch.as_secs(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }))
}

pub(super) async fn stats(State(shared): State<Arc<Shared>>) -> Result<Json<api::Stats>, Refusal> {
    let (answers, fees) = shared.index.receipt_totals(None)?;
    let head = shared.chain.head().await?;
    let gateway = shared.chain.channels().gateway(shared.address()).await?;
    let datanets = shared.chain.datanets().list().await?;
    Ok(Json(api::Stats {
        blocks: head.number,
        transactions: shared.index.tx_count()?,
        answers,
        fees,
        promised: shared.index.promised()?,
        paid_out: Amount::from_wei(gateway.paid),
        redeemed: Amount::from_wei(gateway.redeemed),
        datanets: datanets.len() as u64,
        rows: datanets.iter().map(|datanet| datanet.publishedItems).sum(),
        models: shared.chain.models().count().await?,
    }))
}
