//! What a page answers when it cannot be shown.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use maud::html;
use tributary_client::ClientError;
use tributary_indexer::IndexError;

use crate::layout::{Section, Shell};

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PageError {
    /// The address names nothing.
    #[error("there is no {what} `{id}` here")]
    NotFound { what: &'static str, id: String },
    /// The index failed.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// The chain or the provider did not answer.
    #[error(transparent)]
    Client(#[from] ClientError),
}

impl PageError {
    pub(crate) fn missing(what: &'static str, id: impl ToString) -> Self {
        let id: String = id.to_string().chars().take(80).collect();
        Self::NotFound { what, id }
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        let (status, title, hint) = match &self {
            Self::NotFound { .. } => (
                StatusCode::NOT_FOUND,
                "Nothing here",
                "It may be spelled differently, or belong to another network or an older data \
                 directory.",
            ),
            Self::Index(error) => {
                tracing::error!(%error, "a page could not read the index");
                (StatusCode::INTERNAL_SERVER_ERROR, "This page failed", "Reload in a moment.")
            }
            Self::Client(error) => {
                tracing::warn!(%error, "a page could not reach the chain");
                (StatusCode::SERVICE_UNAVAILABLE, "The chain is silent", "Reload in a moment.")
            }
        };
        let body = html! {
            section.notice.page-notice {
                h1 { (title) }
                p { (self) "." }
                p.muted { (hint) }
                p { a.button href="/" { "Go home" } " " a href="/explore" { "Search the explorer" } }
            }
        };
        let page = Shell { title, section: Section::None, visitor: None, live: None, body };
        (status, page.render()).into_response()
    }
}
