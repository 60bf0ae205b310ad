//! The life of a training job, without side effects: what a task on chain asks of its provider,
//! which failures pass by themselves, and what others are told.
//!
//! `Submitted -> Accepted -> Completed`; from the first two also `Cancelled` and `Expired`. The
//! chain's state alone decides, so a provider that starts again finds its work again.

use alloy_sol_types::SolError as _;
use tributary_client::{
    ClientError, TransportError,
    provider::{JobPoint, JobReport},
};
use tributary_contracts::{ITasks, TaskKind, TaskState};
use tributary_indexer::{JobRow, JobState, ProgressPoint};
use tributary_primitives::Address;

use crate::ProviderError;

/// Points of one report at the most; the rest is asked for again.
const POINTS: usize = 512;

/// What a task asks of a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Take it, then work on it.
    Accept,
    /// Work on it, or go on where it was.
    Resume,
    /// Work has no purpose any more: the job ends like this.
    End(JobState),
    /// Nothing.
    Leave,
}

/// What a task asks of `me`.
pub fn step(task: &ITasks::Task, me: Address) -> Step {
    if TaskKind::try_from(task.spec.kind) != Ok(TaskKind::Training) {
        return Step::Leave;
    }
    let chosen = task.spec.provider == Address::ZERO || task.spec.provider == me;
    match TaskState::try_from(task.state) {
        Ok(TaskState::Submitted) if chosen => Step::Accept,
        Ok(TaskState::Accepted) if task.acceptedBy == me => Step::Resume,
        Ok(TaskState::Accepted) => Step::End(JobState::Cancelled),
        Ok(TaskState::Cancelled) => Step::End(JobState::Cancelled),
        Ok(TaskState::Expired) => Step::End(JobState::Expired),
        _ => Step::Leave,
    }
}

/// True when the same work may succeed a moment later: the way to the chain was cut, or the task
/// has gone on meanwhile, by a transaction of an earlier life that was still on its way.
pub fn is_passing(error: &ProviderError) -> bool {
    match error {
        ProviderError::Chain(ClientError::Reverted(revert)) => {
            revert.data.starts_with(&ITasks::WrongTaskState::SELECTOR)
        }
        ProviderError::Chain(
            ClientError::TimedOut { .. }
            | ClientError::Overtaken { .. }
            | ClientError::Transport(
                TransportError::Unreachable { .. } | TransportError::TimedOut { .. },
            ),
        ) => true,
        _ => false,
    }
}

/// The preset in a task's parameters: `quick`, or `preset=quick`.
pub fn preset_of(params: &str) -> &str {
    params.strip_prefix("preset=").unwrap_or(params)
}

