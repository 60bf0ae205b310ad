//! Home: what this is, the four steps, and the pulse of the network.

use axum::extract::State;
use maud::{Markup, html};
use tributary_indexer::{FlowOf, ReceiptFilter};

use super::{FLOWS, guest_form, live, newcomer_datanet};
use crate::{
    charts,
    error::PageError,
    layout::{Section, Shell},
    parts,
    router::Console,
    visitor::{Account, Visitor},
};

/// `/`
pub(crate) async fn show(
    State(console): State<Console>,
    visitor: Visitor,
) -> Result<Markup, PageError> {
    let body = html! {
        (hero(&console, &visitor)?)
        (live(region(&console, &visitor)?))
    };
    let shell = Shell {
        title: "Home",
        section: Section::Home,
        visitor: Some(&visitor),
        live: Some("/".to_owned()),
        body,
    };
    Ok(shell.render())
}

fn hero(console: &Console, visitor: &Visitor) -> Result<Markup, PageError> {
    let datanet = newcomer_datanet(console.index())?;
    let next = datanet.map_or("/data".to_owned(), |id| format!("/data/{id}/contribute"));
    Ok(html! {
        section.hero #start {
            div.hero-words {
                h1 { "Answers that pay the data they came from" }
                p.lead {
                    "Contribute rows, train a model on them, ask it something. Every answer shows \
                     which rows it drew on, and the fee flows back to whoever wrote them."
                }
                div.actions {
                    @if visitor.account.is_some() {
                        a.button.primary href=(next) { "Contribute rows" }
                        a.button href="/play" { "Open the Playground" }
                    } @else if console.guests_allowed() {
                        (guest_form(&next, "Try as guest"))
                        a.button href="/data" { "Look around" }
                    } @else {
                        a.button.primary href="/data" { "Browse datanets" }
                        a.button href="/docs" { "Read how to join" }
                    }
                }
                @if visitor.account.is_none() && console.guests_allowed() {
                    p.muted.small { "A guest gets a name and 100 OPEN of play money. No wallet, no e-mail." }
                }
            }
            (confluence())
        }
    })
}

/// The picture of the idea: brooks of rows meet, an answer leaves, pay flows back.
fn confluence() -> Markup {
    html! {
        svg.confluence viewBox="0 0 420 300" role="img" aria-labelledby="confluence-title" {
            title #confluence-title { "Rows flow together into a model; each answer carries pay back to them" }
            path.stream.s1 d="M14 36 C120 40 130 132 230 146" {}
            path.stream.s2 d="M10 104 C90 110 140 146 230 150" {}
            path.stream.s3 d="M10 190 C90 186 140 156 230 152" {}
            path.stream.s4 d="M16 262 C120 256 130 172 230 155" {}
            path.main-stream d="M226 150 C290 150 330 150 410 150" {}
            path.back d="M392 164 C300 236 150 262 40 276" {}
            circle.node cx="230" cy="150" r="15" {}
            circle.drop cx="14" cy="36" r="5" {}
            circle.drop cx="10" cy="104" r="5" {}
            circle.drop cx="10" cy="190" r="5" {}
            circle.drop cx="16" cy="262" r="5" {}
            text x="30" y="26" { "rows" }
            text x="208" y="120" { "model" }
            text x="352" y="136" { "answer" }
            text.back-label x="196" y="264" { "pay" }
        }
    }
}

/// What the stream sends again.
pub(crate) fn region(console: &Console, visitor: &Visitor) -> Result<Markup, PageError> {
    let index = console.index();
    let receipts = index.receipts(ReceiptFilter::default(), 6)?;
    Ok(html! {
        @if let Some(account) = &visitor.account { (checklist(console, account)?) }
        (pulse(console)?)
        section {
            div.section-head { h2 { "Latest answers" } a href="/receipts" { "All receipts" } }
            @if receipts.is_empty() {
                (parts::empty("No answer has been paid for yet.", Some(("/play", "Ask something")),
                    "chat -m \"...\""))
            } @else {
                (super::receipt::table(index, &receipts)?)
            }
        }
    })
}

fn checklist(console: &Console, account: &Account) -> Result<Markup, PageError> {
    let index = console.index();
    let contributed = index.contributions_by(account.address, 1)?.pop();
    let task = index.trainings(Some(account.address), 1)?.pop();
    let filter = ReceiptFilter { payer: Some(account.address), ..ReceiptFilter::default() };
    let asked = !index.receipts(filter, 1)?.is_empty();
    let money = index.earnings(account.address)?;
    let datanet = newcomer_datanet(index)?;
    let contribute = match &contributed {
        Some(row) => format!("/contributions/{}", row.body.id),
        None => datanet.map_or("/data".to_owned(), |id| format!("/data/{id}/contribute")),
    };
    let train = match (&task, &contributed) {
        (Some(task), _) => format!("/jobs/{}", task.body.id),
        (None, Some(row)) => format!("/models/new?datanet={}", row.body.datanetId),
        (None, None) => "/models/new".to_owned(),
    };
    let steps = [
        (
            contributed.is_some(),
            "Contribute",
            "Add rows to a datanet, with a stake that comes back.",
            contribute,
        ),
        (task.is_some(), "Train", "Teach a model your rows in about a minute.", train),
        (asked, "Try", "Ask it, and watch its sources light up.", "/play".to_owned()),
        (
            !money.total().is_zero(),
            "Get paid",
            "See what each answer earned you, and withdraw.",
            "/earn".to_owned(),
        ),
    ];
    let next = steps.iter().position(|(done, ..)| !done);
    Ok(html! {
        section.checklist aria-labelledby="steps" {
            h2 #steps { "Your four steps, " (account.name) }
            ol {
                @for (at, (done, title, what, href)) in steps.iter().enumerate() {
                    li class={ @if *done { "done" } @else if Some(at) == next { "next" } } {
                        a href=(href) {
                            span.step-mark aria-hidden="true" { @if *done { "✓" } @else { (at + 1) } }
                            span.step-title { (title) @if *done { span.sr { " (done)" } } }
                            span.step-what { (what) }
                        }
                    }
                }
            }
        }
    })
}

fn pulse(console: &Console) -> Result<Markup, PageError> {
    let index = console.index();
    let head = index.blocks(None, 1)?.pop();
    let (answers, fees) = index.receipt_totals(None)?;
    let rows: u64 = index.datanets()?.iter().map(|datanet| datanet.body.publishedItems).sum();
    Ok(html! {
        section.pulse aria-label="Network" {
            dl.figures {
                @if let Some(head) = head {
                    (parts::figure("Block", html! { (parts::block_link(head.number)) " " span.muted.small { (parts::ago(head.time)) } }))
                }
                (parts::figure("Transactions", html! { (parts::count(index.tx_count()?)) }))
                (parts::figure("Published rows", html! { (parts::count(rows)) }))
                (parts::figure("Paid answers", html! { (parts::count(answers)) }))
                (parts::figure("Fees shared out", parts::amount(fees)))
            }
            @if answers > 0 { (charts::flow("shared out", &index.flow(FlowOf::Network, FLOWS)?, parts::now_ms())) }
        }
    })
}
