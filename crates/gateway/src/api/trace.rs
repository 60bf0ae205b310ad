//! Verbatim spans of any text in the newest version of a datanet.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
};
use schemars::JsonSchema;
use serde::Deserialize;
use tributary_attribution::{Index as TextIndex, Output, build_index};
use tributary_client::api;
use tributary_datasets::{Bundle, Record};
use tributary_models::Tokenizer;
use tributary_primitives::{Address, DatanetId, Digest};

use super::input::Input;
use crate::{Refusal, shared::Shared, verify};

/// Longest text that is traced.
const TEXT_SIZE_BYTES: usize = 64 << 10;
/// Indexes kept.
const KEPT: usize = 8;

/// What to trace.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "TraceRequest")]
pub(super) struct Asked {
    /// The text.
    text: String,
}

/// An index with its tokenizer.
pub struct Traced {
    root: tributary_primitives::B256,
    index: TextIndex,
    tokenizer: Tokenizer,
}

pub(super) async fn trace(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<u64>,
    Input(asked): Input<Asked>,
) -> Result<Json<api::Traced>, Refusal> {
    if asked.text.is_empty() || asked.text.len() > TEXT_SIZE_BYTES {
        return Err(Refusal::field("text", format!("`text` has 1 to {TEXT_SIZE_BYTES} bytes")));
    }
    let traced = index_of(&shared, DatanetId(id)).await?;
    let work = move || {
        let output = Output::encode(&traced.tokenizer, &asked.text).map_err(Refusal::internal)?;
        let found = traced.index.trace(&output).to_json();
        serde_json::from_value(found).map(Json).map_err(Refusal::internal)
    };
    tokio::task::spawn_blocking(work).await.map_err(Refusal::internal)?
}

/// The index of a datanet's newest version, built at its first use.
async fn index_of(shared: &Shared, datanet: DatanetId) -> Result<Arc<Traced>, Refusal> {
    let manifest = verify::head_manifest(&shared.chain, datanet).await?;
    let manifest = manifest.ok_or_else(|| {
        Refusal::data("no_version", "this datanet has no version yet")
            .hint("wait until a contribution is published")
    })?;
    let snapshot = manifest.snapshot_ref()?;
    let key = (datanet, snapshot.version);
    let kept = shared.traced.lock().get(&key).cloned();
    if let Some(kept) = kept.filter(|kept| kept.root == snapshot.root) {
        return Ok(kept);
    }
    let mut records: Vec<(Record, Address)> = Vec::new();
    for entry in manifest.entries.iter().filter(|entry| !entry.tombstoned) {
        let blob = shared.artifacts.get(&entry.data_commit).await?;
        let bundle = Bundle::open(&blob, &entry.commitment())?;
        records.extend(bundle.records().iter().map(|record| (record.clone(), entry.contributor)));
    }
    let model = shared.model_named(&shared.config.default_model).await?;
    let bytes = shared.artifacts.get(&Digest::from(model.tokenizerDigest)).await?;
    let work = move || {
        let tokenizer = Tokenizer::from_json(&bytes).map_err(Refusal::internal)?;
        let pairs = records.iter().map(|(record, contributor)| (record, *contributor));
        let index = build_index(snapshot, &tokenizer, pairs).map_err(Refusal::internal)?;
        Ok::<_, Refusal>(Traced { root: snapshot.root, index, tokenizer })
    };
    let traced = tokio::task::spawn_blocking(work).await.map_err(Refusal::internal)??;
    let traced = Arc::new(traced);
    let mut kept = shared.traced.lock();
    if kept.len() >= KEPT {
        kept.clear();
    }
    kept.insert(key, traced.clone());
    Ok(traced)
}
