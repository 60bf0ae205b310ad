//! What an account has, and what it has pending, earned and paid.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json,
    extract::{Path, Query, State},
};
use schemars::JsonSchema;
use serde::Deserialize;
use tributary_client::api;
use tributary_indexer::{Earnings, Source, SourceEarnings};
use tributary_primitives::{Address, DatanetId, Party, PayState, Role};

use crate::{Refusal, shared::Shared};

pub(super) fn address(text: &str) -> Result<Address, Refusal> {
    text.parse().map_err(|_| {
        Refusal::field("address", format!("`{text}` is not an address"))
            .hint("an address is 0x and 40 hex digits")
    })
}

pub(super) async fn show(
    State(shared): State<Arc<Shared>>,
    Path(text): Path<String>,
) -> Result<Json<api::AccountView>, Refusal> {
    let address = address(&text)?;
    let party = Party::account(address);
    let balance = shared.chain.balance(address).await?;
    let (prepaid, reserved) = shared.chain.channels().escrow(address).await?;
    let Earnings { pending, earned, paid } = shared.index.earnings(address)?;
    let mut by_role = Vec::new();
    for role in Role::ALL {
        let sums = shared.index.role_earnings(party, role)?;
        if !sums.total().is_zero() {
            let Earnings { pending, earned, paid } = sums;
            let label = role.label().to_owned();
            by_role.push(api::RoleEarnings { role, label, pending, earned, paid });
        }
    }
    let by_datanet = by_datanet(&shared, address)?;
    let by_model = by_model(&shared, party)?;
    Ok(Json(api::AccountView {
        address,
        balance,
        prepaid,
        reserved,
        pending,
        earned,
        paid,
        by_role,
        by_datanet,
        by_model,
    }))
}

/// By datanet: states follow the shares, oldest paid first, as the account's own do.
fn by_datanet(shared: &Shared, account: Address) -> Result<Vec<api::DatanetEarnings>, Refusal> {
    let party = Party::account(account);
    let mut totals: BTreeMap<DatanetId, (Earnings, u64)> = BTreeMap::new();
    for source in shared.index.earnings_by_source(party)? {
        if let Source::Datanet(id) = source.source {
            let entry = totals.entry(id).or_default();
            entry.1 += source.answers;
        }
    }
    for row in shared.index.shares_of(party, 2_000)? {
        let receipt = shared.index.receipt(row.receipt)?;
        let datanet = receipt.map(|row| row.receipt.signed.body.snapshot.datanet);
        let Some(entry) = datanet.and_then(|id| totals.get_mut(&id)) else { continue };
        if row.share.role != Role::Data {
            continue;
        }
        let bucket = match row.state {
            PayState::Pending => &mut entry.0.pending,
            PayState::Earned => &mut entry.0.earned,
            PayState::Paid => &mut entry.0.paid,
        };
        *bucket = bucket.saturating_add(row.share.amount);
    }
    totals
        .into_iter()
        .map(|(id, (sums, answers))| {
            let name = shared.index.datanet(id)?.map(|thing| thing.body.spec.name);
            let Earnings { pending, earned, paid } = sums;
            Ok(api::DatanetEarnings { datanet: id.0, name, answers, pending, earned, paid })
        })
        .collect()
}

fn by_model(shared: &Shared, party: Party) -> Result<Vec<api::ModelEarnings>, Refusal> {
    let mut list = Vec::new();
    for SourceEarnings { source, role, total, answers } in shared.index.earnings_by_source(party)? {
        if let Source::Model(id) = source {
            let name = shared.index.model(id)?.map(|thing| thing.body.name);
            list.push(api::ModelEarnings { model: id.0, name, role, total, answers });
        }
    }
    Ok(list)
}

#[derive(Deserialize, JsonSchema)]
pub(super) struct Page {
    /// Entries to skip.
    after: Option<usize>,
    /// Entries to return, at most 100.
    limit: Option<u32>,
}

pub(super) async fn earnings(
    State(shared): State<Arc<Shared>>,
    Path(text): Path<String>,
    Query(page): Query<Page>,
) -> Result<Json<api::EarningsPage>, Refusal> {
    let party = Party::account(address(&text)?);
    let limit = page.limit.unwrap_or(50).clamp(1, 100) as usize;
    let after = page.after.unwrap_or(0);
    let most = after.saturating_add(limit);
    let wanted = u32::try_from(most.saturating_add(1)).unwrap_or(u32::MAX);
    let rows = shared.index.shares_of(party, wanted)?;
    let has_more = rows.len() > most;
    let mut items = Vec::new();
    for row in rows.into_iter().skip(after).take(limit) {
        let receipt = shared.index.receipt(row.receipt)?;
        let body = receipt.map(|row| row.receipt.signed.body);
        items.push(api::ShareView {
            receipt_id: row.receipt,
            role: row.share.role,
            model: row.model.0,
            datanet: body.as_ref().map(|body| body.snapshot.datanet.0),
            record: row.share.record,
            amount: row.share.amount,
            state: row.state,
            block_number: body.as_ref().map(|body| body.block_number),
            at: row.at_ms / 1_000,
        });
    }
    let total = shared.index.party_earnings(party)?.total();
    Ok(Json(api::EarningsPage { items, has_more, total }))
}
