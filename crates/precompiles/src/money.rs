//! The one money primitive. Coins lie natively at a module's address; each coin there belongs to
//! one bucket. Nothing else in this crate changes a balance.
//!
//! **Invariant:** per module, the sum of its buckets = its `held` total <= its native balance. The
//! difference (coins forced in from outside, by self-destruction for one) belongs to no bucket
//! and cannot leave.

use alloy_primitives::{Address, U256};
use tributary_contracts::{
    CHANNELS, DATANETS, IModule, OPEN, ROYALTIES, STAKING, TASKS, is_reserved,
};

use crate::fault::{Result, require, revert};
use crate::layout::{Cell, One, Table, Word};
use crate::session::{Session, add, sub};

/// What a bucket is for. Numbers are part of the storage layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Purpose {
    /// Staking: an owner's free stake.
    FreeStake = 1,
    /// Staking: a provision's tokens.
    Provision = 2,
    /// Staking: an owner's unbonding stake.
    Unbonding = 3,
    /// Datanets: a contribution's stake.
    ContributionStake = 4,
    /// Datanets: what is left of a contribution's review fee.
    ReviewFee = 5,
    /// Datanets: a challenger's bond.
    Bond = 6,
    /// Tasks: a task's escrow.
    Escrow = 7,
    /// Channels: a payer's unreserved balance.
    Balance = 8,
    /// Channels: what a channel reserves.
    Reserved = 9,
    /// Channels: what a gateway has redeemed and not paid out.
    Pot = 10,
    /// Royalties: a backer's stake in a datanet, in force or thawing.
    Backing = 11,
    /// Royalties: what a datanet's backers have earned and not taken.
    BackersPool = 12,
    /// Royalties: a datanet's commons.
    Commons = 13,
}

/// A purse inside a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bucket {
    /// What it is for.
    pub purpose: Purpose,
    /// Whose: an id or an address as a word.
    pub id: U256,
}

impl Bucket {
    pub(crate) fn new(purpose: Purpose, id: impl Word) -> Self {
        Self { purpose, id: id.to_word() }
    }

    /// The module that holds it.
    pub fn module(&self) -> Address {
        match self.purpose {
            Purpose::FreeStake | Purpose::Provision | Purpose::Unbonding => STAKING,
            Purpose::ContributionStake | Purpose::ReviewFee | Purpose::Bond => DATANETS,
            Purpose::Escrow => TASKS,
            Purpose::Balance | Purpose::Reserved | Purpose::Pot => CHANNELS,
            Purpose::Backing | Purpose::BackersPool | Purpose::Commons => ROYALTIES,
        }
    }
}

/// Where coins come from or go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The value of this call, already at the module.
    Value,
    /// A purse inside a module.
    Bucket(Bucket),
    /// An ordinary account.
    Account(Address),
    /// Nowhere: counted in `open.burned`.
    Burned,
}

impl From<Bucket> for Place {
    fn from(bucket: Bucket) -> Self {
        Self::Bucket(bucket)
    }
}

/// Tables of one module's purses.
struct Purse {
    buckets: Table<One<u128>>,
    held: Cell<One<u128>>,
}

impl Purse {
    const fn new(module: Address, buckets: &'static str, held: &'static str) -> Self {
        Self { buckets: Table::new(module, buckets), held: Cell::new(module, held) }
    }
}

static STAKING_PURSE: Purse =
    Purse::new(STAKING, "tributary.staking.buckets", "tributary.staking.held");
static DATANETS_PURSE: Purse =
    Purse::new(DATANETS, "tributary.datanets.buckets", "tributary.datanets.held");
static TASKS_PURSE: Purse = Purse::new(TASKS, "tributary.tasks.buckets", "tributary.tasks.held");
static CHANNELS_PURSE: Purse =
    Purse::new(CHANNELS, "tributary.channels.buckets", "tributary.channels.held");
static ROYALTIES_PURSE: Purse =
    Purse::new(ROYALTIES, "tributary.royalties.buckets", "tributary.royalties.held");

/// Modules that hold coins.
pub const HOLDERS: [Address; 5] = [STAKING, DATANETS, TASKS, CHANNELS, ROYALTIES];

fn purse(module: Address) -> Option<&'static Purse> {
    [&STAKING_PURSE, &DATANETS_PURSE, &TASKS_PURSE, &CHANNELS_PURSE, &ROYALTIES_PURSE]
        .into_iter()
        .find(|purse| purse.held.module() == module)
}

fn purse_of(bucket: &Bucket) -> Result<&'static Purse> {
    purse(bucket.module())
        .ok_or_else(|| revert(IModule::BrokenInvariant { what: "no purse".into() }))
}

