//! `/v1`: what stock OpenAI clients speak, with spans as citations, the price in `usage.cost` and
//! the signed receipt in `tributary`.

mod answer;
mod models;
pub(crate) mod plan;
pub(crate) mod request;
mod stream;

use std::sync::Arc;

use axum::{
    Extension, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, OriginalUri, State, rejection::BytesRejection},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};

use tributary_primitives::limits;

use crate::{
    Refusal, acts::Named, caller::Caller, metering::check_channel, refusal::OpenAiRefusal,
    shared::Shared,
};

use plan::{Kind, Plan};

/// The routes below `/v1`.
pub fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route("/models", get(models::list))
        .route("/models/{*id}", get(models::show))
        .route("/chat/completions", post(chat))
        .route("/completions", post(completions))
        .fallback(unknown)
        .layer(DefaultBodyLimit::max(limits::BODY_SIZE_BYTES))
}

async fn unknown(OriginalUri(uri): OriginalUri) -> OpenAiRefusal {
    Refusal::not_found("endpoint", uri.path())
        .hint("this gateway serves /v1/models, /v1/chat/completions and /v1/completions")
        .into()
}

async fn chat(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    act: Named,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, OpenAiRefusal> {
    serve(shared, caller, whole(body)?, (Kind::Chat, act)).await
}

async fn completions(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    act: Named,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, OpenAiRefusal> {
    serve(shared, caller, whole(body)?, (Kind::Completion, act)).await
}

fn whole(body: Result<Bytes, BytesRejection>) -> Result<Bytes, Refusal> {
    body.map_err(|rejection| {
        if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            return Refusal::too_large(format!(
                "the body is above {} bytes",
                limits::BODY_SIZE_BYTES
            ));
        }
        Refusal::new(rejection.status(), "unreadable_body", rejection.body_text())
    })
}

async fn serve(
    shared: Arc<Shared>,
    caller: Caller,
    body: Bytes,
    (kind, act): (Kind, Named),
) -> Result<Response, OpenAiRefusal> {
    let mut payer = plan::payer(&shared, &caller).await?;
    check_channel(&shared, &mut payer).await?;
    let asked = request::parse(&body, kind)?;
    let act = act.map(|named| named.0);
    let plan = Plan::make(&shared, asked).await?;
    if plan.asked.stream {
        let head = answer::Head::of(&plan);
        let pieces = plan.start(&shared, payer, act).await?;
        return Ok(stream::respond(shared, head, pieces).await?);
    }
    let head = answer::Head::of(&plan);
    let pieces = plan.start(&shared, payer, act).await?;
    let choices = answer::collect(pieces, head.count).await?;
    let body = head.whole(&shared, &choices);
    let mut response = axum::Json(body).into_response();
    mark(&mut response, &choices);
    Ok(response)
}

/// Headers that name receipt and cost.
fn mark(response: &mut Response, choices: &[answer::Choice]) {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let receipts: Vec<String> =
        choices.iter().map(|choice| choice.answer.receipt.signed.id.to_string()).collect();
    let cost = answer::total(choices).to_open();
    let pairs = [("x-tributary-receipt", receipts.join(",")), ("x-tributary-cost", cost)];
    for (name, text) in pairs {
        if let Ok(value) = HeaderValue::from_str(&text) {
            headers.insert(name, value);
        }
    }
}
