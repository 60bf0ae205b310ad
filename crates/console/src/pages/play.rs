//! The Playground: ask a model, and see what its answer came from.

use std::collections::BTreeMap;

use axum::extract::{Path, Query, State};
use maud::{Markup, html};
use serde::Deserialize;
use tributary_indexer::{ModelThing, ReceiptRow, RecordPage};
use tributary_primitives::{Amount, B256, DatanetId, Digest, ModelId, Role, Transcript};

use super::{guest_form, id, models};
use crate::{
    error::PageError,
    layout::{Section, Shell},
    marks, parts,
    router::Console,
    visitor::Visitor,
};

/// What was asked for.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct PlayQuery {
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    prompt: Option<String>,
    #[serde(default)]
    receipt: Option<String>,
}

/// `/play`
pub(crate) async fn show(
    State(console): State<Console>,
    visitor: Visitor,
    Query(query): Query<PlayQuery>,
) -> Result<Markup, PageError> {
    let all = console.index().models(200)?;
    let chosen = match &query.model {
        Some(text) => Some(models::find(&console, text)?),
        None => all.first().cloned(),
    };
    let content = match &chosen {
        Some(chosen) => playground(&console, &visitor, &query, &all, chosen)?,
        None => parts::empty(
            "There is no model to ask yet.",
            Some(("/models", "See models")),
            "model import DIR",
        ),
    };
    let body = html! { header.page-head.tight { h1 { "Playground" } } (content) };
    let shell = Shell {
        title: "Playground",
        section: Section::Play,
        visitor: Some(&visitor),
        live: Some("/play".to_owned()),
        body,
    };
    Ok(shell.render())
}

fn playground(
    console: &Console,
    visitor: &Visitor,
    query: &PlayQuery,
    all: &[ModelThing],
    chosen: &ModelThing,
) -> Result<Markup, PageError> {
    let index = console.index();
    let prompt = match &query.prompt {
        Some(prompt) => prompt.chars().take(4_000).collect(),
        None => suggestion(console, visitor, chosen)?.unwrap_or_default(),
    };
    let earlier = match &query.receipt {
        Some(text) => index.receipt(id::<B256>("receipt", text)?)?,
        None => None,
    };
    Ok(html! {
        div.play {
            section.talk aria-label="Chat" {
                form.pick.wide method="get" action="/play" data-autosubmit {
                    label { span.label { "Model" }
                        select name="model" { @for model in all {
                            option value=(model.body.id)
                                selected[model.body.id == chosen.body.id] { (model.body.name) }
                        } }
                    }
                    button.button.no-script type="submit" { "Choose" }
                }
                div #log role="log" aria-live="polite" aria-label="Conversation" {
                    @match &earlier {
                        Some(row) => (turn(console, visitor, row)?),
                        None => p.muted.log-empty { "Answers appear here, with their sources lit. Each question is answered on its own." },
                    }
                }
                @if visitor.account.is_some() {
                    form #ask data-model=(chosen.body.name) data-model-id=(chosen.body.id) {
                        label { span.sr { "Your question" }
                            textarea name="prompt" rows="2" required data-draft placeholder="Ask something" { (prompt) } }
                        div.ask-row {
                            details.drawer { summary { "Parameters" }
                                label { "Temperature" input type="number" name="temperature" min="0" max="2" step="0.1" value="0"; }
                                label { "Most tokens" input type="number" name="max_tokens" min="1" max="512" step="1" value="64"; }
                            }
                            button.button type="button" data-stop hidden { "Stop" }
                            button.button.primary type="submit" { "Send" }
                        }
                        p.form-status role="status" {}
                    }
                    (parts::code_example(&visitor.base_url(), &chosen.body.name))
                    noscript { p.notice { "Streaming needs a script. The same call works with any OpenAI client: base URL " code { "/v1" } "." } }
                } @else {
                    div.empty { p { "Answers cost a little OPEN, so asking needs an account." }
                        @if console.guests_allowed() { (guest_form(&format!("/play?model={}", chosen.body.id), "Try as guest")) }
                        p.muted { "or " code { "tributary chat -m \"...\"" } } }
                }
            }
            aside.sources #sources aria-label="Sources" {
                @match &earlier {
                    Some(row) => (panel(console, visitor, row)?),
                    None => {
                        h2 { "Sources" }
                        p.muted { "When an answer repeats rows word for word, they are listed here with their owners and what each is paid. Text with no evidence pays the datanet's commons." }
                    }
                }
            }
        }
    })
}

