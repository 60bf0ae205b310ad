//! Backers: stake behind a datanet, paid by stake.
//!
//! What is paid in raises `per_wei` (fixed point, 128 fractional bits; at most
//! the supply is ever paid in, so it fits); the remainder of that
//! division is kept for the next payment. A backer's part is cut to whole wei; when the last one
//! leaves, what cutting has left goes to the commons.

use alloy_primitives::{Address, U256};
use tributary_contracts::{IRoyalties, ROYALTIES};

use super::{PARAMS, backers_pool, backing_bucket};
use crate::fault::{Result, require, revert};
use crate::layout::{Table, record};
use crate::money::{self, Place};
use crate::session::{Session, add, add64, sub};

record! {
    /// A datanet's backing as a whole.
    PoolRecord {
        /// Earning backing.
        total: u128,
        received: u128,
        /// Credited to backers and not claimed.
        credited: u128,
        per_wei: U256,
        remainder: U256,
    }
}

record! {
    /// One backer in one datanet.
    BackerRecord {
        amount: u128,
        thawing: u128,
        earned: u128,
        thaw_end: u64,
        paid_up_to: U256,
    }
}

pub(super) static POOLS: Table<PoolRecord> = Table::new(ROYALTIES, "tributary.royalties.pools");
pub(super) static BACKERS: Table<BackerRecord> =
    Table::new(ROYALTIES, "tributary.royalties.backers");

/// Counts a payment; `false` when there is no backer to receive it. The caller moves the coins.
pub(super) fn receive(s: &mut Session<'_>, datanet_id: u64, amount: u128) -> Result<bool> {
    let mut pool = POOLS.get(s, datanet_id)?;
    if pool.total == 0 {
        return Ok(false);
    }
    let scaled = (U256::from(amount) << 128usize).saturating_add(pool.remainder);
    let total = U256::from(pool.total);
    pool.per_wei = pool.per_wei.saturating_add(scaled / total);
    pool.remainder = scaled % total;
    pool.received = add(pool.received, amount)?;
    POOLS.set(s, datanet_id, &pool)?;
    Ok(true)
}

/// What a backer has earned since it was last settled.
fn fresh(pool: &PoolRecord, backer: &BackerRecord) -> Result<u128> {
    let each = pool.per_wei.saturating_sub(backer.paid_up_to);
    let product = each.checked_mul(U256::from(backer.amount)).unwrap_or(U256::MAX) >> 128usize;
    u128::try_from(product).map_err(|_| revert(tributary_contracts::IModule::Overflow {}))
}

fn settle(pool: &mut PoolRecord, backer: &mut BackerRecord) -> Result<()> {
    let fresh = fresh(pool, backer)?;
    backer.earned = add(backer.earned, fresh)?;
    backer.paid_up_to = pool.per_wei;
    pool.credited = add(pool.credited, fresh)?;
    Ok(())
}

/// Stakes the call's value.
pub(super) fn back(s: &mut Session<'_>, datanet_id: u64) -> Result<()> {
    let (owner, amount) = (s.caller, s.value);
    require!(amount > 0, IRoyalties::ZeroAmount {});
    let known = crate::datanets::exists(s, datanet_id)?;
    require!(known, IRoyalties::UnknownPoolDatanet { datanetId: datanet_id });
    let (mut pool, mut backer) = load(s, datanet_id, owner)?;
    settle(&mut pool, &mut backer)?;
    backer.amount = add(backer.amount, amount)?;
    pool.total = add(pool.total, amount)?;
    store(s, (datanet_id, owner), &pool, &backer)?;
    money::transfer(s, Place::Value, backing_bucket(datanet_id), amount)?;
    let backing = backer.amount;
    s.emit(ROYALTIES, IRoyalties::Backed { datanetId: datanet_id, backer: owner, amount, backing })
}

