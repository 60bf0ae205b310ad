//! `staking`: stake, provisions by role, provider profiles, slashing.
//!
//! ```text
//! coins -stake-> free -provision-> provision -thaw, wait, deprovision-> free
//! free -unstake, wait-> coins
//! ```
//!
//! **Invariants:** a slash of one provision touches no other; thawing stake can be slashed; the
//! victim gets at most a half, the rest burns, so slashing oneself always loses; `thawing +
//! locked` never exceeds a provision's tokens.

mod dispatch;
mod members;
#[cfg(test)]
mod tests;

use alloy_primitives::{Address, B256};
use tributary_contracts::{IStaking, ProvisionRole, STAKING};

pub(crate) use dispatch::dispatch;
pub(crate) use members::{active_members, member_at, member_count, refresh};

use crate::fault::{Result, require, revert};
use crate::layout::{Cell, Lists, One, Table, Texts, record};
use crate::money::{self, Bucket, Place, Purpose};
use crate::session::{Session, add, add64, part, sub};

record! {
    /// Genesis parameters.
    ParamsRecord {
        unbonding_period: u64,
        thaw_period: u64,
        victim_cut_ppm: u32,
        min_provider: u128,
        min_reviewer: u128,
        min_gateway: u128,
    }
}

record! {
    /// A provision; its tokens lie in its bucket.
    ProvisionRecord {
        owner: Address,
        role: u8,
        active: bool,
        created_at: u64,
        thawing: u128,
        locked: u128,
        thaw_end: u64,
        /// Place in the role's list plus one; 0 when inactive.
        place: u64,
    }
}

record! {
    /// Public terms of a provision.
    ProfileRecord {
        receipt_key: Address,
        updated_at: u64,
        price_in: u128,
        price_out: u128,
        train_price: u128,
    }
}

record! {
    /// One way out.
    UnbondingRecord { amount: u128, available_at: u64 }
}

record! {
    /// First and one past the last entry of an owner's unbonding queue.
    QueueRecord { head: u64, tail: u64 }
}

pub(crate) static PARAMS: Cell<ParamsRecord> = Cell::new(STAKING, "tributary.staking.params");
static COUNT: Cell<One<u64>> = Cell::new(STAKING, "tributary.staking.count");
static PROVISIONS: Table<ProvisionRecord> = Table::new(STAKING, "tributary.staking.provisions");
static BY_OWNER: Table<One<u64>> = Table::new(STAKING, "tributary.staking.byOwner");
static PROVISIONED: Table<One<u128>> = Table::new(STAKING, "tributary.staking.provisioned");
static PROFILES: Table<ProfileRecord> = Table::new(STAKING, "tributary.staking.profiles");
static ENDPOINTS: Texts = Texts::new(STAKING, "tributary.staking.endpoints");
static QUEUES: Table<QueueRecord> = Table::new(STAKING, "tributary.staking.queues");
static UNBONDINGS: Table<UnbondingRecord> = Table::new(STAKING, "tributary.staking.unbondings");
static MEMBERS: Lists<u64> = Lists::new(STAKING, "tributary.staking.members");

/// Entries of one owner's unbonding queue.
const MOST_UNBONDINGS: u64 = 32;
/// Bytes of an endpoint.
const ENDPOINT_SIZE_BYTES: usize = 256;

fn free(owner: Address) -> Bucket {
    Bucket::new(Purpose::FreeStake, owner)
}

fn unbonding(owner: Address) -> Bucket {
    Bucket::new(Purpose::Unbonding, owner)
}

fn tokens(id: u64) -> Bucket {
    Bucket::new(Purpose::Provision, id)
}

/// A provision that exists.
pub(crate) fn provision(s: &mut Session<'_>, id: u64) -> Result<ProvisionRecord> {
    let record = PROVISIONS.get(s, id)?;
    require!(!record.owner.is_zero(), IStaking::UnknownProvision { provisionId: id });
    Ok(record)
}

