//! Takes in the answers that tasks on chain have paid for: fetches receipt and transcript from the
//! provider, checks them as it checks a metered one, and counts the receipt into the next root.
//!
//! **Invariants:** a receipt counts only when a completed task put its very fee into this gateway's
//! pot; blocks are read in order and what could not be fetched yet is noted before they are left
//! behind; a provider that does not answer holds nobody else up.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use alloy_primitives::B256;
use alloy_rpc_types_eth::Filter;
use alloy_sol_types::SolEvent;
use tributary_client::{models, provider::InferRequest};
use tributary_contracts::{ITasks, TASKS, TaskKind};
use tributary_indexer::SettledCall;
use tributary_primitives::{Address, Amount, ChannelId, Digest, ModelId, Receipt, TaskId};

use crate::{
    Refusal,
    metering::{Served, check_receipt},
    shared::Shared,
};

/// Time between two looks.
const PACE: Duration = Duration::from_millis(250);
/// Blocks of one question for logs.
const BLOCKS: u64 = 1_000;
/// Tasks that may wait for their provider.
const WAITING: usize = 1_024;
/// How long a provider is asked for an answer that it was paid for, seconds of chain time.
const PATIENCE_SECONDS: u64 = 24 * 60 * 60;

/// Settings: the next block to read, and the tasks that wait, with the time they were completed.
const NEXT_BLOCK: &str = "answers:next_block";
const WAITING_TASKS: &str = "answers:waiting";

type Waiting = BTreeMap<u64, u64>;

fn prompt_setting(commitment: &Digest) -> String {
    format!("prompt:{commitment}")
}

/// Notes who left a prompt: its answer's transcript is theirs.
pub(crate) async fn note_asker(
    shared: &Shared,
    commitment: &Digest,
    account: Address,
) -> Result<(), Refusal> {
    Ok(shared.index.put_setting(&prompt_setting(commitment), &account.to_string()).await?)
}

/// Who left a prompt here.
pub(crate) fn asker(shared: &Shared, commitment: &Digest) -> Result<Option<Address>, Refusal> {
    let account = shared.index.setting(&prompt_setting(commitment))?;
    Ok(account.and_then(|text| text.parse().ok()))
}

/// Looks until cancelled.
pub(crate) async fn run(shared: Arc<Shared>) {
    loop {
        if let Err(refusal) = look(&shared).await {
            tracing::debug!(%refusal, "a look for answered tasks failed");
        }
        tokio::select! {
            () = tokio::time::sleep(PACE) => {}
            () = shared.cancel.cancelled() => return,
        }
    }
}

async fn look(shared: &Shared) -> Result<(), Refusal> {
    let head = shared.chain.head().await?;
    let next: Option<u64> = shared.index.setting(NEXT_BLOCK)?.and_then(|text| text.parse().ok());
    // A dev chain can go back: what stands above its head now was not read.
    let next = next.unwrap_or_default().min(head.number.saturating_add(1));
    let waiting = shared.index.setting(WAITING_TASKS)?;
    let known: Waiting = match &waiting {
        Some(text) => serde_json::from_str(text).map_err(Refusal::internal)?,
        None => Waiting::new(),
    };
    let mut tasks = known.clone();
    let last = head.number.min(next.saturating_add(BLOCKS - 1));
    if next <= last && tasks.len() < WAITING {
        tasks.extend(completed(shared, next, last).await?);
        // What waits is on disk before its block is behind us.
        put_waiting(shared, &known, &tasks).await?;
        shared.index.put_setting(NEXT_BLOCK, &last.saturating_add(1).to_string()).await?;
    }
    let noted = tasks.clone();
    for (id, ended_at) in noted.clone() {
        match take_in(shared, TaskId(id)).await {
            Ok(true) => {}
            Ok(false) if head.timestamp < ended_at.saturating_add(PATIENCE_SECONDS) => continue,
            Ok(false) => tracing::error!(task = id, "a paid answer was never delivered"),
            Err(refusal) => tracing::error!(task = id, %refusal, "an answer is not taken in"),
        }
        tasks.remove(&id);
    }
    put_waiting(shared, &noted, &tasks).await
}

