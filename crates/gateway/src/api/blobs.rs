//! Public blobs by digest, so that a verifier can fetch and hash them itself.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::{HeaderValue, header},
    response::IntoResponse,
};
use tributary_primitives::Digest;

use super::describe::Octets;
use crate::{Refusal, shared::Shared};

pub(super) async fn show(
    State(shared): State<Arc<Shared>>,
    Path(text): Path<String>,
) -> Result<Octets, Refusal> {
    let digest: Digest =
        text.parse().map_err(|error| Refusal::field("digest", format!("{error}")))?;
    let bytes = shared.artifacts.get(&digest).await?;
    let mut response = bytes.into_response();
    let headers = response.headers_mut();
    let kind = HeaderValue::from_static("application/octet-stream");
    headers.insert(header::CONTENT_TYPE, kind);
    let cache = HeaderValue::from_static("public, max-age=31536000, immutable");
    headers.insert(header::CACHE_CONTROL, cache);
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{digest}\"")) {
        headers.insert(header::ETAG, tag);
    }
    Ok(Octets(response))
}
