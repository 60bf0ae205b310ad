//! Training: price and time first, then a task with escrow, then its progress.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    Extension, Json,
    extract::{Path, Query, State},
    response::{
        IntoResponse,
        sse::{Event as SseEvent, KeepAlive, Sse},
    },
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use tributary_client::{
    api::{self, schema::Account},
    provider::{QuoteRequest, TrainingQuote},
    tasks,
};
use tributary_contracts::{IModels, ITasks, TaskKind, TaskState};
use tributary_indexer::{Event, JobRow, JobState};
use tributary_primitives::{Address, Amount, DatanetId, ModelId, TaskId};

use super::{
    describe::EventStream,
    input::{Done, Input, Money},
};
use crate::{
    Refusal,
    acts::{self, Named},
    caller::Caller,
    shared::{Shared, fresh},
};

/// Licence prices of a new adapter when none are given: wei for each token in and out.
const LICENCE_PRICE_IN: Amount = Amount::from_wei(5_000_000_000_000);
const LICENCE_PRICE_OUT: Amount = Amount::from_wei(60_000_000_000_000);
/// Time a provider has, at least.
const DEADLINE_SECONDS: u64 = 1_800;

const PRESETS: [(&str, &str, &str); 3] = [
    ("quick", "Quick", "Learns the facts of a small datanet in under a minute"),
    ("balanced", "Balanced", "More steps for better recall and steadier answers"),
    ("best", "Best", "As many steps as the data bears"),
];

pub(super) async fn presets() -> Json<api::Page<api::Preset>> {
    let items = PRESETS.iter().map(|(name, title, detail)| api::Preset {
        name: (*name).to_owned(),
        title: (*title).to_owned(),
        detail: (*detail).to_owned(),
    });
    Json(api::Page::whole(items.collect()))
}

/// What to train.
#[derive(Clone, Deserialize, JsonSchema)]
#[schemars(rename = "TrainingRequest")]
pub(super) struct Asked {
    /// The datanet.
    datanet: u64,
    /// A frozen version; the newest when absent.
    version: Option<u32>,
    /// Base model by id or name; the seed model when absent.
    base: Option<String>,
    /// `quick` when absent.
    preset: Option<String>,
    /// Name of the adapter; made up when absent.
    name: Option<String>,
    /// SPDX name of the adapter's licence; CC-BY-4.0 when absent.
    licence: Option<String>,
    /// Licence price of each completion token.
    licence_price: Option<Money>,
}

/// A training that can be bought.
struct Offer {
    base: IModels::Model,
    version: u32,
    preset: String,
    quote: TrainingQuote,
}

async fn offer(shared: &Shared, asked: &Asked) -> Result<Offer, Refusal> {
    let preset = asked.preset.clone().unwrap_or_else(|| "quick".into());
    if !PRESETS.iter().any(|(name, _, _)| *name == preset) {
        return Err(Refusal::field("preset", format!("there is no preset `{preset}`"))
            .hint("use quick, balanced or best"));
    }
    let base = asked.base.as_deref().unwrap_or(&shared.config.default_model);
    let base = shared.model_called(base).await?;
    let datanet = shared.chain.datanets().get(DatanetId(asked.datanet)).await?;
    let version = asked.version.unwrap_or(datanet.headVersion);
    if version == 0 || version > datanet.headVersion {
        return Err(Refusal::data("no_version", "this datanet has no such version")
            .hint("wait until a contribution is published"));
    }
    let request = QuoteRequest {
        model: ModelId(base.id),
        datanet: datanet.id,
        version,
        preset: preset.clone(),
    };
    let peer = shared.directory.any().await?;
    let quote = peer.api.quote(request).await?;
    Ok(Offer { base, version, preset, quote })
}

/// Price and time, before anyone pays.
pub(super) async fn quote(
    State(shared): State<Arc<Shared>>,
    Input(asked): Input<Asked>,
) -> Result<Json<api::Quote>, Refusal> {
    let Offer { base, version, preset, quote } = offer(&shared, &asked).await?;
    Ok(Json(api::Quote {
        price: quote.price,
        max_fee: quote.max_fee,
        seconds: quote.seconds,
        rows: quote.rows,
        tokens: quote.tokens,
        steps: quote.steps,
        provider: quote.provider,
        preset,
        version,
        base: base.name,
    }))
}