/// Starts the way out: thawing backing earns nothing.
pub(super) fn unback(s: &mut Session<'_>, datanet_id: u64, amount: u128) -> Result<()> {
    let owner = s.caller;
    require!(amount > 0, IRoyalties::ZeroAmount {});
    let (mut pool, mut backer) = load(s, datanet_id, owner)?;
    let backing = backer.amount;
    require!(backing >= amount, IRoyalties::BackingTooSmall { backing, needed: amount });
    settle(&mut pool, &mut backer)?;
    backer.amount = sub(backer.amount, amount)?;
    backer.thawing = add(backer.thawing, amount)?;
    backer.thaw_end = add64(s.now(), PARAMS.get(s)?.backing_thaw)?;
    pool.total = sub(pool.total, amount)?;
    let leftover = if pool.total == 0 { close_out(s, datanet_id, &mut pool)? } else { 0 };
    store(s, (datanet_id, owner), &pool, &backer)?;
    if leftover > 0 {
        super::pay_commons(s, backers_pool(datanet_id), datanet_id, leftover)?;
    }
    let thaw_end = backer.thaw_end;
    let event =
        IRoyalties::Unbacked { datanetId: datanet_id, backer: owner, amount, thawEnd: thaw_end };
    s.emit(ROYALTIES, event)
}

/// With nobody earning, whatever is not credited belongs to nobody; how much.
fn close_out(s: &mut Session<'_>, datanet_id: u64, pool: &mut PoolRecord) -> Result<u128> {
    pool.remainder = U256::ZERO;
    let held = money::held(s, backers_pool(datanet_id))?;
    Ok(held.saturating_sub(pool.credited))
}

pub(super) fn withdraw(s: &mut Session<'_>, datanet_id: u64) -> Result<u128> {
    let owner = s.caller;
    let mut backer = BACKERS.get(s, (datanet_id, owner))?;
    let (amount, thaw_end) = (backer.thawing, backer.thaw_end);
    require!(amount > 0, IRoyalties::NoBacking { datanetId: datanet_id, backer: owner });
    let ended = s.now() >= thaw_end;
    require!(ended, IRoyalties::BackingStillThawing { thawEnd: thaw_end });
    backer.thawing = 0;
    backer.thaw_end = 0;
    BACKERS.set(s, (datanet_id, owner), &backer)?;
    money::transfer(s, backing_bucket(datanet_id), Place::Account(owner), amount)?;
    let event = IRoyalties::BackingWithdrawn { datanetId: datanet_id, backer: owner, amount };
    s.emit(ROYALTIES, event)?;
    Ok(amount)
}

pub(super) fn claim(s: &mut Session<'_>, datanet_id: u64) -> Result<u128> {
    let owner = s.caller;
    let (mut pool, mut backer) = load(s, datanet_id, owner)?;
    settle(&mut pool, &mut backer)?;
    let amount = backer.earned;
    require!(amount > 0, IRoyalties::NothingEarned {});
    backer.earned = 0;
    pool.credited = sub(pool.credited, amount)?;
    store(s, (datanet_id, owner), &pool, &backer)?;
    money::transfer(s, backers_pool(datanet_id), Place::Account(owner), amount)?;
    let event = IRoyalties::BackingClaimed { datanetId: datanet_id, backer: owner, amount };
    s.emit(ROYALTIES, event)?;
    Ok(amount)
}

/// A backer with what it could claim now.
pub(super) fn shown(
    s: &mut Session<'_>,
    datanet_id: u64,
    owner: Address,
) -> Result<IRoyalties::Backing> {
    let (pool, backer) = load(s, datanet_id, owner)?;
    Ok(IRoyalties::Backing {
        amount: backer.amount,
        thawing: backer.thawing,
        thawEnd: backer.thaw_end,
        earned: add(backer.earned, fresh(&pool, &backer)?)?,
    })
}

fn load(s: &mut Session<'_>, id: u64, owner: Address) -> Result<(PoolRecord, BackerRecord)> {
    Ok((POOLS.get(s, id)?, BACKERS.get(s, (id, owner))?))
}

fn store(
    s: &mut Session<'_>,
    (id, owner): (u64, Address),
    pool: &PoolRecord,
    backer: &BackerRecord,
) -> Result<()> {
    POOLS.set(s, id, pool)?;
    BACKERS.set(s, (id, owner), backer)
}