async fn put_waiting(shared: &Shared, before: &Waiting, now: &Waiting) -> Result<(), Refusal> {
    if before == now {
        return Ok(());
    }
    let text = serde_json::to_string(now).map_err(Refusal::internal)?;
    Ok(shared.index.put_setting(WAITING_TASKS, &text).await?)
}

/// Tasks that paid this gateway in these blocks, with the time of their end.
async fn completed(shared: &Shared, from: u64, to: u64) -> Result<Waiting, Refusal> {
    let filter = Filter::new()
        .address(TASKS)
        .event_signature(ITasks::TaskCompleted::SIGNATURE_HASH)
        .from_block(from)
        .to_block(to);
    let mut found = Waiting::new();
    for log in shared.chain.logs(&filter).await? {
        let Ok(event) = ITasks::TaskCompleted::decode_log(&log.inner) else { continue };
        let task = shared.chain.tasks().get(TaskId(event.id)).await?;
        let asked = TaskKind::try_from(task.spec.kind) == Ok(TaskKind::Inference);
        if asked && task.spec.gateway == shared.address() {
            found.insert(task.id, task.endedAt);
        }
    }
    Ok(found)
}

/// Fetches, checks and counts one answer; false while its provider does not give it out.
async fn take_in(shared: &Shared, id: TaskId) -> Result<bool, Refusal> {
    let task = shared.chain.tasks().get(id).await?;
    let receipt_id: B256 = task.resultDigest;
    if shared.index.receipt(receipt_id)?.is_some() {
        return Ok(true);
    }
    let Some(peer) = shared.directory.by_address(task.acceptedBy).await? else { return Ok(false) };
    let fetched = async {
        Ok::<_, tributary_client::ClientError>((
            peer.api.receipt(receipt_id).await?,
            peer.api.transcript(receipt_id).await?,
        ))
    };
    let (receipt, transcript) = match fetched.await {
        Ok(fetched) => fetched,
        Err(error) => {
            tracing::debug!(task = id.0, %error, "an answer can't be fetched yet");
            return Ok(false);
        }
    };
    let model = shared.chain.models().get(ModelId(task.spec.modelId)).await?;
    let licence = models::prices(&model);
    let served = Served { model, peer, licence };
    let request = InferRequest {
        job: Digest::ZERO,
        gateway: shared.address(),
        payer: task.requester,
        channel: ChannelId::of_task(id),
        model: ModelId(task.spec.modelId),
        prompt: tributary_client::provider::Prompt::Text(String::new()),
        sampler: transcript.sampler.clone(),
        request_seed: None,
        max_fee: Amount::from_wei(task.maxFee),
    };
    check_receipt(shared, &served, &request, &receipt).await.map_err(refused)?;
    check_task(&task, &receipt).map_err(refused)?;
    let transcript = (transcript.receipt_id == receipt_id).then_some(transcript);
    let call = SettledCall { receipt, transcript, charge: None, job: None };
    shared.index.settle_call(call).await?;
    metrics::counter!("tributary_gateway_answers_total").increment(1);
    Ok(true)
}

/// That this receipt, and for this much, is what the task paid for.
fn check_task(task: &ITasks::Task, receipt: &Receipt) -> Result<(), &'static str> {
    let body = &receipt.signed.body;
    if receipt.signed.id != task.resultDigest {
        return Err("it is another one than the task's");
    }
    if body.prompt_commitment.to_b256() != task.spec.inputDigest {
        return Err("it answers another prompt");
    }
    if body.fee() != Amount::from_wei(task.fee) {
        return Err("the task paid another fee");
    }
    Ok(())
}

fn refused(reason: &'static str) -> Refusal {
    Refusal::data("bad_receipt", format!("the provider's receipt does not hold: {reason}"))
}