fn own_provision(s: &mut Session<'_>, id: u64) -> Result<ProvisionRecord> {
    let record = provision(s, id)?;
    let caller = s.caller;
    require!(record.owner == caller, IStaking::NotProvisionOwner { provisionId: id, caller });
    Ok(record)
}

/// Id of an owner's provision for a role; 0 for none.
pub(crate) fn provision_id(
    s: &mut Session<'_>,
    owner: Address,
    role: ProvisionRole,
) -> Result<u64> {
    Ok(BY_OWNER.get(s, (owner, role.code()))?.0)
}

/// A provision's tokens, thawing and locked ones included.
pub(crate) fn tokens_of(s: &mut Session<'_>, id: u64) -> Result<u128> {
    money::held(s, tokens(id))
}

/// Least tokens of a role.
pub(crate) fn minimum(params: &ParamsRecord, role: ProvisionRole) -> u128 {
    match role {
        ProvisionRole::Provider => params.min_provider,
        ProvisionRole::Reviewer => params.min_reviewer,
        ProvisionRole::Gateway => params.min_gateway,
    }
}

/// True when the owner has an active provision for the role.
pub(crate) fn is_active(s: &mut Session<'_>, owner: Address, role: ProvisionRole) -> Result<bool> {
    let id = provision_id(s, owner, role)?;
    Ok(id != 0 && PROVISIONS.get(s, id)?.active)
}

/// The receipt key of a provider's active provision; zero for none.
pub(crate) fn receipt_key(s: &mut Session<'_>, provider: Address) -> Result<Address> {
    let id = provision_id(s, provider, ProvisionRole::Provider)?;
    if id == 0 || !PROVISIONS.get(s, id)?.active {
        return Ok(Address::ZERO);
    }
    Ok(PROFILES.get(s, id)?.receipt_key)
}

fn stake(s: &mut Session<'_>) -> Result<()> {
    let (owner, amount) = (s.caller, s.value);
    require!(amount > 0, IStaking::ZeroAmount {});
    money::transfer(s, Place::Value, free(owner), amount)?;
    let free = money::held(s, free(owner))?;
    s.emit(STAKING, IStaking::Staked { owner, amount, free })
}

fn require_free(s: &mut Session<'_>, owner: Address, needed: u128) -> Result<()> {
    require!(needed > 0, IStaking::ZeroAmount {});
    let free = money::held(s, free(owner))?;
    require!(free >= needed, IStaking::StakeTooSmall { free, needed });
    Ok(())
}

fn unstake(s: &mut Session<'_>, amount: u128) -> Result<()> {
    let owner = s.caller;
    require_free(s, owner, amount)?;
    let mut queue = QUEUES.get(s, owner)?;
    let waiting = queue.tail.saturating_sub(queue.head);
    require!(waiting < MOST_UNBONDINGS, IStaking::TooManyUnbondings { owner });
    let available_at = add64(s.now(), PARAMS.get(s)?.unbonding_period)?;
    money::transfer(s, free(owner), unbonding(owner), amount)?;
    UNBONDINGS.set(s, (owner, queue.tail), &UnbondingRecord { amount, available_at })?;
    queue.tail = add64(queue.tail, 1)?;
    QUEUES.set(s, owner, &queue)?;
    s.emit(STAKING, IStaking::Unstaked { owner, amount, availableAt: available_at })
}

fn withdraw_unbonded(s: &mut Session<'_>) -> Result<u128> {
    let owner = s.caller;
    let (mut queue, now) = (QUEUES.get(s, owner)?, s.now());
    let mut amount = 0;
    while queue.head < queue.tail {
        let entry = UNBONDINGS.get(s, (owner, queue.head))?;
        if entry.available_at > now {
            break;
        }
        amount = add(amount, entry.amount)?;
        UNBONDINGS.set(s, (owner, queue.head), &UnbondingRecord::default())?;
        queue.head = add64(queue.head, 1)?;
    }
    require!(amount > 0, IStaking::NothingToWithdraw { owner });
    QUEUES.set(s, owner, &queue)?;
    money::transfer(s, unbonding(owner), Place::Account(owner), amount)?;
    s.emit(STAKING, IStaking::Withdrawn { owner, amount })?;
    Ok(amount)
}

