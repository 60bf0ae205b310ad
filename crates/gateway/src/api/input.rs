//! Bodies as JSON or as forms, and answers that redirect when a page without scripts asked.

use std::borrow::Cow;

use axum::{
    Json,
    body::Bytes,
    extract::{FromRequest, Request, rejection::BytesRejection},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::Next as Inner,
    response::{IntoResponse, Response},
};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};
use serde_json::Value;
use tributary_client::{api::schema::MoneyAsked, percent_encode};
use tributary_primitives::Amount;

use crate::Refusal;

/// A body of JSON or form fields. No body reads as an empty object.
pub struct Input<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Input<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        let kind = content_type(request.headers()).to_owned();
        let bytes = Bytes::from_request(request, state).await.map_err(too_large)?;
        read(&kind, &bytes).map(Self)
    }
}

fn too_large(rejection: BytesRejection) -> Refusal {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return Refusal::too_large("the body is above its limit");
    }
    Refusal::new(rejection.status(), "unreadable_body", rejection.body_text())
}

pub(super) fn content_type(headers: &HeaderMap) -> &str {
    headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn read<T: DeserializeOwned>(kind: &str, bytes: &[u8]) -> Result<T, Refusal> {
    let malformed = |detail: String| Refusal::new(StatusCode::BAD_REQUEST, "invalid_body", detail);
    if kind.starts_with("application/x-www-form-urlencoded") {
        // Browsers send empty fields for what nobody filled in.
        let pairs: Vec<(String, String)> =
            serde_urlencoded::from_bytes(bytes).map_err(|error| malformed(error.to_string()))?;
        let filled: Vec<_> = pairs.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        let text =
            serde_urlencoded::to_string(filled).map_err(|error| malformed(error.to_string()))?;
        return serde_urlencoded::from_str(&text).map_err(|error| malformed(error.to_string()));
    }
    let bytes = if bytes.iter().all(u8::is_ascii_whitespace) { b"{}".as_slice() } else { bytes };
    serde_json::from_slice(bytes).map_err(|error| malformed(error.to_string()))
}

/// Money in a body: whole wei, or OPEN when it has a point or the word behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Money(pub Amount);

impl JsonSchema for Money {
    fn inline_schema() -> bool {
        MoneyAsked::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        MoneyAsked::schema_name()
    }

    fn json_schema(schemas: &mut SchemaGenerator) -> Schema {
        MoneyAsked::json_schema(schemas)
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Number(u64),
            Text(String),
        }
        match Form::deserialize(deserializer)? {
            Form::Number(wei) => Ok(Self(Amount::from_wei(wei.into()))),
            Form::Text(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => {
                let wei = text.parse().map_err(D::Error::custom)?;
                Ok(Self(Amount::from_wei(wei)))
            }
            Form::Text(text) => text.parse().map(Self).map_err(D::Error::custom),
        }
    }
}

/// Where a page goes after its form.
#[derive(Clone, Debug)]
pub struct Next(pub String);

/// The answer to a write, with the status that its description names.
pub struct Done<T, const STATUS: u16 = 200> {
    body: T,
    next: Option<String>,
}

impl<T, const STATUS: u16> Done<T, STATUS> {
    /// With the page that a form without scripts goes to.
    pub fn new(body: T, next: impl Into<String>) -> Self {
        Self { body, next: Some(next.into()) }
    }

    /// With a secret that is given once: a page without scripts is not sent on, or nobody saw it.
    pub fn shown_once(body: T) -> Self {
        Self { body, next: None }
    }
}

impl<T: Serialize, const STATUS: u16> IntoResponse for Done<T, STATUS> {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(STATUS).unwrap_or(StatusCode::OK);
        let mut response = (status, Json(self.body)).into_response();
        match self.next {
            Some(next) => {
                response.extensions_mut().insert(Next(next));
            }
            None => {
                let never = HeaderValue::from_static("no-store");
                response.headers_mut().insert(header::CACHE_CONTROL, never);
            }
        }
        response
    }
}

