//! Datanets: cards, and per datanet the rows viewer, versions and earnings.

use axum::extract::{Path, Query, State};
use maud::{Markup, html};
use serde::Deserialize;
use tributary_contracts::{ContributionStatus, DatanetStatus};
use tributary_indexer::{DatanetThing, FlowOf, RecordPage};
use tributary_primitives::DatanetId;

use super::{FLOWS, guest_form, id, live};
use crate::{
    charts,
    error::PageError,
    layout::{Section, Shell},
    parts,
    router::Console,
    visitor::Visitor,
};

/// Rows of one page of the viewer.
const PAGE_ROWS: u32 = 20;

/// `/data`
pub(crate) async fn list(
    State(console): State<Console>,
    visitor: Visitor,
) -> Result<Markup, PageError> {
    let body = html! {
        header.page-head {
            h1 { "Datanets" }
            p.lead { "Shared collections of rows. Whoever adds to one is paid by every answer that draws on it." }
        }
        (live(region(&console)?))
        (make_one(&console, &visitor))
    };
    let shell = Shell {
        title: "Datanets",
        section: Section::Data,
        visitor: Some(&visitor),
        live: Some("/data".to_owned()),
        body,
    };
    Ok(shell.render())
}

/// A datanet of one's own.
fn make_one(console: &Console, visitor: &Visitor) -> Markup {
    html! {
        section.panel {
            h2 { "Make a datanet" }
            p.muted { "A place for rows about one thing. You own it; whoever contributes is paid. Its rows are reviewed like all others." }
            @if visitor.account.is_some() {
                form.make method="post" action="/api/v1/datanets" data-api data-next="/data/{id}/contribute" {
                    label { "Name" input type="text" name="name" required minlength="3" maxlength="64" placeholder="Tea of my valley"; }
                    label { "Licence of its rows" select name="licence" {
                        @for licence in ["CC-BY-4.0", "CC-BY-SA-4.0", "CC0-1.0"] { option { (licence) } }
                    } }
                    label.wide { "What it is about" input type="text" name="description" maxlength="200" placeholder="One sentence for people"; }
                    button.button type="submit" { "Make it" }
                    p.form-status role="status" {}
                }
            } @else if console.guests_allowed() {
                (guest_form("/data", "Try as guest"))
            }
            p.muted.small { "or " code { "tributary datanet new \"Tea of my valley\"" } }
        }
    }
}

/// The cards.
pub(crate) fn region(console: &Console) -> Result<Markup, PageError> {
    let datanets = console.index().datanets()?;
    Ok(html! {
        @if datanets.is_empty() {
            (parts::empty("There is no datanet yet.", None, "datanet new NAME"))
        }
        ul.cards {
            @for datanet in &datanets { li { (card(console, datanet)?) } }
        }
    })
}

fn card(console: &Console, datanet: &DatanetThing) -> Result<Markup, PageError> {
    let index = console.index();
    let body = &datanet.body;
    let number = DatanetId(body.id);
    Ok(html! {
        article.card {
            h2 { a href={ "/data/" (number) } { (body.spec.name) } }
            (about(datanet))
            p.muted.small {
                "by " (parts::address(index, body.owner)) " · " (licence(&body.spec.licence))
                @if body.status != DatanetStatus::Active.code() { " · " (status(body.status)) }
            }
            dl.figures.small-figures {
                (parts::figure("Rows", html! { (parts::count(body.publishedItems)) }))
                (parts::figure("Version", html! { (body.headVersion) }))
                (parts::figure("Contributors", html! { (parts::count(index.contributor_count(number)?)) }))
                (parts::figure("Earned", parts::amount(index.datanet_income(number)?)))
            }
            (charts::flow("paid", &index.flow(FlowOf::Datanet(number), FLOWS)?, parts::now_ms()))
            p.card-acts {
                a.button href={ "/data/" (number) "/contribute" } { "Contribute" }
                a href={ "/models/new?datanet=" (number) } { "Train on it" }
            }
        }
    })
}

