//! Lets plain HTML forms use the JSON API: a form post becomes a JSON post, a success becomes a
//! redirect to the form's `next`, a problem becomes a page. With scripts on, none of this runs.

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::Request,
    middleware::{self, Next},
    response::{IntoResponse, Redirect, Response},
};
use http::{HeaderValue, Method, header};
use maud::html;
use serde_json::{Map, Value};

use crate::layout::{Section, Shell};

/// Largest form or answer that is translated.
const LIMIT: usize = 1 << 20;

/// Wraps the API's router. Only requests with `next` in their query are touched.
pub fn accept_forms(api: Router) -> Router {
    api.layer(middleware::from_fn(translate))
}

async fn translate(request: Request, next: Next) -> Response {
    let target = request.uri().query().and_then(next_of);
    let Some(target) = target.filter(|_| request.method() == Method::POST) else {
        return next.run(request).await;
    };
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let form = kind.is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
    let request = if form {
        let (mut parts, body) = request.into_parts();
        let Ok(bytes) = to_bytes(body, LIMIT).await else {
            return problem(&Value::Null);
        };
        let json = Bytes::from(form_to_json(&bytes).to_string());
        parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(json.len()));
        Request::from_parts(parts, Body::from(json))
    } else {
        request
    };
    let (parts, body) = next.run(request).await.into_parts();
    let bytes = to_bytes(body, LIMIT).await.unwrap_or_default();
    let answer: Value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    let mut response = if parts.status.is_success() {
        Redirect::to(&fill(&target, &answer)).into_response()
    } else {
        let mut page = problem(&answer);
        *page.status_mut() = parts.status;
        page
    };
    for cookie in parts.headers.get_all(header::SET_COOKIE) {
        response.headers_mut().append(header::SET_COOKIE, cookie.clone());
    }
    response
}

/// The `next` of a query, if it stays on this site.
fn next_of(query: &str) -> Option<String> {
    let pairs: Vec<(String, String)> = pairs(query.as_bytes());
    let (_, target) = pairs.into_iter().find(|(name, _)| name == "next")?;
    let local = target.starts_with('/') && !target.starts_with("//") && !target.contains('\\');
    (local && !target.chars().any(char::is_control)).then_some(target)
}

/// Fields as a JSON object; `name:number` fields become numbers, empty ones are left out.
fn form_to_json(body: &[u8]) -> Value {
    let mut object = Map::new();
    for (name, value) in pairs(body) {
        if value.is_empty() {
            continue;
        }
        match name.strip_suffix(":number") {
            Some(name) => {
                let number = value.parse::<u64>().map_or(Value::String(value), Value::from);
                object.insert(name.to_owned(), number);
            }
            None => {
                object.insert(name, Value::String(value));
            }
        }
    }
    Value::Object(object)
}

/// Puts fields of the answer into `{field}` places of the target.
fn fill(target: &str, answer: &Value) -> String {
    let mut filled = target.to_owned();
    for (name, value) in answer.as_object().into_iter().flatten() {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => continue,
        };
        let safe = text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
        if safe {
            filled = filled.replace(&format!("{{{name}}}"), &text);
        }
    }
    filled
}

fn pairs(encoded: &[u8]) -> Vec<(String, String)> {
    let text = String::from_utf8_lossy(encoded);
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(value))
        })
        .collect()
}

/// Percent-decoding with `+` as a blank.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let digits: Option<[u8; 2]> = rest.next().zip(rest.next()).map(|(a, b)| [a, b]);
                let decoded = digits.and_then(|digits| {
                    let digits = std::str::from_utf8(&digits).ok()?;
                    u8::from_str_radix(digits, 16).ok()
                });
                bytes.push(decoded.unwrap_or(b'?'));
            }
            other => bytes.push(other),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn problem(answer: &Value) -> Response {
    let text = |name: &str| answer.get(name).and_then(Value::as_str).unwrap_or_default();
    let title = if text("title").is_empty() { "That did not work" } else { text("title") };
    let place = |name: &str| answer.get(name).and_then(Value::as_u64);
    let body = html! {
        section.notice.page-notice {
            h1 { (title) }
            p { (text("detail")) }
            @if let Some(row) = place("row") {
                p { "Row " (row) @if let Some(column) = place("column") { ", column " (column) } "." }
            }
            @if !text("hint").is_empty() { p.muted { (text("hint")) } }
            @if !text("code").is_empty() { p.muted { "Code " code { (text("code")) } } }
            p { "Go back with your browser: what you entered is still there." }
        }
    };
    let page = Shell { title, section: Section::None, visitor: None, live: None, body };
    page.render().into_response()
}

#[cfg(test)]
mod tests {
    use axum::{Json, routing::post};
    use serde_json::json;
    use tower::ServiceExt;

    use super::*;

    fn api() -> Router {
        let echo = |Json(body): Json<Value>| async move {
            if body.get("fail").is_some() {
                let problem = json!({"title": "Too short", "detail": "Row is empty", "row": 3});
                return (http::StatusCode::UNPROCESSABLE_ENTITY, Json(problem)).into_response();
            }
            let set = [(header::SET_COOKIE, "a=b")];
            (set, Json(json!({"id": 7, "seen": body}))).into_response()
        };
        accept_forms(Router::new().route("/api/v1/jobs", post(echo)))
    }

    async fn submit(query: &str, form: &'static str) -> Response {
        let request = Request::post(format!("/api/v1/jobs?{query}"))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(form))
            .unwrap();
        api().oneshot(request).await.unwrap()
    }

    #[tokio::test]
    async fn a_form_post_redirects_to_its_next_with_the_answers_fields() {
        let response = submit("next=%2Fjobs%2F%7Bid%7D", "datanet:number=3&preset=quick").await;
        assert_eq!(response.status(), http::StatusCode::SEE_OTHER);
        assert_eq!(response.headers()[header::LOCATION], "/jobs/7");
        assert_eq!(response.headers()[header::SET_COOKIE], "a=b");
    }

    #[tokio::test]
    async fn a_problem_becomes_a_page_with_its_place() {
        let response = submit("next=%2F", "fail=1").await;
        assert_eq!(response.status(), http::StatusCode::UNPROCESSABLE_ENTITY);
        let page = to_bytes(response.into_body(), LIMIT).await.unwrap();
        let page = String::from_utf8(page.to_vec()).unwrap();
        assert!(page.contains("Too short") && page.contains("Row 3"));
    }

    #[tokio::test]
    async fn a_next_on_another_site_is_no_form_post() {
        for target in ["https:%2F%2Fevil", "%2F%2Fevil", "%2F%5Cevil"] {
            let response = submit(&format!("next={target}"), "a=1").await;
            assert_ne!(response.status(), http::StatusCode::SEE_OTHER, "{target}");
        }
    }

    #[test]
    fn fields_become_json_and_answers_cannot_smuggle_paths() {
        let json = form_to_json(b"datanet:number=3&name=a+b%21&empty=");
        assert_eq!(json, json!({"datanet": 3, "name": "a b!"}));
        assert_eq!(fill("/x/{id}", &json!({"id": "a/../b"})), "/x/{id}");
        assert_eq!(decode("%zz%4"), "??");
    }
}
