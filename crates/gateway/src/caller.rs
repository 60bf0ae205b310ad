//! Who is asking: an API key, a guest's session, or nobody.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    extract::{ConnectInfo, FromRequestParts},
    http::{HeaderMap, header, request::Parts},
};
use tributary_client::ApiSecret;
use tributary_indexer::{KeyRow, SESSION_COOKIE};
use tributary_primitives::Address;

use crate::{Refusal, shared::Shared};

/// Header in which programs carry a session's token.
pub const SESSION_HEADER: &str = "x-tributary-session";

/// Who is asking.
#[derive(Clone, Debug)]
pub enum Caller {
    /// No credential.
    Nobody,
    /// An API key: reads its owner's things and chats.
    Key(Box<KeyCaller>),
    /// A guest: acts for its account.
    Guest {
        /// The account.
        account: Address,
        /// The session's token.
        token: String,
    },
}

/// A presented key.
#[derive(Clone, Debug)]
pub struct KeyCaller {
    /// What was presented.
    pub secret: ApiSecret,
    /// What is known of it.
    pub row: KeyRow,
}

impl Caller {
    /// Whose things may be read.
    pub fn account(&self) -> Option<Address> {
        match self {
            Self::Nobody => None,
            Self::Key(key) => Some(key.row.owner),
            Self::Guest { account, .. } => Some(*account),
        }
    }

    /// The account, or 401.
    pub fn require(&self) -> Result<Address, Refusal> {
        self.account().ok_or_else(|| {
            Refusal::unauthorized("no_credentials", "this needs an account")
                .hint("begin as a guest (POST /api/v1/guests) or send an API key as bearer")
        })
    }

    /// The guest that may act, or 401 or 403.
    pub fn require_guest(&self) -> Result<Address, Refusal> {
        match self {
            Self::Guest { account, .. } => Ok(*account),
            Self::Key(_) => Err(Refusal::forbidden(
                "key_cannot_act",
                "an API key reads and chats; it does not sign for its owner",
            )
            .hint("use the session of the account, or sign the prepared calls yourself")),
            Self::Nobody => self.require(),
        }
    }

    /// A name for limits and idempotency.
    pub fn scope(&self, origin: &str) -> String {
        match self {
            Self::Nobody => format!("origin {origin}"),
            Self::Key(key) => format!("key {}", key.row.hash),
            Self::Guest { account, .. } => format!("guest {account}"),
        }
    }
}

/// The caller of a request by its headers.
pub fn identify(shared: &Shared, headers: &HeaderMap) -> Result<Caller, Refusal> {
    if let Some(bearer) = bearer(headers) {
        return key_caller(shared, bearer);
    }
    let token = headers
        .get(SESSION_HEADER)
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned)
        .or_else(|| cookie(headers, SESSION_COOKIE));
    let Some(token) = token else { return Ok(Caller::Nobody) };
    match shared.index.session(&token)? {
        Some(account) => Ok(Caller::Guest { account, token }),
        None => Ok(Caller::Nobody),
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

fn key_caller(shared: &Shared, bearer: &str) -> Result<Caller, Refusal> {
    let unknown = || {
        let shown: String = bearer.chars().take(12).collect();
        Refusal::unauthorized("invalid_api_key", format!("incorrect API key provided: {shown}..."))
            .hint("make a key at /keys")
    };
    let secret = ApiSecret::parse(bearer).ok_or_else(unknown)?;
    let row = shared.index.key(secret.id())?.ok_or_else(unknown)?;
    if !row.active {
        return Err(Refusal::unauthorized("revoked_api_key", "this API key is revoked")
            .hint("make another key at /keys"));
    }
    Ok(Caller::Key(Box::new(KeyCaller { secret, row })))
}

/// A cookie's value.
pub fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value.to_owned())
}

/// The remote address of a request.
#[derive(Clone, Debug)]
pub struct Origin(pub String);

impl Origin {
    /// From what the listener noted.
    pub fn of(extensions: &axum::http::Extensions) -> Self {
        let info = extensions.get::<ConnectInfo<SocketAddr>>();
        Self(info.map_or_else(|| "local".to_owned(), |info| info.0.ip().to_string()))
    }
}

impl FromRequestParts<Arc<Shared>> for Origin {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        _shared: &Arc<Shared>,
    ) -> Result<Self, Self::Rejection> {
        Ok(Self::of(&parts.extensions))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, "theme=dark; tributary_session=abc; x=y".parse().unwrap());
        assert_eq!(cookie(&headers, SESSION_COOKIE).as_deref(), Some("abc"));
        assert_eq!(cookie(&headers, "session"), None);
    }

    #[test]
    fn the_bearer_scheme_is_read_in_any_case() {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, "bearer trib_sk_1".parse().unwrap());
        assert_eq!(bearer(&headers), Some("trib_sk_1"));
        headers.insert(header::AUTHORIZATION, "Basic abc".parse().unwrap());
        assert_eq!(bearer(&headers), None);
    }
}
