//! Tasks: reads of the module and the calls of requesters and providers.

use tributary_contracts::{ITasks, TASKS, TaskKind};
use tributary_primitives::{Amount, Digest, ModelId, TaskId};

use crate::{Call, Chain, ClientError, logs::first_event};

/// Reads of the `tasks` module.
#[derive(Clone, Debug)]
pub struct Tasks(Chain);

impl Chain {
    /// The tasks.
    pub fn tasks(&self) -> Tasks {
        Tasks(self.clone())
    }
}

impl Tasks {
    /// One task.
    pub async fn get(&self, id: TaskId) -> Result<ITasks::Task, ClientError> {
        self.0.call(TASKS, &ITasks::getTaskCall { taskId: id.0 }).await
    }

    /// Tasks ever submitted.
    pub async fn count(&self) -> Result<u64, ClientError> {
        self.0.call(TASKS, &ITasks::taskCountCall {}).await
    }

    /// Tasks with ids from `from` on, at most 32.
    pub async fn page(&self, from: u64) -> Result<Vec<ITasks::Task>, ClientError> {
        self.0.call(TASKS, &ITasks::tasksCall { from, count: 32 }).await
    }

    /// Ids of all tasks that are submitted or accepted.
    pub async fn open(&self) -> Result<Vec<TaskId>, ClientError> {
        const PAGE: u64 = 256;
        let mut all = Vec::new();
        loop {
            let call = ITasks::openTasksCall { from: all.len() as u64, count: PAGE };
            let page = self.0.call(TASKS, &call).await?;
            let last = (page.len() as u64) < PAGE;
            all.extend(page.into_iter().map(TaskId));
            if last {
                return Ok(all);
            }
        }
    }

    /// Genesis parameters.
    pub async fn params(&self) -> Result<ITasks::TasksParams, ClientError> {
        self.0.call(TASKS, &ITasks::tasksParamsCall {}).await
    }
}

/// Submits a task; `max_fee` is its escrow.
pub fn submit(spec: ITasks::TaskSpec, max_fee: Amount) -> Call {
    let what = match TaskKind::try_from(spec.kind) {
        Ok(TaskKind::Inference) => format!("ask model {}", spec.modelId),
        _ => format!("train \"{}\"", spec.adapterName),
    };
    let summary = format!("{what} for at most {max_fee}");
    Call::paying(TASKS, max_fee, &ITasks::submitTaskCall { spec }, summary)
}

/// Takes a task.
pub fn accept(task: TaskId) -> Call {
    Call::new(TASKS, &ITasks::acceptTaskCall { taskId: task.0 }, format!("accept task {task}"))
}

/// Gives an accepted task back.
pub fn release(task: TaskId) -> Call {
    Call::new(TASKS, &ITasks::releaseTaskCall { taskId: task.0 }, format!("release task {task}"))
}

/// Delivers a task.
pub fn complete(task: TaskId, result: Digest, card: Digest, fee: Amount) -> Call {
    let call = ITasks::completeTaskCall {
        taskId: task.0,
        resultDigest: result.to_b256(),
        cardDigest: card.to_b256(),
        fee: fee.wei(),
    };
    Call::new(TASKS, &call, format!("complete task {task} for {fee}"))
}

/// Calls a task off.
pub fn cancel(task: TaskId) -> Call {
    Call::new(TASKS, &ITasks::cancelTaskCall { taskId: task.0 }, format!("cancel task {task}"))
}

/// Expires due tasks.
pub fn poke(max: u32) -> Call {
    Call::new(TASKS, &ITasks::pokeCall { max }, "expire overdue tasks")
}

/// The id of the task that a transaction submitted.
pub fn submitted_id(receipt: &alloy_rpc_types_eth::TransactionReceipt) -> Option<TaskId> {
    first_event::<ITasks::TaskSubmitted>(receipt, TASKS).map(|event| TaskId(event.id))
}

/// The model that completing a task registered.
pub fn completed_model(receipt: &alloy_rpc_types_eth::TransactionReceipt) -> Option<ModelId> {
    first_event::<ITasks::TaskCompleted>(receipt, TASKS).map(|event| ModelId(event.modelId))
}
