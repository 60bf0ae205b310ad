//! Models: the list, and one model's lineage, prices and calls.

use axum::extract::{Path, State};
use maud::{Markup, html};
use tributary_contracts::{ModelKind, ModelStatus};
use tributary_indexer::{FlowOf, ModelThing, ReceiptFilter};
use tributary_primitives::{Amount, Digest, ModelId, Party, Ppm, Role};

use super::{FLOWS, live};
use crate::{
    charts,
    error::PageError,
    layout::{Section, Shell},
    parts,
    router::Console,
    visitor::Visitor,
};

/// `/models`
pub(crate) async fn list(
    State(console): State<Console>,
    visitor: Visitor,
) -> Result<Markup, PageError> {
    let body = html! {
        header.page-head.with-act {
            div { h1 { "Models" }
                p.lead { "A base model and the adapters people trained on it. Calls pay the owner, the ancestors and the data." } }
            a.button.primary href="/models/new" { "Train a model" }
        }
        (live(region(&console)?))
    };
    let shell = Shell {
        title: "Models",
        section: Section::Models,
        visitor: Some(&visitor),
        live: Some("/models".to_owned()),
        body,
    };
    Ok(shell.render())
}

/// The cards.
pub(crate) fn region(console: &Console) -> Result<Markup, PageError> {
    let models = console.index().models(200)?;
    Ok(html! {
        @if models.is_empty() { (parts::empty("No model is registered yet.", None, "model import DIR")) }
        ul.cards { @for model in &models { li { (card(console, model)?) } } }
    })
}

fn card(console: &Console, model: &ModelThing) -> Result<Markup, PageError> {
    let index = console.index();
    let body = &model.body;
    let (calls, fees) = index.receipt_totals(Some(ModelId(body.id)))?;
    Ok(html! {
        article.card {
            h2 { a href={ "/models/" (body.id) } { (body.name) } }
            p.muted.small {
                (kind(body.kind)) " · by " (parts::address(index, body.owner))
                @for snapshot in &body.snapshots {
                    " · on " a href={ "/data/" (snapshot.datanetId) } { "datanet " (snapshot.datanetId) } " v" (snapshot.version)
                }
                @if body.status == ModelStatus::Deprecated.code() { " · " span.badge { "deprecated" } }
            }
            dl.figures.small-figures {
                (parts::figure("Calls", html! { (parts::count(calls)) }))
                (parts::figure("Fees", parts::amount(fees)))
            }
            (charts::flow("paid", &index.flow(FlowOf::Model(ModelId(body.id)), FLOWS)?, parts::now_ms()))
            p.card-acts { a.button href={ "/play?model=" (body.id) } { "Open in Playground" } }
        }
    })
}

fn kind(code: u8) -> &'static str {
    match ModelKind::try_from(code) {
        Ok(ModelKind::Base) => "base model",
        Ok(ModelKind::Adapter) => "adapter",
        Err(_) => "model",
    }
}

/// Finds a model by id or by name.
pub(crate) fn find(console: &Console, text: &str) -> Result<ModelThing, PageError> {
    let found = match text.parse() {
        Ok(number) => console.index().model(ModelId(number))?,
        Err(_) => console.index().model_by_name(text)?,
    };
    found.ok_or_else(|| PageError::missing("model", text))
}

/// `/models/{id}`
pub(crate) async fn show(
    State(console): State<Console>,
    visitor: Visitor,
    Path(text): Path<String>,
) -> Result<Markup, PageError> {
    let model = find(&console, &text)?;
    let region = model_region(&console, &model)?;
    let shell = Shell {
        title: &model.body.name,
        section: Section::Models,
        visitor: Some(&visitor),
        live: Some(format!("/models/{}", model.body.id)),
        body: live(region),
    };
    Ok(shell.render())
}

