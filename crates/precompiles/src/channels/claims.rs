//! Claims: a leaf is paid its cumulative amount less what it was paid before.

use alloy_primitives::{Address, B256};
use tributary_contracts::{CHANNELS, IChannels, is_reserved};
use tributary_primitives::{Party, Role};

use super::{pot, roots};
use crate::fault::{Result, require, revert};
use crate::layout::{One, Table};
use crate::money::{self, Place};
use crate::royalties::{self, ProtocolPart};
use crate::session::{Session, add, bound};

/// By gateway, role and party: paid so far.
pub(super) static PAID: Table<One<u128>> = Table::new(CHANNELS, "tributary.channels.paid");

/// Claims of one call.
const MOST_CLAIMS: usize = 64;

/// Where a leaf's money goes.
pub(super) enum Payee {
    Account(Address),
    Backers(u64),
    Commons(u64),
    Protocol(ProtocolPart),
}

/// Where the money of a role and party goes.
pub(super) fn payee(s: &mut Session<'_>, role: u8, party: B256) -> Result<Payee> {
    let bad = || revert(IChannels::BadParty { role, party });
    let account = || {
        let account = Party(party).as_account();
        account.filter(|address| !address.is_zero() && !is_reserved(address)).ok_or_else(bad)
    };
    let role_name = Role::ALL.iter().find(|known| **known as u8 == role);
    let Some(role_name) = role_name else {
        return Err(revert(IChannels::UnknownLeafRole { role }));
    };
    let pool = Party(party).as_datanet().map(|id| id.0);
    let protocol = |part| if party.is_zero() { Ok(Payee::Protocol(part)) } else { Err(bad()) };
    match role_name {
        Role::Provider | Role::Lineage | Role::Data => account().map(Payee::Account),
        Role::ProtocolCompute => protocol(ProtocolPart::Compute),
        Role::ProtocolLicence => protocol(ProtocolPart::Licence),
        Role::Backers | Role::Commons => {
            let id = pool.ok_or_else(bad)?;
            require!(crate::datanets::exists(s, id)?, IChannels::BadParty { role, party });
            let backers = *role_name == Role::Backers;
            Ok(if backers { Payee::Backers(id) } else { Payee::Commons(id) })
        }
    }
}

/// Pays a leaf; `None` when it owes nothing.
fn pay(s: &mut Session<'_>, claim: &IChannels::Claim) -> Result<Option<u128>> {
    let (gateway, epoch, role, party) = (claim.gateway, claim.epoch, claim.role, claim.party);
    let record = roots::standing(s, gateway, epoch)?;
    let claimable_at = record.claimable_at;
    let released = s.now() >= claimable_at;
    let error = IChannels::RootHeldBack { gateway, epoch, claimableAt: claimable_at };
    require!(released, error);
    roots::prove(s, &record, claim)?;
    let payee = payee(s, role, party)?;
    let paid = PAID.get(s, (gateway, role, party))?.0;
    let amount = match claim.cumulative.checked_sub(paid) {
        Some(amount) if amount > 0 => amount,
        _ => return Ok(None),
    };
    let held = money::held(s, pot(gateway))?;
    require!(held >= amount, IChannels::PotTooSmall { pot: held, needed: amount });
    pay_out(s, claim, payee, (paid, amount))?;
    Ok(Some(amount))
}

/// Moves an amount that is due, on top of what was paid, out of the gateway's pot.
pub(super) fn pay_out(
    s: &mut Session<'_>,
    claim: &IChannels::Claim,
    payee: Payee,
    (paid, amount): (u128, u128),
) -> Result<()> {
    let (gateway, epoch, role, party) = (claim.gateway, claim.epoch, claim.role, claim.party);
    let cumulative = add(paid, amount)?;
    PAID.set(s, (gateway, role, party), &One(cumulative))?;
    let mut sums = roots::GATEWAYS.get(s, gateway)?;
    sums.paid = add(sums.paid, amount)?;
    roots::GATEWAYS.set(s, gateway, &sums)?;
    match payee {
        Payee::Account(account) => {
            money::transfer(s, pot(gateway), Place::Account(account), amount)?;
        }
        Payee::Backers(id) => royalties::pay_backers(s, pot(gateway), id, amount)?,
        Payee::Commons(id) => royalties::pay_commons(s, pot(gateway), id, amount)?,
        Payee::Protocol(part) => royalties::pay_protocol(s, pot(gateway), part, amount)?,
    }
    s.emit(CHANNELS, IChannels::Claimed { gateway, role, party, epoch, cumulative, amount })
}

/// Pays a leaf or says that it owes nothing.
pub(super) fn claim_for(s: &mut Session<'_>, claim: &IChannels::Claim) -> Result<u128> {
    if let Some(amount) = pay(s, claim)? {
        return Ok(amount);
    }
    let paid = PAID.get(s, (claim.gateway, claim.role, claim.party))?.0;
    Err(revert(IChannels::NothingToClaim { cumulative: claim.cumulative, paid }))
}

/// Pays the caller's own leaf.
pub(super) fn claim_own(s: &mut Session<'_>, call: IChannels::claimCall) -> Result<u128> {
    let claim = IChannels::Claim {
        gateway: call.gateway,
        epoch: call.epoch,
        role: call.role,
        party: s.caller.into_word(),
        cumulative: call.cumulative,
        index: call.index,
        siblings: call.siblings,
    };
    claim_for(s, &claim)
}

/// Pays many leaves, skipping those that owe nothing.
pub(super) fn claim_many(s: &mut Session<'_>, claims: &[IChannels::Claim]) -> Result<u128> {
    bound(claims.len() <= MOST_CLAIMS, "claims")?;
    let mut sum = 0;
    for claim in claims {
        sum = add(sum, pay(s, claim)?.unwrap_or_default())?;
    }
    Ok(sum)
}
