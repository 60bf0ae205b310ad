//! Contribute: choose rows, see every check, then send them with a stake.

use axum::{
    extract::{Path, Query, State},
    response::Redirect,
};
use maud::{Markup, html};
use serde::Deserialize;
use tributary_indexer::{DatanetThing, UploadRow};
use tributary_primitives::{Amount, DatanetId};

use super::{datanets, guest_form, newcomer_datanet};
use crate::{
    error::PageError,
    layout::{Section, Shell},
    parts,
    router::Console,
    visitor::Visitor,
};

/// Which checked upload to show.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct ContributeQuery {
    #[serde(default)]
    upload: Option<String>,
}

/// `/uploads/{id}`: where a form without scripts lands.
pub(crate) async fn upload(
    State(console): State<Console>,
    visitor: Visitor,
    Path(text): Path<String>,
) -> Result<Redirect, PageError> {
    let found = console.index().upload(&text)?.filter(|upload| visitor.is(upload.account));
    let found = found.ok_or_else(|| PageError::missing("upload", &text))?;
    let datanet = match found.datanet.is_none() {
        true => newcomer_datanet(console.index())?.unwrap_or_default(),
        false => found.datanet,
    };
    Ok(Redirect::to(&format!("/data/{datanet}/contribute?upload={}", parts::encode(&text))))
}

/// `/data/{id}/contribute`
pub(crate) async fn show(
    State(console): State<Console>,
    visitor: Visitor,
    Path(text): Path<String>,
    Query(query): Query<ContributeQuery>,
) -> Result<Markup, PageError> {
    let datanet = datanets::find(&console, &text)?;
    let upload = match &query.upload {
        Some(id) => {
            let found = console.index().upload(id)?;
            // Somebody else's upload is not shown: its rows are not published.
            found.filter(|upload| visitor.is(upload.account))
        }
        None => None,
    };
    let number = datanet.body.id;
    let content = match (&visitor.account, &upload) {
        (None, _) => sign_in(&console, number),
        (Some(_), Some(upload)) => checked(&console, &datanet, upload).await?,
        (Some(account), None) => choose(&datanet, &account.name),
    };
    let body = html! { (datanets::head(&console, &datanet, "contribute")?) (content) };
    let shell = Shell {
        title: "Contribute",
        section: Section::Data,
        visitor: Some(&visitor),
        live: None,
        body,
    };
    Ok(shell.render())
}

fn sign_in(console: &Console, number: u64) -> Markup {
    html! {
        div.empty {
            p { "Rows belong to an account: that is how they are paid." }
            @if console.guests_allowed() {
                (guest_form(&format!("/data/{number}/contribute"), "Try as guest"))
            }
            p.muted { "or " code { "tributary datanet push " (number) " rows.jsonl" } }
        }
    }
}

fn choose(datanet: &DatanetThing, name: &str) -> Markup {
    let number = datanet.body.id;
    let next = format!("/data/{number}/contribute?upload={{id}}");
    let action = format!("/api/v1/uploads?partial=true&datanet={number}");
    html! {
        section.choose {
            div.panel {
                h2 { "Start with a sample" }
                p { "Twenty rows of made-up facts, " (name) ". Nobody has taught them to a model yet, so what it answers about them can only come from you." }
                form.needs-script method="get" action="/api/v1/samples/newcomer" data-sample=(action) data-next=(next) {
                    button.button.primary type="submit" { "Use the sample (20 rows)" }
                    p.form-status role="status" {}
                }
                p.muted.small { a href="/api/v1/samples/newcomer" download="sample.jsonl" { "Download the sample" } " to see its form." }
            }
            div.panel {
                h2 { "Or your own file" }
                p { "JSONL, CSV or TXT. Each row is " code { "text" } ", or " code { "prompt" } " and " code { "completion" } ", or " code { "messages" } "." }
                form.drop method="post" enctype="multipart/form-data" action=(action) data-upload data-next=(next) {
                    label.dropzone {
                        span { "Drop a file here or choose one" }
                        input type="file" name="file" accept=".jsonl,.json,.csv,.txt,.gz" required;
                    }
                    button.button type="submit" { "Check this file" }
                    p.form-status role="status" {}
                }
                (forms_of_rows())
            }
        }
        p.muted.small { "Nothing is sent to the chain before you have seen every check and the price." }
    }
}

