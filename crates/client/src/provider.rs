//! The provider's API: one trait, over HTTP here and in process in `provider`.
//!
//! A job: `infer` -> `text`* -> `done` with the signed receipt and its transcript. Cancelling, or
//! losing the caller, ends the job early; the receipt then covers what was delivered.

use std::{pin::Pin, sync::Arc, time::Duration};

use alloy_primitives::{Address, B256, keccak256};
use async_trait::async_trait;
use futures::{Stream, StreamExt, TryStreamExt};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tributary_primitives::{
    Amount, ChannelId, ChatMessage, Digest, ModelId, Prices, Receipt, SamplerParams, TaskId,
    Transcript,
};

use crate::{
    ClientError, Signer,
    transport::{TransportError, innermost},
};

/// What the model continues.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Prompt {
    /// A chat, put into the model's template.
    Chat(Vec<ChatMessage>),
    /// Plain text.
    Text(String),
}

/// One answer to produce. A request for `n` answers is `n` jobs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InferRequest {
    /// Names the job, so that it can be cancelled. Fresh for each.
    pub job: Digest,
    /// Who meters and pays.
    pub gateway: Address,
    /// Whose channel pays the gateway.
    pub payer: Address,
    /// The channel.
    pub channel: ChannelId,
    /// The served model.
    pub model: ModelId,
    /// What to continue.
    pub prompt: Prompt,
    /// How tokens are chosen.
    pub sampler: SamplerParams,
    /// The request's seed; fresh bytes are drawn when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_seed: Option<Digest>,
    /// The job is refused when it could cost more.
    pub max_fee: Amount,
}

/// A prompt that the provider is to keep until a task on chain asks for its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromptRequest {
    /// Who meters and pays out.
    pub gateway: Address,
    /// The model that is to answer.
    pub model: ModelId,
    /// What to continue.
    pub prompt: Prompt,
    /// How tokens are chosen.
    pub sampler: SamplerParams,
    /// The request's seed.
    pub request_seed: Digest,
}

/// A prompt that is kept, and what a task must say to have it answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromptTicket {
    /// Its commitment: the task's `inputDigest`.
    pub commitment: Digest,
    /// Opens the commitment.
    pub salt: Digest,
    /// Its tokens.
    pub ids: Vec<u32>,
    /// The most that the answer costs: the task's escrow.
    pub max_fee: Amount,
    /// Who keeps it: the task's `provider`.
    pub provider: Address,
}

/// Why an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    /// The model or a stop text ended it.
    Stop,
    /// It reached `max_tokens` or the context's end.
    Length,
    /// The caller left.
    Cancelled,
}

/// The end of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Signed, with spans and shares.
    pub receipt: Receipt,
    /// What opens its commitments.
    pub transcript: Transcript,
    /// Why it ended.
    pub finish: FinishReason,
}

/// What a job reports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum InferEvent {
    /// The prompt is read and the price known.
    Started {
        /// Metered prompt tokens.
        prompt_tokens: u32,
    },
    /// More of the answer.
    Text {
        /// New text; may be empty while a character is incomplete.
        text: String,
        /// Tokens so far.
        tokens: u32,
    },
    /// The last event of a job that produced an answer.
    Done(Box<Answer>),
    /// The last event of a job that did not.
    Failed {
        /// HTTP status this would have been.
        status: u16,
        /// Stable word.
        code: String,
        /// For people.
        message: String,
    },
}

/// Events of one job.
pub type InferStream = Pin<Box<dyn Stream<Item = Result<InferEvent, ClientError>> + Send>>;

/// What training would take, before anyone pays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrainingQuote {
    /// Expected fee.
    pub price: Amount,
    /// Escrow: what it can cost at most.
    pub max_fee: Amount,
    /// Expected time.
    pub seconds: u64,
    /// Rows of the snapshot.
    pub rows: u64,
    /// Tokens that will be trained, over all epochs.
    pub tokens: u64,
    /// Optimiser steps.
    pub steps: u64,
    /// Who would train.
    pub provider: Address,
}

/// What to quote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuoteRequest {
    /// Base model.
    pub model: ModelId,
    /// Data.
    pub datanet: u64,
    /// Its version.
    pub version: u32,
    /// `quick`, `balanced` or `best`.
    pub preset: String,
}