/// What the stream sends again.
pub(crate) fn model_region(console: &Console, model: &ModelThing) -> Result<Markup, PageError> {
    let index = console.index();
    let body = &model.body;
    let number = ModelId(body.id);
    let (calls, fees) = index.receipt_totals(Some(number))?;
    let filter = ReceiptFilter { model: Some(number), ..ReceiptFilter::default() };
    let receipts = index.receipts(filter, 10)?;
    let lineage = index.role_earnings(Party::account(body.owner), Role::Lineage)?;
    Ok(html! {
        header.page-head.with-act {
            div {
                p.crumb { a href="/models" { "Models" } " / " (number) }
                h1 { (body.name) }
                p.muted { (kind(body.kind)) " · by " (parts::address(index, body.owner)) " · registered "
                    (parts::ago(body.registeredAt)) " in " (parts::tx_link(model.tx)) }
            }
            a.button.primary href={ "/play?model=" (number) } { "Open in Playground" }
        }
        dl.figures {
            (parts::figure("Calls", html! { (parts::count(calls)) }))
            (parts::figure("Fees", parts::amount(fees)))
            (parts::figure("Licence, in", per_thousand(body.priceIn)))
            (parts::figure("Licence, out", per_thousand(body.priceOut)))
            (parts::figure("Owner earned by lineage", parts::amount(lineage.total())))
        }
        section { h2 { "Lineage" } (lineage_tree(console, model)?) }
        section {
            h2 { "Facts" }
            dl.facts {
                dt { "File" } dd { (parts::digest(&Digest::from(body.digest))) }
                dt { "Tokenizer" } dd { (parts::digest(&Digest::from(body.tokenizerDigest))) }
                dt { "Licence" } dd { @if body.licence.is_empty() { span.muted { "none named" } } @else { (body.licence) } }
                dt { "Passed up by descendants" } dd { (share(body.derivativeSharePpm)) }
                dt { "Training job" } dd { @if body.taskId > 0 { a href={ "/jobs/" (body.taskId) } { "job " (body.taskId) } } @else { span.muted { "none" } } }
            }
        }
        section {
            h2 { "Latest calls" }
            @if receipts.is_empty() { (parts::empty("Nobody has called it yet.", Some((&format!("/play?model={number}"), "Be the first")), "")) }
            @else { (super::receipt::table(index, &receipts)?) }
        }
    })
}

fn per_thousand(wei_per_token: u128) -> Markup {
    let price = Amount::from_wei(wei_per_token).checked_mul(1_000).unwrap_or_default();
    html! { (parts::amount(price)) span.muted.small { " / 1 000 tokens" } }
}

fn share(millionths: u32) -> String {
    let share = Ppm::try_from(millionths).unwrap_or(Ppm::ONE).millionths();
    format!("{}.{} %", share / 10_000, share / 1_000 % 10)
}

/// The data below, the parents above, as a nested list that reads like a tree.
fn lineage_tree(console: &Console, model: &ModelThing) -> Result<Markup, PageError> {
    let index = console.index();
    let body = &model.body;
    let mut parents = Vec::new();
    for (parent, ppm) in body.parents.iter().zip(&body.parentSharesPpm) {
        parents.push((*parent, *ppm, index.model(ModelId(*parent))?));
    }
    let mut data = Vec::new();
    for snapshot in &body.snapshots {
        data.push((snapshot, index.datanet(snapshot.datanetId.into())?));
    }
    Ok(html! {
        ul.tree {
            @for (parent, ppm, found) in &parents {
                li { span.tree-kind { "learned from" } " " a href={ "/models/" (parent) } {
                    @match found { Some(found) => (found.body.name), None => { "model " (parent) } } }
                    " " span.muted { (share(*ppm)) " of its income climbs here" } }
            }
            @for (snapshot, found) in &data {
                li { span.tree-kind { "trained on" } " " a href={ "/data/" (snapshot.datanetId) } {
                    @match found { Some(found) => (found.body.spec.name), None => { "datanet " (snapshot.datanetId) } } }
                    " " span.muted { "version " (snapshot.version) } }
            }
            @if parents.is_empty() && data.is_empty() {
                li { span.tree-kind { "stands alone" } " " span.muted { "a base model with no ancestors on this chain" } }
            }
        }
    })
}