/// What it says about itself.
fn about(datanet: &DatanetThing) -> Markup {
    let text = tributary_client::description_of(&datanet.body.spec.uri);
    let text: String = text.chars().take(240).collect();
    html! { @if !text.is_empty() { p.about { (text) } } }
}

fn licence(text: &str) -> &str {
    if text.is_empty() { "no licence named" } else { text }
}

fn status(code: u8) -> &'static str {
    DatanetStatus::try_from(code).map_or("unknown", DatanetStatus::name)
}

/// Finds a datanet by the id in a path.
pub(crate) fn find(console: &Console, text: &str) -> Result<DatanetThing, PageError> {
    let number: u64 = id("datanet", text)?;
    let found = console.index().datanet(DatanetId(number))?;
    found.ok_or_else(|| PageError::missing("datanet", number))
}

/// Title, figures and tabs of one datanet.
pub(crate) fn head(
    console: &Console,
    datanet: &DatanetThing,
    tab: &str,
) -> Result<Markup, PageError> {
    let index = console.index();
    let body = &datanet.body;
    let tabs = [
        ("rows", "Rows", ""),
        ("contribute", "Contribute", "/contribute"),
        ("versions", "Versions", "/versions"),
        ("earnings", "Earnings", "/earnings"),
    ];
    Ok(html! {
        header.page-head {
            p.crumb { a href="/data" { "Datanets" } " / " (body.id) }
            h1 { (body.spec.name) }
            (about(datanet))
            p.muted {
                (parts::plural(body.publishedItems, "row")) " in version " (body.headVersion)
                " · " (licence(&body.spec.licence)) " · by " (parts::address(index, body.owner))
                " · earned " (parts::amount(index.datanet_income(DatanetId(body.id))?))
            }
        }
        nav.tabs aria-label="Datanet" {
            @for (key, label, path) in tabs {
                a href={ "/data/" (body.id) (path) } aria-current=[(key == tab).then_some("page")] { (label) }
            }
            a.tabs-act href={ "/models/new?datanet=" (body.id) } { "Train on it" }
        }
    })
}

/// What the viewer can be asked.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct RowsQuery {
    #[serde(default)]
    q: String,
    #[serde(default)]
    page: u32,
    #[serde(default)]
    mine: Option<String>,
    #[serde(default)]
    all: Option<String>,
}

/// `/data/{id}`
pub(crate) async fn rows(
    State(console): State<Console>,
    visitor: Visitor,
    Path(text): Path<String>,
    Query(query): Query<RowsQuery>,
) -> Result<Markup, PageError> {
    let datanet = find(&console, &text)?;
    let number = datanet.body.id;
    let body = html! {
        (head(&console, &datanet, "rows")?)
        form.filters method="get" action={ "/data/" (number) } role="search" {
            label { span.sr { "Search rows" }
                input type="search" name="q" value=(query.q) placeholder="Search words in rows"; }
            @if visitor.account.is_some() {
                label.check { input type="checkbox" name="mine" value="1" checked[query.mine.is_some()]; " mine only" }
            }
            label.check { input type="checkbox" name="all" value="1" checked[query.all.is_some()]; " with unpublished" }
            button.button type="submit" { "Show" }
        }
        (rows_table(&console, &visitor, number, &query)?)
    };
    let shell = Shell {
        title: &datanet.body.spec.name,
        section: Section::Data,
        visitor: Some(&visitor),
        live: None,
        body,
    };
    Ok(shell.render())
}

