//! The end of a round: fees, no-shows, the median, and what follows from it.

use tributary_contracts::{ContributionStatus, DATANETS, IDatanets};

use super::review::{SEATS, SeatRecord};
use super::{
    CONTRIBUTIONS, ContributionRecord, PARAMS, bond_of, end, fee_of, publish, refund, stake_of,
};
use crate::fault::Result;
use crate::money::{self, Bucket, Place};
use crate::session::{Session, add64, part, sub};
use crate::staking;

/// Ends the round.
pub(super) fn tally(s: &mut Session<'_>, id: u64, record: &mut ContributionRecord) -> Result<()> {
    let mut votes = Vec::new();
    let mut revealed = Vec::new();
    for number in 0..u64::from(record.seats) {
        let seat = SEATS.get(s, (id, record.round, number))?;
        if seat.revealed {
            votes.push((seat.score, seat.weight));
            revealed.push(seat);
        } else {
            punish(s, id, record, &seat)?;
        }
    }
    let Some(score) = weighted_median(votes) else { return give_up(s, id, record) };
    record.score = score;
    let accepted = score >= record.accept_score;
    match (record.round, accepted) {
        (0, true) => {
            pay_reviewers(s, id, fee_of(id), &revealed)?;
            accept(s, id, record)
        }
        (0, false) => {
            pay_reviewers(s, id, fee_of(id), &revealed)?;
            reject(s, id, record)
        }
        (_, true) => {
            pay_reviewers(s, id, bond_of(id), &revealed)?;
            dismiss(s, id, record)
        }
        (_, false) => {
            pay_reviewers(s, id, stake_of(id), &revealed)?;
            uphold(s, id, record)
        }
    }
}

/// The default outcome when nobody reviewed: nobody loses anything.
pub(super) fn give_up(s: &mut Session<'_>, id: u64, record: &mut ContributionRecord) -> Result<()> {
    let (datanet_id, contributor) = (record.datanet_id, record.contributor);
    if record.round == 0 {
        let refund = refund(s, id, record)?;
        end(s, id, record, ContributionStatus::Expired)?;
        let event =
            IDatanets::ContributionExpired { id, datanetId: datanet_id, contributor, refund };
        return s.emit(DATANETS, event);
    }
    let (challenger, bond) = (record.challenger, money::held(s, bond_of(id))?);
    money::transfer(s, bond_of(id), Place::Account(challenger), bond)?;
    back_to_accepted(s, id, record)?;
    let score = record.score;
    s.emit(DATANETS, IDatanets::ChallengeDismissed { id, challenger, score, bondReturned: bond })
}

fn punish(
    s: &mut Session<'_>,
    id: u64,
    record: &ContributionRecord,
    seat: &SeatRecord,
) -> Result<()> {
    let tokens = staking::tokens_of(s, seat.provision_id)?;
    let amount = part(tokens, PARAMS.get(s)?.no_reveal_slash_ppm)?;
    let evidence = s.keccak(&id.to_be_bytes())?;
    staking::slash(s, seat.provision_id, amount, record.contributor, evidence)?;
    Ok(())
}

/// A flat fee to each who revealed, out of the purse of who pays.
fn pay_reviewers(s: &mut Session<'_>, id: u64, from: Bucket, seats: &[SeatRecord]) -> Result<()> {
    let fee = PARAMS.get(s)?.review_fee;
    for seat in seats {
        let amount = fee.min(money::held(s, from)?);
        let reviewer = seat.reviewer;
        money::transfer(s, from, Place::Account(reviewer), amount)?;
        s.emit(DATANETS, IDatanets::ReviewFeePaid { id, reviewer, amount })?;
    }
    Ok(())
}

/// Unused review fee goes back at once.
fn return_fee(s: &mut Session<'_>, id: u64, record: &ContributionRecord) -> Result<()> {
    let rest = money::held(s, fee_of(id))?;
    money::transfer(s, fee_of(id), Place::Account(record.contributor), rest)
}