async fn submit_call(
    shared: &Shared,
    asked: &Asked,
    owner_name: &str,
) -> Result<(tributary_client::Call, String, TrainingQuote), Refusal> {
    let offer = offer(shared, asked).await?;
    let name = match &asked.name {
        Some(name) => name.trim().to_owned(),
        None => free_name(shared, asked.datanet, owner_name).await?,
    };
    if !shared.chain.models().name_free(&name).await? {
        return Err(Refusal::conflict("name_taken", format!("the name `{name}` is taken"))
            .param("name")
            .hint("choose another name"));
    }
    let snapshot =
        shared.chain.datanets().snapshot(DatanetId(asked.datanet), offer.version).await?;
    let params = shared.chain.tasks().params().await?;
    let wanted = DEADLINE_SECONDS.max(offer.quote.seconds.saturating_mul(10));
    let time = wanted.clamp(params.minDuration.saturating_add(60), params.maxDuration);
    let price_out = asked.licence_price.map_or(LICENCE_PRICE_OUT, |money| money.0);
    let spec = ITasks::TaskSpec {
        kind: TaskKind::Training.code(),
        modelId: offer.base.id,
        datanetId: asked.datanet,
        version: offer.version,
        inputDigest: snapshot.root,
        params: offer.preset,
        adapterName: name.clone(),
        licence: asked.licence.clone().unwrap_or_else(|| "CC-BY-4.0".into()),
        priceIn: LICENCE_PRICE_IN.min(price_out).wei(),
        priceOut: price_out.wei(),
        deadline: shared.chain.head().await?.timestamp.saturating_add(time),
        provider: offer.quote.provider,
        gateway: Address::ZERO,
    };
    Ok((tasks::submit(spec, offer.quote.max_fee), name, offer.quote))
}

/// `owner/datanet`, or with a number behind it.
async fn free_name(shared: &Shared, datanet: u64, owner: &str) -> Result<String, Refusal> {
    let datanet = shared.chain.datanets().get(DatanetId(datanet)).await?;
    let mut stem = format!("{}/{}", slug(owner, 24), slug(&datanet.spec.name, 24));
    for number in 2..100 {
        if shared.chain.models().name_free(&stem).await? {
            return Ok(stem);
        }
        stem = format!("{}/{}-{number}", slug(owner, 24), slug(&datanet.spec.name, 24));
    }
    Ok(format!("{stem}-{}", fresh().short()))
}

