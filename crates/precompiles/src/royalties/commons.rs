//! The commons: whole wei per published item.

use alloy_primitives::Address;
use tributary_contracts::{IRoyalties, ROYALTIES};

use super::commons_pool;
use crate::fault::{Result, require};
use crate::layout::{One, Table, record};
use crate::money::{self, Place};
use crate::session::{Session, add, add64, mul, sub};

record! {
    /// A datanet's commons; its coins lie in its bucket.
    CommonsRecord {
        /// Wei that every item present so far has earned.
        per_item: u128,
        /// Wei that waits until it makes a whole one per item.
        undistributed: u128,
        received: u128,
        items: u64,
    }
}

pub(super) static COMMONS: Table<CommonsRecord> =
    Table::new(ROYALTIES, "tributary.royalties.commons");
/// `per_item` up to which a contribution has been paid.
static PAID_UP_TO: Table<One<u128>> = Table::new(ROYALTIES, "tributary.royalties.commonsPaid");

fn spread(record: &mut CommonsRecord) -> Result<()> {
    let items = u128::from(record.items);
    if let Some(each) = record.undistributed.checked_div(items) {
        record.per_item = add(record.per_item, each)?;
        record.undistributed = sub(record.undistributed, mul(each, items)?)?;
    }
    Ok(())
}

/// Counts a payment; the caller moves the coins.
pub(super) fn receive(s: &mut Session<'_>, datanet_id: u64, amount: u128) -> Result<()> {
    let mut record = COMMONS.get(s, datanet_id)?;
    record.received = add(record.received, amount)?;
    record.undistributed = add(record.undistributed, amount)?;
    spread(&mut record)?;
    COMMONS.set(s, datanet_id, &record)
}

/// A published contribution starts to earn; what waited for a first item is spread now.
pub(crate) fn join_commons(
    s: &mut Session<'_>,
    datanet_id: u64,
    contribution_id: u64,
    items: u64,
) -> Result<()> {
    let mut record = COMMONS.get(s, datanet_id)?;
    PAID_UP_TO.set(s, contribution_id, &One(record.per_item))?;
    record.items = add64(record.items, items)?;
    spread(&mut record)?;
    COMMONS.set(s, datanet_id, &record)
}

/// A tombstoned contribution is paid what it has earned and earns no more.
pub(crate) fn leave_commons(s: &mut Session<'_>, contribution_id: u64) -> Result<()> {
    let Some((datanet_id, contributor, items)) = crate::datanets::published(s, contribution_id)?
    else {
        return Ok(());
    };
    pay_out(s, contribution_id, (datanet_id, contributor, items))?;
    let mut record = COMMONS.get(s, datanet_id)?;
    record.items = record.items.saturating_sub(items);
    COMMONS.set(s, datanet_id, &record)
}

fn require_published(s: &mut Session<'_>, id: u64) -> Result<(u64, Address, u64)> {
    let found = crate::datanets::published(s, id)?;
    let error = IRoyalties::ContributionNotPublished { contributionId: id };
    found.ok_or_else(|| crate::fault::revert(error))
}

/// What a contribution has earned and not been paid.
pub(super) fn earned(s: &mut Session<'_>, contribution_id: u64) -> Result<u128> {
    let (datanet_id, _, items) = require_published(s, contribution_id)?;
    let each = COMMONS.get(s, datanet_id)?.per_item;
    mul(sub(each, PAID_UP_TO.get(s, contribution_id)?.0)?, items.into())
}

/// Pays a published contribution's part to its contributor.
pub(super) fn claim(s: &mut Session<'_>, contribution_id: u64) -> Result<u128> {
    let published = require_published(s, contribution_id)?;
    let amount = pay_out(s, contribution_id, published)?;
    require!(amount > 0, IRoyalties::NothingEarned {});
    Ok(amount)
}

fn pay_out(
    s: &mut Session<'_>,
    contribution_id: u64,
    (datanet_id, contributor, _): (u64, Address, u64),
) -> Result<u128> {
    let amount = earned(s, contribution_id)?;
    if amount == 0 {
        return Ok(0);
    }
    let each = COMMONS.get(s, datanet_id)?.per_item;
    PAID_UP_TO.set(s, contribution_id, &One(each))?;
    money::transfer(s, commons_pool(datanet_id), Place::Account(contributor), amount)?;
    let event = IRoyalties::CommonsClaimed {
        contributionId: contribution_id,
        datanetId: datanet_id,
        contributor,
        amount,
    };
    s.emit(ROYALTIES, event)?;
    Ok(amount)
}

/// Moves what no item can receive to the treasury: a remainder below a wei per item, or all that
/// waits once the datanet is closed and empty.
pub(super) fn sweep(s: &mut Session<'_>, datanet_id: u64) -> Result<u128> {
    let mut record = COMMONS.get(s, datanet_id)?;
    let stuck = record.items > 0 || crate::datanets::is_closed(s, datanet_id)?;
    let amount = if stuck { record.undistributed } else { 0 };
    require!(amount > 0, IRoyalties::NothingToSweep { datanetId: datanet_id });
    record.undistributed = 0;
    COMMONS.set(s, datanet_id, &record)?;
    let treasury = super::PARAMS.get(s)?.treasury;
    money::transfer(s, commons_pool(datanet_id), Place::Account(treasury), amount)?;
    s.emit(ROYALTIES, IRoyalties::CommonsSwept { datanetId: datanet_id, amount })?;
    Ok(amount)
}
