//! `Idempotency-Key`: the same request again gets the same answer, durably.
//!
//! Answers are sealed before they are stored: some of them show a secret once.

use std::sync::Arc;

use axum::{
    body::{Body, Bytes},
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures::StreamExt;
use serde::{Deserialize, Serialize};
use tributary_indexer::Replay;
use tributary_primitives::{Digest, limits};

use crate::{
    Refusal,
    acts::Act,
    caller::{Caller, Origin},
    shared::Shared,
};

const KEY: &str = "idempotency-key";
/// Marks an answer that was given before.
const REPLAYED: &str = "idempotency-replayed";
/// Largest answer that is kept.
const ANSWER_SIZE_BYTES: usize = 8 << 20;
/// Headers that belong to the answer itself.
const KEPT_HEADERS: [&str; 5] =
    ["content-type", "set-cookie", "x-tributary-receipt", "x-tributary-cost", "cache-control"];

#[derive(Serialize, Deserialize)]
struct Stored {
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

/// Answers a repeated request from the store.
pub async fn replay(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let key = request.headers().get(KEY).and_then(|key| key.to_str().ok()).map(str::to_owned);
    let key = key.filter(|_| matches!(*request.method(), Method::POST | Method::DELETE));
    let Some(key) = key else { return next.run(request).await };
    let openai = request.uri().path().starts_with("/v1");
    match run_once(shared, key, request, next).await {
        Ok(response) => response,
        Err(refusal) if openai => refusal.openai(),
        Err(refusal) => refusal.problem(),
    }
}

/// One claimed key. Dropped before it is settled (the caller left), it frees itself.
struct Claim {
    shared: Arc<Shared>,
    scope: String,
    key: String,
    settled: bool,
}

impl Drop for Claim {
    fn drop(&mut self) {
        if self.settled {
            return;
        }
        let (index, scope, key) = (self.shared.index.clone(), self.scope.clone(), self.key.clone());
        self.shared.calls.spawn(async move {
            if let Err(error) = index.drop_idempotent(&scope, &key).await {
                tracing::error!(%error, "an idempotency key was not freed");
            }
        });
    }
}

impl Claim {
    fn label(&self) -> String {
        format!("answer of {} {}", self.scope, self.key)
    }

    async fn keep(&mut self, status: StatusCode, stored: &Stored) -> Result<(), Refusal> {
        let bytes = serde_json::to_vec(stored).map_err(Refusal::internal)?;
        let sealed = self.shared.vault.seal(&self.label(), &bytes);
        let sealed = sealed.ok_or_else(|| Refusal::internal("an answer could not be sealed"))?;
        let status = status.as_u16();
        self.shared.index.finish_idempotent(&self.scope, &self.key, status, sealed).await?;
        self.settled = true;
        Ok(())
    }

    fn open(&self, status: u16, sealed: &[u8]) -> Result<Response, Refusal> {
        let bytes = self.shared.vault.open(&self.label(), sealed);
        let bytes = bytes.ok_or_else(|| Refusal::internal("a stored answer does not open"))?;
        let stored: Stored = serde_json::from_slice(&bytes).map_err(Refusal::internal)?;
        let status = StatusCode::from_u16(status).map_err(Refusal::internal)?;
        let mut response = (status, stored.body).into_response();
        response.headers_mut().remove(header::CONTENT_TYPE);
        for (name, value) in stored.headers {
            let pair = (name.parse::<HeaderName>(), HeaderValue::from_str(&value));
            if let (Ok(name), Ok(value)) = pair {
                response.headers_mut().append(name, value);
            }
        }
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
        Ok(response)
    }
}

async fn run_once(
    shared: Arc<Shared>,
    key: String,
    request: Request,
    next: Next,
) -> Result<Response, Refusal> {
    if key.is_empty() || key.len() > 255 {
        return Err(Refusal::field("idempotency-key", "a key has 1 to 255 characters"));
    }
    let (mut parts, body) = request.into_parts();
    let bytes = axum::body::to_bytes(body, limits::UPLOAD_SIZE_BYTES).await;
    let bytes = bytes.map_err(|_| Refusal::too_large("the body is above its limit"))?;
    let origin = Origin::of(&parts.extensions);
    let caller = parts.extensions.get::<Caller>().cloned().unwrap_or(Caller::Nobody);
    let scope = caller.scope(&origin.0);
    let route = format!("{} {}", parts.method, parts.uri);
    let digest = Digest::of(&bytes);
    parts.extensions.insert(Act::new(&scope, &key, &route, &digest));
    let begun = shared.index.begin_idempotent(&scope, &key, &route, digest).await?;
    let fresh = matches!(begun, Replay::Fresh);
    let claim = Claim { shared, scope, key, settled: !fresh };
    match begun {
        Replay::Fresh => {}
        Replay::Running => {
            let mut refusal =
                Refusal::conflict("still_running", "the first request with this key still runs");
            refusal.retry_after = Some(1);
            return Err(refusal);
        }
        Replay::Stored { status, response } => return claim.open(status, &response),
        Replay::Mismatch => {
            return Err(Refusal::data("key_reused", "this key was used for another request")
                .param("idempotency-key")
                .hint("take a fresh key for each request"));
        }
    }
    let response = next.run(Request::from_parts(parts, Body::from(bytes))).await;
    if response.status().is_server_error() || response.status() == StatusCode::TOO_MANY_REQUESTS {
        return Ok(response);
    }
    Ok(kept(claim, response).await)
}

/// Lets the answer pass and stores it when it is whole; a plain answer is stored first.
async fn kept(mut claim: Claim, response: Response) -> Response {
    let (parts, body) = response.into_parts();
    let headers = kept_headers(&parts.headers);
    let status = parts.status;
    let is_stream = parts
        .headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
    if is_stream {
        let body = tee(claim, status, headers, body);
        return Response::from_parts(parts, body);
    }
    let Ok(bytes) = axum::body::to_bytes(body, ANSWER_SIZE_BYTES).await else {
        return Refusal::internal("an answer is too large to keep").problem();
    };
    let stored = Stored { headers, body: bytes.to_vec() };
    if let Err(refusal) = claim.keep(status, &stored).await {
        return refusal.problem();
    }
    Response::from_parts(parts, Body::from(bytes))
}

fn kept_headers(headers: &HeaderMap) -> Vec<(String, String)> {
    let kept = headers.iter().filter(|(name, _)| KEPT_HEADERS.contains(&name.as_str()));
    kept.filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())))
        .collect()
}

/// Passes a stream on, collects it, and stores it before its last piece is given out.
fn tee(claim: Claim, status: StatusCode, headers: Vec<(String, String)>, body: Body) -> Body {
    let source = body.into_data_stream();
    let stored = Stored { headers, body: Vec::new() };
    let state = (source, None::<Bytes>, stored, Some(claim));
    let stream =
        futures::stream::unfold(state, move |(mut source, held, mut stored, claim)| async move {
            let mut claim = claim?;
            let next = source.next().await;
            match next {
                Some(Ok(bytes)) => {
                    if stored.body.len() + bytes.len() <= ANSWER_SIZE_BYTES {
                        stored.body.extend_from_slice(&bytes);
                    }
                    let out = held.unwrap_or_default();
                    Some((Ok(out), (source, Some(bytes), stored, Some(claim))))
                }
                Some(Err(error)) => {
                    drop(claim);
                    Some((Err(error), (source, None, stored, None)))
                }
                None => {
                    if let Err(refusal) = claim.keep(status, &stored).await {
                        tracing::error!(%refusal, "a streamed answer was not kept");
                    }
                    Some((Ok(held.unwrap_or_default()), (source, None, stored, None)))
                }
            }
        });
    Body::from_stream(stream)
}
