//! HTTP as any program speaks it: every status is an answer, only silence is an error.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

/// Longest wait for one answer.
const PATIENCE: Duration = Duration::from_secs(120);
/// Largest answer that is read.
const ANSWER_SIZE_BYTES: u64 = 64 << 20;

/// A client of one node with one credential.
#[derive(Clone)]
pub struct Http {
    agent: ureq::Agent,
    base: String,
    headers: Vec<(String, String)>,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Headers by lower-case name.
    pub headers: Vec<(String, String)>,
    /// The whole body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as JSON, or null.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The JSON of a success; anything else is an error that shows it.
    pub fn ok(&self) -> Result<Value> {
        ensure!((200..300).contains(&self.status), "status {}: {}", self.status, self.text());
        Ok(self.json())
    }
}

impl Http {
    /// For a node at `base`, as nobody.
    pub fn new(base: &str) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(PATIENCE))
            .build();
        Self { agent: config.into(), base: base.trim_end_matches('/').to_owned(), headers: vec![] }
    }

    /// Where the node is.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The same credential at another address: a node that was started again.
    pub fn at(&self, base: &str) -> Self {
        Self { headers: self.headers.clone(), ..Self::new(base) }
    }

    /// With one more header.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// As the holder of an API key.
    pub fn with_key(self, key: &str) -> Self {
        self.with("authorization", &format!("Bearer {key}"))
    }

    /// As a guest.
    pub fn with_session(self, session: &str) -> Self {
        self.with("x-tributary-session", session)
    }

    /// Reads.
    pub fn get(&self, path: &str) -> Result<Answer> {
        let mut request = self.agent.get(format!("{}{path}", self.base));
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        read(request.call().with_context(|| format!("GET {path}"))?)
    }

    /// Writes a JSON body.
    pub fn post(&self, path: &str, body: &Value) -> Result<Answer> {
        self.send(path, "application/json", body.to_string().as_bytes())
    }

    /// Writes bytes.
    pub fn send(&self, path: &str, kind: &str, body: &[u8]) -> Result<Answer> {
        let request = self.agent.post(format!("{}{path}", self.base));
        let mut request = request.header("content-type", kind);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        read(request.send(body).with_context(|| format!("POST {path}"))?)
    }

    /// The result of a JSON-RPC call; a fault is an error.
    pub fn rpc(&self, method: &str, params: Value) -> Result<Value> {
        let call = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let answer = self.post("/", &call)?.ok()?;
        let result = answer.get("result").cloned();
        result.with_context(|| format!("{method}: {answer}"))
    }
}

fn read(response: ureq::http::Response<ureq::Body>) -> Result<Answer> {
    let (parts, mut body) = response.into_parts();
    let headers = parts.headers.iter().map(|(name, value)| {
        (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    });
    let headers = headers.collect();
    let body = body.with_config().limit(ANSWER_SIZE_BYTES).read_to_vec()?;
    Ok(Answer { status: parts.status.as_u16(), headers, body })
}
