//! Receipts: the list, and one receipt with its shares, its block and its checks.

use axum::extract::{Path, Query, State};
use maud::{Markup, html};
use serde::Deserialize;
use tributary_indexer::{Index, ReceiptFilter, ReceiptRow};
use tributary_primitives::{Amount, B256, ModelId, Role, bits_to_string};

use super::{id, live, play};
use crate::{
    charts::{self, Arm},
    error::PageError,
    layout::{Section, Shell},
    marks, parts,
    router::Console,
    visitor::Visitor,
};

/// Which receipts.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct ListQuery {
    #[serde(default)]
    before: Option<u64>,
}

/// `/receipts`
pub(crate) async fn list(
    State(console): State<Console>,
    visitor: Visitor,
    Query(query): Query<ListQuery>,
) -> Result<Markup, PageError> {
    const PAGE: u32 = 50;
    let filter = ReceiptFilter { before: query.before, ..ReceiptFilter::default() };
    let receipts = console.index().receipts(filter, PAGE)?;
    let body = html! {
        header.page-head { h1 { "Receipts" } p.lead { "One signed statement per answer: what ran, on what, and who is paid." } }
        @if receipts.is_empty() { (parts::empty("No answer has been paid for yet.", Some(("/play", "Ask something")), "chat -m \"...\"")) }
        @else { (table(console.index(), &receipts)?) }
        @if let Some(last) = receipts.last().filter(|_| receipts.len() == PAGE as usize) {
            nav.pager aria-label="Pages" { a href={ "/receipts?before=" (last.seq) } rel="next" { "Older →" } }
        }
    };
    let shell = Shell {
        title: "Receipts",
        section: Section::Explore,
        visitor: Some(&visitor),
        live: None,
        body,
    };
    Ok(shell.render())
}

/// A table of receipts, newest first.
pub(crate) fn table(index: &Index, receipts: &[ReceiptRow]) -> Result<Markup, PageError> {
    let mut named = Vec::new();
    for row in receipts {
        let number = row.receipt.signed.body.model;
        let name = index.model(number)?.map(|model| model.body.name);
        named.push((row, number, name.unwrap_or_else(|| format!("model {number}"))));
    }
    Ok(html! {
        div.scroll { table {
            thead { tr { th scope="col" { "Receipt" } th scope="col" { "Model" } th.num scope="col" { "Tokens" }
                th.num scope="col" { "Sources" } th.num scope="col" { "Fee" } th scope="col" { "State" } th scope="col" { "When" } } }
            tbody { @for (row, number, name) in &named { tr {
                th scope="row" { (parts::receipt_link(row.receipt.signed.id)) }
                td data-label="Model" { a href={ "/models/" (number) } { (name) } }
                td.num data-label="Tokens" { (row.receipt.signed.body.completion_tokens) }
                td.num data-label="Sources" { (row.receipt.spans.len()) }
                td.num data-label="Fee" { (parts::amount(row.receipt.signed.body.fee())) }
                td data-label="State" { (parts::pay_state(row.state)) }
                td data-label="When" { (parts::ago_ms(row.at_ms)) }
            } } }
        } }
    })
}

/// `/receipts/{id}`
pub(crate) async fn show(
    State(console): State<Console>,
    visitor: Visitor,
    Path(text): Path<String>,
) -> Result<Markup, PageError> {
    let number: B256 = id("receipt", &text)?;
    let row = console.index().receipt(number)?;
    let row = row.ok_or_else(|| PageError::missing("receipt", &text))?;
    let full = format!("{number:#x}");
    let body = html! {
        (head(&console, &row)?)
        (private_side(&console, &visitor, &row)?)
        (live(region(&console, &row)?))
        section.verify {
            h2 { "Check it yourself" }
            p { "Verify recomputes everything from the chain and the model: signature, commitments, the run itself, spans, shares, split, root and block." }
            p { a.button.primary href={ "/api/v1/receipts/" (full) "/verify" } data-verify { "Verify" } }
            div #checks role="status" aria-live="polite" {}
            p.muted.small { "The same by hand: " code { "tributary receipt verify " (full) } }
        }
        (facts(&console, &row)?)
    };
    let shell = Shell {
        title: "Receipt",
        section: Section::Explore,
        visitor: Some(&visitor),
        live: Some(format!("/receipts/{full}")),
        body,
    };
    Ok(shell.render())
}

