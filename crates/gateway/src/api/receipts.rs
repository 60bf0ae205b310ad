//! Receipts: what was paid for an answer, to whom, and where that money is.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Path, Query, State},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::json;
use tributary_client::api::{self, schema::Account};
use tributary_contracts::{IChannels, acknowledgement_digest};
use tributary_indexer::{ReceiptFilter, ReceiptRow};
use tributary_primitives::{Address, B256, ModelId, Role, Share, Transcript};

use crate::{Refusal, answers, caller::Caller, epochs, shared::Shared, verify};

#[derive(Deserialize, JsonSchema)]
pub(super) struct Page {
    /// Paid by this account.
    #[schemars(with = "Option<Account>")]
    account: Option<Address>,
    /// Served by this model.
    model: Option<u64>,
    /// `seq` of the last receipt that was seen.
    after: Option<u64>,
    /// Entries to return, at most 100.
    limit: Option<u32>,
}

pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    Query(page): Query<Page>,
) -> Result<Json<api::Page<api::ReceiptSummary>>, Refusal> {
    let limit = page.limit.unwrap_or(50).clamp(1, 100);
    let filter =
        ReceiptFilter { payer: page.account, model: page.model.map(ModelId), before: page.after };
    let mut rows = shared.index.receipts(filter, limit + 1)?;
    let has_more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    Ok(Json(api::Page { items: rows.iter().map(summary).collect(), has_more }))
}

fn summary(row: &ReceiptRow) -> api::ReceiptSummary {
    let body = &row.receipt.signed.body;
    api::ReceiptSummary {
        id: row.receipt.signed.id,
        seq: row.seq,
        state: row.state,
        epoch: row.epoch,
        payer: body.payer,
        provider: body.provider,
        model: body.model.0,
        datanet: body.snapshot.datanet.0,
        fee: body.fee(),
        prompt_tokens: body.prompt_tokens,
        completion_tokens: body.completion_tokens,
        spans: row.receipt.spans.len() as u64,
        block_number: body.block_number,
        at: row.at_ms / 1_000,
    }
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
) -> Result<Json<api::ReceiptDetail>, Refusal> {
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
    let data_hash = match row.epoch {
        Some(epoch) => shared.index.setting(&epochs::epoch_setting(gateway, epoch))?,
        None => None,
    };
    let share_states = row.share_states;
    Ok(Json(api::ReceiptDetail { view, share_states, data_hash, at: row.at_ms / 1_000 }))
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

/// The private side of a call: for its payer alone, and where a task paid, for whoever left the
/// prompt (anyone may pay a task that names its commitment).
fn transcript_of(
    shared: &Shared,
    caller: &Caller,
    row: &ReceiptRow,
) -> Result<Transcript, Refusal> {
    let account = caller.require()?;
    let id = row.receipt.signed.id;
    let body = &row.receipt.signed.body;
    let owner = match body.channel.as_task() {
        Some(_) => answers::asker(shared, &body.prompt_commitment)?,
        None => Some(body.payer),
    };
    if owner != Some(account) {
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
) -> Result<Json<api::PrivateSide>, Refusal> {
    let row = find(&shared, &text)?;
    transcript_of(&shared, &caller, &row).map(|transcript| Json(api::PrivateSide(transcript)))
}

/// Checks everything that can be recomputed. The private checks need the payer.
pub(super) async fn verify(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    Path(text): Path<String>,
) -> Result<Json<api::Verification>, Refusal> {
    let row = find(&shared, &text)?;
    let transcript = transcript_of(&shared, &caller, &row).ok();
    let blobs = verify::LocalBlobs::new(shared.artifacts.clone(), shared.index.clone());
    let report =
        verify::verify(&shared.chain, &blobs, &row.receipt, transcript.as_ref(), row.epoch).await?;
    shown(&report)
}

/// The gateway's signed word, for each payee, that its roots hold what this receipt gives them: the
/// proof against a root that does not (`channels.challengeUnderpay`).
pub(super) async fn acknowledgements(
    State(shared): State<Arc<Shared>>,
    Path(text): Path<String>,
) -> Result<Json<api::Acknowledgements>, Refusal> {
    let id = id_of(&text)?;
    let owed = shared.index.owed(id)?.filter(|owed| owed.gateway == shared.address());
    let owed = owed.ok_or_else(|| Refusal::not_found("receipt", id))?;
    let mut items = Vec::with_capacity(owed.payees.len());
    for payee in owed.payees {
        let statement = IChannels::Acknowledgement {
            gateway: owed.gateway,
            role: payee.role as u8,
            party: payee.party.0,
            cumulative: payee.cumulative.wei(),
            epoch: owed.epoch,
            receiptId: id,
        };
        let digest = acknowledgement_digest(&statement, shared.chain.chain_id());
        items.push(api::Acknowledged {
            gateway: owed.gateway,
            role: statement.role,
            party: statement.party,
            cumulative: payee.cumulative,
            epoch: owed.epoch,
            receipt_id: id,
            signature: shared.sender.signer().sign_hash(&digest)?,
        });
    }
    Ok(Json(api::Acknowledgements { items }))
}

/// The leaves and receipts behind a posted root.
pub(super) async fn root(
    State(shared): State<Arc<Shared>>,
    Path(text): Path<String>,
) -> Result<Json<api::RootView>, Refusal> {
    let hash: B256 =
        text.parse().map_err(|_| Refusal::field("hash", "a data hash is 0x and 64 hex digits"))?;
    let data = epochs::data(&shared.artifacts, &shared.index, hash).await?;
    let data = data.ok_or_else(|| Refusal::not_found("root", hash))?;
    shown(&data)
}

/// A value of a lower room in the form that this interface describes.
fn shown<T: DeserializeOwned>(value: &impl Serialize) -> Result<Json<T>, Refusal> {
    let value = serde_json::to_value(value).map_err(Refusal::internal)?;
    serde_json::from_value(value).map(Json).map_err(Refusal::internal)
}
