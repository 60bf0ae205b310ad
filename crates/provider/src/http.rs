//! The provider's HTTP API: every request carries a gateway's signature over provider, method,
//! path, time and body; only gateways with an active provision are served.

use std::time::{SystemTime, UNIX_EPOCH};

use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, Path, State},
    http::{HeaderMap, Method, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use futures::StreamExt as _;
use serde::{Serialize, de::DeserializeOwned};
use tributary_client::{
    Chain, ClientError, ProviderApi,
    provider::{InferRequest, Problem, PromptRequest, QuoteRequest, proof, request_digest},
    recover,
};
use tributary_contracts::ProvisionRole;
use tributary_primitives::{Address, B256, Digest, TaskId, limits};

use crate::{LocalProvider, ProviderError, local::service};

#[derive(Clone)]
struct Door {
    provider: LocalProvider,
    chain: Chain,
}

/// The routes, to be mounted where the provider's profile says.
pub fn router(provider: LocalProvider, chain: Chain) -> Router {
    Router::new()
        .route("/status", get(status))
        .route("/infer", post(infer))
        .route("/infer/{job}/cancel", post(cancel))
        .route("/receipts/{id}", get(receipt))
        .route("/receipts/{id}/transcript", get(transcript))
        .route("/quote", post(quote))
        .route("/prompts", post(keep_prompt))
        .route("/tasks/{task}/stop", post(stop_task))
        .route("/tasks/{task}/from/{step}", get(job))
        .route("/blobs/{digest}", get(blob))
        .layer(DefaultBodyLimit::max(limits::BODY_SIZE_BYTES))
        .with_state(Door { provider, chain })
}

/// A failure as `application/problem+json`.
struct Refusal(ClientError);

impl From<ClientError> for Refusal {
    fn from(error: ClientError) -> Self {
        Self(error)
    }
}

impl From<ProviderError> for Refusal {
    fn from(error: ProviderError) -> Self {
        Self(service(error))
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let hint = self.0.hint();
        let (status, code, detail) = match self.0 {
            ClientError::Service { status, code, message, .. } => (status, code, message),
            other => (503, "dependency_unavailable".to_owned(), other.to_string()),
        };
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let kind = [(header::CONTENT_TYPE, "application/problem+json")];
        (status, kind, Json(Problem { code, detail, hint })).into_response()
    }
}

type Answer<T> = Result<T, Refusal>;

/// What a request is checked by.
struct Signed<'a> {
    method: Method,
    path: &'a str,
    headers: &'a HeaderMap,
    body: &'a [u8],
}

impl Door {
    /// The gateway that signed, when it is one.
    async fn gateway(&self, request: Signed<'_>) -> Answer<Address> {
        let Signed { method, path, headers, body } = request;
        let refuse = |reason: &str| {
            Refusal::from(ClientError::Service {
                status: 401,
                code: "bad_signature".into(),
                message: reason.into(),
                hint: Some("sign the request as a gateway with an active provision".into()),
            })
        };
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let time = text(proof::TIME).and_then(|time| time.parse::<u64>().ok());
        let time = time.ok_or_else(|| refuse("the request carries no time"))?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        if now.abs_diff(time) > proof::WINDOW_SECONDS {
            return Err(refuse("the request's time is too far from this clock"));
        }
        let signature = text(proof::SIGNATURE).and_then(|hex| hex.parse::<Bytes65>().ok());
        let signature = signature.ok_or_else(|| refuse("the request carries no signature"))?;
        let provider = self.provider.desk().seal().provider;
        let digest = request_digest(provider, method.as_str(), path, time, body);
        let signer = recover(&digest, &signature.0);
        let signer = signer.ok_or_else(|| refuse("the signature is none"))?;
        let provision = self.chain.staking().provision_of(signer, ProvisionRole::Gateway).await?;
        match provision {
            Some(provision) if provision.active => Ok(signer),
            _ => Err(refuse("the signer is no gateway with an active provision")),
        }
    }
}

/// Hex bytes of a signature.
struct Bytes65(Vec<u8>);

impl std::str::FromStr for Bytes65 {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let bytes: alloy_primitives::Bytes = text.parse().map_err(|_| ())?;
        if bytes.len() == 65 { Ok(Self(bytes.to_vec())) } else { Err(()) }
    }
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Answer<T> {
    serde_json::from_slice(body).map_err(|error| {
        let reason = format!("the body can't be read: {error}");
        ProviderError::refused("bad_body", reason).into()
    })
}

