//! Training jobs: the list, and one job with its live curve.

use axum::extract::{Path, State};
use maud::{Markup, html};
use tributary_contracts::{ITasks, TaskKind, TaskState};
use tributary_indexer::{JobRow, JobState, ProgressPoint, TaskThing};
use tributary_primitives::{Amount, ModelId, TaskId};

use super::{id, live};
use crate::{
    charts,
    error::PageError,
    layout::{Section, Shell},
    parts,
    router::Console,
    visitor::Visitor,
};

/// `/jobs`
pub(crate) async fn list(
    State(console): State<Console>,
    visitor: Visitor,
) -> Result<Markup, PageError> {
    let index = console.index();
    let tasks = index.trainings(None, 100)?;
    let body = html! {
        header.page-head { h1 { "Training jobs" } }
        @if tasks.is_empty() { (parts::empty("Nothing has been trained yet.", Some(("/models/new", "Train a model")), "model train DATANET")) }
        @else { div.scroll { table {
            thead { tr { th scope="col" { "Job" } th scope="col" { "Model" } th scope="col" { "By" } th scope="col" { "State" } th.num scope="col" { "Paid" } th scope="col" { "When" } } }
            tbody { @for task in &tasks { tr {
                th scope="row" { a href={ "/jobs/" (task.body.id) } { (task.body.id) } }
                td data-label="Model" { (task.body.spec.adapterName) }
                td data-label="By" { (parts::address(index, task.body.requester)) }
                td data-label="State" { (task_word(task)) }
                td.num data-label="Paid" { (parts::amount(Amount::from_wei(task.body.fee))) }
                td data-label="When" { (parts::ago(task.body.submittedAt)) }
            } } }
        } } }
    };
    let shell = Shell {
        title: "Training jobs",
        section: Section::Models,
        visitor: Some(&visitor),
        live: None,
        body,
    };
    Ok(shell.render())
}

fn task_word(task: &TaskThing) -> &'static str {
    TaskState::try_from(task.body.state).map_or("unknown", TaskState::name)
}

/// `/jobs/{id}`
pub(crate) async fn show(
    State(console): State<Console>,
    visitor: Visitor,
    Path(text): Path<String>,
) -> Result<Markup, PageError> {
    let number: u64 = id("job", &text)?;
    let region = region(&console, &visitor, TaskId(number))?;
    let shell = Shell {
        title: "Training",
        section: Section::Models,
        visitor: Some(&visitor),
        live: Some(format!("/jobs/{number}")),
        body: live(region),
    };
    Ok(shell.render())
}

const PHASES: [(JobState, &str); 4] = [
    (JobState::Submitted, "Escrowed"),
    (JobState::Preparing, "Preparing"),
    (JobState::Training, "Training"),
    (JobState::Publishing, "Publishing"),
];

/// Chain and provider together: the chain knows the end, the provider the way.
fn state_of(task: Option<&TaskThing>, job: Option<&JobRow>) -> JobState {
    let on_chain = task.and_then(|task| TaskState::try_from(task.body.state).ok());
    match on_chain {
        Some(TaskState::Completed) => JobState::Done,
        Some(TaskState::Cancelled) => JobState::Cancelled,
        Some(TaskState::Expired) => JobState::Expired,
        _ => job.map_or(JobState::Submitted, |job| job.state),
    }
}

