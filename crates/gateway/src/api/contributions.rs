//! Contributions: prepared calls for any signer, submitted ones for guests, and their story.

use std::sync::Arc;

use alloy_rpc_types_eth::TransactionReceipt;
use axum::{
    Extension, Json,
    extract::{Path, State},
};
use schemars::JsonSchema;
use serde::Deserialize;
use tributary_client::{api, datanets};
use tributary_contracts::{ContributionStatus, IDatanets};
use tributary_indexer::{UploadRow, UploadState};
use tributary_primitives::{Address, Amount, B256, ContributionId, DatanetId};

use super::input::{Done, Input};
use crate::{
    Refusal,
    acts::{self, Named},
    caller::Caller,
    shared::Shared,
};

/// What to contribute.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "ContributionRequest")]
pub(super) struct FromUpload {
    /// Id of a checked upload.
    upload: String,
}

/// An upload that can be contributed, and what that costs.
struct Ready {
    upload: UploadRow,
    stake: Amount,
    fee: Amount,
    call: tributary_client::Call,
}

async fn ready(shared: &Shared, datanet: DatanetId, id: &str) -> Result<Ready, Refusal> {
    let upload = shared.index.upload(id)?.ok_or_else(|| {
        Refusal::not_found("upload", id).param("upload").hint("POST /api/v1/uploads first")
    })?;
    if upload.accepted == 0 {
        return Err(Refusal::data("nothing_to_contribute", "no row of this upload was accepted")
            .hint("correct the rows that the report names"));
    }
    if upload.state == UploadState::Submitted {
        return Err(Refusal::conflict("already_contributed", "this upload was contributed before")
            .hint("upload other rows"));
    }
    let items = u64::from(upload.accepted);
    let (stake, fee) = shared.chain.datanets().cost(datanet, items).await?;
    let value =
        stake.checked_add(fee).ok_or_else(|| Refusal::internal("stake and fee do not fit"))?;
    let base = &shared.config.public_url;
    let call = datanets::contribute(&datanets::Contribution {
        datanet,
        items_root: upload.items_root,
        item_count: items,
        data_commit: upload.digest,
        uri: format!("{base}/api/v1/blobs/{}", upload.digest),
        value,
    });
    Ok(Ready { upload, stake, fee, call })
}

/// The calls that contribute an upload.
pub(super) async fn prepare(
    State(shared): State<Arc<Shared>>,
    Path(datanet): Path<u64>,
    Input(asked): Input<FromUpload>,
) -> Result<Json<api::Prepared>, Refusal> {
    let ready = ready(&shared, DatanetId(datanet), &asked.upload).await?;
    let rows = ready.upload.accepted;
    let summary = format!(
        "Contribute {rows} rows to datanet {datanet}: stake {} (returned when published), review \
         fee {}",
        ready.stake, ready.fee
    );
    Ok(Json(api::Prepared {
        total: ready.call.value,
        calls: vec![ready.call],
        summary,
        stake: ready.stake,
        fee: ready.fee,
    }))
}

/// Signs the prepared calls with a guest's key.
pub(super) async fn create(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    act: Named,
    Path(datanet): Path<u64>,
    Input(asked): Input<FromUpload>,
) -> Result<Done<api::Contributed, 202>, Refusal> {
    let account = caller.require_guest()?;
    let (sender, act) = (shared.guest_sender(account)?, act.map(|act| act.0));
    let (id, transaction) = match acts::sent_before(&shared, act, &sender).await? {
        Some(receipt) => (contributed(&receipt)?, receipt.transaction_hash),
        None => {
            let ready = ready(&shared, DatanetId(datanet), &asked.upload).await?;
            if ready.upload.account != account {
                let detail = "another account made this upload";
                return Err(Refusal::forbidden("not_your_upload", detail));
            }
            match acts::send(&shared, act, &sender, &ready.call).await {
                Ok(receipt) => (contributed(&receipt)?, receipt.transaction_hash),
                Err(refusal) => {
                    let found = rows_sent(&shared, account, DatanetId(datanet), &ready.upload)?;
                    found.ok_or(refusal)?
                }
            }
        }
    };
    shared.index.submit_upload(&asked.upload, id).await?;
    let entry = shared.chain.datanets().contribution(id).await?;
    let (stake, fee) = (Amount::from_wei(entry.stake), Amount::from_wei(entry.fee));
    let contributed = api::Contributed { contribution: id.0, transaction, stake, fee };
    Ok(Done::new(contributed, format!("/contributions/{id}")))
}

fn contributed(receipt: &TransactionReceipt) -> Result<ContributionId, Refusal> {
    datanets::contributed_id(receipt)
        .ok_or_else(|| Refusal::internal("a contribution left no event"))
}

/// The contribution of these rows that the same account sent before a crash, if it did.
fn rows_sent(
    shared: &Shared,
    account: Address,
    datanet: DatanetId,
    upload: &UploadRow,
) -> Result<Option<(ContributionId, B256)>, Refusal> {
    let own = shared.index.contributions_by(account, 64)?;
    let found = own.into_iter().find(|thing| {
        thing.body.itemsRoot == upload.items_root && DatanetId(thing.body.datanetId) == datanet
    });
    Ok(found.map(|thing| (ContributionId(thing.body.id), thing.tx)))
}

/// One contribution with its steps.
pub(super) async fn show(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<u64>,
) -> Result<Json<api::ContributionView>, Refusal> {
    let contribution = shared.chain.datanets().contribution(ContributionId(id)).await?;
    view(&shared, &contribution).map(Json)
}

/// A contribution for people.
pub(super) fn view(
    shared: &Shared,
    contribution: &IDatanets::Contribution,
) -> Result<api::ContributionView, Refusal> {
    let id = ContributionId(contribution.id);
    let steps = shared.index.steps(id)?;
    let steps = steps.into_iter().map(|step| api::Step {
        name: step.step,
        detail: step.detail,
        at: step.time,
        transaction: step.tx,
        block_number: step.block,
    });
    Ok(api::ContributionView {
        id: id.0,
        datanet: contribution.datanetId,
        contributor: contribution.contributor,
        rows: contribution.itemCount,
        state: state(contribution.status).to_owned(),
        score: contribution.score,
        version: (contribution.version != 0).then_some(contribution.version),
        stake: Amount::from_wei(contribution.stake),
        fee: Amount::from_wei(contribution.fee),
        reason: shared.index.setting(&reason_setting(id))?,
        submitted_at: contribution.submittedAt,
        phase_end: contribution.phaseEnd,
        data_commit: contribution.dataCommit,
        items_root: contribution.itemsRoot,
        uri: contribution.uri.clone(),
        steps: steps.collect(),
    })
}

/// Where a reviewer of this node leaves its reasons.
pub fn reason_setting(id: ContributionId) -> String {
    format!("review:{id}")
}

fn state(status: u8) -> &'static str {
    match ContributionStatus::try_from(status) {
        Ok(ContributionStatus::Committing) => "checked",
        Ok(ContributionStatus::Revealing) => "reviewed",
        Ok(status) => status.name(),
        Err(_) => "unknown",
    }
}
