//! Review: the draw of reviewers, hidden scores, shown scores.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, U256};
use tributary_contracts::{ContributionStatus, DATANETS, IDatanets, IModule, ProvisionRole};

use super::{
    CONTRIBUTIONS, ContributionRecord, MOST_REVIEWERS, PARAMS, TIMERS, contribution, publish,
    require_status, tally,
};
use crate::fault::{Result, require};
use crate::layout::{One, Table, record};
use crate::session::{Session, add64, bound};
use crate::staking;

record! {
    /// One reviewer of one round.
    SeatRecord {
        reviewer: Address,
        revealed: bool,
        score: u8,
        provision_id: u64,
        weight: u128,
        commitment: B256,
    }
}

/// By contribution, round and number of the seat.
pub(super) static SEATS: Table<SeatRecord> = Table::new(DATANETS, "tributary.datanets.seats");
/// By contribution, round and reviewer: number of the seat plus one.
static SEAT_OF: Table<One<u64>> = Table::new(DATANETS, "tributary.datanets.seatOf");
/// By contribution and round: how many seats.
pub(super) static SEAT_COUNT: Table<One<u64>> =
    Table::new(DATANETS, "tributary.datanets.seatCount");

/// Blocks from the one that closed a round's inputs to the one whose beacon draws the reviewers.
const DRAW_DISTANCE: u64 = 2;

/// Fails unless the call's value is exactly this.
pub(super) fn require_value(s: &Session<'_>, expected: u128) -> Result<()> {
    let (value, expected) = (U256::from(s.value), U256::from(expected));
    require!(value == expected, IModule::WrongValue { expected, value });
    Ok(())
}

/// What a reviewer commits to.
pub(super) fn commitment(
    s: &mut Session<'_>,
    score: u8,
    salt: B256,
    reviewer: Address,
    (id, round): (u64, u8),
) -> Result<B256> {
    let mut bytes = b"tributary review v1".to_vec();
    bytes.push(score);
    bytes.extend_from_slice(salt.as_slice());
    bytes.extend_from_slice(reviewer.as_slice());
    bytes.extend_from_slice(&id.to_be_bytes());
    bytes.push(round);
    s.keccak(&bytes)
}

