//! Epoch roots: what a gateway promises at the end of each epoch.

use alloy_primitives::{Address, B256};
use tributary_contracts::{CHANNELS, IChannels, ProvisionRole, RootStatus};
use tributary_proofs::sums::{self, SumLeaf, SumNode, SumRoot};

use super::{PARAMS, pot};
use crate::fault::{Result, require};
use crate::layout::{Lists, Table, record};
use crate::money;
use crate::session::{Session, add64, bound};
use crate::staking;

record! {
    /// A gateway's sums; its pot lies in its bucket.
    GatewayRecord {
        redeemed: u128,
        rooted: u128,
        paid: u128,
        epoch: u64,
        posted_at: u64,
        /// The last root, or the first voucher after it.
        owing_since: u64,
        /// When its winding up ends; 0 when it is not being wound up.
        wind_up_end: u64,
    }
}

record! {
    /// A posted root.
    RootRecord {
        root: B256,
        data_hash: B256,
        total: u128,
        leaves: u64,
        posted_at: u64,
        claimable_at: u64,
        status: u8,
    }
}

pub(super) static GATEWAYS: Table<GatewayRecord> =
    Table::new(CHANNELS, "tributary.channels.gateways");
/// By gateway and epoch.
pub(super) static ROOTS: Table<RootRecord> = Table::new(CHANNELS, "tributary.channels.roots");
/// Epochs by gateway in order of posting.
pub(super) static EPOCHS: Lists<u64> = Lists::new(CHANNELS, "tributary.channels.epochs");

pub(super) fn post(s: &mut Session<'_>, call: &IChannels::postEpochRootCall) -> Result<()> {
    let (gateway, epoch, total, now) = (s.caller, call.epoch, call.total, s.now());
    let active = staking::is_active(s, gateway, ProvisionRole::Gateway)?;
    require!(active, IChannels::NotAGateway { gateway });
    let (params, mut sums) = (PARAMS.get(s)?, GATEWAYS.get(s, gateway)?);
    let last = sums.epoch;
    require!(epoch > last, IChannels::StaleEpoch { epoch, lastEpoch: last });
    let rested = last == 0 || now >= add64(sums.posted_at, params.min_epoch)?;
    bound(rested, "time since the last root")?;
    require!(!call.root.is_zero() && call.leaves > 0, IChannels::EmptyRoot {});
    bound(call.leaves <= 1 << 32, "leaves")?;
    let redeemed = sums.redeemed;
    require!(total <= redeemed, IChannels::TotalOverRedeemed { total, redeemed });
    let rooted = sums.rooted;
    require!(total >= rooted, IChannels::TotalDecreases { total, rooted });
    let record = RootRecord {
        root: call.root,
        data_hash: call.dataHash,
        total,
        leaves: call.leaves,
        posted_at: now,
        claimable_at: add64(now, params.hold_back)?,
        status: RootStatus::Posted.code(),
    };
    ROOTS.set(s, (gateway, epoch), &record)?;
    EPOCHS.push(s, gateway, epoch)?;
    sums.rooted = total;
    sums.epoch = epoch;
    sums.posted_at = now;
    sums.owing_since = now;
    let was_wound_up = std::mem::take(&mut sums.wind_up_end) != 0;
    GATEWAYS.set(s, gateway, &sums)?;
    if was_wound_up {
        s.emit(CHANNELS, IChannels::WindUpCancelled { gateway })?;
    }
    let event = IChannels::EpochRootPosted {
        gateway,
        epoch,
        root: call.root,
        total,
        leaves: call.leaves,
        dataHash: call.dataHash,
        claimableAt: record.claimable_at,
    };
    s.emit(CHANNELS, event)
}

/// A root that exists and stands.
pub(super) fn standing(s: &mut Session<'_>, gateway: Address, epoch: u64) -> Result<RootRecord> {
    let record = ROOTS.get(s, (gateway, epoch))?;
    require!(record.status != 0, IChannels::UnknownRoot { gateway, epoch });
    let stands = record.status == RootStatus::Posted.code();
    require!(stands, IChannels::RootIsRejected { gateway, epoch });
    Ok(record)
}

/// Checks a leaf's path, with the hashes paid for.
pub(super) fn prove(
    s: &mut Session<'_>,
    record: &RootRecord,
    claim: &IChannels::Claim,
) -> Result<()> {
    bound(claim.siblings.len() <= 40, "siblings")?;
    for _ in 0..claim.siblings.len() + 2 {
        s.charge_keccak(98)?;
    }
    let leaf = SumLeaf { role: claim.role, party: claim.party, cumulative: claim.cumulative };
    let siblings: Vec<SumNode> =
        claim.siblings.iter().map(|node| SumNode { hash: node.hash, sum: node.sum }).collect();
    let root = SumRoot { root: record.root, total: record.total, count: record.leaves };
    require!(sums::verify(&root, claim.index, &leaf, &siblings), IChannels::BadProof {});
    Ok(())
}

/// True when a gateway holds what no root promises yet, or its last root can still be challenged:
/// until neither is so its provision stays.
pub(crate) fn owes(s: &mut Session<'_>, gateway: Address) -> Result<bool> {
    let (params, sums) = (PARAMS.get(s)?, GATEWAYS.get(s, gateway)?);
    let held_back = sums.epoch != 0 && s.now() < add64(sums.posted_at, params.hold_back)?;
    let unpromised = sums.redeemed > sums.rooted && money::held(s, pot(gateway))? > 0;
    Ok(unpromised || held_back)
}
