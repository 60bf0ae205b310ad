//! A small client of `/api/v1`, for the command line and tests.

use std::time::Duration;

use futures::{Stream, StreamExt};
use reqwest::{Method, RequestBuilder};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use tributary_primitives::Digest;

use crate::{
    ClientError, Signer,
    api::Problem,
    percent::percent_encode,
    transport::{TransportError, innermost},
};

/// Who asks.
#[derive(Clone, Default)]
enum Credential {
    #[default]
    None,
    Key(String),
    Session(String),
}

/// The REST API of a gateway.
#[derive(Clone)]
pub struct Rest {
    base: String,
    credential: Credential,
    http: reqwest::Client,
}

impl std::fmt::Debug for Rest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Rest({})", self.base)
    }
}

/// One event of a server-sent stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerEvent {
    /// Its id, to resume after it.
    pub id: String,
    /// Its name.
    pub event: String,
    /// Its text.
    pub data: String,
}

impl Rest {
    /// For a node at `base`, such as `http://localhost:8545`.
    pub fn new(base: &str) -> Result<Self, ClientError> {
        let http = reqwest::Client::builder().connect_timeout(Duration::from_secs(5)).build();
        let base = base.trim_end_matches('/').to_owned();
        let http = http.map_err(|error| unreachable_at(&base, &error))?;
        Ok(Self { base, credential: Credential::None, http })
    }

    /// Acts for the owner of an API key.
    pub fn with_key(mut self, key: impl Into<String>) -> Self {
        self.credential = Credential::Key(key.into());
        self
    }

    /// Acts for a guest.
    pub fn with_session(mut self, session: impl Into<String>) -> Self {
        self.credential = Credential::Session(session.into());
        self
    }

