//! Embedded files, under one build number: immutable while it lasts, checked by ETag otherwise.

use std::{borrow::Cow, sync::LazyLock};

use axum::{
    extract::Path,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use rust_embed::RustEmbed;
use tributary_primitives::Digest;

#[derive(RustEmbed)]
#[folder = "assets/"]
struct Files;

/// Served as one file: htmx starts on a zero timer and would miss an extension that loads later.
const BUNDLE: &str = "htmx.js";
const BUNDLED: [&str; 2] = ["vendor/htmx.min.js", "vendor/hx-sse.min.js"];

/// Changes whenever any file does.
static BUILD: LazyLock<String> = LazyLock::new(|| {
    let mut names: Vec<_> = Files::iter().collect();
    names.sort();
    let mut all = Vec::new();
    for name in names {
        if let Some(file) = Files::get(&name) {
            all.extend_from_slice(name.as_bytes());
            all.extend_from_slice(&file.metadata.sha256_hash());
        }
    }
    Digest::of(&all).short()
});

/// Address of an asset.
pub(crate) fn url(name: &str) -> String {
    format!("/assets/{}/{name}", BUILD.as_str())
}

fn bytes(name: &str) -> Option<Cow<'static, [u8]>> {
    if name == BUNDLE {
        let mut joined = Vec::new();
        for part in BUNDLED {
            joined.extend_from_slice(&Files::get(part)?.data);
            joined.push(b'\n');
        }
        return Some(joined.into());
    }
    Files::get(name).map(|file| file.data)
}

fn kind(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "text/plain; charset=utf-8",
    }
}

fn answer(name: &str, immutable: bool, request: &HeaderMap) -> Response {
    let Some(body) = bytes(name) else { return StatusCode::NOT_FOUND.into_response() };
    let tag = format!("\"{}\"", Digest::of(&body).short());
    let cache = if immutable { "public, max-age=31536000, immutable" } else { "no-cache" };
    let mut headers = HeaderMap::new();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind(name)));
    if let Ok(value) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, value);
    }
    let known =
        request.get(header::IF_NONE_MATCH).is_some_and(|seen| seen.as_bytes() == tag.as_bytes());
    if known {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    (headers, body).into_response()
}

/// `/assets/{build}/{path}`; another build number is served too, but not kept.
pub(crate) async fn serve(
    Path((build, path)): Path<(String, String)>,
    request: HeaderMap,
) -> Response {
    answer(&path, build == *BUILD, &request)
}

/// The mark.
pub(crate) async fn favicon(request: HeaderMap) -> Response {
    answer("mark.svg", false, &request)
}

#[cfg(test)]
mod tests {
    use base64::{Engine, prelude::BASE64_STANDARD};
    use sha2::{Digest as _, Sha384};

    use super::*;

    #[derive(serde::Deserialize)]
    struct Vendored {
        file: Vec<Entry>,
    }

    #[derive(serde::Deserialize)]
    struct Entry {
        name: String,
        version: String,
        licence: String,
        integrity: String,
    }

    #[test]
    fn vendored_files_are_the_published_bytes() {
        let list = Files::get("vendor/vendor.toml").unwrap();
        let list: Vendored = toml::from_str(std::str::from_utf8(&list.data).unwrap()).unwrap();
        for entry in &list.file {
            let file = Files::get(&format!("vendor/{}", entry.name)).unwrap();
            let found = format!("sha384-{}", BASE64_STANDARD.encode(Sha384::digest(&file.data)));
            assert_eq!(found, entry.integrity, "{} {}", entry.name, entry.version);
            assert!(!entry.licence.is_empty());
        }
        for part in BUNDLED {
            let name = part.trim_start_matches("vendor/");
            assert!(list.file.iter().any(|entry| entry.name == name), "{name} is not listed");
        }
    }

    #[test]
    fn our_own_scripts_are_short_typed_and_never_evaluate_text() {
        for name in Files::iter().filter(|name| name.starts_with("js/")) {
            let file = Files::get(&name).unwrap();
            let text = std::str::from_utf8(&file.data).unwrap();
            assert!(text.lines().count() <= 300, "{name} is too long");
            assert!(text.starts_with("// @ts-check"), "{name} is not typed");
            for word in ["innerHTML", "eval(", "document.write", "new Function"] {
                assert!(!text.contains(word), "{name} uses {word}");
            }
        }
    }
}
