//! `/api/v1`: everything the console, the command line and scripts do.
//!
//! Writes are prepared calls; a guest's key signs the same bytes that a wallet would. Every write
//! also takes a form and then answers with a redirect, so pages work without scripts.

mod accounts;
mod blobs;
mod claims;
mod contributions;
mod datanets;
mod events;
mod guests;
mod input;
mod jobs;
mod keys;
mod models;
mod openapi;
mod receipts;
mod status;
mod trace;
mod uploads;

use std::sync::Arc;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    routing::{delete, get, post},
};
use tributary_primitives::limits;

pub use claims::claim_for_party;
pub use events::Hub;
pub use input::redirect_forms;
pub use trace::Traced;

use crate::{Refusal, shared::Shared};

/// The routes below `/api/v1`.
pub fn router() -> Router<Arc<Shared>> {
    Router::new()
        .merge(people())
        .merge(data())
        .merge(work())
        .route("/status", get(status::status))
        .route("/stats", get(status::stats))
        .route("/events", get(events::events))
        .route("/openapi.json", get(openapi::document))
        .fallback(unknown)
        .layer(DefaultBodyLimit::max(limits::BODY_SIZE_BYTES))
}

fn people() -> Router<Arc<Shared>> {
    Router::new()
        .route("/guests", post(guests::create))
        .route("/session", get(guests::session).delete(guests::leave))
        .route("/session/leave", post(guests::leave))
        .route("/session/export", post(guests::export))
        .route("/accounts/{address}", get(accounts::show))
        .route("/accounts/{address}/earnings", get(accounts::earnings))
        .route("/claims", post(claims::create))
        .route("/keys", get(keys::list).post(keys::create))
        .route("/keys/prepare", post(keys::prepare))
        .route("/keys/register", post(keys::register))
        .route("/keys/default", get(keys::own))
        .route("/keys/{id}", delete(keys::revoke))
        .route("/keys/{id}/revoke", post(keys::revoke))
        .route("/keys/{id}/top-up", post(keys::top_up))
}

fn data() -> Router<Arc<Shared>> {
    Router::new()
        .route("/datanets", get(datanets::list).post(datanets::create))
        .route("/datanets/prepare", post(datanets::prepare))
        .route("/datanets/{id}", get(datanets::show))
        .route("/datanets/{id}/rows", get(datanets::rows))
        .route("/datanets/{id}/versions", get(datanets::versions))
        .route("/datanets/{id}/earnings", get(datanets::earnings))
        .route("/datanets/{id}/publish", post(datanets::publish))
        .route("/datanets/{id}/contributions", post(contributions::create))
        .route("/datanets/{id}/contributions/prepare", post(contributions::prepare))
        .route("/datanets/{id}/trace", post(trace::trace))
        .route("/contributions/{id}", get(contributions::show))
        .route("/records/{id}", get(datanets::record))
        .route("/samples/newcomer", get(uploads::samples))
        .route("/blobs/{digest}", get(blobs::show))
        .merge(
            Router::new()
                .route("/uploads", post(uploads::create))
                .layer(DefaultBodyLimit::max(limits::UPLOAD_SIZE_BYTES)),
        )
}

fn work() -> Router<Arc<Shared>> {
    Router::new()
        .route("/models", get(models::list))
        .route("/models/{*id}", get(models::show))
        .route("/presets", get(jobs::presets))
        .route("/jobs", get(jobs::list).post(jobs::create))
        .route("/jobs/quote", post(jobs::quote))
        .route("/jobs/prepare", post(jobs::prepare))
        .route("/jobs/{id}", get(jobs::show))
        .route("/jobs/{id}/events", get(jobs::events))
        .route("/jobs/{id}/cancel", post(jobs::cancel))
        .route("/receipts", get(receipts::list))
        .route("/receipts/{id}", get(receipts::show))
        .route("/receipts/{id}/transcript", get(receipts::transcript))
        .route("/receipts/{id}/verify", get(receipts::verify))
        .route("/roots/{hash}", get(receipts::root))
}

async fn unknown(uri: axum::http::Uri) -> Refusal {
    Refusal::not_found("endpoint", uri.path()).hint("GET /api/v1/openapi.json lists them")
}
