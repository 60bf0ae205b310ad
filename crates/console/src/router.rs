//! The routes, what every page can reach, and the headers every answer carries.

use std::sync::Arc;

use axum::{
    Router,
    http::{HeaderName, HeaderValue, Request, header},
    middleware::{self, Next},
    response::Response,
    routing::get,
};
use tributary_client::{Chain, ProviderApi};
use tributary_indexer::Index;

use crate::{assets, live, pages};

/// What the console reads.
#[derive(Clone)]
pub struct ConsoleConfig {
    /// History and earnings.
    pub index: Index,
    /// The chain.
    pub chain: Chain,
    /// Quotes training; pages say so when it is missing.
    pub provider: Option<Arc<dyn ProviderApi>>,
    /// Whether the gateway makes guest accounts.
    pub guests_allowed: bool,
}

/// State of every handler. Cheap to clone.
#[derive(Clone)]
pub struct Console {
    inner: Arc<ConsoleConfig>,
}

impl Console {
    pub(crate) fn index(&self) -> &Index {
        &self.inner.index
    }

    pub(crate) fn chain(&self) -> &Chain {
        &self.inner.chain
    }

    pub(crate) fn provider(&self) -> Option<&Arc<dyn ProviderApi>> {
        self.inner.provider.as_ref()
    }

    pub(crate) fn guests_allowed(&self) -> bool {
        self.inner.guests_allowed
    }
}

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; \
     frame-ancestors 'none'";

/// All pages, assets and the live stream.
pub fn router(config: ConsoleConfig) -> Router {
    let console = Console { inner: Arc::new(config) };
    Router::new()
        .route("/", get(pages::home::show))
        .route("/data", get(pages::datanets::list))
        .route("/data/{id}", get(pages::datanets::rows))
        .route("/data/{id}/contribute", get(pages::contribute::show))
        .route("/data/{id}/versions", get(pages::datanets::versions))
        .route("/data/{id}/earnings", get(pages::datanets::earnings))
        .route("/uploads/{id}", get(pages::contribute::upload))
        .route("/contributions/{id}", get(pages::contribution::show))
        .route("/records/{id}", get(pages::record::show))
        .route("/models", get(pages::models::list))
        .route("/models/new", get(pages::factory::show))
        .route("/models/{id}", get(pages::models::show))
        .route("/jobs", get(pages::jobs::list))
        .route("/jobs/{id}", get(pages::jobs::show))
        .route("/play", get(pages::play::show))
        .route("/play/sources/{receipt}", get(pages::play::sources))
        .route("/receipts", get(pages::receipt::list))
        .route("/receipts/{id}", get(pages::receipt::show))
        .route("/earn", get(pages::earn::show))
        .route("/account", get(pages::account::show))
        .route("/keys", get(pages::account::keys))
        .route("/explore", get(pages::explore::show))
        .route("/explore/block/{number}", get(pages::explore::block))
        .route("/explore/tx/{hash}", get(pages::explore::tx))
        .route("/explore/address/{address}", get(pages::explore::address))
        .route("/docs", get(pages::docs::index))
        .route("/docs/{*path}", get(pages::docs::page))
        .route("/live", get(live::stream))
        .route("/favicon.svg", get(assets::favicon))
        .route("/assets/{build}/{*path}", get(assets::serve))
        .fallback(pages::not_found)
        .layer(middleware::from_fn(headers))
        .with_state(console)
}

async fn headers(request: Request<axum::body::Body>, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let fixed: [(HeaderName, &'static str); 4] = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}