fn rows_table(
    console: &Console,
    visitor: &Visitor,
    number: u64,
    query: &RowsQuery,
) -> Result<Markup, PageError> {
    let index = console.index();
    let page = query.page.min(100_000);
    let asked = RecordPage {
        all: query.all.is_some(),
        search: Some(query.q.trim()).filter(|words| !words.is_empty()),
        contributor: visitor.address().filter(|_| query.mine.is_some()),
        offset: page * PAGE_ROWS,
        limit: PAGE_ROWS + 1,
    };
    let mut records = index.datanet_records(DatanetId(number), asked)?;
    let more = records.len() > PAGE_ROWS as usize;
    records.truncate(PAGE_ROWS as usize);
    let ids: Vec<_> = records.iter().map(|record| record.row.record).collect();
    let earned = index.record_earnings(&ids)?;
    let link = |page: u32| {
        let mine = if query.mine.is_some() { "&mine=1" } else { "" };
        let all = if query.all.is_some() { "&all=1" } else { "" };
        format!("/data/{number}?page={page}{mine}{all}&q={}", parts::encode(&query.q))
    };
    Ok(html! {
        @if records.is_empty() {
            (parts::empty("No rows to show here.", Some((&format!("/data/{number}/contribute"), "Contribute some")),
                &format!("datanet push {number} rows.jsonl")))
        } @else {
            table.rows {
                caption.sr { "Rows with owner, uses and earnings" }
                thead { tr { th scope="col" { "Row" } th scope="col" { "Owner" }
                    th.num scope="col" { "Uses" } th.num scope="col" { "Earned" } } }
                tbody {
                    @for (record, earned) in records.iter().zip(&earned) {
                        tr {
                            td.row-text {
                                a.row-link href={ "/records/" (record.row.record) } { (parts::record(&record.row.body)) }
                            }
                            td data-label="Owner" {
                                (parts::address(index, record.contributor))
                                @if visitor.is(record.contributor) { " " span.badge.yours { "yours" } }
                                @if record.version.is_none() { " " span.badge { "unpublished" } }
                            }
                            td.num data-label="Uses" { (parts::count(earned.answers)) }
                            td.num data-label="Earned" { (parts::amount(earned.total)) }
                        }
                    }
                }
            }
        }
        nav.pager aria-label="Pages" {
            @if page > 0 { a href=(link(page - 1)) rel="prev" { "← Earlier rows" } }
            @if more { a href=(link(page + 1)) rel="next" { "More rows →" } }
        }
    })
}

/// `/data/{id}/versions`
pub(crate) async fn versions(
    State(console): State<Console>,
    visitor: Visitor,
    Path(text): Path<String>,
) -> Result<Markup, PageError> {
    let datanet = find(&console, &text)?;
    let body = html! {
        (head(&console, &datanet, "versions")?)
        (live(versions_region(&console, DatanetId(datanet.body.id))?))
    };
    let shell = Shell {
        title: &datanet.body.spec.name,
        section: Section::Data,
        visitor: Some(&visitor),
        live: Some(format!("/data/{}/versions", datanet.body.id)),
        body,
    };
    Ok(shell.render())
}