fn head(console: &Console, row: &ReceiptRow) -> Result<Markup, PageError> {
    let index = console.index();
    let body = &row.receipt.signed.body;
    let model = index.model(ModelId(body.model.0))?;
    let name = model.map_or_else(|| format!("model {}", body.model), |model| model.body.name);
    Ok(html! {
        header.page-head {
            p.crumb { a href="/receipts" { "Receipts" } " / " (parts::short_hash(&row.receipt.signed.id)) }
            h1 { "Receipt for " (parts::amount(body.fee())) }
            p.muted {
                a href={ "/models/" (body.model) } { (name) } " read "
                (parts::plural(body.prompt_tokens.into(), "token")) " and wrote " (parts::count(body.completion_tokens.into()))
                " on "  (parts::address(index, body.provider)) ", paid by " (parts::address(index, body.payer))
                ", " (parts::ago_ms(row.at_ms))
            }
        }
    })
}

fn private_side(
    console: &Console,
    visitor: &Visitor,
    row: &ReceiptRow,
) -> Result<Markup, PageError> {
    let transcript = play::transcript(console, visitor, row)?;
    Ok(html! {
        @if let Some(transcript) = transcript {
            section.transcript aria-label="What was said" {
                div.turn.turn-user { p { (play::spoken(&transcript.prompt)) } }
                div.turn.turn-model { (marks::lit(&transcript.completion, &row.receipt.spans)) }
                p.muted.small { "Only you, the payer, see these words. The receipt commits to them without showing them." }
                details { summary { "The prompt as the model read it" } pre.input { code { (transcript.prompt) } } }
            }
        }
    })
}

/// What changes as the money moves.
pub(crate) fn region(console: &Console, row: &ReceiptRow) -> Result<Markup, PageError> {
    let index = console.index();
    let body = &row.receipt.signed.body;
    let posted = match row.epoch {
        Some(epoch) => index.posted(body.gateway, epoch)?,
        None => None,
    };
    Ok(html! {
        section {
            h2 { "Where the fee goes" }
            (charts::river(&arms(row)))
            (shares(index, row))
        }
        section {
            h2 { "Where it stands" }
            dl.facts {
                dt { "State" } dd { (parts::pay_state(row.state)) }
                dt { "Priced at block" } dd { (parts::block_link(body.block_number)) " " (parts::word(&body.block_hash)) }
                @match (&posted, row.epoch) {
                    (Some(posted), _) => {
                        dt { "Epoch root" } dd { (parts::word(&posted.root)) " in epoch " (posted.epoch) }
                        dt { "Posted in block" } dd #posted { (parts::block_link(posted.block)) " by " (parts::tx_link(posted.tx)) " " (parts::ago(posted.time)) }
                    }
                    (None, Some(epoch)) => { dt { "Epoch root" } dd { "cut as epoch " (epoch) ", being posted" } }
                    (None, None) => { dt { "Epoch root" } dd { "waits for the next root" } }
                }
            }
        }
    })
}

fn arms(row: &ReceiptRow) -> Vec<Arm> {
    const GROUPS: [(&str, &str, &[Role]); 5] = [
        ("data", "data", &[Role::Data]),
        ("commons", "commons", &[Role::Commons, Role::Backers]),
        ("model lineage", "lineage", &[Role::Lineage]),
        ("provider", "provider", &[Role::Provider]),
        ("protocol", "protocol", &[Role::ProtocolCompute, Role::ProtocolLicence]),
    ];
    GROUPS
        .iter()
        .map(|(label, class, roles)| {
            let shares = row.receipt.shares.iter().filter(|share| roles.contains(&share.role));
            let amount: Amount = shares.map(|share| share.amount).sum();
            Arm { label: (*label).to_owned(), amount, class }
        })
        .filter(|arm| !arm.amount.is_zero())
        .collect()
}

