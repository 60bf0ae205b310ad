//! Datanets: lists, rows, versions, earnings, and the writes of an owner.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Path, Query, State},
};
use schemars::JsonSchema;
use serde::Deserialize;
use tributary_client::{
    api::{self, schema::Account},
    datanets,
};
use tributary_contracts::{DatanetStatus, IDatanets};
use tributary_indexer::{DatanetRecord, Earnings, RecordPage};
use tributary_primitives::{Address, Amount, B256, DatanetId, Digest, Role};

use super::{
    contributions,
    input::{Done, Input},
};
use crate::{
    Refusal,
    acts::{self, Named},
    caller::Caller,
    shared::Shared,
};

#[derive(Deserialize, JsonSchema)]
pub(super) struct Page {
    /// Id of the last datanet that was seen.
    after: Option<u64>,
    /// Entries to return, at most 100.
    limit: Option<usize>,
}

pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    Query(page): Query<Page>,
) -> Result<Json<api::Page<api::Datanet>>, Refusal> {
    let limit = page.limit.unwrap_or(50).clamp(1, 100);
    let all = shared.chain.datanets().list().await?;
    let mut rest = all.into_iter().filter(|datanet| datanet.id > page.after.unwrap_or(0));
    let mut items = Vec::new();
    for datanet in rest.by_ref().take(limit) {
        items.push(view(&shared, &datanet).await?);
    }
    Ok(Json(api::Page { items, has_more: rest.next().is_some() }))
}

/// A datanet for people.
async fn view(shared: &Shared, datanet: &IDatanets::Datanet) -> Result<api::Datanet, Refusal> {
    let id = DatanetId(datanet.id);
    let status = DatanetStatus::try_from(datanet.status).map_or("unknown", DatanetStatus::name);
    let root = match datanet.headVersion {
        0 => None,
        version => Some(shared.chain.datanets().snapshot(id, version).await?.root),
    };
    Ok(api::Datanet {
        id: id.0,
        name: datanet.spec.name.clone(),
        description: tributary_client::description_of(&datanet.spec.uri),
        owner: datanet.owner,
        licence: datanet.spec.licence.clone(),
        version: datanet.headVersion,
        rows: datanet.publishedItems,
        contribution_count: datanet.contributionCount,
        contributors: shared.index.contributor_count(id)?,
        stake_per_item: Amount::from_wei(datanet.stakePerItem),
        min_stake: Amount::from_wei(datanet.minStake),
        review_fee: Amount::from_wei(datanet.reviewFee),
        earned_30d: shared.index.datanet_income(id)?,
        answers: shared.index.datanet_answers(id)?,
        status: status.to_owned(),
        snapshot_root: root,
        created_at: datanet.createdAt,
        accept_score: datanet.spec.acceptScore,
        auto_publish: datanet.spec.autoPublish,
    })
}

pub(super) async fn show(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<u64>,
) -> Result<Json<api::DatanetDetail>, Refusal> {
    let id = DatanetId(id);
    let datanet = shared.chain.datanets().get(id).await?;
    let datanet = view(&shared, &datanet).await?;
    let mut list = shared.chain.datanets().contributions(id).await?;
    list.reverse();
    list.truncate(100);
    let shown: Result<Vec<_>, Refusal> =
        list.iter().map(|contribution| contributions::view(&shared, contribution)).collect();
    Ok(Json(api::DatanetDetail { datanet, contributions: shown? }))
}

#[derive(Deserialize, JsonSchema)]
pub(super) struct RowsAsked {
    /// A frozen version; the newest when absent.
    version: Option<u32>,
    /// Rows to skip.
    offset: Option<u32>,
    /// Rows to return, at most 100.
    limit: Option<u32>,
    /// Words that a row holds.
    search: Option<String>,
    /// Rows of one contributor.
    #[schemars(with = "Option<Account>")]
    contributor: Option<Address>,
}

pub(super) async fn rows(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<u64>,
    Query(asked): Query<RowsAsked>,
) -> Result<Json<api::RowsPage>, Refusal> {
    let id = DatanetId(id);
    let datanet = shared.chain.datanets().get(id).await?;
    let total = match asked.version {
        Some(version) => shared.chain.datanets().snapshot(id, version).await?.itemCount,
        None => datanet.publishedItems,
    };
    let page = RecordPage {
        all: false,
        search: asked.search.as_deref().filter(|words| !words.is_empty()),
        contributor: asked.contributor,
        offset: asked.offset.unwrap_or(0),
        limit: asked.limit.unwrap_or(50).clamp(1, 100),
    };
    let newest = asked.version.unwrap_or(u32::MAX);
    let mut records = shared.index.datanet_records(id, page)?;
    records.retain(|record| record.version.is_some_and(|version| version <= newest));
    Ok(Json(api::RowsPage { items: record_views(&shared, &records)?, total }))
}

fn record_views(shared: &Shared, records: &[DatanetRecord]) -> Result<Vec<api::RowView>, Refusal> {
    let ids: Vec<Digest> = records.iter().map(|record| record.row.record).collect();
    let earned = shared.index.record_earnings(&ids)?;
    let views = records.iter().zip(earned).map(|(record, earned)| {
        let mut fields = record.row.body.as_object().cloned().unwrap_or_default();
        fields.shift_remove("id");
        api::RowView {
            record: fields,
            record_id: record.row.record,
            own_id: record.row.own_id.clone(),
            contributor: record.contributor,
            contribution: record.contribution.0,
            version: record.version,
            uses: earned.answers,
            earned: earned.total,
        }
    });
    Ok(views.collect())
}

