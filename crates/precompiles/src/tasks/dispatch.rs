//! Routes calls of `tasks`.

use tributary_contracts::ITasks;

use super::{
    BY_REQUESTER, COUNT, Delivery, LICENCES, NAMES, OPEN_TASKS, PARAMS, PRESETS, next_timer, task,
};
use crate::dispatch::{decode, returns};
use crate::fault::{Result, revert};
use crate::layout::{NoKey, Page};
use crate::session::Session;

pub(crate) fn dispatch(s: &mut Session<'_>, data: &[u8]) -> Result<Vec<u8>> {
    use ITasks::ITasksCalls as Calls;
    match decode(data)? {
        Calls::submitTask(call) => {
            let id = super::submit(s, &call.spec)?;
            return Ok(returns::<ITasks::submitTaskCall>(&id));
        }
        Calls::acceptTask(call) => super::accept(s, call.taskId)?,
        Calls::releaseTask(call) => super::release(s, call.taskId)?,
        Calls::completeTask(call) => {
            let delivery = Delivery {
                result_digest: call.resultDigest,
                card_digest: call.cardDigest,
                fee: call.fee,
            };
            let model_id = super::complete(s, call.taskId, &delivery)?;
            return Ok(returns::<ITasks::completeTaskCall>(&model_id));
        }
        Calls::cancelTask(call) => super::cancel(s, call.taskId)?,
        Calls::expireTask(call) => super::expire(s, call.taskId)?,
        Calls::poke(call) => {
            let handled = super::poke(s, call.max)?;
            return Ok(returns::<ITasks::pokeCall>(&handled));
        }
        view => return views(s, view),
    }
    Ok(Vec::new())
}

fn views(s: &mut Session<'_>, call: ITasks::ITasksCalls) -> Result<Vec<u8>> {
    use ITasks::ITasksCalls as Calls;
    Ok(match call {
        Calls::getTask(call) => returns::<ITasks::getTaskCall>(&shown(s, call.taskId)?),
        Calls::taskCount(_) => returns::<ITasks::taskCountCall>(&COUNT.get(s)?.0),
        Calls::tasks(call) => {
            let page = Page { from: call.from, count: call.count, most: 32 };
            let mut found = Vec::new();
            for id in page.ids(COUNT.get(s)?.0) {
                found.push(shown(s, id)?);
            }
            returns::<ITasks::tasksCall>(&found)
        }
        Calls::tasksOf(call) => {
            let page = Page { from: call.from, count: call.count, most: 256 };
            returns::<ITasks::tasksOfCall>(&BY_REQUESTER.page(s, call.requester, page)?)
        }
        Calls::openTasks(call) => {
            let page = Page { from: call.from, count: call.count, most: 256 };
            returns::<ITasks::openTasksCall>(&OPEN_TASKS.page(s, NoKey, page)?)
        }
        Calls::nextTimer(_) => returns::<ITasks::nextTimerCall>(&next_timer(s)?),
        Calls::tasksParams(_) => {
            let params = PARAMS.get(s)?;
            returns::<ITasks::tasksParamsCall>(&ITasks::TasksParams {
                coverPpm: params.cover_ppm,
                protocolPpm: params.protocol_ppm,
                cancelPpm: params.cancel_ppm,
                expirePenaltyPpm: params.expire_penalty_ppm,
                minDuration: params.min_duration,
                maxDuration: params.max_duration,
                treasury: params.treasury,
            })
        }
        _ => return Err(revert(tributary_contracts::IModule::BadCalldata {})),
    })
}

fn shown(s: &mut Session<'_>, id: u64) -> Result<ITasks::Task> {
    let record = task(s, id)?;
    let spec = ITasks::TaskSpec {
        kind: record.kind,
        modelId: record.model_id,
        datanetId: record.datanet_id,
        version: record.version,
        inputDigest: record.input_digest,
        params: PRESETS.get(s, id)?,
        adapterName: NAMES.get(s, id)?,
        licence: LICENCES.get(s, id)?,
        priceIn: record.price_in,
        priceOut: record.price_out,
        deadline: record.deadline,
        provider: record.provider,
        gateway: record.gateway,
    };
    Ok(ITasks::Task {
        id,
        state: record.state,
        requester: record.requester,
        spec,
        maxFee: record.max_fee,
        fee: record.fee,
        acceptedBy: record.accepted_by,
        provisionId: record.provision_id,
        locked: record.locked,
        resultDigest: record.result_digest,
        resultModelId: record.result_model_id,
        submittedAt: record.submitted_at,
        acceptedAt: record.accepted_at,
        endedAt: record.ended_at,
    })
}