fn slug(text: &str, most: usize) -> String {
    let mut slug = String::new();
    for character in text.chars().flat_map(char::to_lowercase) {
        if character.is_ascii_alphanumeric() {
            slug.push(character);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
        if slug.len() > most {
            // Between two words where there are two.
            slug.truncate(most);
            slug.truncate(slug.rfind('-').unwrap_or(most));
            break;
        }
    }
    let slug = slug.trim_matches('-').to_owned();
    if slug.is_empty() { "model".into() } else { slug }
}

/// The call that buys a training.
pub(super) async fn prepare(
    State(shared): State<Arc<Shared>>,
    Input(asked): Input<Asked>,
) -> Result<Json<api::PreparedTraining>, Refusal> {
    let (call, name, quote) = submit_call(&shared, &asked, "model").await?;
    let prepared = api::Prepared {
        summary: format!("Train \"{name}\": about {}, at most {}", quote.price, quote.max_fee),
        total: call.value,
        calls: vec![call],
        stake: Amount::ZERO,
        fee: quote.max_fee,
    };
    Ok(Json(api::PreparedTraining { prepared, model_name: name, seconds: quote.seconds }))
}

/// Buys a training for a guest.
pub(super) async fn create(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    act: Named,
    Input(asked): Input<Asked>,
) -> Result<Done<api::Started, 202>, Refusal> {
    let account = caller.require_guest()?;
    let (sender, act) = (shared.guest_sender(account)?, act.map(|act| act.0));
    let (receipt, quote) = match acts::sent_before(&shared, act, &sender).await? {
        Some(receipt) => (receipt, offer(&shared, &asked).await?.quote),
        None => {
            let owner = shared.index.guest(account)?.map_or_else(String::new, |guest| guest.name);
            let (call, _, quote) = submit_call(&shared, &asked, &owner).await?;
            (acts::send(&shared, act, &sender, &call).await?, quote)
        }
    };
    let id =
        tasks::submitted_id(&receipt).ok_or_else(|| Refusal::internal("a task left no event"))?;
    let task = shared.chain.tasks().get(id).await?;
    let body = api::Started {
        id: id.0,
        transaction: receipt.transaction_hash,
        model_name: task.spec.adapterName,
        max_fee: Amount::from_wei(task.maxFee),
        price: quote.price,
        seconds: quote.seconds,
    };
    Ok(Done::new(body, format!("/jobs/{id}")))
}

#[derive(Deserialize, JsonSchema)]
pub(super) struct Page {
    /// Jobs that this account bought.
    #[schemars(with = "Option<Account>")]
    owner: Option<tributary_primitives::Address>,
    /// Entries to return, at most 100.
    limit: Option<u32>,
}

pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    Query(page): Query<Page>,
) -> Result<Json<api::Page<api::Job>>, Refusal> {
    let limit = page.limit.unwrap_or(50).clamp(1, 100);
    let mut items = Vec::new();
    for thing in shared.index.trainings(page.owner, limit)? {
        items.push(job(&shared, TaskId(thing.body.id), false).await?);
    }
    Ok(Json(api::Page::whole(items)))
}

pub(super) async fn show(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<u64>,
) -> Result<Json<api::Job>, Refusal> {
    job(&shared, TaskId(id), true).await.map(Json)
}

/// A job as chain and provider tell it.
async fn job(shared: &Shared, id: TaskId, with_points: bool) -> Result<api::Job, Refusal> {
    let task = shared.chain.tasks().get(id).await?;
    let row = shared.index.job(id)?;
    let progress = shared.index.progress(id)?;
    let newest = progress.last().copied();
    let points = progress.iter().map(|point| api::LossPoint {
        step: point.step.into(),
        loss: point.loss,
        at: u64::try_from(point.at_ms).unwrap_or_default(),
    });
    let params = task.spec.params.as_str();
    let preset = params.strip_prefix("preset=").unwrap_or(params).to_owned();
    let state = job_state(&task, row.as_ref());
    let is_question = TaskKind::try_from(task.spec.kind) == Ok(TaskKind::Inference);
    let model_name = if is_question {
        let asked = shared.index.model(ModelId(task.spec.modelId))?;
        asked.map(|model| model.body.name).unwrap_or_default()
    } else {
        task.spec.adapterName
    };
    let running = matches!(state, "running" | "accepted");
    Ok(api::Job {
        id: id.0,
        state: state.into(),
        model: (task.resultModelId != 0).then_some(task.resultModelId),
        datanet: task.spec.datanetId,
        version: task.spec.version,
        preset,
        step: newest.map_or(0, |point| point.step.into()),
        steps: row.as_ref().map_or(0, |row| row.steps.into()),
        loss: newest.map(|point| point.loss),
        tokens_per_second: newest.map(|point| point.tokens_per_s),
        eta_seconds: newest.filter(|_| running).map(|point| point.eta_ms.div_ceil(1_000)),
        fee: Amount::from_wei(task.fee),
        max_fee: Amount::from_wei(task.maxFee),
        error: row.and_then(|row| row.error),
        points: if with_points { points.collect() } else { Vec::new() },
        kind: if is_question { "inference" } else { "training" }.into(),
        receipt: (is_question && state == "done").then_some(task.resultDigest),
        model_name,
    })
}

