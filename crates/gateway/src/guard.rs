//! What every request passes: an id, the `Host` allow-list, and the refusal of writes from other
//! sites.

use std::{sync::Arc, time::Instant};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header, uri::Authority},
    middleware::Next,
    response::Response,
};

use crate::{
    Refusal,
    caller::{Caller, Origin, identify},
    limits::Allowance,
    shared::{Shared, fresh},
};

/// Name of the request id's header.
pub const REQUEST_ID: &str = "x-request-id";

/// Checks and marks a request before its handler.
pub async fn guard(
    State(shared): State<Arc<Shared>>,
    mut request: Request,
    next: Next,
) -> Response {
    let id = format!("req_{}", fresh().short());
    let begun = Instant::now();
    let openai = request.uri().path().starts_with("/v1");
    let shaped = |refusal: Refusal| if openai { refusal.openai() } else { refusal.problem() };
    let admitted = admit(&shared, &mut request).and_then(|()| match openai {
        true => take_turn(&shared, &request),
        false => Ok(None),
    });
    let (mut response, allowance) = match admitted {
        Ok(allowance) => (in_words(next.run(request).await, shaped).await, allowance),
        Err(refusal) => {
            let flooded = openai && refusal.status == StatusCode::TOO_MANY_REQUESTS;
            (shaped(refusal), flooded.then(|| shared.key_limiter.spent()))
        }
    };
    if let Some(allowance) = allowance {
        allowance.write(response.headers_mut());
    }
    let face = if openai { "openai" } else { "rest" };
    let status = response.status().as_str().to_owned();
    metrics::counter!("tributary_gateway_requests_total", "face" => face, "status" => status)
        .increment(1);
    metrics::histogram!("tributary_gateway_request_seconds", "face" => face)
        .record(begun.elapsed().as_secs_f64());
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// Gives the framework's own refusals (a path, query or method that does not fit) our form.
async fn in_words(response: Response, shaped: impl Fn(Refusal) -> Response) -> Response {
    let status = response.status();
    let kind = response.headers().get(header::CONTENT_TYPE);
    let plain = kind.is_none_or(|kind| kind.as_bytes().starts_with(b"text/plain"));
    if !status.is_client_error() || !plain {
        return response;
    }
    let bytes = axum::body::to_bytes(response.into_body(), 4 << 10).await.unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes).trim().to_owned();
    let reason = status.canonical_reason().unwrap_or("refused");
    let detail = if text.is_empty() { reason.to_owned() } else { text };
    let code = reason.to_ascii_lowercase().replace(' ', "_");
    shaped(Refusal::new(status, &code, detail))
}

fn admit(shared: &Shared, request: &mut Request) -> Result<(), Refusal> {
    let authority = request.uri().authority().cloned();
    check_host(&shared.config.hosts, request.headers(), authority.as_ref())?;
    let writes = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let caller = identify(shared, request.headers());
    if writes {
        check_site(request.headers())?;
        // Whoever is known has an allowance of its own at `/v1`: strangers that flood from the
        // same address do not use it up.
        let openai = request.uri().path().starts_with("/v1");
        let known = matches!(caller, Ok(Caller::Key(_) | Caller::Guest { .. }));
        if !(openai && known) {
            shared.origin_limiter.take(&Origin::of(request.extensions()).0)?;
        }
    }
    request.extensions_mut().insert(caller?);
    Ok(())
}

/// One request of a key's or a guest's allowance at `/v1`, replays included.
fn take_turn(shared: &Shared, request: &Request) -> Result<Option<Allowance>, Refusal> {
    let name = match request.extensions().get::<Caller>() {
        Some(Caller::Key(key)) => key.row.hash.to_string(),
        Some(Caller::Guest { account, .. }) => account.to_string(),
        _ => return Ok(None),
    };
    shared.key_limiter.take(&name).map(Some)
}

fn check_host(
    hosts: &[String],
    headers: &HeaderMap,
    authority: Option<&Authority>,
) -> Result<(), Refusal> {
    let named = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let named = named.or_else(|| authority.map(Authority::as_str)).unwrap_or_default();
    let host = named.parse::<Authority>().map(|host| host.host().to_ascii_lowercase());
    let host = host.unwrap_or_default();
    if hosts.iter().any(|allowed| *allowed == host) {
        return Ok(());
    }
    Err(Refusal::forbidden("host_refused", format!("this gateway is not known as `{named}`"))
        .hint(format!("use one of: {}", hosts.join(", "))))
}

/// Browsers say where a request comes from; programs say nothing.
fn check_site(headers: &HeaderMap) -> Result<(), Refusal> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let refused = || {
        Err(Refusal::forbidden("cross_site", "a page of another site may not write here")
            .hint("open the console itself"))
    };
    if let Some(site) = text("sec-fetch-site")
        && !matches!(site, "same-origin" | "none")
    {
        return refused();
    }
    if let (Some(origin), Some(host)) = (text("origin"), text("host")) {
        let from = origin.split_once("://").map(|(_, authority)| authority);
        if from != Some(host) {
            return refused();
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                (header::HeaderName::from_static(name), HeaderValue::from_static(value))
            })
            .collect()
    }

    #[test]
    fn only_known_hosts_are_answered() {
        let hosts = vec!["localhost".to_owned(), "[::1]".to_owned()];
        for known in ["localhost:8545", "LOCALHOST", "[::1]:8545"] {
            assert_eq!(check_host(&hosts, &headers(&[("host", known)]), None), Ok(()), "{known}");
        }
        for other in ["evil.example:8545", "localhost.evil.example", ""] {
            assert!(check_host(&hosts, &headers(&[("host", other)]), None).is_err(), "{other}");
        }
    }

    #[test]
    fn writes_of_other_sites_are_refused_and_programs_pass() {
        assert_eq!(check_site(&headers(&[("host", "localhost:8545")])), Ok(()));
        let own = [("host", "localhost:8545"), ("origin", "http://localhost:8545")];
        assert_eq!(check_site(&headers(&own)), Ok(()));
        let other = [("host", "localhost:8545"), ("origin", "http://evil.example")];
        assert!(check_site(&headers(&other)).is_err());
        assert!(check_site(&headers(&[("sec-fetch-site", "cross-site")])).is_err());
        assert!(check_site(&headers(&[("sec-fetch-site", "same-site")])).is_err());
        assert!(check_site(&headers(&[("host", "a"), ("origin", "null")])).is_err());
    }
}
