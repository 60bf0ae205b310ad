//! Routes calls of `datanets`.

use tributary_contracts::IDatanets;

use super::{
    BY_CONTRIBUTOR, BY_DATANET, CONTRIBUTION_COUNT, COUNT, PARAMS, TIMERS, cost, datanet,
    next_timer, publish, review, show,
};
use crate::dispatch::{decode, returns};
use crate::fault::{Result, require, revert};
use crate::layout::Page;
use crate::session::{Session, bound};

pub(crate) fn dispatch(s: &mut Session<'_>, data: &[u8]) -> Result<Vec<u8>> {
    use IDatanets::IDatanetsCalls as Calls;
    match decode(data)? {
        Calls::createDatanet(call) => {
            let id = super::create(s, &call.spec)?;
            return Ok(returns::<IDatanets::createDatanetCall>(&id));
        }
        Calls::updateDatanet(call) => super::update(s, call.datanetId, &call.spec)?,
        Calls::setDatanetStatus(call) => super::set_status(s, call.datanetId, call.status)?,
        Calls::contribute(call) => {
            let id = super::contribute(s, &call)?;
            return Ok(returns::<IDatanets::contributeCall>(&id));
        }
        Calls::withdrawContribution(call) => super::withdraw(s, call.contributionId)?,
        Calls::commitReview(call) => review::commit(s, call.contributionId, call.commitment)?,
        Calls::revealReview(call) => {
            review::reveal(s, call.contributionId, call.score, call.salt)?;
        }
        Calls::challenge(call) => super::challenge(s, call.contributionId, call.evidence)?,
        Calls::publishSnapshot(call) => {
            let version = publish::publish(s, call.datanetId)?;
            return Ok(returns::<IDatanets::publishSnapshotCall>(&version));
        }
        Calls::tombstone(call) => publish::tombstone(s, call.contributionId, call.reason)?,
        Calls::pokeContribution(call) => poke_one(s, call.contributionId)?,
        Calls::poke(call) => {
            let handled = poke(s, call.max)?;
            return Ok(returns::<IDatanets::pokeCall>(&handled));
        }
        view => return views(s, view),
    }
    Ok(Vec::new())
}

fn poke_one(s: &mut Session<'_>, id: u64) -> Result<()> {
    let done = review::advance(s, id)?;
    let due = super::contribution(s, id)?.phase_end;
    require!(done, IDatanets::NothingDue { contributionId: id, due });
    Ok(())
}

fn poke(s: &mut Session<'_>, max: u32) -> Result<u32> {
    bound(max <= 32, "max")?;
    let mut handled = 0;
    while handled < max {
        match TIMERS.next(s)? {
            Some((due, id)) if s.now() >= due => {
                if !review::advance(s, id)? {
                    break;
                }
            }
            _ => break,
        }
        handled += 1;
    }
    Ok(handled)
}

fn views(s: &mut Session<'_>, call: IDatanets::IDatanetsCalls) -> Result<Vec<u8>> {
    use IDatanets::IDatanetsCalls as Calls;
    Ok(match call {
        Calls::getDatanet(call) => {
            returns::<IDatanets::getDatanetCall>(&show::datanet_of(s, call.datanetId)?)
        }
        Calls::datanetCount(_) => returns::<IDatanets::datanetCountCall>(&COUNT.get(s)?.0),
        Calls::datanets(call) => {
            let page = Page { from: call.from, count: call.count, most: 64 };
            let mut found = Vec::new();
            for id in page.ids(COUNT.get(s)?.0) {
                found.push(show::datanet_of(s, id)?);
            }
            returns::<IDatanets::datanetsCall>(&found)
        }
        Calls::getContribution(call) => {
            let found = show::contribution_of(s, call.contributionId)?;
            returns::<IDatanets::getContributionCall>(&found)
        }
        Calls::contributionCount(_) => {
            returns::<IDatanets::contributionCountCall>(&CONTRIBUTION_COUNT.get(s)?.0)
        }
        Calls::contributionsOf(call) => {
            let page = Page { from: call.from, count: call.count, most: 64 };
            let ids = BY_DATANET.page(s, call.datanetId, page)?;
            returns::<IDatanets::contributionsOfCall>(&show::contributions_of(s, ids)?)
        }
        Calls::contributionsBy(call) => {
            let page = Page { from: call.from, count: call.count, most: 256 };
            let ids = BY_CONTRIBUTOR.page(s, call.contributor, page)?;
            returns::<IDatanets::contributionsByCall>(&ids)
        }
        Calls::publishedOf(call) => {
            let page = Page { from: call.from, count: call.count, most: 64 };
            let ids = publish::LEAVES.page(s, call.datanetId, page)?;
            returns::<IDatanets::publishedOfCall>(&show::contributions_of(s, ids)?)
        }
        Calls::reviewsOf(call) => {
            let found = show::reviews_of(s, call.contributionId, call.round)?;
            returns::<IDatanets::reviewsOfCall>(&found)
        }
        Calls::snapshot(call) => {
            let found = show::snapshot_of(s, call.datanetId, call.version)?;
            returns::<IDatanets::snapshotCall>(&found)
        }
        more => return more_views(s, more),
    })
}

fn more_views(s: &mut Session<'_>, call: IDatanets::IDatanetsCalls) -> Result<Vec<u8>> {
    use IDatanets::IDatanetsCalls as Calls;
    Ok(match call {
        Calls::verifyContribution(call) => {
            returns::<IDatanets::verifyContributionCall>(&publish::verify(s, &call)?)
        }
        Calls::contributionCost(call) => {
            let record = datanet(s, call.datanetId)?;
            let (stake, fee, _) = cost(s, &record, call.itemCount)?;
            let cost = IDatanets::contributionCostReturn { stake, fee };
            returns::<IDatanets::contributionCostCall>(&cost)
        }
        Calls::reviewCommitment(call) => {
            let key = (call.contributionId, call.round);
            let found = review::commitment(s, call.score, call.salt, call.reviewer, key)?;
            returns::<IDatanets::reviewCommitmentCall>(&found)
        }
        Calls::nextTimer(_) => returns::<IDatanets::nextTimerCall>(&next_timer(s)?),
        Calls::datanetsParams(_) => returns::<IDatanets::datanetsParamsCall>(&params(s)?),
        _ => return Err(revert(tributary_contracts::IModule::BadCalldata {})),
    })
}

fn params(s: &mut Session<'_>) -> Result<IDatanets::DatanetsParams> {
    let params = PARAMS.get(s)?;
    Ok(IDatanets::DatanetsParams {
        stakePerItem: params.stake_per_item,
        minStake: params.min_stake,
        reviewFee: params.review_fee,
        reviewers: params.reviewers,
        acceptScore: params.accept_score,
        closeEarly: params.close_early,
        assignDelay: params.assign_delay,
        assignTimeout: params.assign_timeout,
        commitPeriod: params.commit_period,
        revealPeriod: params.reveal_period,
        challengeWindow: params.challenge_window,
        noRevealSlashPpm: params.no_reveal_slash_ppm,
        winnerCutPpm: params.winner_cut_ppm,
    })
}