/// Does what is due. `false` when nothing can be done before a later block.
pub(super) fn advance(s: &mut Session<'_>, id: u64) -> Result<bool> {
    let mut record = contribution(s, id)?;
    let now = s.now();
    let Ok(status) = ContributionStatus::try_from(record.status) else { return Ok(false) };
    match status {
        ContributionStatus::Submitted => return draw(s, id, &mut record),
        ContributionStatus::Committing if now >= record.phase_end => {
            if record.committed > 0 {
                start_reveal(s, id, &mut record)?;
            } else {
                tally::tally(s, id, &mut record)?;
            }
        }
        ContributionStatus::Revealing if now >= record.phase_end => {
            tally::tally(s, id, &mut record)?;
        }
        ContributionStatus::Accepted if now >= record.phase_end => {
            publish::publish_due(s, id, record.datanet_id)?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

/// Draws reviewers, or ends the wait for them when it has lasted too long.
fn draw(s: &mut Session<'_>, id: u64, record: &mut ContributionRecord) -> Result<bool> {
    let params = PARAMS.get(s)?;
    // The beacon must be one that nobody could know while the inputs were open.
    let later = s.host.number() >= add64(record.closed_block, DRAW_DISTANCE)?;
    let now = s.now();
    if !later || now < add64(record.closed_at, params.assign_delay)? {
        return Ok(false);
    }
    let members = staking::member_count(s, ProvisionRole::Reviewer)?;
    let mut excluded = 0;
    for party in [record.contributor, record.challenger] {
        let active = staking::is_active(s, party, ProvisionRole::Reviewer)?;
        excluded += u64::from(!party.is_zero() && active);
    }
    let eligible = members.saturating_sub(excluded);
    let wanted = if record.round == 0 {
        u64::from(record.reviewers)
    } else {
        let more = record.reviewers.saturating_mul(2).saturating_add(1).min(MOST_REVIEWERS);
        u64::from(more).min(eligible.max(1))
    };
    if eligible < wanted {
        if now >= record.phase_end {
            tally::give_up(s, id, record)?;
        } else {
            TIMERS.set(s, id, record.phase_end)?;
        }
        return Ok(true);
    }
    let reviewers = seat(s, id, record, (members, wanted))?;
    record.seats = u8::try_from(reviewers.len()).unwrap_or(MOST_REVIEWERS);
    record.status = ContributionStatus::Committing.code();
    record.phase_end = add64(now, params.commit_period)?;
    CONTRIBUTIONS.set(s, id, record)?;
    TIMERS.set(s, id, record.phase_end)?;
    let event = IDatanets::ReviewersAssigned {
        id,
        datanetId: record.datanet_id,
        round: record.round,
        reviewers,
        commitEnd: record.phase_end,
    };
    s.emit(DATANETS, event)?;
    Ok(true)
}

/// Draws without replacement (a lazy Fisher-Yates over places) and writes the seats.
fn seat(
    s: &mut Session<'_>,
    id: u64,
    record: &ContributionRecord,
    (members, wanted): (u64, u64),
) -> Result<Vec<Address>> {
    let beacon = s.host.prevrandao();
    let mut seed = b"tributary reviewers v1".to_vec();
    seed.extend_from_slice(beacon.as_slice());
    seed.extend_from_slice(&id.to_be_bytes());
    seed.push(record.round);
    seed.extend_from_slice(record.items_root.as_slice());
    let seed = s.keccak(&seed)?;
    let mut swapped: BTreeMap<u64, u64> = BTreeMap::new();
    let mut reviewers = Vec::new();
    for step in 0..members {
        let seats = reviewers.len() as u64;
        if seats == wanted {
            break;
        }
        let mut bytes = seed.to_vec();
        bytes.extend_from_slice(&step.to_be_bytes());
        let number = U256::from_be_bytes(s.keccak(&bytes)?.0);
        let rest = U256::from(members - step);
        let pick = step.saturating_add((number % rest).wrapping_to::<u64>());
        let place = swapped.get(&pick).copied().unwrap_or(pick);
        let own = swapped.get(&step).copied().unwrap_or(step);
        swapped.insert(pick, own);
        let (provision_id, reviewer) = staking::member_at(s, ProvisionRole::Reviewer, place)?;
        if reviewer == record.contributor || reviewer == record.challenger {
            continue;
        }
        let weight = staking::tokens_of(s, provision_id)?;
        let seat = SeatRecord { reviewer, provision_id, weight, ..Default::default() };
        SEATS.set(s, (id, record.round, seats), &seat)?;
        SEAT_OF.set(s, (id, record.round, reviewer), &One(seats.saturating_add(1)))?;
        reviewers.push(reviewer);
    }
    SEAT_COUNT.set(s, (id, record.round), &One(reviewers.len() as u64))?;
    Ok(reviewers)
}

/// The caller's seat in the current round: (number, seat).
fn own_seat(
    s: &mut Session<'_>,
    id: u64,
    record: &ContributionRecord,
) -> Result<(u64, SeatRecord)> {
    let reviewer = s.caller;
    let place = SEAT_OF.get(s, (id, record.round, reviewer))?.0;
    let error = IDatanets::NotAssigned { contributionId: id, reviewer };
    let Some(number) = place.checked_sub(1) else { return Err(crate::fault::revert(error)) };
    Ok((number, SEATS.get(s, (id, record.round, number))?))
}

fn require_phase(s: &Session<'_>, id: u64, record: &ContributionRecord) -> Result<()> {
    let phase_end = record.phase_end;
    let open = s.now() < phase_end;
    require!(open, IDatanets::PhaseOver { contributionId: id, phaseEnd: phase_end });
    Ok(())
}

pub(super) fn commit(s: &mut Session<'_>, id: u64, commitment: B256) -> Result<()> {
    let mut record = contribution(s, id)?;
    let (number, mut seat) = own_seat(s, id, &record)?;
    require_status(id, &record, ContributionStatus::Committing)?;
    require_phase(s, id, &record)?;
    bound(!commitment.is_zero(), "commitment")?;
    let reviewer = seat.reviewer;
    let fresh = seat.commitment.is_zero();
    require!(fresh, IDatanets::AlreadyCommitted { contributionId: id, reviewer });
    seat.commitment = commitment;
    SEATS.set(s, (id, record.round, number), &seat)?;
    record.committed = record.committed.saturating_add(1);
    CONTRIBUTIONS.set(s, id, &record)?;
    s.emit(DATANETS, IDatanets::ReviewCommitted { id, reviewer, round: record.round })?;
    if record.committed == record.seats && PARAMS.get(s)?.close_early {
        start_reveal(s, id, &mut record)?;
    }
    Ok(())
}

fn start_reveal(s: &mut Session<'_>, id: u64, record: &mut ContributionRecord) -> Result<()> {
    record.status = ContributionStatus::Revealing.code();
    record.phase_end = add64(s.now(), PARAMS.get(s)?.reveal_period)?;
    CONTRIBUTIONS.set(s, id, record)?;
    TIMERS.set(s, id, record.phase_end)?;
    let event = IDatanets::RevealStarted {
        id,
        datanetId: record.datanet_id,
        round: record.round,
        revealEnd: record.phase_end,
    };
    s.emit(DATANETS, event)
}

pub(super) fn reveal(s: &mut Session<'_>, id: u64, score: u8, salt: B256) -> Result<()> {
    let mut record = contribution(s, id)?;
    let (number, mut seat) = own_seat(s, id, &record)?;
    require_status(id, &record, ContributionStatus::Revealing)?;
    require_phase(s, id, &record)?;
    bound(score <= 100, "score")?;
    let reviewer = seat.reviewer;
    let committed = !seat.commitment.is_zero();
    require!(committed, IDatanets::NotCommitted { contributionId: id, reviewer });
    require!(!seat.revealed, IDatanets::AlreadyRevealed { contributionId: id, reviewer });
    let expected = commitment(s, score, salt, reviewer, (id, record.round))?;
    let matches = expected == seat.commitment;
    require!(matches, IDatanets::WrongReveal { contributionId: id, reviewer });
    seat.revealed = true;
    seat.score = score;
    SEATS.set(s, (id, record.round, number), &seat)?;
    record.revealed = record.revealed.saturating_add(1);
    CONTRIBUTIONS.set(s, id, &record)?;
    let round = record.round;
    s.emit(DATANETS, IDatanets::ReviewRevealed { id, reviewer, round, score })?;
    if record.revealed == record.committed && PARAMS.get(s)?.close_early {
        tally::tally(s, id, &mut record)?;
    }
    Ok(())
}
