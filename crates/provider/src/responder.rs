//! Inference tasks: watches `tasks` on chain and answers those whose prompt is kept here.
//!
//! `prompt kept -> task submitted -> accepted -> answered and signed -> completed with the receipt`
//!
//! **Invariants:** what to do follows from chain state and the kept prompts alone, so a restart
//! finds its work again; nothing is accepted that could cost more than its escrow; the receipt
//! names the task where a metered one names its channel.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use futures::StreamExt as _;
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;
use tributary_client::{
    Sender,
    provider::{Answer, InferEvent, InferRequest, PromptRequest, PromptTicket},
    tasks,
};
use tributary_contracts::{ITasks, TaskKind, TaskState};
use tributary_primitives::{Address, Amount, ChannelId, Digest, ModelId, TaskId};

use crate::{Desk, Prompts, ProviderError, jobs::is_passing, library::off_reactor};

/// How often the chain is looked at.
const PACE: Duration = Duration::from_millis(200);
/// Tasks answered at once.
const AT_ONCE: usize = 16;

/// Answers whoever asks by a task.
#[derive(Clone)]
pub struct Responder {
    sender: Sender,
    desk: Desk,
    prompts: Prompts,
    /// In work, or refused while open.
    taken: Arc<Mutex<Taken>>,
}

#[derive(Default)]
struct Taken {
    running: BTreeSet<u64>,
    refused: BTreeSet<u64>,
}

/// What a task asks of `me`: `Some(true)` to accept and answer it, `Some(false)` to go on.
fn wanted(task: &ITasks::Task, me: Address) -> Option<bool> {
    if TaskKind::try_from(task.spec.kind) != Ok(TaskKind::Inference) {
        return None;
    }
    match TaskState::try_from(task.state) {
        Ok(TaskState::Submitted) if task.spec.provider == me => Some(true),
        Ok(TaskState::Accepted) if task.acceptedBy == me => Some(false),
        _ => None,
    }
}

impl Responder {
    /// With the provider's account, its desk and its kept prompts.
    pub fn new(sender: Sender, desk: Desk, prompts: Prompts) -> Self {
        Self { sender, desk, prompts, taken: Arc::default() }
    }

    /// Keeps a prompt and says what a task must name to have it answered.
    pub async fn keep(&self, prompt: PromptRequest) -> Result<PromptTicket, ProviderError> {
        let most = Amount::from_wei(u128::MAX);
        let (opening, max_fee) =
            self.desk.check(request(&prompt, TaskId(0), Address::ZERO, most)).await?;
        let (commitment, prompts) = (opening.prompt_commitment, self.prompts.clone());
        off_reactor(move || prompts.put(&commitment, &prompt)).await??;
        Ok(PromptTicket {
            commitment,
            salt: opening.prompt_salt,
            ids: opening.prompt_ids,
            max_fee,
            provider: self.sender.address(),
        })
    }

    /// Works until told to stop.
    pub async fn run(self, stop: CancellationToken) {
        let mut last = None;
        loop {
            match self.sender.chain().head().await {
                Ok(head) if last != Some(head.hash) => match self.tick().await {
                    Ok(settled) => last = settled.then_some(head.hash),
                    Err(error) => tracing::warn!(%error, "responder: looking at tasks failed"),
                },
                Ok(_) => {}
                Err(error) => tracing::debug!(%error, "responder: no head"),
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(PACE) => {}
            }
        }
    }

    /// Starts what is asked of this provider; false while something is in work or waits for room.
    async fn tick(&self) -> Result<bool, ProviderError> {
        let me = self.sender.address();
        let open = self.sender.chain().tasks().open().await?;
        self.taken.lock().refused.retain(|id| open.contains(&TaskId(*id)));
        for id in open {
            let task = self.sender.chain().tasks().get(id).await?;
            let Some(accept) = wanted(&task, me) else { continue };
            {
                let mut taken = self.taken.lock();
                if taken.running.len() >= AT_ONCE {
                    return Ok(false);
                }
                if taken.refused.contains(&task.id) || !taken.running.insert(task.id) {
                    continue;
                }
            }
            let responder = self.clone();
            tokio::spawn(async move {
                let result = responder.work(&task, accept).await;
                if let Err(error) = result {
                    responder.give_up(&task, &error).await;
                }
                responder.taken.lock().running.remove(&task.id);
            });
        }
        Ok(self.taken.lock().running.is_empty())
    }

