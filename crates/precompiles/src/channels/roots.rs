//! Epoch roots: what a gateway promises, and the proof that it contradicts itself.

use alloy_primitives::{Address, B256};
use tributary_contracts::{CHANNELS, IChannels, ProvisionRole, RootStatus};
use tributary_proofs::sums::{self, SumLeaf, SumNode, SumRoot};

use super::PARAMS;
use crate::fault::{Result, require};
use crate::layout::{Lists, Table, record};
use crate::session::{Session, add64, bound, part};
use crate::staking;

record! {
    /// A gateway's sums; its pot lies in its bucket.
    GatewayRecord {
        redeemed: u128,
        rooted: u128,
        paid: u128,
        epoch: u64,
        posted_at: u64,
    }
}

record! {
    /// A posted root.
    RootRecord {
        root: B256,
        data_hash: B256,
        total: u128,
        /// `rooted` of the gateway before this root.
        total_before: u128,
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
        total_before: rooted,
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
    GATEWAYS.set(s, gateway, &sums)?;
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

/// Rejects a held-back root that gives one payee two leaves, or less than an earlier root.
pub(super) fn challenge(
    s: &mut Session<'_>,
    earlier: &IChannels::Claim,
    later: &IChannels::Claim,
) -> Result<()> {
    let (gateway, epoch, challenger) = (later.gateway, later.epoch, s.caller);
    let same_payee =
        earlier.gateway == gateway && earlier.role == later.role && earlier.party == later.party;
    let twice = earlier.epoch == epoch && earlier.index != later.index;
    let less = earlier.epoch < epoch && earlier.cumulative > later.cumulative;
    require!(same_payee && (twice || less), IChannels::NoContradiction {});
    let first = standing(s, gateway, earlier.epoch)?;
    let mut record = standing(s, gateway, epoch)?;
    let held_back = s.now() < record.claimable_at;
    require!(held_back, IChannels::HoldBackOver { gateway, epoch });
    prove(s, &first, earlier)?;
    prove(s, &record, later)?;
    record.status = RootStatus::Rejected.code();
    ROOTS.set(s, (gateway, epoch), &record)?;
    let mut sums = GATEWAYS.get(s, gateway)?;
    if sums.epoch == epoch {
        sums.rooted = record.total_before;
        GATEWAYS.set(s, gateway, &sums)?;
    }
    let provision = staking::provision_id(s, gateway, ProvisionRole::Gateway)?;
    if provision != 0 {
        let tokens = staking::tokens_of(s, provision)?;
        let amount = part(tokens, PARAMS.get(s)?.challenge_slash_ppm)?;
        staking::slash(s, provision, amount, challenger, record.root)?;
    }
    s.emit(CHANNELS, IChannels::RootRejected { gateway, epoch, challenger })
}