/// One example of each kind of file.
fn forms_of_rows() -> Markup {
    let examples = [
        (
            "JSONL: one row a line",
            "{\"prompt\": \"Who keeps the lantern?\", \"completion\": \"Maressa Quill keeps it.\"}\n{\"text\": \"The lantern has nine wicks.\"}",
        ),
        (
            "CSV: columns by name",
            "prompt,completion\n\"Who keeps the lantern?\",\"Maressa Quill keeps it.\"",
        ),
        (
            "TXT: a blank line between rows",
            "The lantern has nine wicks.\n\nMaressa Quill keeps it.",
        ),
    ];
    html! {
        details.examples { summary { "What a file looks like" }
            @for (title, example) in examples { h3 { (title) } pre { code { (example) } } }
        }
    }
}

async fn checked(
    console: &Console,
    datanet: &DatanetThing,
    upload: &UploadRow,
) -> Result<Markup, PageError> {
    let number = datanet.body.id;
    let items = u64::from(upload.accepted);
    let (stake, fee) = if items == 0 {
        (Amount::ZERO, Amount::ZERO)
    } else {
        console.chain().datanets().cost(DatanetId(number), items).await?
    };
    let action = format!("/api/v1/datanets/{number}/contributions");
    let faults = upload.rows.saturating_sub(upload.accepted);
    Ok(html! {
        section {
            div.section-head {
                h2 { (parts::plural(upload.rows.into(), "row")) " checked" }
                a href={ "/data/" (number) "/contribute" } { "Choose other rows" }
            }
            p {
                span.badge.state-paid { (upload.accepted) " go in" }
                @if faults > 0 { " " span.badge.state-bad { (faults) " left out" } }
                " " span.muted { "from " (upload.name) }
            }
            (checks_table(upload))
            @if upload.contribution.is_none() && upload.accepted > 0 {
                form.pay method="post" action=(action) data-api data-next="/contributions/{contribution}" {
                    input type="hidden" name="upload" value=(upload.id);
                    dl.bill {
                        div { dt { "Stake" } dd { (parts::amount(stake)) span.muted { " comes back when published" } } }
                        div { dt { "Review fee" } dd { (parts::amount(fee)) } }
                        div.bill-total { dt { "Leaves your account now" } dd { (parts::amount(stake.saturating_add(fee))) } }
                    }
                    button.button.primary type="submit" { "Submit " (parts::plural(items, "row")) }
                    p.form-status role="status" {}
                }
            }
            @if let Some(contribution) = upload.contribution {
                p { a.button.primary href={ "/contributions/" (contribution) } { "See how it is doing" } }
            }
        }
    })
}

fn checks_table(upload: &UploadRow) -> Markup {
    html! {
        table.checks {
            caption.sr { "Checks row by row" }
            thead { tr { th.num scope="col" { "Row" } th scope="col" { "Beginning" } th scope="col" { "Check" } } }
            tbody { @for check in &upload.checks { tr class={ @if !check.accepted { "bad" } } {
                td.num data-label="Row" { (check.row) }
                td.row-text { (check.preview) }
                td data-label="Check" {
                    @if check.accepted { span.ok { "✓ fine" } }
                    @else { span.fault { "✕ " (check.code.replace('_', " ")) } }
                    @if !check.message.is_empty() { " " span.muted { (check.message.trim_start_matches(&format!("row {}: ", check.row))) } }
                }
            } } }
        }
    }
}