/// What the stream sends again.
pub(crate) fn region(
    console: &Console,
    visitor: &Visitor,
    number: TaskId,
) -> Result<Markup, PageError> {
    let index = console.index();
    let (task, job) = (index.task(number)?, index.job(number)?);
    if task.is_none() && job.is_none() {
        return Ok(html! {
            header.page-head { h1 { "Job " (number) } }
            p.waiting role="status" { span.spinner aria-hidden="true" {} " Waiting for the block that holds it" }
        });
    }
    if let Some(task) = &task
        && TaskKind::try_from(task.body.spec.kind) == Ok(TaskKind::Inference)
    {
        return question(console, task);
    }
    let state = state_of(task.as_ref(), job.as_ref());
    let points = index.progress(number)?;
    let steps = job.as_ref().map_or(0, |job| job.steps);
    let name = job.as_ref().map(|job| job.model_name.clone());
    let name = name.or_else(|| task.as_ref().map(|task| task.body.spec.adapterName.clone()));
    let owner = task.as_ref().map(|task| task.body.requester);
    let owner = owner.or_else(|| job.as_ref().map(|job| job.owner));
    Ok(html! {
        header.page-head {
            p.crumb { a href="/jobs" { "Training jobs" } " / " (number) }
            h1 { (name.unwrap_or_default()) }
            p.muted {
                @if let Some(owner) = owner { "for " (parts::address(index, owner)) }
                @if let Some(task) = &task {
                    " · " a href={ "/data/" (task.body.spec.datanetId) } { "datanet " (task.body.spec.datanetId) }
                    " version " (task.body.spec.version) " · ordered in " (parts::tx_link(task.tx))
                }
                @if let Some(job) = &job { " · preset " (job.preset) " · on " (parts::address(index, job.provider)) }
            }
        }
        (phases(state))
        (headline(console, state, (number, task.as_ref()), job.as_ref(), &points)?)
        (charts::loss_curve(&points, steps))
        (figures(job.as_ref(), task.as_ref(), &points, steps))
        @if !state.is_final() && owner.is_some_and(|owner| visitor.is(owner)) {
            form.quiet method="post" action={ "/api/v1/jobs/" (number) "/cancel?next=" (parts::encode(&format!("/jobs/{number}"))) }
                data-api data-next={ "/jobs/" (number) } data-confirm="Cancel this training? The escrow comes back." {
                button.button type="submit" { "Cancel and refund" }
                p.form-status role="status" {}
            }
        }
        (curve_table(&points))
    })
}

/// A question asked on chain: who asked which model, and the receipt of the answer.
fn question(console: &Console, task: &TaskThing) -> Result<Markup, PageError> {
    let index = console.index();
    let ITasks::Task { id, requester, spec, maxFee, fee, resultDigest, .. } = &task.body;
    let model = index.model(ModelId(spec.modelId))?.map(|model| model.body.name);
    let model = model.unwrap_or_else(|| format!("model {}", spec.modelId));
    let answered = !resultDigest.is_zero();
    Ok(html! {
        header.page-head {
            p.crumb { a href="/explore" { "Explorer" } " / task " (id) }
            h1 { "A question to " (model) }
            p.muted { "by " (parts::address(index, *requester)) " · asked in " (parts::tx_link(task.tx)) }
        }
        dl.figures {
            (parts::figure("State", html! { (task_word(task)) }))
            (parts::figure("Escrow", parts::amount(Amount::from_wei(*maxFee))))
            @if answered { (parts::figure("Fee", parts::amount(Amount::from_wei(*fee)))) }
        }
        @if answered { p { "The answer's receipt: " (parts::receipt_link(*resultDigest)) } }
        @else { p.muted { "The prompt is between the asker and its provider, " (parts::address(index, spec.provider)) "; the chain knows its commitment alone." } }
    })
}

fn phases(state: JobState) -> Markup {
    let at = PHASES.iter().position(|(phase, _)| *phase == state);
    let done = state == JobState::Done;
    html! {
        ol.stepper aria-label="Phases" {
            @for (position, (_, title)) in PHASES.iter().enumerate() {
                @let passed = done || at.is_some_and(|at| position < at);
                @let current = at == Some(position);
                li class={ @if passed { "done" } @else if current { "current" } } aria-current=[current.then_some("step")] {
                    span.step-mark aria-hidden="true" { @if passed { "✓" } @else { (position + 1) } }
                    span.step-title { (title) }
                }
            }
        }
    }
}

