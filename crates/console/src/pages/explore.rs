//! The explorer: blocks, transactions with named module calls, addresses.

use alloy_primitives::{Address, B256};
use axum::{
    extract::{Path, Query, State},
    response::{IntoResponse, Redirect, Response},
};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::Value;
use tributary_contracts::{MODULES, module_name};
use tributary_indexer::{Argument, Index, TxRow};
use tributary_primitives::{Amount, Digest};

use super::{id, live};
use crate::{
    error::PageError,
    layout::{Section, Shell},
    parts,
    router::Console,
    visitor::Visitor,
};

/// What is searched.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct SearchQuery {
    #[serde(default)]
    q: String,
    #[serde(default)]
    before: Option<u64>,
}

/// `/explore`
pub(crate) async fn show(
    State(console): State<Console>,
    visitor: Visitor,
    Query(query): Query<SearchQuery>,
) -> Result<Response, PageError> {
    let words = query.q.trim();
    if !words.is_empty()
        && let Some(found) = find(&console, words)?
    {
        return Ok(Redirect::to(&found).into_response());
    }
    let body = html! {
        header.page-head { h1 { "Explorer" } }
        form.search method="get" action="/explore" role="search" {
            label { span.sr { "Search" } input type="search" name="q" value=(words) placeholder="Block, transaction, address, receipt, row or name" autocomplete="off"; }
            button.button type="submit" { "Search" }
        }
        @if !words.is_empty() { p.notice role="status" { "Nothing is known as “" (words.chars().take(80).collect::<String>()) "”." } }
        @if query.before.is_some() { (region(&console, query.before)?) }
        @else { (live(region(&console, None)?)) }
    };
    let shell = Shell {
        title: "Explorer",
        section: Section::Explore,
        visitor: Some(&visitor),
        live: query.before.is_none().then(|| "/explore".to_owned()),
        body,
    };
    Ok(shell.render().into_response())
}

/// Where a search leads.
fn find(console: &Console, words: &str) -> Result<Option<String>, PageError> {
    let index = console.index();
    if let Ok(number) = words.replace([',', ' '], "").parse::<u64>()
        && index.block(number)?.is_some()
    {
        return Ok(Some(format!("/explore/block/{number}")));
    }
    if let Ok(hash) = words.parse::<B256>() {
        if index.tx(hash)?.is_some() {
            return Ok(Some(format!("/explore/tx/{hash:#x}")));
        }
        if let Some(block) = index.block_by_hash(hash)? {
            return Ok(Some(format!("/explore/block/{}", block.number)));
        }
        if index.receipt(hash)?.is_some() {
            return Ok(Some(format!("/receipts/{hash:#x}")));
        }
        let digest = Digest::from(hash);
        if index.record(digest)?.is_some() {
            return Ok(Some(format!("/records/{digest}")));
        }
    }
    if let Ok(address) = words.parse::<Address>() {
        return Ok(Some(format!("/explore/address/{}", address.to_checksum(None))));
    }
    if let Some((_, module)) = MODULES.iter().find(|(name, _)| name.eq_ignore_ascii_case(words)) {
        return Ok(Some(format!("/explore/address/{}", module.to_checksum(None))));
    }
    let model = index.model_by_name(words)?;
    Ok(model.map(|model| format!("/models/{}", model.body.id)))
}

/// Newest blocks and transactions.
pub(crate) fn region(console: &Console, before: Option<u64>) -> Result<Markup, PageError> {
    let index = console.index();
    let blocks = index.blocks(before, 10)?;
    let txs = index.txs(None, 12)?;
    Ok(html! {
        div.two.newest {
            section {
                h2 { "Blocks" }
                div.scroll { table {
                    thead { tr { th scope="col" { "Block" } th.num scope="col" { "Txs" } th.num scope="col" { "Gas" } th scope="col" { "When" } } }
                    tbody { @for block in &blocks { tr {
                        th scope="row" { (parts::block_link(block.number)) } td.num data-label="Txs" { (block.txs) }
                        td.num data-label="Gas" { (parts::count(block.gas_used)) } td data-label="When" { (parts::ago(block.time)) }
                    } } }
                } }
                @if let Some(last) = blocks.last().filter(|last| last.number > 0) { nav.pager { a href={ "/explore?before=" (last.number) } { "Older blocks →" } } }
            }
            section { h2 { "Transactions" } (tx_table(index, &txs)) }
        }
    })
}