async fn status(State(door): State<Door>) -> Answer<Response> {
    Ok(Json(door.provider.status().await?).into_response())
}

async fn infer(State(door): State<Door>, headers: HeaderMap, body: Bytes) -> Answer<Response> {
    let request = Signed { method: Method::POST, path: "/infer", headers: &headers, body: &body };
    let gateway = door.gateway(request).await?;
    let request: InferRequest = parse(&body)?;
    if request.gateway != gateway {
        let reason = "the job names another gateway than the one that signed";
        return Err(ProviderError::refused("wrong_gateway", reason).into());
    }
    let events = door.provider.infer(request).await?.map(|event| match event {
        Ok(event) => line(&event),
        Err(error) => Err(std::io::Error::other(error.to_string())),
    });
    let kind = [(header::CONTENT_TYPE, "application/x-ndjson")];
    Ok((kind, Body::from_stream(events)).into_response())
}

fn line<T: Serialize>(value: &T) -> std::io::Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec(value)?;
    bytes.push(b'\n');
    Ok(bytes)
}

async fn cancel(
    State(door): State<Door>,
    Path(job): Path<Digest>,
    headers: HeaderMap,
) -> Answer<StatusCode> {
    let path = format!("/infer/{job}/cancel");
    door.gateway(Signed { method: Method::POST, path: &path, headers: &headers, body: &[] })
        .await?;
    door.provider.cancel(job).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn receipt(
    State(door): State<Door>,
    Path(id): Path<B256>,
    headers: HeaderMap,
) -> Answer<Response> {
    let path = format!("/receipts/{id}");
    let request = Signed { method: Method::GET, path: &path, headers: &headers, body: &[] };
    let gateway = door.gateway(request).await?;
    let receipt = door.provider.receipt(id).await?;
    if receipt.signed.body.gateway != gateway {
        return Err(ProviderError::UnknownReceipt(id).into());
    }
    Ok(Json(receipt).into_response())
}

async fn transcript(
    State(door): State<Door>,
    Path(id): Path<B256>,
    headers: HeaderMap,
) -> Answer<Response> {
    let path = format!("/receipts/{id}/transcript");
    let request = Signed { method: Method::GET, path: &path, headers: &headers, body: &[] };
    let gateway = door.gateway(request).await?;
    let answer = door.provider.desk().answers().get(&id)?;
    if answer.receipt.signed.body.gateway != gateway {
        return Err(ProviderError::UnknownReceipt(id).into());
    }
    Ok(Json(answer.transcript).into_response())
}

async fn quote(State(door): State<Door>, headers: HeaderMap, body: Bytes) -> Answer<Response> {
    let request = Signed { method: Method::POST, path: "/quote", headers: &headers, body: &body };
    door.gateway(request).await?;
    let request: QuoteRequest = parse(&body)?;
    Ok(Json(door.provider.quote(request).await?).into_response())
}

async fn keep_prompt(
    State(door): State<Door>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer<Response> {
    let request = Signed { method: Method::POST, path: "/prompts", headers: &headers, body: &body };
    let gateway = door.gateway(request).await?;
    let request: PromptRequest = parse(&body)?;
    if request.gateway != gateway {
        let reason = "the prompt names another gateway than the one that signed";
        return Err(ProviderError::refused("wrong_gateway", reason).into());
    }
    Ok(Json(door.provider.keep_prompt(request).await?).into_response())
}

async fn stop_task(
    State(door): State<Door>,
    Path(task): Path<u64>,
    headers: HeaderMap,
) -> Answer<StatusCode> {
    let path = format!("/tasks/{task}/stop");
    door.gateway(Signed { method: Method::POST, path: &path, headers: &headers, body: &[] })
        .await?;
    door.provider.stop_task(TaskId(task)).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn job(
    State(door): State<Door>,
    Path((task, from)): Path<(u64, u32)>,
    headers: HeaderMap,
) -> Answer<Response> {
    let path = format!("/tasks/{task}/from/{from}");
    let request = Signed { method: Method::GET, path: &path, headers: &headers, body: &[] };
    door.gateway(request).await?;
    Ok(Json(door.provider.job(TaskId(task), from).await?).into_response())
}

async fn blob(
    State(door): State<Door>,
    Path(digest): Path<Digest>,
    headers: HeaderMap,
) -> Answer<Vec<u8>> {
    let path = format!("/blobs/{digest}");
    let request = Signed { method: Method::GET, path: &path, headers: &headers, body: &[] };
    door.gateway(request).await?;
    Ok(door.provider.blob(digest).await?)
}
