//! `channels`: prepaid escrow, cumulative vouchers, Merkle-sum roots and claims.
//!
//! ```text
//! coins -deposit-> balance -open-> reserved -redeem-> pot -claim-> payee
//!                     ^----- close -----'              '-- wound up --> payee, treasury
//! ```
//!
//! **Invariants:** balances + reserved + pots = what is held; redeemed <= cap and seq rises; a
//! root's total <= all that was redeemed into its gateway, and never falls; a payee's claims
//! never exceed its leaf; a payer alone can close within the grace; no coin waits for a gateway
//! that vanished longer than `abandonPeriod + windUpPeriod`.

#[cfg(test)]
mod challenge_tests;
mod challenges;
mod claims;
mod dispatch;
mod roots;
#[cfg(test)]
mod tests;
mod vouchers;
mod windup;
#[cfg(test)]
mod windup_tests;

use alloy_primitives::{Address, B256};
use tributary_contracts::{CHANNELS, ChannelStatus, IChannels, ProvisionRole, is_reserved};

pub(crate) use dispatch::dispatch;
pub(crate) use roots::owes;
pub(crate) use vouchers::take_in;

use crate::fault::{Result, require};
use crate::layout::{Cell, Lists, NoKey, One, Table, record};
use crate::money::{self, Bucket, Place, Purpose};
use crate::session::{Session, add, add64, bound, sub};
use crate::staking;
use crate::timers::Timers;

record! {
    /// Genesis parameters.
    ParamsRecord {
        treasury: Address,
        challenge_slash_ppm: u32,
        hold_back: u64,
        close_grace: u64,
        max_expiry: u64,
        min_epoch: u64,
        abandon_period: u64,
        wind_up_period: u64,
    }
}

record! {
    /// A channel; what it reserves lies in its bucket.
    ChannelRecord {
        payer: Address,
        status: u8,
        seq: u64,
        gateway: Address,
        expiry: u64,
        signer: Address,
        close_at: u64,
        cap: u128,
        redeemed: u128,
        opened_at: u64,
        /// Place in the list of all channels plus one: its timer's id.
        number: u64,
    }
}

pub(crate) static PARAMS: Cell<ParamsRecord> = Cell::new(CHANNELS, "tributary.channels.params");
static RECORDS: Table<ChannelRecord> = Table::new(CHANNELS, "tributary.channels.records");
static ALL: Lists<B256> = Lists::new(CHANNELS, "tributary.channels.all");
static BY_PAYER: Lists<B256> = Lists::new(CHANNELS, "tributary.channels.byPayer");
static BY_GATEWAY: Lists<B256> = Lists::new(CHANNELS, "tributary.channels.byGateway");
static RESERVED: Table<One<u128>> = Table::new(CHANNELS, "tributary.channels.reserved");
static TIMERS: Timers =
    Timers::new(CHANNELS, "tributary.channels.timers", "tributary.channels.timerPlaces");

fn balance(payer: Address) -> Bucket {
    Bucket::new(Purpose::Balance, payer)
}

fn reserved(id: B256) -> Bucket {
    Bucket::new(Purpose::Reserved, id)
}

fn pot(gateway: Address) -> Bucket {
    Bucket::new(Purpose::Pot, gateway)
}

fn channel(s: &mut Session<'_>, id: B256) -> Result<ChannelRecord> {
    let record = RECORDS.get(s, id)?;
    require!(record.status != 0, IChannels::UnknownChannel { channelId: id });
    Ok(record)
}

fn own_open_channel(s: &mut Session<'_>, id: B256) -> Result<ChannelRecord> {
    let (record, caller) = (channel(s, id)?, s.caller);
    require!(record.payer == caller, IChannels::NotPayer { channelId: id, caller });
    let status = record.status;
    let open = status == ChannelStatus::Open.code();
    require!(open, IChannels::ChannelNotOpen { channelId: id, status });
    Ok(record)
}

fn deposit(s: &mut Session<'_>, payer: Address) -> Result<()> {
    let (from, amount) = (s.caller, s.value);
    require!(amount > 0, IChannels::ZeroAmount {});
    bound(!payer.is_zero() && !is_reserved(&payer), "payer")?;
    money::transfer(s, Place::Value, balance(payer), amount)?;
    let balance = money::held(s, balance(payer))?;
    s.emit(CHANNELS, IChannels::Deposited { payer, from, amount, balance })
}

/// Fails unless the caller's balance covers the amount.
fn require_balance(s: &mut Session<'_>, payer: Address, needed: u128) -> Result<()> {
    require!(needed > 0, IChannels::ZeroAmount {});
    let balance = money::held(s, balance(payer))?;
    require!(balance >= needed, IChannels::BalanceTooSmall { payer, balance, needed });
    Ok(())
}

fn withdraw(s: &mut Session<'_>, amount: u128) -> Result<()> {
    let payer = s.caller;
    require_balance(s, payer, amount)?;
    money::transfer(s, balance(payer), Place::Account(payer), amount)?;
    let balance = money::held(s, balance(payer))?;
    s.emit(CHANNELS, IChannels::EscrowWithdrawn { payer, amount, balance })
}

fn reserve(s: &mut Session<'_>, payer: Address, id: B256, amount: u128) -> Result<()> {
    money::transfer(s, balance(payer), reserved(id), amount)?;
    let sum = add(RESERVED.get(s, payer)?.0, amount)?;
    RESERVED.set(s, payer, &One(sum))
}