/// A job as others are told of it, with its curve from a step on.
pub fn report(row: JobRow, points: Vec<ProgressPoint>, from: u32) -> JobReport {
    let points = points.into_iter().filter(|point| point.step >= from).take(POINTS);
    let points = points.map(|point| JobPoint {
        step: point.step,
        loss: point.loss,
        tokens_per_s: point.tokens_per_s,
        eta_ms: point.eta_ms,
        at_ms: point.at_ms,
    });
    JobReport {
        state: row.state.label().to_owned(),
        phase: row.phase,
        steps: row.steps,
        fee: row.fee,
        error: row.error,
        result_model: row.result_model,
        points: points.collect(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tributary_client::Revert;
    use tributary_primitives::{Amount, DatanetId, ModelId, TaskId};

    use super::*;

    const ME: Address = Address::repeat_byte(1);
    const OTHER: Address = Address::repeat_byte(2);

    fn task(state: TaskState, chosen: Address, accepted_by: Address) -> ITasks::Task {
        let mut task = ITasks::Task { state: state.code(), ..Default::default() };
        task.spec.kind = TaskKind::Training.code();
        task.spec.provider = chosen;
        task.acceptedBy = accepted_by;
        task
    }

    #[test]
    fn a_task_is_taken_when_it_is_open_to_all_or_to_me() {
        let nobody = Address::ZERO;
        assert_eq!(step(&task(TaskState::Submitted, nobody, nobody), ME), Step::Accept);
        assert_eq!(step(&task(TaskState::Submitted, ME, nobody), ME), Step::Accept);
        assert_eq!(step(&task(TaskState::Submitted, OTHER, nobody), ME), Step::Leave);
    }

    #[test]
    fn accepted_work_goes_on_after_a_restart_and_ends_with_its_task() {
        assert_eq!(step(&task(TaskState::Accepted, ME, ME), ME), Step::Resume);
        let lost = step(&task(TaskState::Accepted, Address::ZERO, OTHER), ME);
        assert_eq!(lost, Step::End(JobState::Cancelled), "another provider has it now");
        let cancelled = step(&task(TaskState::Cancelled, ME, ME), ME);
        assert_eq!(cancelled, Step::End(JobState::Cancelled));
        assert_eq!(step(&task(TaskState::Expired, ME, ME), ME), Step::End(JobState::Expired));
        assert_eq!(step(&task(TaskState::Completed, ME, ME), ME), Step::Leave);
    }

    #[test]
    fn a_task_that_is_no_training_is_left() {
        let mut other = task(TaskState::Submitted, ME, Address::ZERO);
        other.spec.kind = TaskKind::Inference.code();
        assert_eq!(step(&other, ME), Step::Leave);
        other.spec.kind = u8::MAX;
        assert_eq!(step(&other, ME), Step::Leave);
    }

    #[test]
    fn a_cut_way_to_the_chain_passes_and_a_refusal_does_not() {
        let cut = TransportError::Unreachable { endpoint: "x".into(), reason: "reset".into() };
        assert!(is_passing(&ProviderError::Chain(cut.into())));
        let slow = TransportError::TimedOut { method: "eth_call".into(), after_ms: 1 };
        assert!(is_passing(&ProviderError::Chain(slow.into())));
        assert!(!is_passing(&ProviderError::refused("escrow_too_small", "no")));
        assert!(!is_passing(&ProviderError::Cancelled));
    }

    #[test]
    fn a_task_that_has_gone_on_is_looked_at_again_and_another_refusal_is_final() {
        let refused = |data: Vec<u8>| {
            let (contract, error, hint) = ("tasks".into(), String::new(), String::new());
            let revert = Revert { contract, error, hint, data: data.into() };
            is_passing(&ProviderError::Chain(ClientError::Reverted(Box::new(revert))))
        };
        let accepted = ITasks::WrongTaskState { taskId: 7, state: TaskState::Accepted.code() };
        assert!(refused(accepted.abi_encode()));
        let overtaken = ClientError::Overtaken { what: "accept task 7".into() };
        assert!(is_passing(&ProviderError::Chain(overtaken)));
        assert!(!refused(ITasks::NoProvision { caller: ME }.abi_encode()));
        assert!(!refused(Vec::new()));
    }

    #[test]
    fn presets_are_read_in_both_forms() {
        assert_eq!(preset_of("quick"), "quick");
        assert_eq!(preset_of("preset=best"), "best");
    }

    #[test]
    fn a_report_holds_the_new_part_of_the_curve_and_is_bounded() {
        let row = JobRow {
            id: TaskId(1),
            owner: OTHER,
            provider: ME,
            model_name: "a/b".into(),
            base_model: ModelId(1),
            datanet: DatanetId(1),
            version: 1,
            preset: "quick".into(),
            steps: 2_000,
            state: JobState::Training,
            phase: "training".into(),
            error: None,
            result_model: None,
            fee: Amount::from_wei(7),
            details: json!({}),
            created_ms: 0,
            updated_ms: 0,
        };
        let point = |step| ProgressPoint {
            step,
            loss: 1.0,
            val_loss: None,
            tokens_per_s: 1.0,
            eta_ms: 1,
            at_ms: 1,
        };
        let told = report(row.clone(), (1..=10).map(point).collect(), 8);
        assert_eq!(told.points.iter().map(|p| p.step).collect::<Vec<_>>(), [8, 9, 10]);
        assert_eq!((told.state.as_str(), told.steps), ("training", 2_000));
        assert_eq!(report(row, (1..=2_000).map(point).collect(), 0).points.len(), POINTS);
    }
}
