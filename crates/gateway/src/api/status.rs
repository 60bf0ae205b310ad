//! What is running, and how much of it.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde_json::{Value, json};

use crate::{Refusal, shared::Shared};

pub(super) async fn status(State(shared): State<Arc<Shared>>) -> Result<Json<Value>, Refusal> {
    let head = shared.chain.head().await?;
    let models = shared.chain.models().list().await?;
    let datanets = shared.chain.datanets().list().await?;
    let peers = shared.directory.peers().await.unwrap_or_default();
    let mut provider = json!({"online": false, "address": null});
    if let Some(peer) = peers.first() {
        let status = peer.api.status().await;
        provider = json!({
            "online": status.is_ok(), "address": peer.address, "receipt_key": peer.receipt_key,
            "prices": {"input": peer.prices.input, "output": peer.prices.output},
            "train_price": peer.train_price,
            "models": status.map(|status| status.models).unwrap_or_default(),
        });
    }
    Ok(Json(json!({
        "chain_id": shared.chain.chain_id(), "block_number": head.number, "block_hash": head.hash,
        "models": models.iter().map(|model| &model.name).collect::<Vec<_>>(),
        "datanets": datanets.iter().map(|datanet| datanet.id).collect::<Vec<_>>(),
        "guests_allowed": shared.guest_policy().is_ok(), "provider": provider,
        "gateway": shared.address(), "default_model": shared.config.default_model,
        "epoch_seconds": shared.config.epoch.as_secs(), "version": env!("CARGO_PKG_VERSION"),
    })))
}

pub(super) async fn stats(State(shared): State<Arc<Shared>>) -> Result<Json<Value>, Refusal> {
    let (answers, fees) = shared.index.receipt_totals(None)?;
    let head = shared.chain.head().await?;
    let gateway = shared.chain.channels().gateway(shared.address()).await?;
    let datanets = shared.chain.datanets().list().await?;
    let rows: u64 = datanets.iter().map(|datanet| datanet.publishedItems).sum();
    Ok(Json(json!({
        "blocks": head.number, "transactions": shared.index.tx_count()?, "answers": answers,
        "fees": fees, "promised": shared.index.promised()?,
        "paid_out": gateway.paid.to_string(), "redeemed": gateway.redeemed.to_string(),
        "datanets": datanets.len(), "rows": rows,
        "models": shared.chain.models().count().await?,
    })))
}
