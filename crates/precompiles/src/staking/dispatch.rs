//! Routes calls of `staking`.

use alloy_primitives::Address;
use tributary_contracts::{IStaking, ProvisionRole};

use super::{
    BY_OWNER, COUNT, ENDPOINTS, PARAMS, PROFILES, PROVISIONED, QUEUES, UNBONDINGS, active_members,
    free, is_active, provision, tokens_of, unbonding,
};
use crate::dispatch::{decode, returns};
use crate::fault::{Result, revert};
use crate::layout::Page;
use crate::money;
use crate::session::Session;

pub(crate) fn dispatch(s: &mut Session<'_>, data: &[u8]) -> Result<Vec<u8>> {
    use IStaking::IStakingCalls as Calls;
    match decode(data)? {
        Calls::stake(_) => super::stake(s)?,
        Calls::unstake(call) => super::unstake(s, call.amount)?,
        Calls::withdrawUnbonded(_) => {
            let amount = super::withdraw_unbonded(s)?;
            return Ok(returns::<IStaking::withdrawUnbondedCall>(&amount));
        }
        Calls::provision(call) => {
            let id = super::new_provision(s, call.role, call.amount)?;
            return Ok(returns::<IStaking::provisionCall>(&id));
        }
        Calls::addToProvision(call) => {
            super::add_to_provision(s, call.provisionId, call.amount)?;
        }
        Calls::thaw(call) => super::thaw(s, call.provisionId, call.amount)?,
        Calls::deprovision(call) => {
            let amount = super::deprovision(s, call.provisionId)?;
            return Ok(returns::<IStaking::deprovisionCall>(&amount));
        }
        Calls::setProfile(call) => super::set_profile(s, &call)?,
        // Modules slash in native code; no account may.
        Calls::slash(_) => return Err(revert(IStaking::NotOwningModule { caller: s.caller })),
        view => return views(s, view),
    }
    Ok(Vec::new())
}

fn views(s: &mut Session<'_>, call: IStaking::IStakingCalls) -> Result<Vec<u8>> {
    use IStaking::IStakingCalls as Calls;
    Ok(match call {
        Calls::stakeOf(call) => {
            let stake = IStaking::Stake {
                free: money::held(s, free(call.owner))?,
                provisioned: PROVISIONED.get(s, call.owner)?.0,
                unbonding: money::held(s, unbonding(call.owner))?,
            };
            returns::<IStaking::stakeOfCall>(&stake)
        }
        Calls::unbondingOf(call) => {
            returns::<IStaking::unbondingOfCall>(&unbonding_of(s, call.owner)?)
        }
        Calls::getProvision(call) => {
            provision(s, call.provisionId)?;
            returns::<IStaking::getProvisionCall>(&shown(s, call.provisionId)?)
        }
        Calls::provisionOf(call) => {
            let id = BY_OWNER.get(s, (call.owner, call.role))?.0;
            returns::<IStaking::provisionOfCall>(&shown(s, id)?)
        }
        Calls::provisionsOf(call) => {
            let mut found = Vec::new();
            for role in [ProvisionRole::Provider, ProvisionRole::Reviewer, ProvisionRole::Gateway] {
                let id = BY_OWNER.get(s, (call.owner, role.code()))?.0;
                if id != 0 {
                    found.push(shown(s, id)?);
                }
            }
            returns::<IStaking::provisionsOfCall>(&found)
        }
        Calls::provisionCount(_) => returns::<IStaking::provisionCountCall>(&COUNT.get(s)?.0),
        Calls::profileOf(call) => {
            returns::<IStaking::profileOfCall>(&profile(s, call.provisionId)?)
        }
        Calls::isActive(call) => {
            let active = match ProvisionRole::try_from(call.role) {
                Ok(role) => is_active(s, call.owner, role)?,
                Err(_) => false,
            };
            returns::<IStaking::isActiveCall>(&active)
        }
        Calls::memberCount(call) => {
            returns::<IStaking::memberCountCall>(&super::MEMBERS.len(s, call.role)?)
        }
        Calls::members(call) => {
            let page = Page { from: call.from, count: call.count, most: 64 };
            let mut found = Vec::new();
            for id in active_members(s, call.role, page)? {
                let (provision, profile) = (shown(s, id)?, profile(s, id)?);
                found.push(IStaking::Member { provision, profile });
            }
            returns::<IStaking::membersCall>(&found)
        }
        Calls::stakingParams(_) => {
            let params = PARAMS.get(s)?;
            returns::<IStaking::stakingParamsCall>(&IStaking::StakingParams {
                unbondingPeriod: params.unbonding_period,
                thawPeriod: params.thaw_period,
                minProvider: params.min_provider,
                minReviewer: params.min_reviewer,
                minGateway: params.min_gateway,
                victimCutPpm: params.victim_cut_ppm,
            })
        }
        _ => return Err(revert(tributary_contracts::IModule::BadCalldata {})),
    })
}

fn unbonding_of(s: &mut Session<'_>, owner: Address) -> Result<Vec<IStaking::Unbonding>> {
    let queue = QUEUES.get(s, owner)?;
    let mut found = Vec::new();
    for at in queue.head..queue.tail {
        let entry = UNBONDINGS.get(s, (owner, at))?;
        found.push(IStaking::Unbonding { amount: entry.amount, availableAt: entry.available_at });
    }
    Ok(found)
}

fn shown(s: &mut Session<'_>, id: u64) -> Result<IStaking::Provision> {
    if id == 0 {
        return Ok(IStaking::Provision::default());
    }
    let record = provision(s, id)?;
    Ok(IStaking::Provision {
        id,
        owner: record.owner,
        role: record.role,
        tokens: tokens_of(s, id)?,
        thawing: record.thawing,
        thawEnd: record.thaw_end,
        locked: record.locked,
        active: record.active,
        createdAt: record.created_at,
    })
}

fn profile(s: &mut Session<'_>, id: u64) -> Result<IStaking::Profile> {
    let record = PROFILES.get(s, id)?;
    Ok(IStaking::Profile {
        endpoint: ENDPOINTS.get(s, id)?,
        receiptKey: record.receipt_key,
        priceIn: record.price_in,
        priceOut: record.price_out,
        trainPrice: record.train_price,
        updatedAt: record.updated_at,
    })
}