/// Turns the answers to forms of pages into redirects: forward on success, back on refusal.
pub async fn redirect_forms(request: Request, next: Inner) -> Response {
    let wants_page = *request.method() == Method::POST
        && accepts_page(request.headers())
        && is_form(content_type(request.headers()));
    let wanted = query_next(request.uri().query().unwrap_or_default());
    let back = request.headers().get(header::REFERER).and_then(|value| value.to_str().ok());
    let back = back.and_then(local_path).unwrap_or_else(|| "/".to_owned());
    let response = next.run(request).await;
    if !wants_page {
        return response;
    }
    if !response.status().is_success() {
        return problem_page(response, &back).await;
    }
    // An answer without a next page is shown as it is: it holds a secret that is given once.
    let Some(own) = response.extensions().get::<Next>().map(|next| next.0.clone()) else {
        return response;
    };
    let target = wanted.unwrap_or(own);
    let mut redirect = StatusCode::SEE_OTHER.into_response();
    if let Ok(location) = HeaderValue::from_str(&target) {
        redirect.headers_mut().insert(header::LOCATION, location);
    }
    for cookie in response.headers().get_all(header::SET_COOKIE) {
        redirect.headers_mut().append(header::SET_COOKIE, cookie.clone());
    }
    redirect
}

/// Back to the form, with what went wrong.
async fn problem_page(response: Response, back: &str) -> Response {
    let bytes = axum::body::to_bytes(response.into_body(), 64 << 10).await.unwrap_or_default();
    let problem: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let text = |name: &str| percent_encode(problem[name].as_str().unwrap_or_default());
    let (path, fragment) = back.split_once('#').unwrap_or((back, ""));
    let path = path.split("problem=").next().unwrap_or(path).trim_end_matches(['?', '&']);
    let joint = if path.contains('?') { '&' } else { '?' };
    let hash = if fragment.is_empty() { "" } else { "#" };
    let target = format!(
        "{path}{joint}problem={}&hint={}&code={}{hash}{fragment}",
        text("detail"),
        text("hint"),
        text("code")
    );
    let mut redirect = StatusCode::SEE_OTHER.into_response();
    if let Ok(location) = HeaderValue::from_str(&target) {
        redirect.headers_mut().insert(header::LOCATION, location);
    }
    redirect
}

fn accepts_page(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.starts_with("text/html"))
}

fn is_form(kind: &str) -> bool {
    kind.starts_with("application/x-www-form-urlencoded") || kind.starts_with("multipart/form-data")
}

fn query_next(query: &str) -> Option<String> {
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(query).ok()?;
    let next = pairs.into_iter().find(|(name, _)| name == "next")?.1;
    // A path of our own, never another site.
    (next.starts_with('/') && !next.starts_with("//") && !next.contains('\\')).then_some(next)
}

fn local_path(referer: &str) -> Option<String> {
    let uri: axum::http::Uri = referer.parse().ok()?;
    uri.path_and_query().map(ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Key {
        name: Option<String>,
        cap: Money,
        count: Option<u32>,
    }

    #[test]
    fn json_and_forms_read_alike_and_empty_fields_are_absent() {
        let wei = Amount::from_wei(1_500_000_000_000_000_000);
        let json: Key =
            read("application/json", br#"{"name":"a b","cap":"1500000000000000000","count":2}"#)
                .unwrap();
        let form = "application/x-www-form-urlencoded";
        let from_form: Key = read(form, b"name=a+b&cap=1.5&count=2").unwrap();
        assert_eq!(json, from_form);
        assert_eq!(json, Key { name: Some("a b".into()), cap: Money(wei), count: Some(2) });
        let bare: Key = read(form, b"name=&cap=1.5+OPEN&count=").unwrap();
        assert_eq!(bare, Key { name: None, cap: Money(wei), count: None });
        assert!(read::<Key>(form, b"cap=-1").is_err());
        assert!(read::<Key>("application/json", b"{").is_err());
    }

    #[test]
    fn a_form_never_leads_to_another_site() {
        assert_eq!(query_next("next=%2Fjobs%2F1").as_deref(), Some("/jobs/1"));
        for bad in ["next=https%3A%2F%2Fevil", "next=%2F%2Fevil", "next=%2F%5Cevil", "x=1"] {
            assert_eq!(query_next(bad), None, "{bad}");
        }
        assert_eq!(local_path("http://evil.example/x?y=1").as_deref(), Some("/x?y=1"));
    }
}