/// One record, wherever it stands.
pub(super) async fn record(
    State(shared): State<Arc<Shared>>,
    Path(text): Path<String>,
) -> Result<Json<api::RecordView>, Refusal> {
    let id: Digest = text.parse().map_err(|error| Refusal::field("id", format!("{error}")))?;
    let record = shared.index.record(id)?.ok_or_else(|| Refusal::not_found("record", id))?;
    let contribution = shared.chain.datanets().contribution(record.contribution).await?;
    let row = record_views(&shared, std::slice::from_ref(&record))?.pop();
    Ok(Json(api::RecordView {
        row: row.ok_or_else(|| Refusal::not_found("record", id))?,
        datanet: contribution.datanetId,
        receipts: shared.index.receipts_of_record(id, 20)?,
    }))
}

pub(super) async fn versions(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<u64>,
) -> Result<Json<api::Page<api::VersionView>>, Refusal> {
    let snapshots = shared.index.snapshots(DatanetId(id))?;
    let items = snapshots.into_iter().map(|snapshot| api::VersionView {
        version: snapshot.version,
        root: snapshot.root,
        rows: snapshot.items,
        contributions: snapshot.contributions,
        block_number: snapshot.block,
        transaction: snapshot.tx,
        at: snapshot.time,
    });
    Ok(Json(api::Page::whole(items.collect())))
}

pub(super) async fn earnings(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<u64>,
) -> Result<Json<api::DatanetIncome>, Refusal> {
    let id = DatanetId(id);
    let party = tributary_primitives::Party::datanet(id);
    let people = shared.index.datanet_contributors(id, 100)?;
    let contributors = people
        .into_iter()
        .map(|(account, total, answers)| api::ContributorEarnings { account, total, answers });
    let pool = shared.chain.royalties().pool(id).await?;
    let of_role = |role| -> Result<api::Earned, Refusal> {
        let Earnings { pending, earned, paid } = shared.index.role_earnings(party, role)?;
        Ok(api::Earned { pending, earned, paid })
    };
    Ok(Json(api::DatanetIncome {
        datanet: id.0,
        total: shared.index.datanet_income(id)?,
        answers: shared.index.datanet_answers(id)?,
        contributors: contributors.collect(),
        commons: of_role(Role::Commons)?,
        backers: of_role(Role::Backers)?,
        pool: api::CommonsPool {
            backing: Amount::from_wei(pool.backing),
            backers_received: Amount::from_wei(pool.backersReceived),
            commons_received: Amount::from_wei(pool.commonsReceived),
        },
    }))
}

/// What a datanet is.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "DatanetRequest")]
pub(super) struct NewDatanet {
    /// Its name.
    name: String,
    /// For people.
    #[serde(default)]
    description: String,
    /// SPDX name of its rows' licence; CC-BY-4.0 when absent.
    #[serde(default)]
    licence: Option<String>,
}

fn create_call(asked: NewDatanet) -> tributary_client::Call {
    let uri = tributary_client::description_uri(&asked.description);
    datanets::create(IDatanets::DatanetSpec {
        name: asked.name.trim().to_owned(),
        uri,
        schemaHash: B256::ZERO,
        licence: asked.licence.unwrap_or_else(|| "CC-BY-4.0".into()),
        reviewers: 0,
        acceptScore: 0,
        autoPublish: true,
    })
}

/// The call that opens a datanet.
pub(super) async fn prepare(Input(asked): Input<NewDatanet>) -> Json<api::Prepared> {
    let call = create_call(asked);
    Json(api::Prepared {
        summary: call.summary.clone(),
        calls: vec![call],
        stake: Amount::ZERO,
        fee: Amount::ZERO,
        total: Amount::ZERO,
    })
}

/// Opens a datanet of a guest.
pub(super) async fn create(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    act: Named,
    Input(asked): Input<NewDatanet>,
) -> Result<Done<api::OpenedDatanet, 202>, Refusal> {
    let (sender, act) = (shared.guest_sender(caller.require_guest()?)?, act.map(|act| act.0));
    let receipt = acts::once(&shared, act, &sender, &create_call(asked)).await?;
    let id = datanets::created_id(&receipt)
        .ok_or_else(|| Refusal::internal("opening a datanet left no event"))?;
    let body = api::OpenedDatanet { id: id.0, transaction: receipt.transaction_hash };
    Ok(Done::new(body, format!("/data/{id}")))
}

/// Freezes what is accepted into the next version: anyone may, so the gateway may too.
pub(super) async fn publish(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<u64>,
    act: Named,
) -> Result<Done<api::Published, 202>, Refusal> {
    let (sender, act) = (shared.guest_sender(caller.require_guest()?)?, act.map(|act| act.0));
    let datanet = DatanetId(id);
    let call = datanets::publish(datanet);
    let receipt = acts::once(&shared, act, &sender, &call).await?;
    let version = shared.chain.datanets().get(datanet).await?.headVersion;
    let body = api::Published { transaction: receipt.transaction_hash, version };
    Ok(Done::new(body, format!("/data/{id}")))
}
