//! Proofs against a root that is still held back. All of them set the gateway's word against the
//! gateway's word: a leaf of an earlier root or a signed acknowledgement against the new root.
//!
//! **Invariant:** an honest gateway cannot be convicted: its leaves stand once each, sorted by
//! role and party, and no cumulative amount ever falls.

use alloy_primitives::{Address, B256};
use tributary_contracts::{CHANNELS, IChannels, ProvisionRole, RootStatus, channels_domain};

use super::PARAMS;
use super::roots::{EPOCHS, GATEWAYS, ROOTS, RootRecord, prove, standing};
use crate::fault::{Result, require};
use crate::session::{Session, bound, part};
use crate::staking;

/// A payee as leaves are sorted.
type Payee = (u8, B256);

fn payee(claim: &IChannels::Claim) -> Payee {
    (claim.role, claim.party)
}

/// The root that leaves are shown of, while it can still be challenged.
fn held_back(
    s: &mut Session<'_>,
    shown: &[IChannels::Claim],
) -> Result<(Address, u64, RootRecord)> {
    bound((1..=2).contains(&shown.len()), "leaves")?;
    let (gateway, epoch) = shown.first().map_or_else(Default::default, |c| (c.gateway, c.epoch));
    let one_root = shown.iter().all(|claim| claim.gateway == gateway && claim.epoch == epoch);
    require!(one_root, IChannels::NoContradiction {});
    let record = standing(s, gateway, epoch)?;
    let in_time = s.now() < record.claimable_at;
    require!(in_time, IChannels::HoldBackOver { gateway, epoch });
    Ok((gateway, epoch, record))
}

/// True when the shown leaves prove that the root gives the payee less than `least`: by its own
/// leaf, or by the neighbours between which it would stand. Whatever the order of the leaves is,
/// there are such neighbours for a payee that is not among them.
fn falls_short(
    s: &mut Session<'_>,
    record: &RootRecord,
    (who, least): (Payee, u128),
    shown: &[IChannels::Claim],
) -> Result<bool> {
    for claim in shown {
        prove(s, record, claim)?;
    }
    Ok(match shown {
        [own] if payee(own) == who => own.cumulative < least,
        [end] => {
            let before_all = end.index == 0 && who < payee(end);
            let behind_all = end.index.checked_add(1) == Some(record.leaves) && payee(end) < who;
            least > 0 && (before_all || behind_all)
        }
        [left, right] => {
            let neighbours = left.index.checked_add(1) == Some(right.index);
            least > 0 && neighbours && payee(left) < who && who < payee(right)
        }
        _ => false,
    })
}

/// Rejects a root that gives one payee two leaves, or less than an earlier root.
pub(super) fn challenge(
    s: &mut Session<'_>,
    earlier: &IChannels::Claim,
    later: &[IChannels::Claim],
) -> Result<()> {
    let (gateway, epoch, record) = held_back(s, later)?;
    require!(earlier.gateway == gateway, IChannels::NoContradiction {});
    let first = standing(s, gateway, earlier.epoch)?;
    prove(s, &first, earlier)?;
    let contradicts = if earlier.epoch < epoch {
        falls_short(s, &record, (payee(earlier), earlier.cumulative), later)?
    } else {
        twice(s, &record, earlier, later)?
    };
    require!(contradicts, IChannels::NoContradiction {});
    reject(s, gateway, epoch, record)
}

/// True when two leaves of one root name one payee.
fn twice(
    s: &mut Session<'_>,
    record: &RootRecord,
    one: &IChannels::Claim,
    others: &[IChannels::Claim],
) -> Result<bool> {
    let [other] = others else { return Ok(false) };
    prove(s, record, other)?;
    Ok(one.epoch == other.epoch && one.index != other.index && payee(one) == payee(other))
}

/// Rejects a root that gives a payee less than the gateway has signed for.
pub(super) fn underpay(
    s: &mut Session<'_>,
    owed: &IChannels::Acknowledgement,
    signature: &[u8],
    posted: &[IChannels::Claim],
) -> Result<()> {
    let (gateway, epoch, record) = held_back(s, posted)?;
    require!(owed.gateway == gateway, IChannels::NoContradiction {});
    let binds = epoch >= owed.epoch;
    require!(binds, IChannels::AcknowledgedLater { epoch, acknowledgedEpoch: owed.epoch });
    check_signature(s, owed, signature)?;
    let short = falls_short(s, &record, ((owed.role, owed.party), owed.cumulative), posted)?;
    require!(short, IChannels::NoContradiction {});
    reject(s, gateway, epoch, record)
}

/// Fails unless the gateway's account signed the acknowledgement.
pub(super) fn check_signature(
    s: &mut Session<'_>,
    owed: &IChannels::Acknowledgement,
    signature: &[u8],
) -> Result<()> {
    let digest = s.typed_digest(owed, &channels_domain(s.host.chain_id()))?;
    let (recovered, gateway) = (s.recover(&digest, signature)?, owed.gateway);
    let signed = recovered == gateway && !gateway.is_zero();
    require!(signed, IChannels::NotAcknowledged { gateway, recovered });
    Ok(())
}

/// Takes a root out of force and slashes its gateway; the last good root stays claimable.
fn reject(s: &mut Session<'_>, gateway: Address, epoch: u64, mut record: RootRecord) -> Result<()> {
    let challenger = s.caller;
    record.status = RootStatus::Rejected.code();
    ROOTS.set(s, (gateway, epoch), &record)?;
    let mut sums = GATEWAYS.get(s, gateway)?;
    if sums.epoch == epoch {
        sums.rooted = newest_standing_total(s, gateway)?;
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

/// What the newest root in force promises. Each turn pays for its reads, and as many roots as one
/// hold-back can see may have been rejected.
fn newest_standing_total(s: &mut Session<'_>, gateway: Address) -> Result<u128> {
    for index in (0..EPOCHS.len(s, gateway)?).rev() {
        let epoch = EPOCHS.get(s, gateway, index)?;
        let record = ROOTS.get(s, (gateway, epoch))?;
        if record.status == RootStatus::Posted.code() {
            return Ok(record.total);
        }
    }
    Ok(0)
}