fn accept(s: &mut Session<'_>, id: u64, record: &mut ContributionRecord) -> Result<()> {
    return_fee(s, id, record)?;
    record.status = ContributionStatus::Accepted.code();
    record.phase_end = add64(s.now(), PARAMS.get(s)?.challenge_window)?;
    publish::enqueue(s, id, record)?;
    let event = IDatanets::ContributionAccepted {
        id,
        datanetId: record.datanet_id,
        contributor: record.contributor,
        score: record.score,
        windowEnd: record.phase_end,
    };
    s.emit(DATANETS, event)
}

fn reject(s: &mut Session<'_>, id: u64, record: &mut ContributionRecord) -> Result<()> {
    let refund = refund(s, id, record)?;
    end(s, id, record, ContributionStatus::Rejected)?;
    let event = IDatanets::ContributionRejected {
        id,
        datanetId: record.datanet_id,
        contributor: record.contributor,
        score: record.score,
        refund,
    };
    s.emit(DATANETS, event)
}

/// Accepted again, with the window over and a new place at the end of the queue.
fn back_to_accepted(s: &mut Session<'_>, id: u64, record: &mut ContributionRecord) -> Result<()> {
    record.status = ContributionStatus::Accepted.code();
    record.phase_end = s.now();
    publish::enqueue(s, id, record)?;
    CONTRIBUTIONS.set(s, id, record)
}

/// Splits what the loser has left: a part to the winner, the rest burned. (winner, burned)
fn forfeit(s: &mut Session<'_>, from: Bucket, winner: Place) -> Result<(u128, u128)> {
    let rest = money::held(s, from)?;
    let to_winner = part(rest, PARAMS.get(s)?.winner_cut_ppm)?;
    let burned = sub(rest, to_winner)?;
    money::transfer(s, from, winner, to_winner)?;
    money::transfer(s, from, Place::Burned, burned)?;
    Ok((to_winner, burned))
}

fn dismiss(s: &mut Session<'_>, id: u64, record: &mut ContributionRecord) -> Result<()> {
    forfeit(s, bond_of(id), Place::Account(record.contributor))?;
    back_to_accepted(s, id, record)?;
    let (challenger, score) = (record.challenger, record.score);
    s.emit(DATANETS, IDatanets::ChallengeDismissed { id, challenger, score, bondReturned: 0 })
}

fn uphold(s: &mut Session<'_>, id: u64, record: &mut ContributionRecord) -> Result<()> {
    let challenger = record.challenger;
    let (to_challenger, burned) = forfeit(s, stake_of(id), Place::Account(challenger))?;
    let bond = money::held(s, bond_of(id))?;
    money::transfer(s, bond_of(id), Place::Account(challenger), bond)?;
    end(s, id, record, ContributionStatus::Slashed)?;
    let event = IDatanets::ContributionSlashed {
        id,
        datanetId: record.datanet_id,
        contributor: record.contributor,
        challenger,
        toChallenger: to_challenger,
        burned,
    };
    s.emit(DATANETS, event)
}

/// Median of scores by stake; no stake counts for more than four times the median stake.
pub(super) fn weighted_median(mut votes: Vec<(u8, u128)>) -> Option<u8> {
    let mut stakes: Vec<u128> = votes.iter().map(|(_, stake)| *stake).collect();
    stakes.sort_unstable();
    let cap = stakes.get(stakes.len() / 2)?.saturating_mul(4).max(1);
    let weight = |stake: u128| stake.clamp(1, cap);
    votes.sort_unstable();
    let total = votes.iter().fold(0u128, |sum, (_, stake)| sum.saturating_add(weight(*stake)));
    let mut below = 0u128;
    for (score, stake) in &votes {
        below = below.saturating_add(weight(*stake));
        if below.saturating_mul(2) >= total {
            return Some(*score);
        }
    }
    None
}
