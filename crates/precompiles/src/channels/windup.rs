//! The way out of a gateway that vanished: what it took in and no root pays reaches the payees
//! that hold its acknowledgements, and the rest the treasury, within two periods.
//!
//! ```text
//! owing, silent for `abandonPeriod` -windUp-> winding up -`windUpPeriod`, sweepPot-> books closed
//!                                                 '-- a new root: back in business
//! ```

use alloy_primitives::Address;
use tributary_contracts::{CHANNELS, IChannels};

use super::claims::{PAID, pay_out, payee};
use super::roots::GATEWAYS;
use super::{PARAMS, challenges, pot};
use crate::fault::{Result, require};
use crate::money::{self, Place};
use crate::session::{Session, add64};

/// Starts to wind up.
pub(super) fn begin(s: &mut Session<'_>, gateway: Address) -> Result<()> {
    let (params, mut sums) = (PARAMS.get(s)?, GATEWAYS.get(s, gateway)?);
    let end = sums.wind_up_end;
    require!(end == 0, IChannels::WindingUp { gateway, windUpEnd: end });
    let owes = money::held(s, pot(gateway))? > 0;
    require!(owes, IChannels::NothingOwed { gateway });
    let abandoned_at = add64(sums.owing_since, params.abandon_period)?;
    let silent = s.now() >= abandoned_at;
    require!(silent, IChannels::NotAbandoned { gateway, abandonedAt: abandoned_at });
    sums.wind_up_end = add64(s.now(), params.wind_up_period)?;
    GATEWAYS.set(s, gateway, &sums)?;
    s.emit(CHANNELS, IChannels::WindUpStarted { gateway, windUpEnd: sums.wind_up_end })
}

/// Pays an acknowledged debt, at most what the pot holds.
pub(super) fn claim(
    s: &mut Session<'_>,
    owed: &IChannels::Acknowledgement,
    signature: &[u8],
) -> Result<u128> {
    let (gateway, role, party) = (owed.gateway, owed.role, owed.party);
    let winding = GATEWAYS.get(s, gateway)?.wind_up_end != 0;
    require!(winding, IChannels::NotWindingUp { gateway });
    challenges::check_signature(s, owed, signature)?;
    let payee = payee(s, role, party)?;
    let paid = PAID.get(s, (gateway, role, party))?.0;
    let due = owed.cumulative.saturating_sub(paid).min(money::held(s, pot(gateway))?);
    let error = IChannels::NothingToClaim { cumulative: owed.cumulative, paid };
    require!(due > 0, error);
    let leaf = IChannels::Claim { gateway, epoch: owed.epoch, role, party, ..Default::default() };
    pay_out(s, &leaf, payee, (paid, due))?;
    Ok(due)
}

/// Closes the books: what is left goes to the treasury.
pub(super) fn sweep(s: &mut Session<'_>, gateway: Address) -> Result<u128> {
    let (params, mut sums) = (PARAMS.get(s)?, GATEWAYS.get(s, gateway)?);
    let end = sums.wind_up_end;
    require!(end != 0, IChannels::NotWindingUp { gateway });
    require!(s.now() >= end, IChannels::WindingUp { gateway, windUpEnd: end });
    sums.wind_up_end = 0;
    sums.owing_since = s.now();
    sums.rooted = sums.redeemed;
    GATEWAYS.set(s, gateway, &sums)?;
    let amount = money::held(s, pot(gateway))?;
    money::transfer(s, pot(gateway), Place::Account(params.treasury), amount)?;
    s.emit(CHANNELS, IChannels::PotSwept { gateway, amount })?;
    Ok(amount)
}