/// keccak256 of chain, payer, gateway, signer and the number of the payer's channels so far.
fn next_id(s: &mut Session<'_>, payer: Address, gateway: Address, signer: Address) -> Result<B256> {
    let count = BY_PAYER.len(s, payer)?;
    let mut bytes = b"tributary channel v1".to_vec();
    bytes.extend_from_slice(&s.host.chain_id().to_be_bytes());
    for party in [payer, gateway, signer] {
        bytes.extend_from_slice(party.as_slice());
    }
    bytes.extend_from_slice(&count.to_be_bytes());
    s.keccak(&bytes)
}

fn check_expiry(s: &mut Session<'_>, expiry: u64, params: &ParamsRecord) -> Result<()> {
    let latest = add64(s.now(), params.max_expiry)?;
    let fits = expiry > s.now() && expiry <= latest;
    require!(fits, IChannels::BadExpiry { expiry });
    Ok(())
}

fn open(s: &mut Session<'_>, call: &IChannels::openChannelCall) -> Result<B256> {
    let (payer, gateway, signer) = (s.caller, call.gateway, call.signer);
    bound(!signer.is_zero(), "signer")?;
    let active = staking::is_active(s, gateway, ProvisionRole::Gateway)?;
    require!(active, IChannels::NotAGateway { gateway });
    let params = PARAMS.get(s)?;
    check_expiry(s, call.expiry, &params)?;
    require_balance(s, payer, call.cap)?;
    let id = next_id(s, payer, gateway, signer)?;
    let number = add64(ALL.push(s, NoKey, id)?, 1)?;
    let close_at = add64(call.expiry, params.close_grace)?;
    let record = ChannelRecord {
        payer,
        gateway,
        signer,
        status: ChannelStatus::Open.code(),
        expiry: call.expiry,
        close_at,
        cap: call.cap,
        opened_at: s.now(),
        number,
        ..Default::default()
    };
    RECORDS.set(s, id, &record)?;
    BY_PAYER.push(s, payer, id)?;
    BY_GATEWAY.push(s, gateway, id)?;
    TIMERS.set(s, number, close_at)?;
    reserve(s, payer, id, call.cap)?;
    let (cap, expiry) = (call.cap, call.expiry);
    let event = IChannels::ChannelOpened { channelId: id, payer, gateway, signer, cap, expiry };
    s.emit(CHANNELS, event)?;
    Ok(id)
}

fn top_up(s: &mut Session<'_>, id: B256, amount: u128) -> Result<()> {
    let mut record = own_open_channel(s, id)?;
    let payer = record.payer;
    require_balance(s, payer, amount)?;
    record.cap = add(record.cap, amount)?;
    RECORDS.set(s, id, &record)?;
    reserve(s, payer, id, amount)?;
    let cap = record.cap;
    s.emit(CHANNELS, IChannels::ChannelToppedUp { channelId: id, payer, amount, cap })
}

fn extend(s: &mut Session<'_>, id: B256, expiry: u64) -> Result<()> {
    let mut record = own_open_channel(s, id)?;
    let params = PARAMS.get(s)?;
    check_expiry(s, expiry, &params)?;
    require!(expiry >= record.expiry, IChannels::BadExpiry { expiry });
    record.expiry = expiry;
    record.close_at = add64(expiry, params.close_grace)?;
    RECORDS.set(s, id, &record)?;
    TIMERS.set(s, record.number, record.close_at)?;
    let payer = record.payer;
    s.emit(CHANNELS, IChannels::ChannelExtended { channelId: id, payer, expiry })
}

fn request_close(s: &mut Session<'_>, id: B256) -> Result<()> {
    let mut record = own_open_channel(s, id)?;
    let grace_end = add64(s.now(), PARAMS.get(s)?.close_grace)?;
    record.status = ChannelStatus::Closing.code();
    record.close_at = record.close_at.min(grace_end);
    RECORDS.set(s, id, &record)?;
    TIMERS.set(s, record.number, record.close_at)?;
    let (payer, close_at) = (record.payer, record.close_at);
    s.emit(CHANNELS, IChannels::CloseRequested { channelId: id, payer, closeAt: close_at })
}

fn close(s: &mut Session<'_>, id: B256) -> Result<()> {
    let mut record = channel(s, id)?;
    let status = record.status;
    let closed = status == ChannelStatus::Closed.code();
    require!(!closed, IChannels::ChannelNotOpen { channelId: id, status });
    let close_at = record.close_at;
    let may = s.caller == record.gateway || s.now() >= close_at;
    require!(may, IChannels::GraceNotOver { channelId: id, closeAt: close_at });
    let (payer, gateway, redeemed) = (record.payer, record.gateway, record.redeemed);
    record.status = ChannelStatus::Closed.code();
    RECORDS.set(s, id, &record)?;
    TIMERS.clear(s, record.number)?;
    let refund = money::held(s, reserved(id))?;
    money::transfer(s, reserved(id), balance(payer), refund)?;
    let sum = sub(RESERVED.get(s, payer)?.0, refund)?;
    RESERVED.set(s, payer, &One(sum))?;
    s.emit(CHANNELS, IChannels::ChannelClosed { channelId: id, payer, gateway, redeemed, refund })
}

fn poke(s: &mut Session<'_>, max: u32) -> Result<u32> {
    bound(max <= 64, "max")?;
    let mut handled = 0;
    while handled < max {
        match TIMERS.next(s)? {
            Some((due, number)) if s.now() >= due => {
                let id = ALL.get(s, NoKey, number.saturating_sub(1))?;
                close(s, id)?;
            }
            _ => break,
        }
        handled += 1;
    }
    Ok(handled)
}

/// Second at which `poke` has something to do.
pub(crate) fn next_timer(s: &mut Session<'_>) -> Result<u64> {
    Ok(TIMERS.next(s)?.map_or(0, |(due, _)| due.max(1)))
}
