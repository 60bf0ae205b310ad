//! Models with their lineage, prices and calls.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, Query, State},
};
use serde::Deserialize;
use serde_json::{Value, json};
use tributary_client::models::prices;
use tributary_contracts::{IModels, ModelKind, ModelStatus};
use tributary_primitives::{Digest, ModelId, Ppm};

use crate::{Refusal, shared::Shared};

#[derive(Deserialize)]
pub(super) struct Page {
    after: Option<u64>,
    limit: Option<usize>,
    datanet: Option<u64>,
}

pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    Query(page): Query<Page>,
) -> Result<Json<Value>, Refusal> {
    let limit = page.limit.unwrap_or(50).clamp(1, 100);
    let all = shared.chain.models().list().await?;
    let wanted = |model: &IModels::Model| {
        let of_datanet = page
            .datanet
            .is_none_or(|datanet| model.snapshots.iter().any(|key| key.datanetId == datanet));
        model.id > page.after.unwrap_or(0) && of_datanet
    };
    let mut rest = all.into_iter().filter(wanted);
    let mut items = Vec::new();
    for model in rest.by_ref().take(limit) {
        items.push(view(&shared, &model)?);
    }
    Ok(Json(json!({"items": items, "has_more": rest.next().is_some()})))
}

fn view(shared: &Shared, model: &IModels::Model) -> Result<Value, Refusal> {
    let id = ModelId(model.id);
    let kind = ModelKind::try_from(model.kind).map_or("unknown", ModelKind::name);
    let status = ModelStatus::try_from(model.status).map_or("unknown", ModelStatus::name);
    let (calls, revenue) = shared.index.receipt_totals(Some(id))?;
    let snapshot = model.snapshots.first();
    let prices = prices(model);
    Ok(json!({
        "id": id, "name": model.name, "kind": kind, "owner": model.owner,
        "base": model.parents.first(), "datanet": snapshot.map(|key| key.datanetId),
        "snapshot_version": snapshot.map(|key| key.version),
        "prices": {"input": prices.input, "output": prices.output}, "licence": model.licence,
        "digest": Digest::from(model.digest), "tokenizer_digest": Digest::from(model.tokenizerDigest),
        "card_digest": Digest::from(model.cardDigest),
        "job": (model.taskId != 0).then_some(model.taskId), "calls": calls, "revenue": revenue,
        "status": status, "registered_at": model.registeredAt,
    }))
}

pub(super) async fn show(
    State(shared): State<Arc<Shared>>,
    Path(text): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let model = shared.model_called(&text).await?;
    let mut body = view(&shared, &model)?;
    let lineage = shared.chain.models().lineage(ModelId(model.id)).await?;
    let mut steps = Vec::new();
    for step in &lineage.steps {
        let climbs: u32 = step.parents.iter().map(|(_, share)| share.millionths()).sum();
        let name = shared.chain.models().get(step.model).await?.name;
        steps.push(json!({
            "model": step.model, "name": name, "owner": step.owner,
            "share_ppm": Ppm::ONE.millionths().saturating_sub(climbs),
            "parents": step.parents,
        }));
    }
    body["lineage"] = steps.into();
    let card = shared.artifacts.get(&Digest::from(model.cardDigest)).await.ok();
    let card = card.and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
    body["card"] = card.unwrap_or(Value::Null);
    Ok(Json(body))
}
