//! The epoch actor: newest vouchers to the chain, then one Merkle-sum root over all that is owed.
//!
//! cut -> data stored -> epoch durable -> vouchers redeemed -> root posted -> (auto-claim).
//! Every step can be repeated: after a crash the actor goes on with what is not on chain yet.

use std::{collections::BTreeSet, sync::Arc};

use serde_json::json;
use tributary_artifacts::Artifacts;
use tributary_client::{
    SignedVoucher,
    channels::{self, RootPost},
};
use tributary_contracts::IChannels;
use tributary_indexer::{Accrued, EpochCut, EpochRow, Index, KeyRow, LeafRow, ReceiptFilter};
use tributary_primitives::{Address, Amount, B256, Digest, Party};
use tributary_proofs::SumNode;
use tributary_verification::{EpochData, EpochReceipt};

use crate::{Refusal, api::claim_for_party, metering::decode_voucher, shared::Shared};

/// Most vouchers of one transaction.
const VOUCHER_BATCH: usize = 256;
/// Receipts read at once.
const RECEIPT_PAGE: u32 = 500;

/// Where an epoch's data hash is noted.
pub(crate) fn epoch_setting(gateway: Address, epoch: u64) -> String {
    format!("epoch:{gateway}:{epoch}")
}

fn root_setting(data_hash: B256) -> String {
    format!("root:{data_hash}")
}

/// Closes epochs until cancelled.
pub(crate) async fn run(shared: Arc<Shared>) {
    let mut ticks = tokio::time::interval(shared.config.epoch);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = shared.cancel.cancelled() => return,
        }
        if let Err(refusal) = close(&shared).await {
            tracing::error!(%refusal, "an epoch could not be closed; it is tried again");
        }
        shared.key_limiter.forget_idle();
        shared.origin_limiter.forget_idle();
    }
}

/// One round.
pub(crate) async fn close(shared: &Shared) -> Result<(), Refusal> {
    for epoch in shared.index.unposted_epochs(shared.address())? {
        post(shared, &epoch).await?;
    }
    if let Some(cut) = shared.index.epoch_cut(shared.address())? {
        let epoch = cut_epoch(shared, cut).await?;
        post(shared, &epoch).await?;
    }
    if shared.config.auto_claim {
        claim_all(shared).await?;
    }
    Ok(())
}

/// Fixes an epoch: data in the store, proofs in the index, before anything is sent.
async fn cut_epoch(shared: &Shared, cut: EpochCut) -> Result<EpochRow, Refusal> {
    let gateway = shared.address();
    let previous = match cut.epoch {
        0 | 1 => None,
        epoch => data_of(shared, gateway, epoch - 1).await?,
    };
    let receipts = receipts_of(shared, &cut)?;
    let data = EpochData::next(gateway, cut.epoch, previous.as_ref(), receipts)
        .map_err(Refusal::internal)?;
    let books: Vec<Accrued> =
        cut.accrued.into_iter().filter(|owed| !owed.cumulative.is_zero()).collect();
    if !agrees(&data, &books) {
        return Err(Refusal::internal(format!(
            "the leaves of epoch {} do not follow from its receipts",
            cut.epoch
        )));
    }
    let tree = data.tree().map_err(Refusal::internal)?;
    let mut leaves = Vec::with_capacity(books.len());
    for (position, leaf) in (0_u32..).zip(books) {
        let siblings = tree.prove(position.into()).map_err(Refusal::internal)?;
        leaves.push(LeafRow { leaf, position, proof: proof_json(position, &siblings) });
    }
    let data_hash = data.hash();
    let bytes = serde_json::to_vec(&data).map_err(Refusal::internal)?;
    let blob = shared.artifacts.put(bytes).await?;
    shared.index.put_setting(&root_setting(data_hash), &blob.to_string()).await?;
    let name = epoch_setting(gateway, cut.epoch);
    shared.index.put_setting(&name, &data_hash.to_string()).await?;
    let epoch = EpochRow {
        gateway,
        epoch: cut.epoch,
        root: tree.root(),
        total: Amount::from_wei(tree.total()),
        up_to: cut.up_to,
        leaves,
    };
    shared.index.put_epoch(epoch.clone()).await?;
    Ok(epoch)
}

/// True when the data's leaves are the books, entry for entry.
fn agrees(data: &EpochData, books: &[Accrued]) -> bool {
    data.leaves.len() == books.len()
        && data.leaves.iter().zip(books).all(|(leaf, owed)| {
            (leaf.role, leaf.party, leaf.cumulative) == (owed.role, owed.party, owed.cumulative)
        })
}

/// The receipts of a cut, oldest first.
fn receipts_of(shared: &Shared, cut: &EpochCut) -> Result<Vec<EpochReceipt>, Refusal> {
    let mut receipts = Vec::new();
    let mut before = Some(cut.up_to.saturating_add(1));
    while (receipts.len() as u64) < cut.receipts {
        let filter = ReceiptFilter { before, ..ReceiptFilter::default() };
        let page = shared.index.receipts(filter, RECEIPT_PAGE)?;
        let Some(last) = page.last() else { break };
        before = Some(last.seq);
        for row in page {
            let mine = row.receipt.signed.body.gateway == shared.address();
            if mine && row.epoch.is_none() && (receipts.len() as u64) < cut.receipts {
                let id = row.receipt.signed.id;
                receipts.push(EpochReceipt { id, shares: row.receipt.shares });
            }
        }
    }
    receipts.reverse();
    Ok(receipts)
}

fn proof_json(position: u32, siblings: &[SumNode]) -> serde_json::Value {
    let siblings: Vec<_> = siblings
        .iter()
        .map(|node| json!({"hash": node.hash, "sum": node.sum.to_string()}))
        .collect();
    json!({"index": position, "siblings": siblings})
}

