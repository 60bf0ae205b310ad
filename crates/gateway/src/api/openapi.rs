//! The interface's own description, from the code that serves it.

use axum::Json;
use serde_json::{Value, json};

/// One operation.
struct Operation {
    method: &'static str,
    path: &'static str,
    summary: &'static str,
    auth: Auth,
    success: u16,
}

/// Who may call.
#[derive(Clone, Copy)]
enum Auth {
    Anyone,
    Reader,
    Guest,
}

const fn op(
    method: &'static str,
    path: &'static str,
    auth: Auth,
    success: u16,
    summary: &'static str,
) -> Operation {
    Operation { method, path, summary, auth, success }
}

use Auth::{Anyone, Guest, Reader};

/// Every route of this interface; a test compares the list with the router.
const OPERATIONS: [Operation; 47] = [
    op("get", "/status", Anyone, 200, "What is running"),
    op("get", "/stats", Anyone, 200, "How much of it"),
    op("get", "/events", Anyone, 200, "Server-sent events by topic"),
    op("get", "/openapi.json", Anyone, 200, "This document"),
    op("post", "/guests", Anyone, 201, "A guest with OPEN and a session"),
    op("get", "/session", Reader, 200, "Who the caller is"),
    op("delete", "/session", Anyone, 200, "End the session"),
    op("post", "/session/leave", Anyone, 200, "End the session, for forms"),
    op("post", "/session/export", Guest, 200, "Show the guest's key, once"),
    op("get", "/accounts/{address}", Anyone, 200, "Balances and earnings"),
    op("get", "/accounts/{address}/earnings", Anyone, 200, "Shares, newest first"),
    op("post", "/claims", Reader, 200, "Pay what an account has earned"),
    op("get", "/keys", Reader, 200, "The caller's API keys"),
    op("post", "/keys", Guest, 201, "A key with a cap on chain"),
    op("post", "/keys/prepare", Anyone, 200, "Calls that open a channel for a wallet's key"),
    op("post", "/keys/register", Anyone, 201, "Make a wallet's key known"),
    op("get", "/keys/default", Reader, 200, "The key of the caller's own chat"),
    op("delete", "/keys/{id}", Guest, 200, "Stop a key"),
    op("post", "/keys/{id}/revoke", Guest, 200, "Stop a key, for forms"),
    op("post", "/keys/{id}/top-up", Guest, 200, "Raise a key's cap"),
    op("get", "/datanets", Anyone, 200, "Datanets"),
    op("post", "/datanets", Guest, 202, "Open a datanet"),
    op("post", "/datanets/prepare", Anyone, 200, "The call that opens a datanet"),
    op("get", "/datanets/{id}", Anyone, 200, "A datanet with its contributions"),
    op("get", "/datanets/{id}/rows", Anyone, 200, "Published rows"),
    op("get", "/datanets/{id}/versions", Anyone, 200, "Frozen versions"),
    op("get", "/datanets/{id}/earnings", Anyone, 200, "What its rows have earned"),
    op("post", "/datanets/{id}/publish", Guest, 202, "Freeze the next version"),
    op(
        "post",
        "/datanets/{id}/trace",
        Anyone,
        200,
        "Verbatim spans of a text in the newest version",
    ),
    op("post", "/datanets/{id}/contributions", Guest, 202, "Contribute an upload"),
    op("post", "/datanets/{id}/contributions/prepare", Anyone, 200, "The calls that contribute"),
    op("get", "/contributions/{id}", Anyone, 200, "A contribution and its steps"),
    op("get", "/records/{id}", Anyone, 200, "A record and what it earned"),
    op("get", "/samples/newcomer", Anyone, 200, "Sample rows as JSONL"),
    op("get", "/blobs/{digest}", Anyone, 200, "A public file by its digest"),
    op("post", "/uploads", Anyone, 201, "Read and check a file"),
    op("get", "/models", Anyone, 200, "Models"),
    op("get", "/models/{id}", Anyone, 200, "A model with its lineage"),
    op("get", "/presets", Anyone, 200, "Training presets"),
    op("get", "/jobs", Anyone, 200, "Training jobs"),
    op("post", "/jobs", Guest, 202, "Start a training"),
    op("post", "/jobs/quote", Anyone, 200, "Price and time of a training"),
    op("post", "/jobs/prepare", Anyone, 200, "The call that buys a training"),
    op("get", "/jobs/{id}", Anyone, 200, "A job with its loss curve"),
    op("get", "/jobs/{id}/events", Anyone, 200, "Progress as server-sent events"),
    op("post", "/jobs/{id}/cancel", Guest, 202, "Call a job off"),
    op("get", "/receipts", Anyone, 200, "Receipts, newest first"),
];