/// A question the model's data can answer: from the visitor's own rows, else from any.
fn suggestion(
    console: &Console,
    visitor: &Visitor,
    model: &ModelThing,
) -> Result<Option<String>, PageError> {
    let Some(snapshot) = model.body.snapshots.first() else { return Ok(None) };
    let datanet = DatanetId(snapshot.datanetId);
    for contributor in [visitor.address(), None] {
        let page = RecordPage { contributor, limit: 1, ..RecordPage::default() };
        let Some(record) = console.index().datanet_records(datanet, page)?.pop() else { continue };
        let texts = parts::record_text(&record.row.body);
        let Some((label, text)) = texts.iter().find(|(label, _)| *label != "system") else {
            continue;
        };
        if *label == "text" {
            return Ok(Some(text.split_whitespace().take(6).collect::<Vec<_>>().join(" ")));
        }
        return Ok(Some(text.clone()));
    }
    Ok(None)
}

/// `/play/sources/{receipt}`: the lit answer and its panel, for the chat script.
pub(crate) async fn sources(
    State(console): State<Console>,
    visitor: Visitor,
    Path(text): Path<String>,
) -> Result<Markup, PageError> {
    let number: B256 = id("receipt", &text)?;
    let row = console.index().receipt(number)?;
    let row = row.ok_or_else(|| PageError::missing("receipt", &text))?;
    Ok(html! {
        div data-part="answer" { (answer(&console, &visitor, &row)?) }
        div data-part="panel" { (panel(&console, &visitor, &row)?) }
    })
}

fn turn(console: &Console, visitor: &Visitor, row: &ReceiptRow) -> Result<Markup, PageError> {
    let question = transcript(console, visitor, row)?.map(|found| spoken(&found.prompt));
    Ok(html! {
        @if let Some(question) = question { div.turn.turn-user { p { (question) } } }
        div.turn.turn-model { (answer(console, visitor, row)?) }
    })
}

/// What the asker wrote last: the prompt without the marks of its chat template.
pub(crate) fn spoken(prompt: &str) -> String {
    let mut said = None;
    let mut plain = String::new();
    let mut speaker = "";
    for (at, piece) in prompt.split("<|").enumerate() {
        let (mark, words) =
            if at == 0 { ("", piece) } else { piece.split_once("|>").unwrap_or(("", piece)) };
        if !mark.is_empty() {
            speaker = mark;
        }
        plain.push_str(words);
        if speaker == "user" && !words.trim().is_empty() {
            said = Some(words.trim().to_owned());
        }
    }
    said.unwrap_or_else(|| plain.trim().to_owned())
}

/// The private side, for its payer only.
pub(crate) fn transcript(
    console: &Console,
    visitor: &Visitor,
    row: &ReceiptRow,
) -> Result<Option<Transcript>, PageError> {
    if !visitor.is(row.receipt.signed.body.payer) {
        return Ok(None);
    }
    Ok(console.index().transcript(row.receipt.signed.id)?)
}

fn answer(console: &Console, visitor: &Visitor, row: &ReceiptRow) -> Result<Markup, PageError> {
    let receipt = &row.receipt;
    let text = transcript(console, visitor, row)?.map(|transcript| transcript.completion);
    Ok(html! {
        @match &text {
            Some(text) => (marks::lit(text, &receipt.spans)),
            None => p.muted { "The words of this answer are its payer's alone." },
        }
        p.chips {
            a.chip href={ "/receipts/" (format!("{:#x}", receipt.signed.id)) } data-receipt=(format!("{:#x}", receipt.signed.id)) {
                "Receipt · " (parts::amount(receipt.signed.body.fee()))
            }
            @if receipt.spans.is_empty() { span.chip.plain { "no verbatim source" } }
        }
    })
}

struct Paid {
    amount: Amount,
    spans: Vec<usize>,
    states: String,
}

