//! Claims: what posted roots owe to an account is paid to it.

use std::{sync::Arc, time::Duration};

use axum::{Extension, extract::State};
use schemars::JsonSchema;
use serde::Deserialize;
use tributary_client::{
    Sender,
    api::{self, schema::Account},
    channels, royalties,
};
use tributary_contracts::IChannels;
use tributary_indexer::Claimable;
use tributary_primitives::{Address, Amount, B256, Party};

use super::input::{Done, Input};
use crate::{
    Refusal,
    caller::Caller,
    epochs::proof_of,
    shared::{Shared, now_ms},
};

/// Most leaves of one transaction.
const BATCH: usize = 64;
/// Longest wait for a root that is still held back.
const PATIENCE_SECONDS: u64 = 10;

/// Whom to pay.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "ClaimRequest")]
pub(super) struct For {
    /// The caller when absent.
    #[schemars(with = "Option<Account>")]
    account: Option<Address>,
}

/// Pays all that an account has earned.
pub(super) async fn create(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    Input(asked): Input<For>,
) -> Result<Done<api::Claimed>, Refusal> {
    let own = caller.require()?;
    let account = asked.account.unwrap_or(own);
    let sender = match &caller {
        Caller::Guest { account, .. } => shared.guest_sender(*account)?,
        _ if account == own => shared.sender.clone(),
        _ => return Err(Refusal::forbidden("not_your_account", "claim for your own account")),
    };
    let (mut claimed, mut transactions) =
        claim_for_party(&shared, &sender, Party::account(account)).await?;
    let (commons, more) = claim_commons(&shared, &sender, account).await?;
    claimed = claimed.saturating_add(commons);
    transactions.extend(more);
    Ok(Done::new(api::Claimed { claimed, transactions, account }, "/earn"))
}

/// Pays one party's leaves; what was paid and the transactions.
pub async fn claim_for_party(
    shared: &Shared,
    sender: &Sender,
    party: Party,
) -> Result<(Amount, Vec<B256>), Refusal> {
    let mut due = shared.index.claimable(party)?;
    let now = chain_time(shared).await?;
    let latest = due.iter().map(|row| row.claimable_at).max().unwrap_or(0);
    if latest > now {
        let wait = latest - now;
        if wait > PATIENCE_SECONDS {
            return Err(Refusal::conflict("held_back", "the newest root is still held back")
                .hint(format!("try again in {wait} s")));
        }
        tokio::time::sleep(Duration::from_secs(wait + 1)).await;
        let now = chain_time(shared).await?;
        due = shared.index.claimable(party)?;
        due.retain(|row| row.claimable_at <= now);
    }
    let mut claimed = Amount::ZERO;
    let mut hashes = Vec::new();
    for batch in due.chunks(BATCH) {
        let claims: Result<Vec<IChannels::Claim>, Refusal> = batch.iter().map(claim).collect();
        let receipt = sender.send(&channels::claim_many(claims?)).await?;
        hashes.push(receipt.transaction_hash);
        claimed = claimed.saturating_add(paid_in(&receipt));
    }
    Ok((claimed, hashes))
}

/// The time of the next block: an idle chain makes none until there is work.
async fn chain_time(shared: &Shared) -> Result<u64, Refusal> {
    let wall = u64::try_from(now_ms() / 1_000).unwrap_or_default();
    Ok(shared.chain.head().await?.timestamp.max(wall))
}

/// What the transaction's events say was paid.
fn paid_in(receipt: &alloy_rpc_types_eth::TransactionReceipt) -> Amount {
    use alloy_sol_types::SolEvent;
    let events =
        receipt.logs().iter().filter_map(|log| IChannels::Claimed::decode_log(&log.inner).ok());
    events.fold(Amount::ZERO, |sum, event| sum.saturating_add(Amount::from_wei(event.data.amount)))
}

fn claim(row: &Claimable) -> Result<IChannels::Claim, Refusal> {
    let leaf = &row.leaf;
    let siblings =
        proof_of(&leaf.proof).ok_or_else(|| Refusal::internal("a stored proof cannot be read"))?;
    Ok(IChannels::Claim {
        gateway: row.gateway,
        epoch: row.epoch,
        role: leaf.leaf.role as u8,
        party: leaf.leaf.party.0,
        cumulative: leaf.leaf.cumulative.wei(),
        index: leaf.position.into(),
        siblings,
    })
}

/// Brings the commons of the account's datanets up to date and pays its contributions' part.
async fn claim_commons(
    shared: &Shared,
    sender: &Sender,
    account: Address,
) -> Result<(Amount, Vec<B256>), Refusal> {
    let contributions = shared.index.contributions_by(account, 256)?;
    let mut datanets: Vec<u64> = contributions.iter().map(|thing| thing.body.datanetId).collect();
    datanets.sort_unstable();
    datanets.dedup();
    let mut hashes = Vec::new();
    for datanet in datanets {
        let party = Party::datanet(tributary_primitives::DatanetId(datanet));
        hashes.extend(claim_for_party(shared, sender, party).await?.1);
    }
    let mut claimed = Amount::ZERO;
    for thing in contributions {
        let id = tributary_primitives::ContributionId(thing.body.id);
        let due = shared.chain.royalties().commons(id).await.unwrap_or(Amount::ZERO);
        if due.is_zero() {
            continue;
        }
        let receipt = sender.send(&royalties::claim_commons(id)).await?;
        hashes.push(receipt.transaction_hash);
        claimed = claimed.saturating_add(due);
    }
    Ok((claimed, hashes))
}