const RECEIPT_OPERATIONS: [Operation; 4] = [
    op("get", "/receipts/{id}", Anyone, 200, "A receipt and where its money is"),
    op("get", "/receipts/{id}/transcript", Reader, 200, "The private side, for its payer"),
    op("get", "/receipts/{id}/verify", Anyone, 200, "Check all that can be recomputed"),
    op("get", "/roots/{hash}", Anyone, 200, "Leaves and receipts behind a posted root"),
];

pub(super) async fn document() -> Json<Value> {
    let mut paths = serde_json::Map::new();
    for operation in OPERATIONS.iter().chain(&RECEIPT_OPERATIONS) {
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        path[operation.method] = describe(operation);
    }
    Json(json!({
        "openapi": "3.1.0",
        "info": {"title": "Tributary", "version": "1", "license": {"name": "MIT OR Apache-2.0"}},
        "servers": [{"url": "/api/v1"}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": "tributary_session"},
                "token": {"type": "apiKey", "in": "header", "name": "x-tributary-session"},
            },
            "schemas": {"Problem": problem_schema()},
        },
    }))
}

fn describe(operation: &Operation) -> Value {
    let parameters: Vec<Value> = operation
        .path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| {
            json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}})
        })
        .collect();
    let refused = json!({"description": "Refused: what happened and what to do", "content":
        {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}});
    let security = match operation.auth {
        Anyone => json!([]),
        Reader => json!([{"key": []}, {"session": []}, {"token": []}]),
        Guest => json!([{"session": []}, {"token": []}]),
    };
    let mut described = json!({
        "summary": operation.summary, "parameters": parameters, "security": security,
        "responses": {"default": refused},
    });
    described["responses"][operation.success.to_string()] =
        json!({"description": operation.summary});
    described
}

fn problem_schema() -> Value {
    json!({
        "type": "object", "required": ["title", "status", "detail", "code"],
        "properties": {
            "type": {"type": "string"}, "title": {"type": "string"},
            "status": {"type": "integer"}, "detail": {"type": "string"},
            "code": {"type": "string"}, "hint": {"type": "string"},
            "row": {"type": "integer"}, "column": {"type": "integer"},
        },
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// `get /status` and so on, out of the router's source.
    fn served() -> BTreeSet<String> {
        let source: String =
            include_str!("mod.rs").chars().filter(|c| !c.is_whitespace()).collect();
        let mut served = BTreeSet::new();
        for route in source.split(".route(\"").skip(1) {
            let (path, handlers) = route.split_once("\",").expect("a route has handlers");
            let handlers = handlers.split(".route(").next().unwrap_or_default();
            let handlers = handlers.split(".layer(").next().unwrap_or_default();
            for method in ["get", "post", "delete"] {
                if handlers.contains(&format!("{method}(")) {
                    served.insert(format!("{method} {}", path.replace("{*", "{")));
                }
            }
        }
        served
    }

    #[test]
    fn the_document_names_every_route_and_no_other() {
        let listed = OPERATIONS.iter().chain(&RECEIPT_OPERATIONS);
        let listed: BTreeSet<String> =
            listed.map(|operation| format!("{} {}", operation.method, operation.path)).collect();
        assert_eq!(listed, served());
    }
}