fn shift_provisioned(s: &mut Session<'_>, owner: Address, into: u128, out: u128) -> Result<()> {
    let sum = PROVISIONED.get(s, owner)?.0;
    PROVISIONED.set(s, owner, &One(sub(add(sum, into)?, out)?))
}

fn new_provision(s: &mut Session<'_>, role: u8, amount: u128) -> Result<u64> {
    let owner = s.caller;
    let Ok(role) = ProvisionRole::try_from(role) else {
        return Err(revert(IStaking::UnknownRole { role }));
    };
    let existing = provision_id(s, owner, role)?;
    let error = IStaking::ProvisionExists { owner, role: role.code(), provisionId: existing };
    require!(existing == 0, error);
    let needed = minimum(&PARAMS.get(s)?, role);
    require!(amount >= needed, IStaking::ProvisionTooSmall { tokens: amount, needed });
    require_free(s, owner, amount)?;
    let id = add64(COUNT.get(s)?.0, 1)?;
    COUNT.set(s, &One(id))?;
    BY_OWNER.set(s, (owner, role.code()), &One(id))?;
    let record =
        ProvisionRecord { owner, role: role.code(), created_at: s.now(), ..Default::default() };
    PROVISIONS.set(s, id, &record)?;
    fill(s, id, &record, amount)?;
    Ok(id)
}

fn add_to_provision(s: &mut Session<'_>, id: u64, amount: u128) -> Result<()> {
    let record = own_provision(s, id)?;
    require_free(s, record.owner, amount)?;
    fill(s, id, &record, amount)
}

fn fill(s: &mut Session<'_>, id: u64, record: &ProvisionRecord, amount: u128) -> Result<()> {
    let owner = record.owner;
    money::transfer(s, free(owner), tokens(id), amount)?;
    shift_provisioned(s, owner, amount, 0)?;
    refresh(s, id)?;
    let tokens = tokens_of(s, id)?;
    s.emit(STAKING, IStaking::Provisioned { id, owner, role: record.role, amount, tokens })
}

fn thaw(s: &mut Session<'_>, id: u64, amount: u128) -> Result<()> {
    let mut record = own_provision(s, id)?;
    require!(amount > 0, IStaking::ZeroAmount {});
    let owing =
        record.role == ProvisionRole::Gateway.code() && crate::channels::owes(s, record.owner)?;
    require!(!owing, IStaking::StillOwing { owner: record.owner });
    let bound = add(record.thawing, record.locked)?;
    let available = tokens_of(s, id)?.saturating_sub(bound);
    let error = IStaking::ProvisionTooSmall { tokens: available, needed: amount };
    require!(available >= amount, error);
    record.thawing = add(record.thawing, amount)?;
    record.thaw_end = add64(s.now(), PARAMS.get(s)?.thaw_period)?;
    PROVISIONS.set(s, id, &record)?;
    refresh(s, id)?;
    let (owner, thaw_end) = (record.owner, record.thaw_end);
    s.emit(STAKING, IStaking::ThawStarted { id, owner, amount, thawEnd: thaw_end })
}

fn deprovision(s: &mut Session<'_>, id: u64) -> Result<u128> {
    let mut record = own_provision(s, id)?;
    let (owner, amount, thaw_end) = (record.owner, record.thawing, record.thaw_end);
    require!(amount > 0, IStaking::NothingToWithdraw { owner });
    let ended = s.now() >= thaw_end;
    require!(ended, IStaking::StillThawing { provisionId: id, thawEnd: thaw_end });
    record.thawing = 0;
    record.thaw_end = 0;
    PROVISIONS.set(s, id, &record)?;
    money::transfer(s, tokens(id), free(owner), amount)?;
    shift_provisioned(s, owner, 0, amount)?;
    s.emit(STAKING, IStaking::Deprovisioned { id, owner, amount })?;
    Ok(amount)
}