/// A training job as the provider that works on it sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobReport {
    /// `preparing`, `training`, `publishing`, `done`, `failed`, `cancelled` or `expired`.
    pub state: String,
    /// What happens now, for people.
    pub phase: String,
    /// Steps planned; 0 while unknown.
    pub steps: u32,
    /// What it costs.
    pub fee: Amount,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The registered adapter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result_model: Option<ModelId>,
    /// The loss curve from the step that was asked for on.
    pub points: Vec<JobPoint>,
}

/// One point of a job's loss curve.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobPoint {
    /// Steps made.
    pub step: u32,
    /// Training loss.
    pub loss: f64,
    /// Speed.
    pub tokens_per_s: f64,
    /// Time left.
    pub eta_ms: u64,
    /// When, milliseconds since 1970.
    pub at_ms: i64,
}

/// A provider at a glance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderStatus {
    /// The account of its provision.
    pub provider: Address,
    /// Who signs its receipts.
    pub receipt_key: Address,
    /// Models it serves now.
    pub models: Vec<ModelId>,
    /// Compute prices.
    pub prices: Prices,
    /// Jobs in work.
    pub active_jobs: u32,
}

/// A provider, wherever it runs. Calls are made in the name of one gateway.
#[async_trait]
pub trait ProviderApi: Send + Sync {
    /// What it serves.
    async fn status(&self) -> Result<ProviderStatus, ClientError>;
    /// Starts a job.
    async fn infer(&self, request: InferRequest) -> Result<InferStream, ClientError>;
    /// Ends a job early; its stream still delivers the last event.
    async fn cancel(&self, job: Digest) -> Result<(), ClientError>;
    /// A transcript of a receipt that names the calling gateway.
    async fn transcript(&self, receipt: B256) -> Result<Transcript, ClientError>;
    /// A receipt that names the calling gateway.
    async fn receipt(&self, receipt: B256) -> Result<Receipt, ClientError>;
    /// Price and time of training.
    async fn quote(&self, request: QuoteRequest) -> Result<TrainingQuote, ClientError>;
    /// Keeps a prompt until a task on chain asks for its answer.
    async fn keep_prompt(&self, _request: PromptRequest) -> Result<PromptTicket, ClientError> {
        Err(ClientError::NotFound { what: "a provider that keeps prompts".into() })
    }
    /// Stops the work on a task whose escrow is gone.
    async fn stop_task(&self, task: TaskId) -> Result<(), ClientError>;
    /// How far a training job is, with its curve from a step on; `None` when it is not known here.
    async fn job(&self, _task: TaskId, _from: u32) -> Result<Option<JobReport>, ClientError> {
        Ok(None)
    }
    /// A file that was made here, such as an adapter, by its digest.
    async fn blob(&self, digest: Digest) -> Result<Vec<u8>, ClientError> {
        Err(ClientError::NotFound { what: format!("blob {digest}") })
    }
}

/// Headers that prove which gateway calls.
pub mod proof {
    /// Seconds since 1970 at which the request was signed.
    pub const TIME: &str = "x-tributary-time";
    /// Signature over [`super::request_digest`].
    pub const SIGNATURE: &str = "x-tributary-signature";
    /// How far the two clocks may differ.
    pub const WINDOW_SECONDS: u64 = 120;
}

/// What a gateway signs for one request: provider, method, path, time and body.
pub fn request_digest(provider: Address, method: &str, path: &str, time: u64, body: &[u8]) -> B256 {
    let encoding = tributary_primitives::Canonical::new("tributary provider request v1")
        .address(&provider)
        .bytes(method.as_bytes())
        .bytes(path.as_bytes())
        .u64(time)
        .bytes(body);
    keccak256(encoding.into_bytes())
}

/// The form of an error answer of the provider's API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Stable word.
    pub code: String,
    /// For people.
    pub detail: String,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// A provider behind its HTTP API.
#[derive(Clone, Debug)]
pub struct HttpProvider {
    endpoint: String,
    provider: Address,
    signer: Signer,
    http: reqwest::Client,
}

