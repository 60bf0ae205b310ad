//! Models with their lineage, prices and calls.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, Query, State},
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use tributary_client::{api, models::prices};
use tributary_contracts::{IModels, ModelKind, ModelStatus};
use tributary_primitives::{Digest, ModelId, Ppm};

use crate::{Refusal, shared::Shared};

#[derive(Deserialize, JsonSchema)]
pub(super) struct Page {
    /// Id of the last model that was seen.
    after: Option<u64>,
    /// Entries to return, at most 100.
    limit: Option<usize>,
    /// Models trained on this datanet.
    datanet: Option<u64>,
}

pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    Query(page): Query<Page>,
) -> Result<Json<api::Page<api::ModelView>>, Refusal> {
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
    Ok(Json(api::Page { items, has_more: rest.next().is_some() }))
}

fn view(shared: &Shared, model: &IModels::Model) -> Result<api::ModelView, Refusal> {
    let id = ModelId(model.id);
    let kind = ModelKind::try_from(model.kind).map_or("unknown", ModelKind::name);
    let status = ModelStatus::try_from(model.status).map_or("unknown", ModelStatus::name);
    let (calls, revenue) = shared.index.receipt_totals(Some(id))?;
    let snapshot = model.snapshots.first();
    Ok(api::ModelView {
        id: id.0,
        name: model.name.clone(),
        kind: kind.to_owned(),
        owner: model.owner,
        base: model.parents.first().copied(),
        datanet: snapshot.map(|key| key.datanetId),
        snapshot_version: snapshot.map(|key| key.version),
        prices: prices(model),
        licence: model.licence.clone(),
        digest: Digest::from(model.digest),
        tokenizer_digest: Digest::from(model.tokenizerDigest),
        card_digest: Digest::from(model.cardDigest),
        job: (model.taskId != 0).then_some(model.taskId),
        calls,
        revenue,
        status: status.to_owned(),
        registered_at: model.registeredAt,
    })
}

pub(super) async fn show(
    State(shared): State<Arc<Shared>>,
    Path(text): Path<String>,
) -> Result<Json<api::ModelDetail>, Refusal> {
    let model = shared.model_called(&text).await?;
    let lineage = shared.chain.models().lineage(ModelId(model.id)).await?;
    let mut steps = Vec::new();
    for step in &lineage.steps {
        let parents = step.parents.iter().map(|(id, share)| (id.0, share.millionths()));
        let parents: Vec<(u64, u32)> = parents.collect();
        let climbs: u32 = parents.iter().map(|(_, share)| share).sum();
        steps.push(api::LineageView {
            model: step.model.0,
            name: shared.chain.models().get(step.model).await?.name,
            owner: step.owner,
            share_ppm: Ppm::ONE.millionths().saturating_sub(climbs),
            parents,
        });
    }
    let card = shared.artifacts.get(&Digest::from(model.cardDigest)).await.ok();
    let card = card.and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
    Ok(Json(api::ModelDetail {
        model: view(&shared, &model)?,
        lineage: steps,
        card: card.unwrap_or_default(),
    }))
}