/// Versions and what came in.
pub(crate) fn versions_region(console: &Console, datanet: DatanetId) -> Result<Markup, PageError> {
    let index = console.index();
    let snapshots = index.snapshots(datanet)?;
    let contributions = index.contributions(datanet, 50)?;
    Ok(html! {
        section {
            h2 { "Versions" }
            @if snapshots.is_empty() {
                p.muted { "No version is published yet. Accepted contributions become one." }
            } @else {
                div.scroll { table {
                    thead { tr { th scope="col" { "Version" } th.num scope="col" { "Rows" } th.num scope="col" { "Contributions" }
                        th scope="col" { "Root" } th scope="col" { "Transaction" } th scope="col" { "Block" } th scope="col" { "When" } } }
                    tbody { @for one in &snapshots { tr {
                        th scope="row" { (one.version) }
                        td.num data-label="Rows" { (parts::count(one.items)) }
                        td.num data-label="Contributions" { (parts::count(one.contributions)) }
                        td data-label="Root" { (parts::word(&one.root)) } td data-label="Transaction" { (parts::tx_link(one.tx)) }
                        td data-label="Block" { (parts::block_link(one.block)) } td data-label="When" { (parts::ago(one.time)) }
                    } } }
                } }
            }
        }
        section {
            h2 { "Contributions" }
            @if contributions.is_empty() { p.muted { "Nobody has contributed yet." } }
            @else { div.scroll { table {
                thead { tr { th scope="col" { "Number" } th scope="col" { "By" } th.num scope="col" { "Rows" }
                    th scope="col" { "State" } th.num scope="col" { "Score" } th scope="col" { "Version" } } }
                tbody { @for one in &contributions { tr {
                    th scope="row" { a href={ "/contributions/" (one.body.id) } { (one.body.id) } }
                    td data-label="By" { (parts::address(index, one.body.contributor)) }
                    td.num data-label="Rows" { (parts::count(one.body.itemCount)) }
                    td data-label="State" { (contribution_badge(one.body.status)) }
                    td.num data-label="Score" { @if one.body.score > 0 { (one.body.score) } @else { "–" } }
                    td data-label="Version" { @if one.body.version > 0 { (one.body.version) } @else { "–" } }
                } } }
            } } }
        }
    })
}

/// Where a contribution stands.
pub(crate) fn contribution_badge(code: u8) -> Markup {
    let status = ContributionStatus::try_from(code);
    let name = status.map_or("unknown", ContributionStatus::name);
    let class = match status {
        Ok(ContributionStatus::Published) => "state-paid",
        Ok(ContributionStatus::Accepted) => "state-earned",
        Ok(ContributionStatus::Rejected | ContributionStatus::Slashed) => "state-bad",
        _ => "state-pending",
    };
    html! { span class={ "badge " (class) } { (name) } }
}

/// `/data/{id}/earnings`
pub(crate) async fn earnings(
    State(console): State<Console>,
    visitor: Visitor,
    Path(text): Path<String>,
) -> Result<Markup, PageError> {
    let datanet = find(&console, &text)?;
    let body = html! {
        (head(&console, &datanet, "earnings")?)
        (live(earnings_region(&console, &visitor, DatanetId(datanet.body.id))?))
    };
    let shell = Shell {
        title: &datanet.body.spec.name,
        section: Section::Data,
        visitor: Some(&visitor),
        live: Some(format!("/data/{}/earnings", datanet.body.id)),
        body,
    };
    Ok(shell.render())
}

/// Who earned what from a datanet.
pub(crate) fn earnings_region(
    console: &Console,
    visitor: &Visitor,
    datanet: DatanetId,
) -> Result<Markup, PageError> {
    let index = console.index();
    let contributors = index.datanet_contributors(datanet, 100)?;
    let total = index.datanet_income(datanet)?;
    let commons = index.party_earnings(tributary_primitives::Party::datanet(datanet))?;
    Ok(html! {
        dl.figures {
            (parts::figure("Earned in all", parts::amount(total)))
            (parts::figure("Commons and backers", parts::amount(commons.total())))
            (parts::figure("Answers", html! { (parts::count(index.datanet_answers(datanet)?)) }))
        }
        h2 { "Contributors" }
        @if contributors.is_empty() {
            (parts::empty("No answer has drawn on these rows yet.", Some((&format!("/models/new?datanet={datanet}"), "Train a model on them")), ""))
        } @else {
            div.scroll { table {
                thead { tr { th scope="col" { "Contributor" } th.num scope="col" { "Answers" } th.num scope="col" { "Earned" } } }
                tbody { @for (account, amount, answers) in &contributors { tr {
                    th scope="row" { (parts::address(index, *account)) @if visitor.is(*account) { " " span.badge.yours { "you" } } }
                    td.num data-label="Answers" { (parts::count(*answers)) } td.num data-label="Earned" { (parts::amount(*amount)) }
                } } }
            } }
        }
    })
}