fn headline(
    console: &Console,
    state: JobState,
    (number, task): (TaskId, Option<&TaskThing>),
    job: Option<&JobRow>,
    points: &[ProgressPoint],
) -> Result<Markup, PageError> {
    let model = job.and_then(|job| job.result_model).map(|model| model.0);
    let model = model.or(task.map(|task| task.body.resultModelId)).filter(|model| *model > 0);
    Ok(match state {
        JobState::Done => html! {
            section.callout {
                div { h2 { "Done, and served" } p { "Ask it something only your rows can tell." } }
                @match model {
                    Some(model) => a.button.primary href={ "/play?model=" (model) } { "Try it" },
                    None => a.button.primary href="/play" { "Try it" },
                }
            }
        },
        JobState::Failed | JobState::Cancelled | JobState::Expired => html! {
            section.callout.bad {
                div { h2 { (match state { JobState::Failed => "It failed", JobState::Cancelled => "Cancelled", _ => "Out of time" }) }
                    p { @if let Some(error) = job.and_then(|job| job.error.as_deref()) { (error) ". " } "The escrow went back." } }
                a.button href={ "/models/new?datanet=" (task.map_or(0, |task| task.body.spec.datanetId)) } { "Start again" }
            }
        },
        _ => html! {
            p.waiting role="status" {
                span.spinner aria-hidden="true" {}
                " " (job.map(|job| job.phase.as_str()).filter(|phase| !phase.is_empty()).unwrap_or("Waiting for a provider to take it"))
                @if let Some(last) = points.last().filter(|point| point.eta_ms > 0) {
                    " · " strong { "about " (parts::span_text(last.eta_ms.div_ceil(1_000))) " left" }
                }
            }
            @if let Some(model) = fallback(console, task)? {
                p.muted.small { "You may leave; it goes on. Job " (number) " keeps its place. Meanwhile " a href={ "/play?model=" (model) } { "try the base model" } "." }
            }
        },
    })
}

fn fallback(console: &Console, task: Option<&TaskThing>) -> Result<Option<u64>, PageError> {
    match task {
        Some(task) => Ok(Some(task.body.spec.modelId)),
        None => Ok(super::base_model(console.index())?.map(|model| model.body.id)),
    }
}

fn figures(
    job: Option<&JobRow>,
    task: Option<&TaskThing>,
    points: &[ProgressPoint],
    steps: u32,
) -> Markup {
    let last = points.last();
    let fee = task.map(|task| Amount::from_wei(task.body.fee)).filter(|fee| !fee.is_zero());
    html! {
        dl.figures data-step=(last.map_or(0, |point| point.step)) {
            (parts::figure("Step", html! { (last.map_or(0, |point| point.step)) @if steps > 0 { span.muted { " of " (steps) } } }))
            @if let Some(last) = last {
                (parts::figure("Loss", html! { (format!("{:.3}", last.loss)) }))
                @if let Some(held) = points.iter().rev().find_map(|point| point.val_loss) {
                    (parts::figure("Held-out loss", html! { (format!("{held:.3}")) }))
                }
                (parts::figure("Speed", html! { (parts::count(last.tokens_per_s.max(0.0) as u64)) span.muted { " tokens/s" } }))
            }
            @if let Some(fee) = fee.or_else(|| job.map(|job| job.fee)) { (parts::figure("Fee", parts::amount(fee))) }
            @if let Some(task) = task { (parts::figure("Escrow", parts::amount(Amount::from_wei(task.body.maxFee)))) }
        }
    }
}

fn curve_table(points: &[ProgressPoint]) -> Markup {
    html! {
        @if !points.is_empty() {
            details { summary { "The curve in numbers" }
                div.scroll { table {
                    thead { tr { th.num scope="col" { "Step" } th.num scope="col" { "Loss" } th.num scope="col" { "Held-out" } th.num scope="col" { "Tokens/s" } } }
                    tbody { @for point in points { tr {
                        td.num data-label="Step" { (point.step) } td.num data-label="Loss" { (format!("{:.4}", point.loss)) }
                        td.num data-label="Held-out" { @match point.val_loss { Some(loss) => (format!("{loss:.4}")), None => "–" } }
                        td.num data-label="Tokens/s" { (format!("{:.0}", point.tokens_per_s)) }
                    } } }
                } }
            }
        }
    }
}
