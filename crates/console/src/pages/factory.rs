//! The Factory: two decisions, data and preset, with price and time before anything starts.

use axum::extract::{Query, State};
use maud::{Markup, html};
use serde::Deserialize;
use tributary_client::provider::{QuoteRequest, TrainingQuote};
use tributary_indexer::DatanetThing;
use tributary_primitives::ModelId;

use super::{base_model, guest_form};
use crate::{
    error::PageError,
    layout::{Section, Shell},
    parts,
    router::Console,
    visitor::Visitor,
};

/// The presets, as the provider knows them.
const PRESETS: [(&str, &str, &str); 3] = [
    ("quick", "Quick", "Enough to learn a few facts"),
    ("balanced", "Balanced", "Longer, steadier"),
    ("best", "Best", "As long as it helps"),
];

/// What was chosen before.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct FactoryQuery {
    #[serde(default)]
    datanet: Option<u64>,
}

/// `/models/new`
pub(crate) async fn show(
    State(console): State<Console>,
    visitor: Visitor,
    Query(query): Query<FactoryQuery>,
) -> Result<Markup, PageError> {
    let trainable: Vec<DatanetThing> =
        console.index().datanets()?.into_iter().filter(|one| one.body.headVersion > 0).collect();
    let chosen = query
        .datanet
        .and_then(|id| trainable.iter().find(|one| one.body.id == id))
        .or_else(|| trainable.first());
    let content = match chosen {
        Some(chosen) => decisions(&console, &visitor, &trainable, chosen).await?,
        None => parts::empty(
            "A model learns from a published version, and there is none yet.",
            Some(("/data", "Contribute to one")),
            "datanet push ID rows.jsonl",
        ),
    };
    let body = html! {
        header.page-head { h1 { "Train a model" }
            p.lead { "Two decisions: which rows, and how long. The price is fixed before it starts." } }
        (content)
    };
    let shell = Shell {
        title: "Train a model",
        section: Section::Models,
        visitor: Some(&visitor),
        live: None,
        body,
    };
    Ok(shell.render())
}

async fn decisions(
    console: &Console,
    visitor: &Visitor,
    trainable: &[DatanetThing],
    chosen: &DatanetThing,
) -> Result<Markup, PageError> {
    let Some(base) = base_model(console.index())? else {
        return Ok(parts::empty("No base model is registered yet.", None, "model import DIR"));
    };
    let version = chosen.body.headVersion;
    let mut quotes = Vec::new();
    for (key, title, what) in PRESETS {
        let request = QuoteRequest {
            model: ModelId(base.body.id),
            datanet: chosen.body.id,
            version,
            preset: key.to_owned(),
        };
        let quote = match console.provider() {
            Some(provider) => provider.quote(request).await.ok(),
            None => None,
        };
        quotes.push((key, title, what, quote));
    }
    let first = quotes.iter().find_map(|(.., quote)| quote.clone());
    Ok(html! {
        (which_rows(trainable, chosen))
        form.factory method="post" action="/api/v1/jobs" data-api data-next="/jobs/{id}" {
            input type="hidden" name="datanet" data-number value=(chosen.body.id);
            input type="hidden" name="version" data-number value=(version);
            fieldset.presets {
                legend { span.decision { "2" } " How long" }
                @for (at, (key, title, what, quote)) in quotes.iter().enumerate() {
                    label.preset {
                        input type="radio" name="preset" value=(key) checked[at == 0]
                            data-price=[quote.as_ref().map(|quote| quote.price.to_open_short())]
                            data-seconds=[quote.as_ref().map(|quote| quote.seconds)];
                        span.preset-title { (title) }
                        span.preset-what { (what) }
                        (quote_words(quote.as_ref()))
                    }
                }
            }
            p.muted { "Trained on " (base.body.name) ", version " (version) " of " (chosen.body.spec.name) ". What the job does not use of its escrow comes back; cancelling refunds." }
            @if console.provider().is_none() {
                p.notice { "No provider is connected to this node, so nothing can be trained now." }
            } @else if visitor.account.is_some() {
                button.button.primary type="submit" data-start-label="Start" {
                    "Start"
                    @if let Some(quote) = &first { " (" (quote.price.to_open_short()) " OPEN, about " (parts::span_text(quote.seconds)) ")" }
                }
                p.form-status role="status" {}
            }
        }
        @if visitor.account.is_none() && console.guests_allowed() {
            (guest_form(&format!("/models/new?datanet={}", chosen.body.id), "Try as guest"))
        }
    })
}

fn which_rows(trainable: &[DatanetThing], chosen: &DatanetThing) -> Markup {
    html! {
        form.pick method="get" action="/models/new" data-autosubmit {
            h2 #decision-data { span.decision { "1" } " Which rows" }
            label { span.sr { "Datanet" }
                select name="datanet" {
                    @for one in trainable {
                        option value=(one.body.id) selected[one.body.id == chosen.body.id] {
                            (one.body.spec.name) " · " (parts::plural(one.body.publishedItems, "row")) " · version " (one.body.headVersion)
                        }
                    }
                }
            }
            button.button.no-script type="submit" { "Choose" }
        }
    }
}

fn quote_words(quote: Option<&TrainingQuote>) -> Markup {
    html! {
        @match quote {
            Some(quote) => {
                span.preset-price { (parts::amount(quote.price)) }
                span.preset-time { "about " (parts::span_text(quote.seconds)) }
                span.muted.small { (parts::plural(quote.steps, "step")) " · " (parts::count(quote.tokens)) " tokens"
                    @if quote.max_fee > quote.price { " · at most " (parts::amount(quote.max_fee)) } }
            }
            None => span.muted.small { "no quote now" },
        }
    }
}
