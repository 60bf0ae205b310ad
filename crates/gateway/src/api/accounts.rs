//! What an account has, and what it has pending, earned and paid.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json,
    extract::{Path, Query, State},
};
use serde::Deserialize;
use serde_json::{Value, json};
use tributary_indexer::{Earnings, Source};
use tributary_primitives::{Address, Amount, DatanetId, Party, PayState, Role};

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
) -> Result<Json<Value>, Refusal> {
    let account = address(&text)?;
    let party = Party::account(account);
    let balance = shared.chain.balance(account).await?;
    let (prepaid, reserved) = shared.chain.channels().escrow(account).await?;
    let all = shared.index.earnings(account)?;
    let mut by_role = Vec::new();
    for role in Role::ALL {
        let earned = shared.index.role_earnings(party, role)?;
        if !earned.total().is_zero() {
            by_role.push(with(json!({"role": role, "label": role.label()}), &earned));
        }
    }
    let mut body = with(
        json!({"address": account, "balance": balance, "prepaid": prepaid, "reserved": reserved}),
        &all,
    );
    body["by_role"] = by_role.into();
    body["by_datanet"] = by_datanet(&shared, account)?.into();
    body["by_model"] = by_model(&shared, party)?.into();
    Ok(Json(body))
}

fn with(mut body: Value, earned: &Earnings) -> Value {
    body["pending"] = json!(earned.pending);
    body["earned"] = json!(earned.earned);
    body["paid"] = json!(earned.paid);
    body
}

/// By datanet: states follow the shares, oldest paid first, as the account's own do.
fn by_datanet(shared: &Shared, account: Address) -> Result<Vec<Value>, Refusal> {
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
        .map(|(id, (earned, answers))| {
            let name = shared.index.datanet(id)?.map(|thing| thing.body.spec.name);
            let entry = json!({"datanet": id, "name": name, "answers": answers});
            Ok(with(entry, &earned))
        })
        .collect()
}

fn by_model(shared: &Shared, party: Party) -> Result<Vec<Value>, Refusal> {
    let mut list = Vec::new();
    for source in shared.index.earnings_by_source(party)? {
        if let Source::Model(id) = source.source {
            let name = shared.index.model(id)?.map(|thing| thing.body.name);
            list.push(json!({
                "model": id, "name": name, "role": source.role, "total": source.total,
                "answers": source.answers,
            }));
        }
    }
    Ok(list)
}

#[derive(Deserialize)]
pub(super) struct Page {
    after: Option<usize>,
    limit: Option<u32>,
}

pub(super) async fn earnings(
    State(shared): State<Arc<Shared>>,
    Path(text): Path<String>,
    Query(page): Query<Page>,
) -> Result<Json<Value>, Refusal> {
    let party = Party::account(address(&text)?);
    let limit = page.limit.unwrap_or(50).clamp(1, 100) as usize;
    let after = page.after.unwrap_or(0);
    let wanted = u32::try_from(after.saturating_add(limit).saturating_add(1)).unwrap_or(u32::MAX);
    let rows = shared.index.shares_of(party, wanted)?;
    let has_more = rows.len() > after + limit;
    let mut items = Vec::new();
    for row in rows.into_iter().skip(after).take(limit) {
        let receipt = shared.index.receipt(row.receipt)?;
        let body = receipt.map(|row| row.receipt.signed.body);
        items.push(json!({
            "receipt_id": row.receipt, "role": row.share.role, "model": row.model,
            "datanet": body.as_ref().map(|body| body.snapshot.datanet),
            "record": row.share.record, "amount": row.share.amount, "state": row.state,
            "block_number": body.as_ref().map(|body| body.block_number), "at": row.at_ms / 1_000,
        }));
    }
    Ok(Json(json!({"items": items, "has_more": has_more, "total": total(&shared, party)?})))
}

fn total(shared: &Shared, party: Party) -> Result<Amount, Refusal> {
    Ok(shared.index.party_earnings(party)?.total())
}