fn tx_table(index: &Index, txs: &[TxRow]) -> Markup {
    html! {
        @if txs.is_empty() { p.muted { "No transaction yet." } }
        @else { div.scroll { table {
            thead { tr { th scope="col" { "Transaction" } th scope="col" { "Does" } th scope="col" { "From" } th.num scope="col" { "Value" } th scope="col" { "When" } } }
            tbody { @for tx in txs { tr {
                th scope="row" { (parts::tx_link(tx.hash)) @if !tx.success { " " span.badge.state-bad { "failed" } } }
                td data-label="Does" { (parts::call_words(tx.call.as_ref(), tx.to)) }
                td data-label="From" { (parts::address(index, tx.from)) }
                td.num data-label="Value" { @if tx.value.is_zero() { span.muted { "–" } } @else { (parts::amount(tx.value)) } }
                td data-label="When" { (parts::ago(tx.time)) }
            } } }
        } } }
    }
}

/// `/explore/block/{number}`
pub(crate) async fn block(
    State(console): State<Console>,
    visitor: Visitor,
    Path(text): Path<String>,
) -> Result<Markup, PageError> {
    let number: u64 = id("block", &text)?;
    let index = console.index();
    let block = index.block(number)?.ok_or_else(|| PageError::missing("block", number))?;
    let txs = index.block_txs(number)?;
    let body = html! {
        header.page-head {
            p.crumb { a href="/explore" { "Explorer" } " / block" }
            h1 { "Block " (parts::count(number)) }
            nav.pager aria-label="Blocks" {
                @if number > 0 { a href={ "/explore/block/" (number - 1) } rel="prev" { "← " (parts::count(number - 1)) } }
                @if index.block(number + 1)?.is_some() { a href={ "/explore/block/" (number + 1) } rel="next" { (parts::count(number + 1)) " →" } }
            }
        }
        dl.facts {
            dt { "Hash" } dd { code.break { (format!("{:#x}", block.hash)) } }
            dt { "Parent" } dd { code.break { (format!("{:#x}", block.parent)) } }
            dt { "Time" } dd { (parts::ago(block.time)) }
            dt { "Made by" } dd { (parts::address(index, block.producer)) }
            dt { "Gas" } dd { (parts::count(block.gas_used)) " of " (parts::count(block.gas_limit)) }
            dt { "Base fee" } dd { (parts::gas_price(block.base_fee)) " for a unit of gas" }
            dt { "Size" } dd { (parts::count(block.size_bytes)) " bytes" }
        }
        h2 { (parts::plural(txs.len() as u64, "transaction")) }
        (tx_table(index, &txs))
    };
    let shell = Shell {
        title: "Block",
        section: Section::Explore,
        visitor: Some(&visitor),
        live: None,
        body,
    };
    Ok(shell.render())
}

/// `/explore/tx/{hash}`
pub(crate) async fn tx(
    State(console): State<Console>,
    visitor: Visitor,
    Path(text): Path<String>,
) -> Result<Markup, PageError> {
    let hash: B256 = id("transaction", &text)?;
    let index = console.index();
    let Some(tx) = index.tx(hash)? else {
        return Err(PageError::missing("transaction", text));
    };
    let events = index.tx_events(hash)?;
    let fee = tx.gas_price.checked_mul(tx.gas_used.into()).unwrap_or_default();
    let body = html! {
        header.page-head {
            p.crumb { a href="/explore" { "Explorer" } " / transaction" }
            h1 { (parts::call_words(tx.call.as_ref(), tx.to)) }
            p { @if tx.success { span.badge.state-paid { "succeeded" } } @else { span.badge.state-bad { "failed" } }
                " " span.muted { "in block " (parts::block_link(tx.block)) ", " (parts::ago(tx.time)) } }
        }
        dl.facts {
            dt { "Hash" } dd { code.break { (format!("{hash:#x}")) } }
            dt { "From" } dd { (parts::address(index, tx.from)) }
            dt { "To" } dd { @match (tx.to, tx.created) {
                (Some(to), _) => (parts::address(index, to)),
                (None, Some(created)) => { "new contract " (parts::address(index, created)) }
                (None, None) => span.muted { "nobody" },
            } }
            dt { "Value" } dd { (parts::amount_exact(tx.value)) }
            dt { "Gas" } dd { (parts::count(tx.gas_used)) " at " (parts::gas_price(tx.gas_price)) ", fee " (parts::amount(fee)) }
            dt { "Nonce, type" } dd { (tx.nonce) ", " (tx.kind) }
        }
        @if let Some(call) = &tx.call { section { h2 { "Call" } (arguments(index, &call.args)) } }
        @else if tx.input.len() > 2 { section { h2 { "Input" } pre.input { code { (tx.input.chars().take(4_000).collect::<String>()) } } } }
        section {
            h2 { (parts::plural(events.len() as u64, "event")) }
            @for event in &events {
                article.event {
                    h3 { @match &event.decoded {
                        Some(decoded) => { span.call-module { (decoded.module) } "." span.call-name { (decoded.name) } }
                        None => { "event of " (parts::address(index, event.emitter)) }
                    } }
                    @if let Some(decoded) = &event.decoded { (arguments(index, &decoded.args)) }
                }
            }
        }
    };
    let shell = Shell {
        title: "Transaction",
        section: Section::Explore,
        visitor: Some(&visitor),
        live: None,
        body,
    };
    Ok(shell.render())
}

