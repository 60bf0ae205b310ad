//! Keeps here what providers outside this process have: how far their training jobs are, and the
//! files they made, so that pages, curves and verifiers find both at the gateway.
//!
//! **Invariants:** files are taken by digest and only those that the chain names; a provider that
//! does not answer is asked again, and nothing waits for it.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use serde_json::{Value, json};
use tributary_client::provider::JobReport;
use tributary_contracts::ITasks;
use tributary_indexer::{JobRow, JobState, ProgressPoint};
use tributary_primitives::{Amount, DatanetId, Digest, ModelId, TaskId};

use crate::{Refusal, directory::Peer, shared::Shared};

/// Time between two looks.
const PACE: Duration = Duration::from_millis(500);
/// Looks between two searches for missing files.
const FILES_EVERY: u32 = 4;

/// Looks until cancelled.
pub(crate) async fn run(shared: Arc<Shared>) {
    let mut round = 0_u32;
    loop {
        if let Err(refusal) = look(&shared, round % FILES_EVERY == 0).await {
            tracing::debug!(%refusal, "a look at the providers failed");
        }
        round = round.wrapping_add(1);
        tokio::select! {
            () = tokio::time::sleep(PACE) => {}
            () = shared.cancel.cancelled() => return,
        }
    }
}

async fn look(shared: &Shared, with_files: bool) -> Result<(), Refusal> {
    let peers = shared.directory.peers().await?;
    let remote: Vec<Peer> = peers.into_iter().filter(|peer| !peer.is_local).collect();
    if remote.is_empty() {
        return Ok(());
    }
    let mut tasks = BTreeSet::new();
    tasks.extend(shared.chain.tasks().open().await?.into_iter().map(|id| id.0));
    tasks.extend(shared.index.unfinished_jobs()?.into_iter().map(|job| job.id.0));
    for id in tasks {
        let task = shared.chain.tasks().get(TaskId(id)).await?;
        if let Some(peer) = remote.iter().find(|peer| peer.address == task.acceptedBy)
            && let Err(refusal) = follow(shared, peer, &task).await
        {
            tracing::debug!(%refusal, task = id, "a job's report could not be had");
        }
    }
    if with_files { files(shared, &remote).await } else { Ok(()) }
}

async fn follow(shared: &Shared, peer: &Peer, task: &ITasks::Task) -> Result<(), Refusal> {
    let id = TaskId(task.id);
    let known = shared.index.progress(id)?.last().map_or(0, |point| point.step);
    let Some(report) = peer.api.job(id, known).await? else { return Ok(()) };
    let points = report.points.clone();
    if let Some(row) = row(task, report) {
        shared.index.put_job(row).await?;
    }
    for point in points {
        let point = ProgressPoint {
            step: point.step,
            loss: point.loss,
            val_loss: None,
            tokens_per_s: point.tokens_per_s,
            eta_ms: point.eta_ms,
            at_ms: point.at_ms,
        };
        shared.index.put_progress(id, point).await?;
    }
    Ok(())
}

/// The report as this node's own row; `None` when it names a state that there is not.
fn row(task: &ITasks::Task, report: JobReport) -> Option<JobRow> {
    let state: JobState = serde_json::from_value(Value::String(report.state)).ok()?;
    let params = task.spec.params.as_str();
    Some(JobRow {
        id: TaskId(task.id),
        owner: task.requester,
        provider: task.acceptedBy,
        model_name: task.spec.adapterName.clone(),
        base_model: ModelId(task.spec.modelId),
        datanet: DatanetId(task.spec.datanetId),
        version: task.spec.version,
        preset: params.strip_prefix("preset=").unwrap_or(params).to_owned(),
        steps: report.steps,
        state,
        phase: report.phase,
        error: report.error,
        result_model: report.result_model,
        fee: report.fee.min(Amount::from_wei(task.maxFee)),
        details: json!({}),
        created_ms: 0,
        updated_ms: 0,
    })
}

/// Fetches what the registry names and this node lacks.
async fn files(shared: &Shared, remote: &[Peer]) -> Result<(), Refusal> {
    for model in shared.chain.models().list().await? {
        for digest in [model.digest, model.cardDigest].map(Digest::from) {
            if digest.is_zero() || shared.artifacts.has(&digest).await? {
                continue;
            }
            for peer in remote {
                // A file that is not what it should be is asked of the next one.
                if let Ok(bytes) = peer.api.blob(digest).await
                    && shared.artifacts.put_expected(&digest, bytes).await.is_ok()
                {
                    break;
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(state: &str) -> JobReport {
        JobReport {
            state: state.into(),
            phase: "now".into(),
            steps: 9,
            fee: Amount::from_wei(12),
            error: None,
            result_model: None,
            points: Vec::new(),
        }
    }

    #[test]
    fn a_report_never_shows_more_than_the_escrow_or_a_state_that_there_is_not() {
        let mut task = ITasks::Task { id: 4, maxFee: 10, ..Default::default() };
        task.spec.params = "preset=quick".into();
        let row = row(&task, report("training")).expect("a known state");
        assert_eq!((row.state, row.fee), (JobState::Training, Amount::from_wei(10)));
        assert_eq!(row.preset, "quick");
        assert_eq!(super::row(&task, report("dancing")), None);
    }
}
