//! Who is active in a role: a list without order, kept by swap and remove.

use alloy_primitives::Address;
use tributary_contracts::ProvisionRole;

use super::{MEMBERS, PARAMS, PROVISIONS, minimum, provision, tokens_of};
use crate::fault::Result;
use crate::layout::Page;
use crate::session::Session;

/// Puts a provision on its role's list, or takes it off, as its unthawed tokens say.
pub(crate) fn refresh(s: &mut Session<'_>, id: u64) -> Result<()> {
    let mut record = provision(s, id)?;
    let Ok(role) = ProvisionRole::try_from(record.role) else { return Ok(()) };
    let unthawed = tokens_of(s, id)?.saturating_sub(record.thawing);
    let active = unthawed >= minimum(&PARAMS.get(s)?, role);
    if active == record.active {
        return Ok(());
    }
    record.active = active;
    if active {
        record.place = MEMBERS.push(s, record.role, id)?.saturating_add(1);
    } else {
        take_off(s, record.role, record.place)?;
        record.place = 0;
    }
    PROVISIONS.set(s, id, &record)
}

fn take_off(s: &mut Session<'_>, role: u8, place: u64) -> Result<()> {
    let (Some(index), Some(last)) = (place.checked_sub(1), MEMBERS.len(s, role)?.checked_sub(1))
    else {
        return Ok(());
    };
    if index < last {
        let moved = MEMBERS.get(s, role, last)?;
        MEMBERS.set(s, role, index, moved)?;
        let mut record = PROVISIONS.get(s, moved)?;
        record.place = place;
        PROVISIONS.set(s, moved, &record)?;
    }
    MEMBERS.pop(s, role)
}

/// Active provisions of a role.
pub(crate) fn member_count(s: &mut Session<'_>, role: ProvisionRole) -> Result<u64> {
    MEMBERS.len(s, role.code())
}

/// The active provision at a place of the role's list, and its owner.
pub(crate) fn member_at(
    s: &mut Session<'_>,
    role: ProvisionRole,
    at: u64,
) -> Result<(u64, Address)> {
    let id = MEMBERS.get(s, role.code(), at)?;
    Ok((id, PROVISIONS.get(s, id)?.owner))
}

/// Ids of a page of a role's active provisions.
pub(crate) fn active_members(s: &mut Session<'_>, role: u8, page: Page) -> Result<Vec<u64>> {
    MEMBERS.page(s, role, page)
}
