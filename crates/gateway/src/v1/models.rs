//! The models in service.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Path, State},
};
use serde_json::{Value, json};
use tributary_client::models::prices;
use tributary_contracts::{IModels, ModelKind, ModelStatus};
use tributary_primitives::Digest;

use crate::{Refusal, caller::Caller, refusal::OpenAiRefusal, shared::Shared};

fn admit(caller: &Caller) -> Result<(), Refusal> {
    match caller {
        Caller::Nobody => Err(super::plan::no_key()),
        _ => Ok(()),
    }
}

pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<Value>, OpenAiRefusal> {
    admit(&caller)?;
    let models = shared.chain.models().list().await?;
    let active = models.iter().filter(|model| model.status == ModelStatus::Active.code());
    let data: Vec<Value> = active.map(entry).collect();
    Ok(Json(json!({"object": "list", "data": data})))
}

pub(super) async fn show(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Value>, OpenAiRefusal> {
    admit(&caller)?;
    Ok(Json(entry(&shared.model_named(&id).await?)))
}

fn entry(model: &IModels::Model) -> Value {
    let prices = prices(model);
    let kind = ModelKind::try_from(model.kind).map(ModelKind::name).unwrap_or("model");
    json!({
        "id": model.name, "object": "model", "created": model.registeredAt,
        "owned_by": model.owner,
        "tributary": {
            "model": model.id, "kind": kind, "digest": Digest::from(model.digest),
            "licence": model.licence, "parents": model.parents,
            "datanet": model.snapshots.first().map(|key| key.datanetId),
            "snapshot_version": model.snapshots.first().map(|key| key.version),
            "prices": {"input": prices.input, "output": prices.output},
        },
    })
}
