//! Receipts: what was paid for an answer, to whom, and where that money is.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Path, Query, State},
};
use serde::Deserialize;
use serde_json::{Value, json};
use tributary_client::api;
use tributary_indexer::{ReceiptFilter, ReceiptRow};
use tributary_primitives::{Address, B256, ModelId, Role, Share, Transcript};

use crate::{Refusal, caller::Caller, epochs, shared::Shared, verify};

#[derive(Deserialize)]
pub(super) struct Page {
    account: Option<Address>,
    model: Option<u64>,
    after: Option<u64>,
    limit: Option<u32>,
}

pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    Query(page): Query<Page>,
) -> Result<Json<Value>, Refusal> {
    let limit = page.limit.unwrap_or(50).clamp(1, 100);
    let filter =
        ReceiptFilter { payer: page.account, model: page.model.map(ModelId), before: page.after };
    let mut rows = shared.index.receipts(filter, limit + 1)?;
    let has_more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let items: Vec<Value> = rows.iter().map(summary).collect();
    Ok(Json(json!({"items": items, "has_more": has_more})))
}

fn summary(row: &ReceiptRow) -> Value {
    let body = &row.receipt.signed.body;
    json!({
        "id": row.receipt.signed.id, "seq": row.seq, "state": row.state, "epoch": row.epoch,
        "payer": body.payer, "provider": body.provider, "model": body.model,
        "datanet": body.snapshot.datanet, "fee": body.fee(), "prompt_tokens": body.prompt_tokens,
        "completion_tokens": body.completion_tokens, "spans": row.receipt.spans.len(),
        "block_number": body.block_number, "at": row.at_ms / 1_000,
    })
}

fn id_of(text: &str) -> Result<B256, Refusal> {
    text.parse().map_err(|_| {
        Refusal::field("id", format!("`{text}` is not a receipt id"))
            .hint("a receipt id is 0x and 64 hex digits")
    })
}

fn find(shared: &Shared, text: &str) -> Result<ReceiptRow, Refusal> {
    let id = id_of(text)?;
    shared.index.receipt(id)?.ok_or_else(|| Refusal::not_found("receipt", id))
}

pub(super) async fn show(
    State(shared): State<Arc<Shared>>,
    Path(text): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let row = find(&shared, &text)?;
    let gateway = row.receipt.signed.body.gateway;
    let posted = row.epoch.map(|epoch| shared.index.posted(gateway, epoch)).transpose()?.flatten();
    let explain = explain(&shared, &row)?;
    let view = api::ReceiptView {
        state: row.state,
        epoch: row.epoch,
        root: posted.as_ref().map(|posted| posted.root),
        transaction: posted.as_ref().map(|posted| posted.tx),
        block_number: posted.as_ref().map(|posted| posted.block),
        explain,
        receipt: row.receipt.clone(),
    };
    let mut body = serde_json::to_value(view).map_err(Refusal::internal)?;
    body["share_states"] = json!(row.share_states);
    body["data_hash"] = match row.epoch {
        Some(epoch) => json!(shared.index.setting(&epochs::epoch_setting(gateway, epoch))?),
        None => Value::Null,
    };
    body["at"] = json!(row.at_ms / 1_000);
    Ok(Json(body))
}

fn explain(shared: &Shared, row: &ReceiptRow) -> Result<Vec<api::Explained>, Refusal> {
    let explain = row.receipt.shares.iter().map(|share| {
        let due = shared.index.claimable(share.party)?;
        let proof = due.into_iter().find(|due| due.leaf.leaf.role == share.role);
        Ok(api::Explained {
            role: share.role,
            party: party(share),
            label: label(shared, share)?,
            amount: share.amount,
            record: share.record,
            proof: proof.map(|due| {
                json!({
                    "gateway": due.gateway, "epoch": due.epoch, "index": due.leaf.position,
                    "cumulative": due.leaf.leaf.cumulative, "proof": due.leaf.proof,
                })
            }),
        })
    });
    explain.collect()
}

fn party(share: &Share) -> String {
    match share.role {
        Role::Backers | Role::Commons => {
            let id = share.party.as_datanet();
            id.map_or_else(String::new, |id| format!("datanet:{id}"))
        }
        Role::ProtocolCompute | Role::ProtocolLicence => "protocol".into(),
        _ => share.party.as_account().map_or_else(String::new, |account| account.to_string()),
    }
}

fn label(shared: &Shared, share: &Share) -> Result<String, Refusal> {
    Ok(match share.role {
        Role::Lineage => {
            let name = share.model.map(|id| shared.index.model(id)).transpose()?.flatten();
            let name = name.map_or_else(|| "a model".to_owned(), |thing| thing.body.name);
            format!("owner of {name}")
        }
        Role::Data => {
            let record = share.record.map(|record| record.short()).unwrap_or_default();
            format!("contributor of record {record}")
        }
        Role::Backers | Role::Commons => {
            let datanet = share.party.as_datanet().unwrap_or_default();
            let name = shared.index.datanet(datanet)?.map(|thing| thing.body.spec.name);
            let name = name.unwrap_or_else(|| format!("datanet {datanet}"));
            let pool = if share.role == Role::Backers { "backers" } else { "commons" };
            format!("{pool} of {name}")
        }
        role => role.label().to_owned(),
    })
}

/// The private side of a call: for its payer alone.
fn transcript_of(
    shared: &Shared,
    caller: &Caller,
    row: &ReceiptRow,
) -> Result<Transcript, Refusal> {
    let account = caller.require()?;
    let id = row.receipt.signed.id;
    if account != row.receipt.signed.body.payer {
        return Err(Refusal::forbidden(
            "not_your_transcript",
            "a transcript is shown to the payer of its call alone",
        )
        .hint("use the key or session that asked"));
    }
    shared.index.transcript(id)?.ok_or_else(|| Refusal::not_found("transcript", id))
}

pub(super) async fn transcript(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    Path(text): Path<String>,
) -> Result<Json<Transcript>, Refusal> {
    let row = find(&shared, &text)?;
    transcript_of(&shared, &caller, &row).map(Json)
}

/// Checks everything that can be recomputed. The private checks need the payer.
pub(super) async fn verify(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    Path(text): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let row = find(&shared, &text)?;
    let transcript = transcript_of(&shared, &caller, &row).ok();
    let blobs = verify::LocalBlobs::new(shared.artifacts.clone(), shared.index.clone());
    let report =
        verify::verify(&shared.chain, &blobs, &row.receipt, transcript.as_ref(), row.epoch).await?;
    serde_json::to_value(report).map(Json).map_err(Refusal::internal)
}

/// The leaves and receipts behind a posted root.
pub(super) async fn root(
    State(shared): State<Arc<Shared>>,
    Path(text): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let hash: B256 =
        text.parse().map_err(|_| Refusal::field("hash", "a data hash is 0x and 64 hex digits"))?;
    let data = epochs::data(&shared.artifacts, &shared.index, hash).await?;
    let data = data.ok_or_else(|| Refusal::not_found("root", hash))?;
    serde_json::to_value(data).map(Json).map_err(Refusal::internal)
}