/// Records by what they are paid, with the spans that quote them.
fn by_record(row: &ReceiptRow) -> Vec<(Digest, Paid)> {
    let mut records: BTreeMap<Digest, Paid> = BTreeMap::new();
    for (share, state) in row.receipt.shares.iter().zip(&row.share_states) {
        if let (Role::Data, Some(record)) = (share.role, share.record) {
            let paid = records.entry(record).or_insert_with(|| Paid {
                amount: Amount::ZERO,
                spans: Vec::new(),
                states: format!("{state:?}").to_lowercase(),
            });
            paid.amount = paid.amount.saturating_add(share.amount);
        }
    }
    for (at, span) in row.receipt.spans.iter().enumerate() {
        for record in &span.records {
            if let Some(paid) = records.get_mut(record) {
                paid.spans.push(at);
            }
        }
    }
    let mut list: Vec<_> = records.into_iter().collect();
    list.sort_by(|a, b| b.1.amount.cmp(&a.1.amount).then_with(|| a.0.cmp(&b.0)));
    list
}

/// The sources panel of one answer.
pub(crate) fn panel(
    console: &Console,
    visitor: &Visitor,
    row: &ReceiptRow,
) -> Result<Markup, PageError> {
    let index = console.index();
    let body = &row.receipt.signed.body;
    let records = by_record(row);
    let data: Amount = records.iter().map(|(_, paid)| paid.amount).sum();
    let mut cards = Vec::new();
    for (at, (record, paid)) in records.iter().enumerate() {
        cards.push(source_card(console, visitor, (at, record), paid, body.fee())?);
    }
    let commons: Amount = row
        .receipt
        .shares
        .iter()
        .filter(|share| share.role == Role::Commons)
        .map(|share| share.amount)
        .sum();
    let model = index.model(ModelId(body.model.0))?;
    Ok(html! {
        h2 { "Sources" }
        p.muted.small {
            @if records.is_empty() { "No row is quoted word for word. " }
            @else { (parts::plural(records.len() as u64, "row")) " quoted word for word, paid " (parts::amount(data)) " of " (parts::amount(body.fee())) ". " }
            @if !commons.is_zero() { "Commons " (parts::amount(commons)) ". " }
            @if let Some(model) = model { "Model " a href={ "/models/" (model.body.id) } { (model.body.name) } "." }
        }
        ol.source-list data-of=(format!("{:#x}", row.receipt.signed.id)) { @for card in cards { (card) } }
        @if !records.is_empty() { p.muted.small { "A match is verbatim: these words stand in these rows. Choose a lit span to keep only its rows; Escape shows all." } }
    })
}

fn source_card(
    console: &Console,
    visitor: &Visitor,
    (at, record): (usize, &Digest),
    paid: &Paid,
    fee: Amount,
) -> Result<Markup, PageError> {
    let index = console.index();
    let found = index.record(*record)?;
    let spans: Vec<String> = paid.spans.iter().map(ToString::to_string).collect();
    let owner = found.as_ref().map(|found| found.contributor);
    let yours = owner.is_some_and(|owner| visitor.is(owner));
    Ok(html! {
        li.source data-spans=(spans.join(" ")) data-record=(record) data-yours[yours] {
            p.source-head {
                span.rank { (at + 1) }
                @if let Some(owner) = owner { (parts::address(index, owner)) }
                @if yours { " " span.badge.yours { "yours" } }
                span.source-pay data-amount=(paid.amount.wei()) { (parts::amount(paid.amount)) }
            }
            @match &found {
                Some(found) => { a.row-link href={ "/records/" (record) } { (parts::record(&found.row.body)) } }
                None => p.muted { "Row " (parts::digest(record)) },
            }
            p.muted.small {
                (crate::charts::percent(paid.amount, fee.wei())) " of the fee · "
                span data-pay-state { (paid.states) }
                @for span in &paid.spans { " · " button.locate type="button" data-locate=(span) { "span " (span + 1) } }
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_s_marks_are_not_what_was_said() {
        let two = "<|bos|><|user|>First?<|end|><|assistant|>Yes.<|end|><|user|>Then?\n<|end|><|assistant|>";
        assert_eq!(spoken(two), "Then?");
        assert_eq!(spoken("Once upon a time"), "Once upon a time");
        assert_eq!(spoken("<|bos|>Once <| upon"), "Once  upon");
        assert_eq!(spoken(""), "");
    }
}