fn set_profile(s: &mut Session<'_>, call: &IStaking::setProfileCall) -> Result<()> {
    let id = call.provisionId;
    let owner = own_provision(s, id)?.owner;
    let record = ProfileRecord {
        receipt_key: call.receiptKey,
        updated_at: s.now(),
        price_in: call.priceIn,
        price_out: call.priceOut,
        train_price: call.trainPrice,
    };
    PROFILES.set(s, id, &record)?;
    ENDPOINTS.set(s, id, &call.endpoint, ENDPOINT_SIZE_BYTES)?;
    let event = IStaking::ProfileSet {
        id,
        owner,
        endpoint: call.endpoint.clone(),
        receiptKey: call.receiptKey,
        priceIn: call.priceIn,
        priceOut: call.priceOut,
        trainPrice: call.trainPrice,
    };
    s.emit(STAKING, event)
}

/// Tokens that are neither thawing nor locked.
pub(crate) fn available(s: &mut Session<'_>, id: u64) -> Result<u128> {
    let record = provision(s, id)?;
    let tokens = tokens_of(s, id)?;
    Ok(tokens.saturating_sub(record.thawing).saturating_sub(record.locked))
}

/// Locks tokens behind an open obligation. For the module that owns the role.
pub(crate) fn lock(s: &mut Session<'_>, id: u64, amount: u128) -> Result<()> {
    let mut record = provision(s, id)?;
    record.locked = add(record.locked, amount)?;
    PROVISIONS.set(s, id, &record)?;
    s.emit(STAKING, IStaking::Locked { id, amount, locked: record.locked })
}

/// Frees tokens again. Never more than are locked: a slash may have shortened them.
pub(crate) fn unlock(s: &mut Session<'_>, id: u64, amount: u128) -> Result<()> {
    let mut record = provision(s, id)?;
    record.locked = record.locked.saturating_sub(amount);
    PROVISIONS.set(s, id, &record)?;
    s.emit(STAKING, IStaking::Unlocked { id, amount, locked: record.locked })
}

/// Takes up to `amount` of a provision: a part to the victim, the rest burned. For the module
/// that owns the role. Returns what was taken.
pub(crate) fn slash(
    s: &mut Session<'_>,
    id: u64,
    amount: u128,
    victim: Address,
    evidence: B256,
) -> Result<u128> {
    let mut record = provision(s, id)?;
    let tokens_before = tokens_of(s, id)?;
    let amount = amount.min(tokens_before);
    if amount == 0 {
        return Ok(0);
    }
    let victim_ppm = PARAMS.get(s)?.victim_cut_ppm.min(500_000);
    let payable = !victim.is_zero() && !tributary_contracts::is_reserved(&victim);
    let victim_cut = if payable { part(amount, victim_ppm)? } else { 0 };
    let burned = sub(amount, victim_cut)?;
    money::transfer(s, tokens(id), Place::Account(victim), victim_cut)?;
    money::transfer(s, tokens(id), Place::Burned, burned)?;
    let left = sub(tokens_before, amount)?;
    // What is gone can neither thaw nor stay locked; thawing stake goes last.
    record.locked = record.locked.min(left);
    record.thawing = record.thawing.min(sub(left, record.locked)?);
    PROVISIONS.set(s, id, &record)?;
    shift_provisioned(s, record.owner, 0, amount)?;
    refresh(s, id)?;
    let owner = record.owner;
    let event =
        IStaking::Slashed { id, owner, amount, victimCut: victim_cut, burned, victim, evidence };
    s.emit(STAKING, event)?;
    Ok(amount)
}