static BURNED: Cell<One<U256>> = Cell::new(OPEN, "tributary.open.burned");

/// Slot of `open`'s count of destroyed wei.
pub fn burned_slot() -> U256 {
    BURNED.slot()
}

/// Slot of a module's `held` total, for modules that hold coins.
pub fn held_slot(module: Address) -> Option<U256> {
    purse(module).map(|purse| purse.held.slot())
}

/// Wei destroyed since genesis.
pub(crate) fn burned(s: &mut Session<'_>) -> Result<U256> {
    Ok(BURNED.get(s)?.0)
}

/// A bucket's content.
pub(crate) fn held(s: &mut Session<'_>, bucket: Bucket) -> Result<u128> {
    let key = ((bucket.purpose as u8), bucket.id);
    Ok(purse_of(&bucket)?.buckets.get(s, key)?.0)
}

/// Moves coins. Moving nothing does nothing.
pub(crate) fn transfer(
    s: &mut Session<'_>,
    from: impl Into<Place>,
    to: impl Into<Place>,
    amount: u128,
) -> Result<()> {
    if amount == 0 {
        return Ok(());
    }
    let (from, to) = (from.into(), to.into());
    let source = take(s, from, amount)?;
    match to {
        Place::Value => Err(revert(IModule::BrokenInvariant { what: "value is no target".into() })),
        Place::Bucket(bucket) => {
            let target = bucket.module();
            native(s, source, target, amount)?;
            put(s, bucket, amount)?;
            shift_held(s, from, Some(target), amount)
        }
        Place::Account(account) => {
            require!(!is_reserved(&account), IModule::OutOfBounds { what: "payee".into() });
            native(s, source, account, amount)?;
            shift_held(s, from, None, amount)
        }
        Place::Burned => {
            let enough = s.host.burn(source, U256::from(amount))?;
            require!(enough, IModule::BrokenInvariant { what: "burn".into() });
            let burned = BURNED.get(s)?.0.saturating_add(U256::from(amount));
            BURNED.set(s, &One(burned))?;
            shift_held(s, from, None, amount)
        }
    }
}

/// Takes the amount out of its purse; which account holds the coins natively.
fn take(s: &mut Session<'_>, from: Place, amount: u128) -> Result<Address> {
    match from {
        Place::Value => {
            s.unplaced = sub(s.unplaced, amount)?;
            Ok(s.module)
        }
        Place::Bucket(bucket) => {
            let purse = purse_of(&bucket)?;
            let key = ((bucket.purpose as u8), bucket.id);
            let available = purse.buckets.get(s, key)?.0;
            let Some(rest) = available.checked_sub(amount) else {
                return Err(revert(IModule::InsufficientFunds {
                    available: U256::from(available),
                    needed: U256::from(amount),
                }));
            };
            purse.buckets.set_coins(s, key, rest)?;
            Ok(bucket.module())
        }
        Place::Account(_) | Place::Burned => {
            Err(revert(IModule::BrokenInvariant { what: "no such source".into() }))
        }
    }
}

fn put(s: &mut Session<'_>, bucket: Bucket, amount: u128) -> Result<()> {
    let purse = purse_of(&bucket)?;
    let key = ((bucket.purpose as u8), bucket.id);
    let sum = add(purse.buckets.get(s, key)?.0, amount)?;
    purse.buckets.set_coins(s, key, sum)
}

fn native(s: &mut Session<'_>, from: Address, to: Address, amount: u128) -> Result<()> {
    if from == to {
        return Ok(());
    }
    let enough = s.host.transfer(from, to, U256::from(amount))?;
    require!(enough, IModule::BrokenInvariant { what: "native balance".into() });
    Ok(())
}

/// Keeps the per-module totals; a move inside one module leaves them alone.
fn shift_held(s: &mut Session<'_>, from: Place, to: Option<Address>, amount: u128) -> Result<()> {
    let from = if let Place::Bucket(bucket) = from { Some(bucket.module()) } else { None };
    if from == to {
        return Ok(());
    }
    if let Some(purse) = from.and_then(purse) {
        let rest = sub(purse.held.get(s)?.0, amount)?;
        purse.held.set(s, &One(rest))?;
    }
    if let Some(purse) = to.and_then(purse) {
        let sum = add(purse.held.get(s)?.0, amount)?;
        purse.held.set(s, &One(sum))?;
    }
    Ok(())
}

/// Moves native coins between two ordinary accounts: the ERC-20 face's only way.
pub(crate) fn pay(s: &mut Session<'_>, from: Address, to: Address, amount: U256) -> Result<bool> {
    s.host.transfer(from, to, amount)
}
