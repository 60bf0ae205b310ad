//! Earn: what is pending, earned and paid, from what, and the way to withdraw.

use axum::extract::State;
use maud::{Markup, html};
use tributary_indexer::{Earnings, FlowOf, Index, Source, SourceEarnings};
use tributary_primitives::{Amount, Party};

use super::{FLOWS, guest_form, live};
use crate::{
    charts,
    error::PageError,
    layout::{Section, Shell},
    parts,
    router::Console,
    visitor::Visitor,
};

/// `/earn`
pub(crate) async fn show(
    State(console): State<Console>,
    visitor: Visitor,
) -> Result<Markup, PageError> {
    let body = html! {
        header.page-head { h1 { "Earn" }
            p.lead { "Pending is signed, earned stands in a root on chain, paid is in your account." } }
        (live(region(&console, &visitor)?))
    };
    let shell = Shell {
        title: "Earn",
        section: Section::Earn,
        visitor: Some(&visitor),
        live: Some("/earn".to_owned()),
        body,
    };
    Ok(shell.render())
}

/// What the stream sends again.
pub(crate) fn region(console: &Console, visitor: &Visitor) -> Result<Markup, PageError> {
    let index = console.index();
    let Some(account) = &visitor.account else {
        return Ok(html! {
            div.empty { p { "Earnings belong to an account." }
                @if console.guests_allowed() { (guest_form("/earn", "Try as guest")) }
                p.muted { "or " code { "tributary earnings" } } }
        });
    };
    let payee = Party::account(account.address);
    let money = index.earnings(account.address)?;
    let sources = index.earnings_by_source(payee)?;
    let shares = index.shares_of(payee, 30)?;
    let claims = index.claims(payee, 10)?;
    Ok(html! {
        (three_states(&money))
        (withdraw(console, payee, &money)?)
        @if money.total().is_zero() {
            (parts::empty("Nothing yet. Rows, models and machines earn here.", Some(("/data", "Contribute rows")), "earnings"))
        } @else {
            (charts::flow("earned", &index.flow(FlowOf::Payee(payee), FLOWS)?, parts::now_ms()))
            (by_source(index, &sources)?)
            section {
                h2 { "Answer by answer" }
                div.scroll { table {
                    thead { tr { th scope="col" { "Receipt" } th scope="col" { "For" } th scope="col" { "Row" } th.num scope="col" { "Amount" } th scope="col" { "State" } th scope="col" { "When" } } }
                    tbody { @for row in &shares { tr {
                        th scope="row" { (parts::receipt_link(row.receipt)) } td data-label="For" { (row.share.role.label()) }
                        td data-label="Row" { @if let Some(record) = row.share.record { a.hash href={ "/records/" (record) } title=(record) { (record.short()) } } @else { span.muted { "–" } } }
                        td.num data-label="Amount" { (parts::amount(row.share.amount)) }
                        td data-label="State" { (parts::pay_state(row.state)) }
                        td data-label="When" { (parts::ago_ms(row.at_ms)) }
                    } } }
                } }
            }
            @if !claims.is_empty() { section {
                h2 { "Withdrawals" }
                div.scroll { table {
                    thead { tr { th scope="col" { "Transaction" } th scope="col" { "For" } th.num scope="col" { "Paid" } th scope="col" { "Block" } th scope="col" { "When" } } }
                    tbody { @for claim in &claims { tr {
                        th scope="row" { (parts::tx_link(claim.tx)) } td data-label="For" { (claim.role.label()) } td.num data-label="Paid" { (parts::amount(claim.paid)) }
                        td data-label="Block" { (parts::block_link(claim.block)) } td data-label="When" { (parts::ago(claim.time)) }
                    } } }
                } }
            } }
        }
    })
}

fn three_states(money: &Earnings) -> Markup {
    let state = |class: &str, label: &str, amount: Amount, meaning: &str| {
        html! {
            div class={ "state " (class) } {
                dt { (label) }
                dd data-wei=(amount.wei()) { (parts::amount(amount)) }
                dd.meaning { (meaning) }
            }
        }
    };
    html! {
        dl.states {
            (state("is-pending", "Pending", money.pending, "in signed receipts"))
            (state("is-earned", "Earned", money.earned, "in a posted root, yours to withdraw"))
            (state("is-paid", "Paid", money.paid, "in your account"))
        }
    }
}

fn withdraw(console: &Console, payee: Party, money: &Earnings) -> Result<Markup, PageError> {
    let claimable = console.index().claimable(payee)?;
    let wait = claimable.iter().map(|one| one.claimable_at).max().unwrap_or(0);
    let left = wait.saturating_sub(parts::now());
    Ok(html! {
        form.withdraw method="post" action={ "/api/v1/claims?next=" (parts::encode("/earn")) } data-api data-next="/earn" {
            button.button.primary type="submit" disabled[money.earned.is_zero()] {
                "Withdraw" @if !money.earned.is_zero() { " " (money.earned.to_open_short()) " OPEN" }
            }
            @if money.earned.is_zero() { span.muted { "Nothing waits here. What is pending becomes earned with the next root." } }
            @if left > 0 && !money.earned.is_zero() { span.muted { " the newest root can be claimed in " (parts::span_text(left)) } }
            p.form-status role="status" {}
        }
    })
}

/// The same money seen three ways: which collection, which row, which model brought it.
fn by_source(index: &Index, sources: &[SourceEarnings]) -> Result<Markup, PageError> {
    const MOST: usize = 8;
    let largest = sources.iter().map(|one| one.total.wei()).max().unwrap_or(1).max(1);
    let mut lists = [("By datanet", Vec::new()), ("By row", Vec::new()), ("By model", Vec::new())];
    for one in sources {
        let (at, link) = match &one.source {
            Source::Datanet(id) => {
                let name = index.datanet(*id)?.map(|found| found.body.spec.name);
                let name = name.unwrap_or_else(|| format!("datanet {id}"));
                (0, html! { a href={ "/data/" (id) } { (name) } })
            }
            Source::Record(id) => {
                let text = index.record(*id)?.map(|found| parts::record_text(&found.row.body));
                let text = text.and_then(|texts| texts.into_iter().next()).map(|(_, text)| text);
                let words = text.unwrap_or_else(|| id.short());
                let words: String = words.chars().take(60).collect();
                (1, html! { a href={ "/records/" (id) } { (words) } })
            }
            Source::Model(id) => {
                let name = index.model(*id)?.map(|found| found.body.name);
                let name = name.unwrap_or_else(|| format!("model {id}"));
                (2, html! { a href={ "/models/" (id) } { (name) } })
            }
        };
        if let Some((_, list)) = lists.get_mut(at).filter(|(_, list)| list.len() < MOST) {
            list.push((link, one));
        }
    }
    Ok(html! {
        section {
            h2 { "Where it came from" }
            p.muted { "The same money, seen three ways." }
            div.thirds { @for (title, list) in lists.iter().filter(|(_, list)| !list.is_empty()) {
                div { h3 { (title) } ul.bars { @for (link, one) in list { li {
                    span.bar-name { (link) " " span.muted.small { (one.role.label()) " · " (parts::plural(one.answers, "answer")) } }
                    (parts::amount(one.total))
                    meter min="0" max="1000" value=(one.total.mul_div(1_000, largest).wei()) aria-hidden="true" {}
                } } } }
            } }
        }
    })
}
