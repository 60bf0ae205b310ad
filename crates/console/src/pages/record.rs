//! One row: its words, its owner, and every answer it was paid for.

use axum::extract::{Path, State};
use maud::{Markup, html};
use tributary_primitives::Digest;

use super::id;
use crate::{
    error::PageError,
    layout::{Section, Shell},
    parts,
    router::Console,
    visitor::Visitor,
};

/// `/records/{id}`
pub(crate) async fn show(
    State(console): State<Console>,
    visitor: Visitor,
    Path(text): Path<String>,
) -> Result<Markup, PageError> {
    let number: Digest = id("row", &text)?;
    let index = console.index();
    let record = index.record(number)?.ok_or_else(|| PageError::missing("row", &text))?;
    let earned = index.record_earnings(&[number])?.pop().unwrap_or_default();
    let receipts = index.receipts_of_record(number, 20)?;
    let datanet = index.contribution(record.contribution)?.map(|one| one.body.datanetId);
    let body = html! {
        header.page-head {
            p.crumb { @if let Some(datanet) = datanet { a href={ "/data/" (datanet) } { "datanet " (datanet) } " / " } "row " (number.short()) }
            h1 { "Row " @if let Some(own) = &record.row.own_id { (own) } @else { (number.short()) } }
            p.muted { "by " (parts::address(index, record.contributor)) @if visitor.is(record.contributor) { " " span.badge.yours { "yours" } }
                " in " a href={ "/contributions/" (record.contribution) } { "contribution " (record.contribution) } }
        }
        blockquote.row-full { (parts::record(&record.row.body)) }
        dl.figures {
            (parts::figure("Answers that quoted it", html! { (parts::count(earned.answers)) }))
            (parts::figure("Earned", parts::amount(earned.total)))
        }
        h2 { "Paid by" }
        @if receipts.is_empty() { p.muted { "No answer has drawn on it yet." } }
        ul.plain { @for receipt in &receipts { li { (parts::receipt_link(*receipt)) } } }
        p.muted.small { "Row id " code.break { (number) } }
    };
    let shell =
        Shell { title: "Row", section: Section::Data, visitor: Some(&visitor), live: None, body };
    Ok(shell.render())
}