fn arguments(index: &Index, args: &[Argument]) -> Markup {
    html! {
        @if args.is_empty() { p.muted { "No arguments." } }
        dl.facts.args { @for arg in args {
            dt { (arg.name) span.muted.small { " " (arg.kind) } }
            dd { (value(index, &arg.name, &arg.kind, &arg.value)) }
        } }
    }
}

/// Shows a value as what it is: an account, an amount, an object.
fn value(index: &Index, name: &str, kind: &str, raw: &Value) -> Markup {
    match raw {
        Value::String(text) if kind == "address" => match text.parse::<Address>() {
            Ok(address) => parts::address(index, address),
            Err(_) => html! { code.break { (text) } },
        },
        Value::String(text) if kind == "uint128" || money_name(name, kind) => {
            match text.parse::<u128>() {
                Ok(wei) => parts::amount_exact(Amount::from_wei(wei)),
                Err(_) => html! { (text) },
            }
        }
        Value::String(text) if time_name(name, kind) => match text.parse::<u64>() {
            Ok(seconds) if seconds > 0 => parts::moment(seconds),
            _ => html! { span.muted { "never" } },
        },
        Value::String(text) if text.is_empty() => html! { span.muted { "empty" } },
        Value::String(text) if text.starts_with("0x") => html! { code.break { (text) } },
        Value::String(text) => html! { (text) },
        Value::Bool(truth) => html! { @if *truth { "yes" } @else { "no" } },
        Value::Array(items) => html! {
            @if items.is_empty() { span.muted { "none" } }
            ol.values { @for item in items { li { (value(index, name, kind.trim_end_matches("[]"), item)) } } }
        },
        Value::Object(fields) => html! {
            dl.facts.nested { @for (field, inner) in fields { dt { (field) } dd { (value(index, field, "", inner)) } } }
        },
        other => html! { (other) },
    }
}

/// Sums by their names where the type does not tell, as inside of structs.
fn money_name(name: &str, kind: &str) -> bool {
    const SUMS: [&str; 16] = [
        "value",
        "amount",
        "available",
        "needed",
        "stake",
        "fee",
        "maxFee",
        "cap",
        "cumulative",
        "total",
        "deposit",
        "priceIn",
        "priceOut",
        "minStake",
        "reviewFee",
        "paid",
    ];
    matches!(kind, "uint256" | "uint128" | "") && SUMS.contains(&name)
}

fn time_name(name: &str, kind: &str) -> bool {
    let timed = name.ends_with("At") || ["expiry", "deadline"].contains(&name);
    matches!(kind, "uint64" | "") && timed
}

/// `/explore/address/{address}`
pub(crate) async fn address(
    State(console): State<Console>,
    visitor: Visitor,
    Path(text): Path<String>,
) -> Result<Markup, PageError> {
    let address: Address = id("address", &text)?;
    let index = console.index();
    let balance = console.chain().balance(address).await?;
    let money = index.earnings(address)?;
    let txs = index.txs(Some(address), 50)?;
    let contributions = index.contributions_by(address, 20)?;
    let body = html! {
        header.page-head {
            p.crumb { a href="/explore" { "Explorer" } " / " @if module_name(&address).is_some() { "module" } @else { "account" } }
            h1 { (parts::name_of(index, address)) @if visitor.is(address) { " " span.badge.yours { "you" } } }
            p { code.break { (address.to_checksum(None)) } }
        }
        dl.figures {
            (parts::figure("Balance", parts::amount(balance)))
            (parts::figure("Pending", parts::amount(money.pending)))
            (parts::figure("Earned", parts::amount(money.earned)))
            (parts::figure("Paid", parts::amount(money.paid)))
        }
        @if !contributions.is_empty() { section { h2 { "Contributions" }
            ul.plain { @for one in &contributions { li {
                a href={ "/contributions/" (one.body.id) } { (parts::plural(one.body.itemCount, "row")) } " to " a href={ "/data/" (one.body.datanetId) } { "datanet " (one.body.datanetId) }
                " " (super::datanets::contribution_badge(one.body.status))
            } } }
        } }
        section { h2 { "Transactions" } (tx_table(index, &txs)) }
    };
    let shell = Shell {
        title: "Address",
        section: Section::Explore,
        visitor: Some(&visitor),
        live: None,
        body,
    };
    Ok(shell.render())
}
