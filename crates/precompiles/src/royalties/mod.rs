//! `royalties`: how a fee is split, the pools of a datanet, and the signed receipt.
//!
//! A datanet has two pools. *Backers* stake behind it and share what is paid to them by stake.
//! The *commons* belongs to all published items alike: what is paid in is spread over items in
//! whole wei, the remainder waits for the next payment.
//!
//! **Invariants:** split parts sum to the fee to the wei; backing in = backing out; what is paid
//! into a pool = claimed + claimable + remainder.

mod backing;
mod commons;
mod dispatch;
mod receipt;
mod split;
#[cfg(test)]
mod tests;

use alloy_primitives::Address;
use tributary_contracts::{IRoyalties, ROYALTIES};

pub(crate) use commons::{join_commons, leave_commons};
pub(crate) use dispatch::dispatch;

use crate::fault::Result;
use crate::layout::{Cell, record};
use crate::money::{self, Bucket, Place, Purpose};
use crate::session::{Session, add, part, sub};

record! {
    /// Genesis parameters.
    ParamsRecord {
        treasury: Address,
        compute_protocol_ppm: u32,
        licence_protocol_ppm: u32,
        lineage_ppm: u32,
        data_ppm: u32,
        backers_ppm: u32,
        compute_burn_ppm: u32,
        licence_burn_ppm: u32,
        backing_thaw: u64,
    }
}

record! {
    /// The protocol's income.
    ProtocolRecord { treasury: u128, burned: u128 }
}

pub(crate) static PARAMS: Cell<ParamsRecord> = Cell::new(ROYALTIES, "tributary.royalties.params");
static PROTOCOL: Cell<ProtocolRecord> = Cell::new(ROYALTIES, "tributary.royalties.protocol");

/// Which protocol part is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProtocolPart {
    Compute,
    Licence,
}

/// Pays a protocol part out of a bucket: a part burns, the rest goes to the treasury.
pub(crate) fn pay_protocol(
    s: &mut Session<'_>,
    from: Bucket,
    which: ProtocolPart,
    amount: u128,
) -> Result<()> {
    let params = PARAMS.get(s)?;
    let (role, burn_ppm) = match which {
        ProtocolPart::Compute => (6, params.compute_burn_ppm),
        ProtocolPart::Licence => (7, params.licence_burn_ppm),
    };
    let burned = part(amount, burn_ppm)?;
    let treasury = sub(amount, burned)?;
    money::transfer(s, from, Place::Burned, burned)?;
    money::transfer(s, from, Place::Account(params.treasury), treasury)?;
    let mut totals = PROTOCOL.get(s)?;
    totals.treasury = add(totals.treasury, treasury)?;
    totals.burned = add(totals.burned, burned)?;
    PROTOCOL.set(s, &totals)?;
    let payer = s.caller;
    s.emit(ROYALTIES, IRoyalties::ProtocolPaid { from: payer, role, treasury, burned })
}

/// Pays a datanet's backers out of a bucket; the commons when there is no backer.
pub(crate) fn pay_backers(
    s: &mut Session<'_>,
    from: Bucket,
    datanet_id: u64,
    amount: u128,
) -> Result<()> {
    if backing::receive(s, datanet_id, amount)? {
        money::transfer(s, from, backers_pool(datanet_id), amount)?;
        let payer = s.caller;
        let event = IRoyalties::BackersPaid { datanetId: datanet_id, from: payer, amount };
        return s.emit(ROYALTIES, event);
    }
    pay_commons(s, from, datanet_id, amount)
}

/// Pays a datanet's commons.
pub(crate) fn pay_commons(
    s: &mut Session<'_>,
    from: impl Into<Place>,
    datanet_id: u64,
    amount: u128,
) -> Result<()> {
    commons::receive(s, datanet_id, amount)?;
    money::transfer(s, from, commons_pool(datanet_id), amount)?;
    let payer = s.caller;
    let event = IRoyalties::CommonsPaid { datanetId: datanet_id, from: payer, amount };
    s.emit(ROYALTIES, event)
}

fn backing_bucket(datanet_id: u64) -> Bucket {
    Bucket::new(Purpose::Backing, datanet_id)
}

fn backers_pool(datanet_id: u64) -> Bucket {
    Bucket::new(Purpose::BackersPool, datanet_id)
}

fn commons_pool(datanet_id: u64) -> Bucket {
    Bucket::new(Purpose::Commons, datanet_id)
}
