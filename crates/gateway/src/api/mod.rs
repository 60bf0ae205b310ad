//! `/api/v1`: everything the console, the command line and scripts do.
//!
//! Writes are prepared calls; a guest's key signs the same bytes that a wallet would. Every write
//! also takes a form and then answers with a redirect, so pages work without scripts.

mod accounts;
mod blobs;
mod claims;
mod contributions;
mod datanets;
mod describe;
mod events;
mod guests;
mod input;
mod jobs;
mod keys;
mod models;
mod openapi;
mod prompts;
mod receipts;
mod status;
mod trace;
mod uploads;

use std::sync::Arc;

use axum::{
    Router,
    extract::{DefaultBodyLimit, OriginalUri},
};
use tributary_primitives::limits;

pub use claims::claim_for_party;
pub use events::Hub;
pub use input::redirect_forms;
pub use openapi::openapi;
pub use trace::Traced;

use crate::{Refusal, shared::Shared};
use describe::{
    Api,
    Auth::{Anyone, Guest, Reader},
};

/// The routes below `/api/v1`.
pub fn router() -> Router<Arc<Shared>> {
    api().into_router().fallback(unknown)
}

/// The routes with their description.
fn api() -> Api {
    // The file route first: the limit of its body is wider than that of all others.
    let files = Api::default()
        .route(("post", "/uploads", Anyone, "Read and check a file"), uploads::create)
        .map(|router| router.layer(DefaultBodyLimit::max(limits::UPLOAD_SIZE_BYTES)));
    let rest = work(data(people(service(files))));
    rest.map(|router| router.layer(DefaultBodyLimit::max(limits::BODY_SIZE_BYTES)))
}

fn service(api: Api) -> Api {
    api.route(("get", "/status", Anyone, "What is running"), status::status)
        .route(("get", "/stats", Anyone, "How much of it"), status::stats)
        .route(("get", "/events", Anyone, "Server-sent events by topic"), events::events)
        .route(("get", "/openapi.json", Anyone, "This document"), openapi::document)
}

fn people(api: Api) -> Api {
    api.route(("post", "/guests", Anyone, "A guest with OPEN and a session"), guests::create)
        .route(("get", "/session", Reader, "Who the caller is"), guests::session)
        .route(("delete", "/session", Anyone, "End the session"), guests::leave)
        .route(("post", "/session/leave", Anyone, "End the session, for forms"), guests::leave)
        .route(("post", "/session/export", Guest, "Show the guest's key, once"), guests::export)
        .route(("get", "/accounts/{address}", Anyone, "Balances and earnings"), accounts::show)
        .route(
            ("get", "/accounts/{address}/earnings", Anyone, "Shares, newest first"),
            accounts::earnings,
        )
        .route(("post", "/claims", Reader, "Pay what an account has earned"), claims::create)
        .route(("get", "/keys", Reader, "The caller's API keys"), keys::list)
        .route(("post", "/keys", Guest, "A key with a cap on chain"), keys::create)
        .route(
            ("post", "/keys/prepare", Anyone, "Calls that open a channel for a wallet's key"),
            keys::prepare,
        )
        .route(("post", "/keys/register", Anyone, "Make a wallet's key known"), keys::register)
        .route(("get", "/keys/default", Reader, "The key of the caller's own chat"), keys::own)
        .route(("delete", "/keys/{id}", Guest, "Stop a key"), keys::revoke)
        .route(("post", "/keys/{id}/revoke", Guest, "Stop a key, for forms"), keys::revoke)
        .route(("post", "/keys/{id}/top-up", Guest, "Raise a key's cap"), keys::top_up)
}

fn data(api: Api) -> Api {
    api.route(("get", "/datanets", Anyone, "Datanets"), datanets::list)
        .route(("post", "/datanets", Guest, "Open a datanet"), datanets::create)
        .route(
            ("post", "/datanets/prepare", Anyone, "The call that opens a datanet"),
            datanets::prepare,
        )
        .route(
            ("get", "/datanets/{id}", Anyone, "A datanet with its contributions"),
            datanets::show,
        )
        .route(("get", "/datanets/{id}/rows", Anyone, "Published rows"), datanets::rows)
        .route(("get", "/datanets/{id}/versions", Anyone, "Frozen versions"), datanets::versions)
        .route(
            ("get", "/datanets/{id}/earnings", Anyone, "What its rows have earned"),
            datanets::earnings,
        )
        .route(
            ("post", "/datanets/{id}/publish", Guest, "Freeze the next version"),
            datanets::publish,
        )
        .route(
            ("post", "/datanets/{id}/trace", Anyone, "Verbatim spans in the newest version"),
            trace::trace,
        )
        .route(
            ("post", "/datanets/{id}/contributions", Guest, "Contribute an upload"),
            contributions::create,
        )
        .route(
            ("post", "/datanets/{id}/contributions/prepare", Anyone, "The calls that contribute"),
            contributions::prepare,
        )
        .route(
            ("get", "/contributions/{id}", Anyone, "A contribution and its steps"),
            contributions::show,
        )
        .route(("get", "/records/{id}", Anyone, "A record and what it earned"), datanets::record)
        .route(("get", "/samples/newcomer", Anyone, "Sample rows as JSONL"), uploads::samples)
        .route(("get", "/blobs/{digest}", Anyone, "A public file by its digest"), blobs::show)
}

fn work(api: Api) -> Api {
    api.route(("get", "/models", Anyone, "Models"), models::list)
        .route(("get", "/models/{*id}", Anyone, "A model with its lineage"), models::show)
        .route(("get", "/presets", Anyone, "Training presets"), jobs::presets)
        .route(("get", "/jobs", Anyone, "Training jobs"), jobs::list)
        .route(("post", "/jobs", Guest, "Start a training"), jobs::create)
        .route(("post", "/jobs/quote", Anyone, "Price and time of a training"), jobs::quote)
        .route(("post", "/jobs/prepare", Anyone, "The call that buys a training"), jobs::prepare)
        .route(("get", "/jobs/{id}", Anyone, "A job with its loss curve"), jobs::show)
        .route(("get", "/jobs/{id}/events", Anyone, "Progress as server-sent events"), jobs::events)
        .route(("post", "/jobs/{id}/cancel", Guest, "Call a job off"), jobs::cancel)
        .route(("post", "/prompts", Reader, "Leave a prompt for a task on chain"), prompts::create)
        .route(("get", "/receipts", Anyone, "Receipts, newest first"), receipts::list)
        .route(
            ("get", "/receipts/{id}", Anyone, "A receipt and where its money is"),
            receipts::show,
        )
        .route(
            ("get", "/receipts/{id}/transcript", Reader, "The private side, for its payer"),
            receipts::transcript,
        )
        .route(
            ("get", "/receipts/{id}/acknowledgements", Anyone, "Signed debts to its payees"),
            receipts::acknowledgements,
        )
        .route(
            ("get", "/receipts/{id}/verify", Anyone, "Check all that can be recomputed"),
            receipts::verify,
        )
        .route(
            ("get", "/roots/{hash}", Anyone, "Leaves and receipts behind a posted root"),
            receipts::root,
        )
}

async fn unknown(OriginalUri(uri): OriginalUri) -> Refusal {
    Refusal::not_found("endpoint", uri.path()).hint("GET /api/v1/openapi.json lists them")
}
