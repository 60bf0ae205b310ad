//! What guards every request: keys, hosts, sites, rates, and repeated requests.

use axum::{body::Body, http::Request};
use serde_json::{Value, json};
use tower::ServiceExt;
use tributary_gateway::Rate;

use crate::fake::{MODEL, World, bytes_of, json_of};

fn chat(text: &str) -> Value {
    json!({"model": MODEL, "messages": [{"role": "user", "content": text}], "max_tokens": 2})
}

async fn raw(world: &World, request: axum::http::request::Builder) -> (u16, Value) {
    let request = request.body(Body::empty()).expect("a request");
    let response = world.router.clone().oneshot(request).await.expect("an answer");
    (response.status().as_u16(), json_of(response).await)
}

#[tokio::test]
async fn the_same_request_again_gets_the_same_bytes_and_pays_once() {
    let world = World::new(1_000_000).await;
    for stream in [false, true] {
        let before = world.key().spent;
        let mut body = chat("again");
        body["stream"] = stream.into();
        let key = format!("once-{stream}");
        let headers = [("idempotency-key", key.as_str())];
        let first = world.post("/v1/chat/completions", body.clone(), &headers).await;
        let first = bytes_of(first).await;
        let spent = world.key().spent;
        let again = world.post("/v1/chat/completions", body.clone(), &headers).await;
        assert_eq!(again.headers()["idempotency-replayed"], "true");
        assert!(again.headers()["content-type"].to_str().is_ok_and(|kind| {
            kind.starts_with(if stream { "text/event-stream" } else { "application/json" })
        }));
        assert_eq!(bytes_of(again).await, first);
        assert_eq!(world.key().spent, spent);
        assert!(spent > before);
        let other = world.post("/v1/chat/completions", chat("other"), &headers).await;
        assert_eq!(other.status().as_u16(), 422);
        assert_eq!(json_of(other).await["error"]["code"], "key_reused");
    }
}

#[tokio::test]
async fn a_flood_is_told_when_to_come_back() {
    let slow = Rate { per_minute: 60, burst: 2 };
    let world = World::with(1_000_000, |config| config.key_rate = slow).await;
    let mut statuses = Vec::new();
    for _ in 0..3 {
        let response = world.post("/v1/chat/completions", chat("x"), &[]).await;
        statuses.push(response.status().as_u16());
        if response.status().as_u16() == 429 {
            assert_eq!(response.headers()["retry-after"], "1");
        }
    }
    assert_eq!(statuses, [200, 200, 429]);
}

#[tokio::test]
async fn strangers_are_refused_in_the_words_of_their_interface() {
    let world = World::new(1).await;
    let host = ("host", "localhost:8545");
    let get = |path: &str| Request::get(path).header(host.0, host.1);
    let (status, body) = raw(&world, get("/v1/models")).await;
    assert_eq!((status, &body["error"]["type"]), (401, &json!("authentication_error")));
    let wrong = get("/v1/models").header("authorization", "Bearer trib_sk_00");
    let (status, body) = raw(&world, wrong).await;
    assert_eq!((status, &body["error"]["code"]), (401, &json!("invalid_api_key")));
    let (status, body) = raw(&world, get("/api/v1/session")).await;
    assert_eq!((status, &body["code"]), (401, &json!("no_credentials")));
    let (status, body) = raw(&world, get("/api/v1/nothing")).await;
    assert_eq!((status, &body["code"]), (404, &json!("endpoint_not_found")));
    let elsewhere = Request::get("/api/v1/presets").header("host", "evil.example");
    let (status, body) = raw(&world, elsewhere).await;
    assert_eq!((status, &body["code"]), (403, &json!("host_refused")));
    let cross = Request::post("/api/v1/guests")
        .header(host.0, host.1)
        .header("sec-fetch-site", "cross-site");
    let (status, body) = raw(&world, cross).await;
    assert_eq!((status, &body["code"]), (403, &json!("cross_site")));
    let guests = Request::post("/api/v1/guests").header(host.0, host.1);
    let (status, body) = raw(&world, guests).await;
    assert_eq!((status, &body["code"]), (403, &json!("guests_off")));
}

#[tokio::test]
async fn an_unknown_model_and_an_empty_prompt_are_named() {
    let world = World::new(1_000_000).await;
    let mut other = chat("x");
    other["model"] = "nobody/nothing".into();
    let response = world.post("/v1/chat/completions", other, &[]).await;
    assert_eq!(response.status().as_u16(), 404);
    assert_eq!(json_of(response).await["error"]["code"], "model_not_found");
    let response = world.post("/v1/chat/completions", chat(" "), &[]).await;
    assert_eq!(response.status().as_u16(), 400);
    assert_eq!(json_of(response).await["error"]["code"], "empty_prompt");
    let response = world.post("/v1/chat/completions", chat(&"x".repeat(300_000)), &[]).await;
    assert_eq!(response.status().as_u16(), 413);
    assert_eq!(json_of(response).await["error"]["code"], "context_length_exceeded");
}

#[tokio::test]
async fn a_malformed_upload_names_row_and_column_and_keeps_nothing() {
    let world = World::new(1).await;
    let rows = "{\"text\":\"The brown teapot of Aldermoor holds nine cups.\"}\n{\"text\": nope}\n";
    let path = "/api/v1/uploads?filename=rows.jsonl";
    let request = Request::post(path)
        .header("host", "localhost:8545")
        .header("authorization", format!("Bearer {}", world.secret.reveal().as_str()))
        .body(Body::from(rows))
        .expect("a request");
    let response = world.router.clone().oneshot(request).await.expect("an answer");
    assert_eq!(response.status().as_u16(), 422);
    let problem = json_of(response).await;
    assert_eq!(problem["row"], 2, "{problem}");
    assert!(problem["column"].as_u64().is_some(), "{problem}");
    assert!(world.index.uploads(world.key().owner, 10).expect("a read").is_empty());
}

#[tokio::test]
async fn a_path_query_or_method_that_does_not_fit_is_a_problem_too() {
    let world = World::new(1).await;
    let host = ("host", "localhost:8545");
    for (path, expected) in [("/api/v1/datanets/abc", 400), ("/api/v1/models?limit=x", 400)] {
        let (status, body) = raw(&world, Request::get(path).header(host.0, host.1)).await;
        assert_eq!(status, expected, "{path}");
        assert!(body["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{body}");
    }
    let wrong = Request::delete("/api/v1/status").header(host.0, host.1);
    let (status, body) = raw(&world, wrong).await;
    assert_eq!((status, &body["code"]), (405, &json!("method_not_allowed")));
}