/// Siblings out of a stored proof.
pub(crate) fn proof_of(proof: &serde_json::Value) -> Option<Vec<IChannels::SumNode>> {
    let siblings = proof.get("siblings")?.as_array()?.iter().map(|node| {
        Some(IChannels::SumNode {
            hash: node.get("hash")?.as_str()?.parse().ok()?,
            sum: node.get("sum")?.as_str()?.parse().ok()?,
        })
    });
    siblings.collect()
}

/// Brings vouchers and root to the chain, unless they are there.
async fn post(shared: &Shared, epoch: &EpochRow) -> Result<(), Refusal> {
    let view = shared.chain.channels();
    if let Some(posted) = view.root(shared.address(), epoch.epoch).await? {
        if posted.root != epoch.root {
            return Err(Refusal::internal(format!(
                "epoch {} stands on chain with another root",
                epoch.epoch
            )));
        }
        return Ok(());
    }
    redeem(shared).await?;
    let redeemed = Amount::from_wei(view.gateway(shared.address()).await?.redeemed);
    if epoch.total > redeemed {
        return Err(Refusal::internal(format!(
            "epoch {} promises {} and only {redeemed} is redeemed",
            epoch.epoch, epoch.total
        )));
    }
    let name = epoch_setting(shared.address(), epoch.epoch);
    let data_hash = shared.index.setting(&name)?.and_then(|text| text.parse().ok());
    let data_hash =
        data_hash.ok_or_else(|| Refusal::internal("an epoch has lost its data hash"))?;
    let post = RootPost {
        epoch: epoch.epoch,
        root: epoch.root,
        total: epoch.total,
        leaves: epoch.leaves.len() as u64,
        data_hash,
    };
    let receipt = shared.sender.send(&channels::post_root(&post)).await?;
    metrics::counter!("tributary_gateway_roots_total").increment(1);
    tracing::info!(
        epoch = epoch.epoch, total = %epoch.total, leaves = epoch.leaves.len(),
        tx = %receipt.transaction_hash, "epoch root posted"
    );
    Ok(())
}

/// Redeems every voucher that is worth more than what the chain has taken.
pub(crate) async fn redeem(shared: &Shared) -> Result<(), Refusal> {
    let keys = shared.index.unredeemed_keys()?;
    for batch in keys.chunks(VOUCHER_BATCH) {
        let vouchers: Vec<SignedVoucher> =
            batch.iter().filter_map(|key| decode_voucher(key.voucher.as_ref()?)).collect();
        if !vouchers.is_empty() {
            shared.sender.send(&channels::redeem_batch(&vouchers)).await?;
        }
        for key in batch {
            reconcile(shared, key).await?;
        }
    }
    Ok(())
}

/// Notes what the chain took for a key, whoever brought the voucher.
async fn reconcile(shared: &Shared, key: &KeyRow) -> Result<(), Refusal> {
    let channel = shared.chain.channels().get(key.channel).await?;
    let redeemed = Amount::from_wei(channel.redeemed);
    shared.index.mark_redeemed(key.hash, redeemed).await?;
    if redeemed < key.spent {
        tracing::warn!(key = %key.hash, %redeemed, spent = %key.spent, "a voucher was not taken");
    }
    Ok(())
}

/// Pays everybody whose root stands: a courtesy that anyone could do.
async fn claim_all(shared: &Shared) -> Result<(), Refusal> {
    let Some(root) = shared.chain.channels().claimable_root(shared.address()).await? else {
        return Ok(());
    };
    let Some(data) = data_of(shared, shared.address(), root.epoch).await? else { return Ok(()) };
    let parties: BTreeSet<Party> = data.leaves.iter().map(|leaf| leaf.party).collect();
    let now = shared.chain.head().await?.timestamp;
    for party in parties {
        let due = shared.index.claimable(party)?;
        if !due.is_empty() && due.iter().all(|row| row.claimable_at <= now) {
            claim_for_party(shared, &shared.sender, party).await?;
        }
    }
    Ok(())
}

/// The data behind an epoch of a gateway.
pub(crate) async fn data_of(
    shared: &Shared,
    gateway: Address,
    epoch: u64,
) -> Result<Option<EpochData>, Refusal> {
    let hash = shared.index.setting(&epoch_setting(gateway, epoch))?;
    match hash.and_then(|text| text.parse().ok()) {
        Some(hash) => data(&shared.artifacts, &shared.index, hash).await,
        None => Ok(None),
    }
}

/// The data behind a posted hash.
pub(crate) async fn data(
    artifacts: &Artifacts,
    index: &Index,
    hash: B256,
) -> Result<Option<EpochData>, Refusal> {
    let blob = index.setting(&root_setting(hash))?;
    let Some(blob) = blob.and_then(|text| text.parse::<Digest>().ok()) else { return Ok(None) };
    let bytes = artifacts.get(&blob).await?;
    let data: EpochData = serde_json::from_slice(&bytes).map_err(Refusal::internal)?;
    if data.hash() != hash {
        return Err(Refusal::internal(format!("the data of root {hash} is not what was posted")));
    }
    Ok(Some(data))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_survives_its_storage() {
        let siblings = [
            SumNode { hash: B256::repeat_byte(1), sum: u128::MAX },
            SumNode { hash: B256::ZERO, sum: 0 },
        ];
        let read = proof_of(&proof_json(3, &siblings)).expect("it reads back");
        let pairs: Vec<_> = read.iter().map(|node| (node.hash, node.sum)).collect();
        assert_eq!(pairs, [(B256::repeat_byte(1), u128::MAX), (B256::ZERO, 0)]);
        assert!(proof_of(&json!({"siblings": [{"hash": "0x1"}]})).is_none());
    }
}
