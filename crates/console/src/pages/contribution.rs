//! One contribution: how far it has come, each step with its transaction, and what to do next.

use axum::extract::{Path, State};
use maud::{Markup, html};
use tributary_contracts::ContributionStatus;
use tributary_indexer::{Index, StepRow};
use tributary_primitives::{Amount, ContributionId};

use super::{datanets, id, live};
use crate::{
    error::PageError,
    layout::{Section, Shell},
    parts,
    router::Console,
    visitor::Visitor,
};

/// `/contributions/{id}`
pub(crate) async fn show(
    State(console): State<Console>,
    visitor: Visitor,
    Path(text): Path<String>,
) -> Result<Markup, PageError> {
    let number: u64 = id("contribution", &text)?;
    let region = region(&console, &visitor, ContributionId(number))?;
    let shell = Shell {
        title: "Contribution",
        section: Section::Data,
        visitor: Some(&visitor),
        live: Some(format!("/contributions/{number}")),
        body: live(region),
    };
    Ok(shell.render())
}

/// The four stages that people see, each closed by the first of its steps.
const STAGES: [(&str, &str, &[&str]); 4] = [
    ("Submitted", "Stake and fee are locked", &["submitted"]),
    ("Checked", "A reviewer is drawn and reads the rows", &["assigned", "committed"]),
    ("Reviewed", "The score is shown", &["accepted", "rejected", "expired"]),
    ("Published", "Part of a version; the stake is back", &["published"]),
];

/// What the stream sends again.
pub(crate) fn region(
    console: &Console,
    visitor: &Visitor,
    number: ContributionId,
) -> Result<Markup, PageError> {
    let index = console.index();
    let Some(thing) = index.contribution(number)? else {
        // Just sent: the block that holds it is on its way.
        return Ok(waiting(number));
    };
    let body = &thing.body;
    let steps = index.steps(number)?;
    let datanet = index.datanet(body.datanetId.into())?;
    let name = datanet.map_or_else(|| "datanet".to_owned(), |one| one.body.spec.name);
    let status = ContributionStatus::try_from(body.status).ok();
    let published = status == Some(ContributionStatus::Published);
    let refused = matches!(
        status,
        Some(
            ContributionStatus::Rejected
                | ContributionStatus::Slashed
                | ContributionStatus::Expired
        )
    );
    Ok(html! {
        header.page-head {
            p.crumb { a href={ "/data/" (body.datanetId) } { (name) } " / contribution " (number) }
            h1 { (parts::plural(body.itemCount, "row")) " for " (name) }
            p.muted {
                "by " (parts::address(index, body.contributor))
                @if visitor.is(body.contributor) { " " span.badge.yours { "yours" } }
                " · stake " (parts::amount(Amount::from_wei(body.stake)))
                " · fee " (parts::amount(Amount::from_wei(body.fee)))
                " · " (datanets::contribution_badge(body.status))
            }
        }
        (stepper(index, &steps, refused))
        @if published {
            section.callout {
                div { h2 { "Published in version " (body.version) }
                    p { "Your rows can be learned, quoted and paid. Teach them to a model next." } }
                a.button.primary href={ "/models/new?datanet=" (body.datanetId) } { "Train on this" }
            }
        } @else if refused {
            section.callout.bad {
                div { h2 { "Not taken" }
                    p { "The reviewers scored it " (body.score) ". Stake that was not slashed went back." } }
                a.button href={ "/data/" (body.datanetId) "/contribute" } { "Try other rows" }
            }
        } @else {
            p.waiting role="status" { span.spinner aria-hidden="true" {} " " (doing_now(status)) }
        }
        section {
            h2 { "Every step" }
            div.scroll { table {
                thead { tr { th scope="col" { "Step" } th scope="col" { "Detail" } th scope="col" { "Transaction" } th scope="col" { "Block" } th scope="col" { "When" } } }
                tbody { @for step in &steps { tr {
                    th scope="row" { (step.step) } td data-label="Detail" { @if step.detail.is_empty() { "–" } @else { (detail(index, &step.detail)) } } td data-label="Transaction" { (parts::tx_link(step.tx)) }
                    td data-label="Block" { (parts::block_link(step.block)) } td data-label="When" { (parts::ago(step.time)) }
                } } }
            } }
        }
    })
}

fn waiting(number: ContributionId) -> Markup {
    html! {
        header.page-head { h1 { "Contribution " (number) } }
        p.waiting role="status" { span.spinner aria-hidden="true" {} " Waiting for the block that holds it" }
    }
}

/// Details that are addresses are people.
fn detail(index: &Index, text: &str) -> String {
    match text.parse() {
        Ok(address) => parts::name_of(index, address),
        Err(_) => text.to_owned(),
    }
}

fn doing_now(status: Option<ContributionStatus>) -> &'static str {
    match status {
        Some(ContributionStatus::Submitted) => "Waiting for a reviewer to be drawn",
        Some(ContributionStatus::Committing) => "A reviewer is reading the rows",
        Some(ContributionStatus::Revealing) => "The reviewer is showing the score",
        Some(ContributionStatus::Accepted) => "Accepted; anyone may still object for a moment",
        _ => "Waiting for the next block",
    }
}

fn stepper(index: &Index, steps: &[StepRow], refused: bool) -> Markup {
    let found: Vec<Option<&StepRow>> = STAGES
        .iter()
        .map(|(_, _, closing)| steps.iter().find(|step| closing.contains(&step.step.as_str())))
        .collect();
    let next = found.iter().position(Option::is_none);
    html! {
        ol.stepper aria-label="Progress" {
            @for (at, ((title, what, _), step)) in STAGES.iter().zip(&found).enumerate() {
                @let current = next == Some(at) && !refused;
                li class={ @if step.is_some() { "done" } @else if current { "current" } } aria-current=[current.then_some("step")] {
                    span.step-mark aria-hidden="true" { @if step.is_some() { "✓" } @else { (at + 1) } }
                    span.step-title { (title) }
                    span.step-what {
                        @match step {
                            Some(step) => { (detail(index, &step.detail)) " " (parts::tx_link(step.tx)) }
                            None => (what),
                        }
                    }
                }
            }
        }
    }
}