    async fn work(&self, task: &ITasks::Task, accept: bool) -> Result<(), ProviderError> {
        let id = TaskId(task.id);
        let (prompts, commitment) = (self.prompts.clone(), Digest::from(task.spec.inputDigest));
        let prompt = off_reactor(move || prompts.get(&commitment)).await??;
        let fits = |prompt: &PromptRequest| {
            prompt.model.0 == task.spec.modelId && prompt.gateway == task.spec.gateway
        };
        let prompt = prompt.filter(fits).ok_or_else(|| {
            let reason = "no prompt with this commitment, model and gateway is kept here";
            ProviderError::refused("unknown_prompt", reason)
        })?;
        let request = request(&prompt, id, task.requester, Amount::from_wei(task.maxFee));
        if accept {
            self.desk.check(request.clone()).await?;
            self.sender.send(&tasks::accept(id)).await?;
        }
        let answer = self.answer(request).await?;
        let signed = &answer.receipt.signed;
        let result = Digest::from(signed.id);
        let fee = signed.body.fee();
        self.sender.send(&tasks::complete(id, result, Digest::ZERO, fee)).await?;
        tracing::info!(task = task.id, receipt = %signed.id, "task answered");
        Ok(())
    }

    async fn answer(&self, request: InferRequest) -> Result<Answer, ProviderError> {
        let mut events = self.desk.infer(request).await?;
        while let Some(event) = events.next().await {
            match event? {
                InferEvent::Done(answer) => return Ok(*answer),
                InferEvent::Failed { message, .. } => return Err(ProviderError::Internal(message)),
                InferEvent::Started { .. } | InferEvent::Text { .. } => {}
            }
        }
        Err(ProviderError::Internal("the answer ended without its receipt".into()))
    }

    async fn give_up(&self, task: &ITasks::Task, error: &ProviderError) {
        if is_passing(error) || matches!(error, ProviderError::Busy { .. }) {
            tracing::warn!(task = task.id, %error, "an answer is interrupted and goes on shortly");
            return;
        }
        tracing::warn!(task = task.id, %error, "a task is not answered");
        self.taken.lock().refused.insert(task.id);
        // The asker can take the escrow back at once instead of waiting for the deadline.
        if let Err(error) = self.sender.send(&tasks::release(TaskId(task.id))).await {
            tracing::debug!(task = task.id, %error, "nothing to release");
        }
    }
}

/// The job that answers a kept prompt for a task.
fn request(prompt: &PromptRequest, task: TaskId, payer: Address, max_fee: Amount) -> InferRequest {
    let channel = ChannelId::of_task(task);
    InferRequest {
        job: Digest::derive("tributary task job v1", channel.0.as_slice()),
        gateway: prompt.gateway,
        payer,
        channel,
        model: ModelId(prompt.model.0),
        prompt: prompt.prompt.clone(),
        sampler: prompt.sampler.clone(),
        request_seed: Some(prompt.request_seed),
        max_fee,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: Address = Address::repeat_byte(1);
    const OTHER: Address = Address::repeat_byte(2);

    fn task(kind: TaskKind, state: TaskState, chosen: Address, by: Address) -> ITasks::Task {
        let mut task = ITasks::Task { state: state.code(), acceptedBy: by, ..Default::default() };
        task.spec.kind = kind.code();
        task.spec.provider = chosen;
        task
    }

    #[test]
    fn a_question_is_taken_by_the_provider_that_keeps_its_prompt() {
        let nobody = Address::ZERO;
        let asked = |chosen| task(TaskKind::Inference, TaskState::Submitted, chosen, nobody);
        assert_eq!(wanted(&asked(ME), ME), Some(true));
        assert_eq!(wanted(&asked(OTHER), ME), None);
        assert_eq!(wanted(&asked(nobody), ME), None, "nobody else can open its commitment");
    }

    #[test]
    fn accepted_work_goes_on_after_a_restart_and_ended_work_does_not() {
        let of = |state, by| wanted(&task(TaskKind::Inference, state, ME, by), ME);
        assert_eq!(of(TaskState::Accepted, ME), Some(false));
        assert_eq!(of(TaskState::Accepted, OTHER), None);
        for ended in [TaskState::Completed, TaskState::Cancelled, TaskState::Expired] {
            assert_eq!(of(ended, ME), None);
        }
        let training = task(TaskKind::Training, TaskState::Submitted, ME, Address::ZERO);
        assert_eq!(wanted(&training, ME), None);
    }

    #[test]
    fn a_tasks_receipt_names_the_task_in_its_channels_place() {
        let prompt = PromptRequest {
            gateway: OTHER,
            model: ModelId(3),
            prompt: tributary_client::provider::Prompt::Text("tea".into()),
            sampler: Default::default(),
            request_seed: Digest([7; 32]),
        };
        let asked = request(&prompt, TaskId(9), ME, Amount::from_wei(5));
        assert_eq!(asked.channel.as_task(), Some(TaskId(9)));
        assert_eq!((asked.payer, asked.gateway, asked.model), (ME, OTHER, ModelId(3)));
        assert_ne!(asked.job, request(&prompt, TaskId(8), ME, Amount::from_wei(5)).job);
    }
}