fn job_state(task: &ITasks::Task, row: Option<&JobRow>) -> &'static str {
    match TaskState::try_from(task.state) {
        Ok(TaskState::Completed) => return "done",
        Ok(TaskState::Cancelled) => return "cancelled",
        Ok(TaskState::Expired) => return "expired",
        _ => {}
    }
    match row.map(|row| (row.state, row.phase.as_str())) {
        Some((JobState::Failed, _)) => "failed",
        Some((JobState::Preparing | JobState::Training, _)) => "running",
        Some((JobState::Publishing, phase)) if phase.contains("quant") => "quantising",
        Some((JobState::Publishing | JobState::Done, _)) => "registering",
        _ if task.state == TaskState::Accepted.code() => "accepted",
        _ => "submitted",
    }
}

/// Progress as it happens; ends with the job.
pub(super) async fn events(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<u64>,
) -> Result<EventStream, Refusal> {
    let id = TaskId(id);
    let first = job(&shared, id, false).await?;
    let listener = shared.index.subscribe();
    let state = (shared, listener, Some(first), false);
    let stream =
        futures::stream::unfold(state, move |(shared, mut listener, first, over)| async move {
            if over || shared.cancel.is_cancelled() {
                return None;
            }
            let now = match first {
                Some(first) => first,
                None => {
                    wait_for(&mut listener, id).await;
                    job(&shared, id, false).await.ok()?
                }
            };
            let over = now.is_over();
            let event = progress_event(&shared, id, &now);
            Some((Ok::<_, Infallible>(event), (shared, listener, None, over)))
        });
    let keep = KeepAlive::new().interval(Duration::from_secs(15));
    Ok(EventStream(Sse::new(stream).keep_alive(keep).into_response()))
}

/// The next change of a job; at most a second, so that changes on chain alone show too.
async fn wait_for(listener: &mut tokio::sync::broadcast::Receiver<Event>, id: TaskId) {
    let change = async {
        loop {
            match listener.recv().await {
                Ok(Event::Job { id: changed }) if changed == id => return,
                Ok(_) => {}
                Err(tokio::sync::broadcast::error::RecvError::Lagged(_)) => return,
                Err(tokio::sync::broadcast::error::RecvError::Closed) => {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    return;
                }
            }
        }
    };
    let _ = tokio::time::timeout(Duration::from_secs(1), change).await;
}

fn progress_event(shared: &Shared, id: TaskId, job: &api::Job) -> SseEvent {
    let mut body = serde_json::to_value(job).unwrap_or_default();
    let newest = shared.index.progress(id).ok().and_then(|points| points.last().copied());
    body["point"] = newest.map_or(Value::Null, |point| {
        json!({"step": point.step, "loss": point.loss, "val_loss": point.val_loss, "at": point.at_ms})
    });
    SseEvent::default().event("progress").id(job.step.to_string()).data(body.to_string())
}

/// Calls a job off: the escrow comes back.
pub(super) async fn cancel(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<u64>,
    act: Named,
) -> Result<Done<api::Sent, 202>, Refusal> {
    let account = caller.require_guest()?;
    let task = shared.chain.tasks().get(TaskId(id)).await?;
    if task.requester != account {
        return Err(Refusal::forbidden("not_your_job", "another account asked for this job"));
    }
    let call = tasks::cancel(TaskId(id));
    let sender = shared.guest_sender(account)?;
    let receipt = acts::once(&shared, act.map(|act| act.0), &sender, &call).await?;
    let provider = shared.directory.by_address(task.acceptedBy).await?;
    if let Some(peer) = provider
        && let Err(error) = peer.api.stop_task(TaskId(id)).await
    {
        // The provider learns it from the chain as well.
        tracing::warn!(%error, task = id, "the provider was not told of a cancel");
    }
    let body = api::Sent { transaction: receipt.transaction_hash };
    Ok(Done::new(body, format!("/jobs/{id}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_people_and_datanets_become_handles() {
        assert_eq!(slug("Quick Fox 7", 24), "quick-fox-7");
        assert_eq!(slug("  Grüner  Tee! ", 24), "gr-ner-tee");
        assert_eq!(slug("***", 24), "model");
        assert_eq!(slug(&"a".repeat(40), 24).len(), 24);
        assert_eq!(slug("Tea houses of the invented valleys", 24), "tea-houses-of-the");
        assert_eq!(slug("Tea houses of invented", 22), "tea-houses-of-invented");
    }
}