fn shares(index: &Index, row: &ReceiptRow) -> Markup {
    let total: Amount = row.receipt.shares.iter().map(|share| share.amount).sum();
    html! {
        div.scroll { table #shares {
            thead { tr { th scope="col" { "For" } th scope="col" { "To" } th scope="col" { "By" } th.num scope="col" { "Amount" } th scope="col" { "State" } } }
            tbody { @for (share, state) in row.receipt.shares.iter().zip(&row.share_states) {
                tr data-role=(share.role as u8) data-amount=(share.amount.wei())
                    data-record=[share.record.map(|record| record.to_string())] {
                    th scope="row" { (share.role.label()) }
                    td data-label="To" { (parts::party(index, share.role, &share.party)) }
                    td data-label="By" {
                        @if let Some(record) = share.record { a.hash href={ "/records/" (record) } title=(record) { "row " (record.short()) } }
                        @else if let Some(model) = share.model { a href={ "/models/" (model) } { "model " (model) } }
                        @else { span.muted { "–" } }
                    }
                    td.num data-label="Amount" { (parts::amount_exact(share.amount)) }
                    td data-label="State" { (parts::pay_state(*state)) }
                }
            } }
            tfoot { tr { th scope="row" colspan="3" { "Fee" } td.num data-label="In all" { (parts::amount_exact(total)) } td {} } }
        } }
    }
}

fn facts(console: &Console, row: &ReceiptRow) -> Result<Markup, PageError> {
    let body = &row.receipt.signed.body;
    let index = console.index();
    let snapshot = &body.snapshot;
    Ok(html! {
        section {
            h2 { "Spans" }
            @if row.receipt.spans.is_empty() { p.muted { "Nothing in the answer stands verbatim in the snapshot." } }
            @else { div.scroll { table {
                thead { tr { th.num scope="col" { "Tokens" } th.num scope="col" { "Bits" } th.num scope="col" { "Times in snapshot" } th scope="col" { "Rows" } th scope="col" { "Contributor" } } }
                tbody { @for span in &row.receipt.spans { tr {
                    td.num data-label="Tokens" { (span.start) "–" (span.end) } td.num data-label="Bits" { (bits_to_string(span.bits_q16)) } td.num data-label="Times in snapshot" { (span.count) }
                    td data-label="Rows" { @for record in &span.records { a.hash href={ "/records/" (record) } title=(record) { (record.short()) } " " } }
                    td data-label="Contributor" { (parts::address(index, span.contributor)) }
                } } }
            } } }
        }
        section {
            h2 { "Signed facts" }
            dl.facts {
                dt { "Receipt" } dd { code.break { (format!("{:#x}", row.receipt.signed.id)) } }
                dt { "Prompt hash" } dd { code.break #prompt-hash { (body.prompt_commitment) } }
                dt { "Answer hash" } dd { code.break { (body.completion_commitment) } }
                dt { "Model file" } dd { (parts::digest(&body.model_digest)) }
                dt { "Adapter file" } dd { (parts::digest(&body.adapter_digest)) }
                dt { "Tokenizer" } dd { (parts::digest(&body.tokenizer_digest)) }
                dt { "Snapshot" } dd {
                    @if snapshot.datanet.is_none() { span.muted { "none" } }
                    @else { a href={ "/data/" (snapshot.datanet) } { "datanet " (snapshot.datanet) } " version " (snapshot.version) " " (parts::word(&snapshot.root)) }
                }
                dt { "Sampler" } dd { "temperature " (f64::from(body.temperature_micro) / 1e6) ", top-p " (f64::from(body.top_p_ppm) / 1e6) ", top-k " (body.top_k) ", at most " (body.max_tokens) " tokens" }
                dt { "Job seed" } dd { (parts::digest(&body.job_seed)) }
                dt { "Logits" } dd { (parts::digest(&body.logits_digest)) }
                dt { "Fee" } dd { "compute " (parts::amount_exact(body.fee_compute)) ", licence " (parts::amount_exact(body.fee_licence)) }
                dt { "Signature" } dd { code.break { (row.receipt.signed.signature) } }
            }
        }
    })
}