    /// Where the node is.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Reads. `path` begins with `/`, behind `/api/v1`.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        let request = self.request(Method::GET, &format!("/api/v1{path}"));
        self.answer(path, request).await
    }

    /// Any path of the node as text, such as `/api/v1/samples/newcomer`.
    pub async fn text(&self, path: &str) -> Result<String, ClientError> {
        let response = self.send(self.request(Method::GET, path)).await?;
        response.text().await.map_err(|error| unreachable_at(&self.base, &error))
    }

    /// Writes, with a fresh idempotency key.
    pub async fn post<B: Serialize, T: DeserializeOwned>(
        &self,
        path: &str,
        body: &B,
    ) -> Result<T, ClientError> {
        let request = self.write(Method::POST, path).json(body);
        self.answer(path, request).await
    }

    /// Removes.
    pub async fn delete<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        self.answer(path, self.write(Method::DELETE, path)).await
    }

    /// Uploads a file's bytes.
    pub async fn upload<T: DeserializeOwned>(
        &self,
        filename: &str,
        bytes: Vec<u8>,
    ) -> Result<T, ClientError> {
        let request = self
            .write(Method::POST, &format!("/uploads?filename={}", percent_encode(filename)))
            .header("content-type", "application/octet-stream")
            .body(bytes);
        self.answer("/uploads", request).await
    }

    /// Bytes of a blob, checked against its digest.
    pub async fn blob(&self, digest: &Digest) -> Result<Vec<u8>, ClientError> {
        let path = format!("/blobs/{digest}");
        let request = self.request(Method::GET, &format!("/api/v1{path}"));
        let response = self.send(request).await?;
        let bytes = response.bytes().await.map_err(|error| unreachable_at(&self.base, &error))?;
        if Digest::of(&bytes) != *digest {
            return Err(ClientError::malformed(&path, "the bytes have another digest"));
        }
        Ok(bytes.to_vec())
    }

    /// Any path of the node with a JSON body, such as `/v1/chat/completions`.
    pub async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, ClientError> {
        let mut request = self.request(method, path);
        if let Some(body) = body {
            request = request.json(body);
        }
        self.answer(path, request).await
    }

    /// A server-sent event stream at any path, by GET or, with a body, by POST.
    pub async fn events(
        &self,
        path: &str,
        body: Option<&Value>,
    ) -> Result<impl Stream<Item = Result<ServerEvent, ClientError>> + Send + use<>, ClientError>
    {
        let method = if body.is_some() { Method::POST } else { Method::GET };
        let mut request = self.request(method, path).header("accept", "text/event-stream");
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = self.send(request).await?;
        let base = self.base.clone();
        let chunks = response.bytes_stream().boxed();
        let state = (chunks, Vec::<u8>::new(), base);
        Ok(futures::stream::unfold(state, |(mut chunks, mut buffer, base)| async move {
            loop {
                if let Some((event, rest)) = split_event(&buffer) {
                    buffer = rest;
                    match event {
                        Some(event) => return Some((Ok(event), (chunks, buffer, base))),
                        None => continue,
                    }
                }
                match chunks.next().await? {
                    Ok(bytes) => buffer.extend_from_slice(&bytes),
                    Err(error) => {
                        let error = unreachable_at(&base, &error);
                        let none = futures::stream::empty().boxed();
                        return Some((Err(error), (none, Vec::new(), base)));
                    }
                }
            }
        }))
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        match &self.credential {
            Credential::None => request,
            Credential::Key(key) => request.bearer_auth(key),
            Credential::Session(session) => request.header("x-tributary-session", session),
        }
    }

    fn write(&self, method: Method, path: &str) -> RequestBuilder {
        let fresh = Digest::of(Signer::random().address().as_slice());
        self.request(method, &format!("/api/v1{path}")).header("idempotency-key", fresh.to_string())
    }

    async fn send(&self, request: RequestBuilder) -> Result<reqwest::Response, ClientError> {
        let response = request.send().await.map_err(|error| unreachable_at(&self.base, &error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status().as_u16();
        let body: Value = response.json().await.unwrap_or_default();
        Err(service_error(status, body))
    }

    async fn answer<T: DeserializeOwned>(
        &self,
        path: &str,
        request: RequestBuilder,
    ) -> Result<T, ClientError> {
        let response = self.send(request).await?;
        let bytes = response.bytes().await.map_err(|error| unreachable_at(&self.base, &error))?;
        let bytes: &[u8] = if bytes.is_empty() { b"null" } else { &bytes };
        serde_json::from_slice(bytes).map_err(|error| ClientError::malformed(path, error))
    }
}

/// Problem documents and OpenAI errors alike.
fn service_error(status: u16, body: Value) -> ClientError {
    if let Ok(problem) = serde_json::from_value::<Problem>(body.clone()) {
        let Problem { code, detail: message, hint, .. } = problem;
        return ClientError::Service { status, code, message, hint };
    }
    let text = |name: &str| body["error"][name].as_str().map(str::to_owned);
    ClientError::Service {
        status,
        code: text("code").or_else(|| text("type")).unwrap_or_else(|| "failed".into()),
        message: text("message").unwrap_or_else(|| format!("the node answered with {status}")),
        hint: None,
    }
}

fn unreachable_at(endpoint: &str, error: &reqwest::Error) -> ClientError {
    let reason = innermost(error);
    TransportError::Unreachable { endpoint: endpoint.to_owned(), reason }.into()
}

/// The first whole event of a buffer (`None` inside when it was a comment) and the rest.
fn split_event(buffer: &[u8]) -> Option<(Option<ServerEvent>, Vec<u8>)> {
    let end = buffer.windows(2).position(|pair| pair == b"\n\n")?;
    let (head, rest) = buffer.split_at(end + 2);
    let text = String::from_utf8_lossy(head);
    let mut event = ServerEvent { id: String::new(), event: String::new(), data: String::new() };
    let mut lines = Vec::new();
    for line in text.lines() {
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "id" => event.id = value.to_owned(),
            "event" => event.event = value.to_owned(),
            "data" => lines.push(value),
            _ => {}
        }
    }
    event.data = lines.join("\n");
    let is_event = !lines.is_empty();
    Some((is_event.then_some(event), rest.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_cut_at_blank_lines_and_comments_are_skipped() {
        let buffer = b": heartbeat\n\nid: 4\nevent: head\ndata: {\"n\":1}\n\ndata: half";
        let (comment, rest) = split_event(buffer).expect("a comment");
        assert_eq!(comment, None);
        let (event, rest) = split_event(&rest).expect("an event");
        let event = event.expect("with data");
        assert_eq!((event.id.as_str(), event.event.as_str()), ("4", "head"));
        assert_eq!(event.data, "{\"n\":1}");
        assert_eq!(split_event(&rest), None);
    }

    #[test]
    fn both_error_shapes_become_the_same_error() {
        let problem = serde_json::json!({"status": 404, "title": "no", "code": "unknown_datanet",
            "detail": "there is no datanet 9", "hint": "list them"});
        let openai = serde_json::json!({"error": {"message": "no such model", "type":
            "invalid_request_error", "param": "model", "code": "model_not_found"}});
        for (body, expected) in [(problem, "unknown_datanet"), (openai, "model_not_found")] {
            let ClientError::Service { status, code, .. } = service_error(404, body) else {
                panic!("another error")
            };
            assert_eq!((status, code.as_str()), (404, expected));
        }
    }
}
