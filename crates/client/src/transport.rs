//! How a request reaches a node: over HTTP, or in process through a type that `node` provides.

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The error object of JSON-RPC.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RpcFault {
    /// The code: -32000 family, or 3 for a revert with data.
    pub code: i64,
    /// What happened.
    pub message: String,
    /// Revert data or other detail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
}

/// Why there is no answer.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// Nobody listens, or the connection broke.
    #[error("{endpoint} cannot be reached: {reason}")]
    Unreachable {
        /// Where.
        endpoint: String,
        /// Why.
        reason: String,
    },
    /// The node took too long.
    #[error("no answer to {method} within {after_ms} ms")]
    TimedOut {
        /// What was asked.
        method: String,
        /// The limit.
        after_ms: u64,
    },
    /// The answer is not JSON-RPC.
    #[error("the answer to {method} cannot be read: {reason}")]
    Malformed {
        /// What was asked.
        method: String,
        /// Why.
        reason: String,
    },
    /// The node answered with an error.
    #[error("{} (code {})", .0.message, .0.code)]
    Fault(RpcFault),
}

/// Carries JSON-RPC requests. The same validation meets every implementation.
#[async_trait]
pub trait Transport: Send + Sync + 'static {
    /// One request; `params` is a JSON array.
    async fn request(&self, method: &str, params: Value) -> Result<Value, TransportError>;

    /// Several requests, answered in order. One by one unless the transport knows better.
    async fn batch(
        &self,
        calls: Vec<(&'static str, Value)>,
    ) -> Result<Vec<Result<Value, RpcFault>>, TransportError> {
        let mut answers = Vec::with_capacity(calls.len());
        for (method, params) in calls {
            match self.request(method, params).await {
                Ok(value) => answers.push(Ok(value)),
                Err(TransportError::Fault(fault)) => answers.push(Err(fault)),
                Err(error) => return Err(error),
            }
        }
        Ok(answers)
    }
}

/// JSON-RPC over HTTP.
#[derive(Clone, Debug)]
pub struct HttpTransport {
    endpoint: String,
    http: reqwest::Client,
}

const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    id: Value,
    #[serde(default)]
    result: Option<Value>,
    #[serde(default)]
    error: Option<RpcFault>,
}

impl Answer {
    fn into_result(self) -> Result<Value, RpcFault> {
        match self.error {
            Some(fault) => Err(fault),
            None => Ok(self.result.unwrap_or(Value::Null)),
        }
    }
}

impl HttpTransport {
    /// For a node at `endpoint`, such as `http://localhost:8545`.
    pub fn new(endpoint: impl Into<String>) -> Result<Self, TransportError> {
        let endpoint = endpoint.into();
        let http = reqwest::Client::builder().timeout(REQUEST_TIMEOUT).build();
        let http = http.map_err(|error| TransportError::Unreachable {
            endpoint: endpoint.clone(),
            reason: error.to_string(),
        })?;
        Ok(Self { endpoint, http })
    }

    async fn post(&self, method: &str, body: &Value) -> Result<Vec<u8>, TransportError> {
        let failed = |error: reqwest::Error| {
            if error.is_timeout() {
                return TransportError::TimedOut {
                    method: method.to_owned(),
                    after_ms: REQUEST_TIMEOUT.as_millis() as u64,
                };
            }
            TransportError::Unreachable {
                endpoint: self.endpoint.clone(),
                reason: innermost(&error),
            }
        };
        let response = self.http.post(&self.endpoint).json(body).send().await.map_err(failed)?;
        Ok(response.bytes().await.map_err(failed)?.to_vec())
    }
}

/// The last cause of an error: what people can act on.
pub(crate) fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

#[async_trait]
impl Transport for HttpTransport {
    async fn request(&self, method: &str, params: Value) -> Result<Value, TransportError> {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let bytes = self.post(method, &body).await?;
        let answer: Answer = serde_json::from_slice(&bytes).map_err(|error| {
            TransportError::Malformed { method: method.to_owned(), reason: error.to_string() }
        })?;
        answer.into_result().map_err(TransportError::Fault)
    }

    async fn batch(
        &self,
        calls: Vec<(&'static str, Value)>,
    ) -> Result<Vec<Result<Value, RpcFault>>, TransportError> {
        let malformed =
            |reason: String| TransportError::Malformed { method: "batch".into(), reason };
        let body: Vec<Value> = calls
            .iter()
            .enumerate()
            .map(|(id, (method, params))| {
                json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
            })
            .collect();
        let bytes = self.post("batch", &Value::Array(body)).await?;
        let answers: Vec<Answer> =
            serde_json::from_slice(&bytes).map_err(|error| malformed(error.to_string()))?;
        let mut ordered: Vec<Option<Result<Value, RpcFault>>> = vec![None; calls.len()];
        for answer in answers {
            let slot = answer.id.as_u64().and_then(|id| ordered.get_mut(id as usize));
            *slot.ok_or_else(|| malformed("an id that was not asked".into()))? =
                Some(answer.into_result());
        }
        let all: Option<Vec<_>> = ordered.into_iter().collect();
        all.ok_or_else(|| malformed("fewer answers than requests".into()))
    }
}