/// Longest time for an answer that is no stream: a quote reads a whole snapshot.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);
/// Longest silence in a stream: a provider that is gone without closing its socket.
const SILENCE: Duration = Duration::from_secs(60);
/// Largest file that is fetched.
const BLOB_SIZE_BYTES: usize = 256 << 20;
/// Longest line of an event stream.
const LINE_SIZE_BYTES: usize = 16 << 20;

impl HttpProvider {
    /// A provider's account, its endpoint from its profile, and the gateway's key.
    pub fn new(endpoint: &str, provider: Address, signer: Signer) -> Result<Self, ClientError> {
        let builder = reqwest::Client::builder().connect_timeout(Duration::from_secs(5));
        let http = builder.read_timeout(SILENCE).build();
        let http = http.map_err(|error| unreachable_at(endpoint, &error))?;
        let endpoint = endpoint.trim_end_matches('/').to_owned();
        Ok(Self { endpoint, provider, signer, http })
    }

    /// Shared form.
    pub fn into_shared(self) -> Arc<dyn ProviderApi> {
        Arc::new(self)
    }

    async fn send(
        &self,
        method: reqwest::Method,
        path: &str,
        body: Vec<u8>,
    ) -> Result<reqwest::Response, ClientError> {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let time = now.map(|since| since.as_secs()).unwrap_or_default();
        let digest = request_digest(self.provider, method.as_str(), path, time, &body);
        let signature = self.signer.sign_hash(&digest)?;
        let response = self
            .http
            .request(method, format!("{}{path}", self.endpoint))
            .header(proof::TIME, time.to_string())
            .header(proof::SIGNATURE, signature.to_string())
            .header("content-type", "application/json")
            .body(body)
            .send()
            .await
            .map_err(|error| unreachable_at(&self.endpoint, &error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status().as_u16();
        let problem = response.json::<Problem>().await.unwrap_or_else(|_| Problem {
            code: "provider_failed".into(),
            detail: format!("the provider answered with status {status}"),
            hint: None,
        });
        let Problem { code, detail: message, hint } = problem;
        Err(ClientError::Service { status, code, message, hint })
    }

    async fn json<T: DeserializeOwned>(
        &self,
        method: reqwest::Method,
        path: &str,
        body: Vec<u8>,
    ) -> Result<T, ClientError> {
        let answer = async {
            let response = self.send(method, path, body).await?;
            response.json().await.map_err(|error| ClientError::malformed(path, error))
        };
        match tokio::time::timeout(ANSWER_TIMEOUT, answer).await {
            Ok(answer) => answer,
            Err(_) => Err(TransportError::TimedOut {
                method: path.to_owned(),
                after_ms: ANSWER_TIMEOUT.as_millis() as u64,
            }
            .into()),
        }
    }
}

fn unreachable_at(endpoint: &str, error: &reqwest::Error) -> ClientError {
    let reason = innermost(error);
    TransportError::Unreachable { endpoint: endpoint.to_owned(), reason }.into()
}

fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, ClientError> {
    serde_json::to_vec(value).map_err(|error| ClientError::malformed("a request", error))
}

#[async_trait]
impl ProviderApi for HttpProvider {
    async fn status(&self) -> Result<ProviderStatus, ClientError> {
        self.json(reqwest::Method::GET, "/status", Vec::new()).await
    }

    async fn infer(&self, request: InferRequest) -> Result<InferStream, ClientError> {
        let response = self.send(reqwest::Method::POST, "/infer", encode(&request)?).await?;
        let bytes = response.bytes_stream().map_err(|error| {
            ClientError::from(TransportError::Unreachable {
                endpoint: "the provider".into(),
                reason: innermost(&error),
            })
        });
        Ok(Box::pin(lines(bytes)))
    }

    async fn cancel(&self, job: Digest) -> Result<(), ClientError> {
        self.send(reqwest::Method::POST, &format!("/infer/{job}/cancel"), Vec::new()).await?;
        Ok(())
    }

    async fn transcript(&self, receipt: B256) -> Result<Transcript, ClientError> {
        let path = format!("/receipts/{receipt}/transcript");
        self.json(reqwest::Method::GET, &path, Vec::new()).await
    }

    async fn receipt(&self, receipt: B256) -> Result<Receipt, ClientError> {
        self.json(reqwest::Method::GET, &format!("/receipts/{receipt}"), Vec::new()).await
    }

    async fn quote(&self, request: QuoteRequest) -> Result<TrainingQuote, ClientError> {
        self.json(reqwest::Method::POST, "/quote", encode(&request)?).await
    }

    async fn keep_prompt(&self, request: PromptRequest) -> Result<PromptTicket, ClientError> {
        self.json(reqwest::Method::POST, "/prompts", encode(&request)?).await
    }

    async fn stop_task(&self, task: TaskId) -> Result<(), ClientError> {
        self.send(reqwest::Method::POST, &format!("/tasks/{task}/stop"), Vec::new()).await?;
        Ok(())
    }

    async fn job(&self, task: TaskId, from: u32) -> Result<Option<JobReport>, ClientError> {
        let path = format!("/tasks/{task}/from/{from}");
        self.json(reqwest::Method::GET, &path, Vec::new()).await
    }

    async fn blob(&self, digest: Digest) -> Result<Vec<u8>, ClientError> {
        let path = format!("/blobs/{digest}");
        let mut response = self.send(reqwest::Method::GET, &path, Vec::new()).await?;
        let mut bytes = Vec::new();
        let failed = |error: reqwest::Error| unreachable_at(&self.endpoint, &error);
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if bytes.len() + chunk.len() > BLOB_SIZE_BYTES {
                return Err(ClientError::malformed(&path, "the file is too large"));
            }
            bytes.extend_from_slice(&chunk);
        }
        if Digest::of(&bytes) != digest {
            return Err(ClientError::malformed(&path, "the bytes have another digest"));
        }
        Ok(bytes)
    }
}

/// Newline-delimited JSON out of chunks.
fn lines<B, S>(chunks: S) -> impl Stream<Item = Result<InferEvent, ClientError>> + Send
where
    B: AsRef<[u8]> + Send,
    S: Stream<Item = Result<B, ClientError>> + Send + 'static,
{
    let state = (Box::pin(chunks), Vec::<u8>::new(), false);
    futures::stream::unfold(state, |(mut chunks, mut buffer, ended)| async move {
        if ended {
            return None;
        }
        loop {
            if let Some(end) = buffer.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = buffer.drain(..=end).collect();
                if line.iter().all(u8::is_ascii_whitespace) {
                    continue;
                }
                let event = serde_json::from_slice(&line)
                    .map_err(|error| ClientError::malformed("infer", error));
                let failed = event.is_err();
                return Some((event, (chunks, buffer, failed)));
            }
            if buffer.len() > LINE_SIZE_BYTES {
                let error = ClientError::malformed("infer", "a line is too long");
                return Some((Err(error), (chunks, buffer, true)));
            }
            match chunks.next().await {
                Some(Ok(bytes)) => buffer.extend_from_slice(bytes.as_ref()),
                Some(Err(error)) => return Some((Err(error), (chunks, buffer, true))),
                None => return None,
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn events_survive_any_cut_of_the_stream() {
        let events = [
            InferEvent::Started { prompt_tokens: 3 },
            InferEvent::Text { text: "grün \u{1F375}\n".into(), tokens: 2 },
            InferEvent::Failed { status: 503, code: "busy".into(), message: "later".into() },
        ];
        let mut bytes = Vec::new();
        for event in &events {
            bytes.extend(serde_json::to_vec(event).expect("an event encodes"));
            bytes.push(b'\n');
        }
        for size in [1, 2, 7, bytes.len()] {
            let chunks: Vec<Result<Vec<u8>, ClientError>> =
                bytes.chunks(size).map(|chunk| Ok(chunk.to_vec())).collect();
            let read: Vec<_> =
                lines(futures::stream::iter(chunks)).try_collect().await.expect("lines");
            assert_eq!(read, events);
        }
    }

    #[test]
    fn a_signed_request_holds_for_one_provider_path_and_body() {
        let provider = Address::repeat_byte(1);
        let digest = request_digest(provider, "POST", "/infer", 7, b"{}");
        assert_ne!(digest, request_digest(Address::ZERO, "POST", "/infer", 7, b"{}"));
        assert_ne!(digest, request_digest(provider, "GET", "/infer", 7, b"{}"));
        assert_ne!(digest, request_digest(provider, "POST", "/infer", 8, b"{}"));
        assert_ne!(digest, request_digest(provider, "POST", "/infer", 7, b"{ }"));
    }
}
