//! The status page and the list as JSON, and the headers of all answers.

use std::sync::{Arc, LazyLock};
use std::time::SystemTime;

use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use resilient::snapshot::Policies;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{Shared, origin};

/// The list of policies, and what the page has to know besides.
#[derive(Serialize)]
struct Listing {
    #[serde(flatten)]
    policies: Policies,
    /// The time of the list, in milliseconds since 1970.
    at: u64,
    /// Set if settings can be changed by requests.
    changes: bool,
    /// Set if there is a stream of events.
    events: bool,
    reloads: Reloads,
}

/// The number of times that settings were applied and refused.
#[derive(Serialize)]
struct Reloads {
    applied: u64,
    refused: u64,
}

pub(super) async fn policies(State(shared): State<Arc<Shared>>) -> Response {
    let reloads = resilient::config::reloads();
    let listing = Listing {
        policies: resilient::policies(),
        at: now(),
        changes: shared.guard.is_some(),
        events: shared.events.is_some(),
        reloads: Reloads { applied: reloads.applied, refused: reloads.refused },
    };
    json(StatusCode::OK, &listing)
}

pub(super) async fn page() -> Response {
    ([(CONTENT_SECURITY_POLICY, PAGE.policy.clone())], Html(PAGE.html.as_str())).into_response()
}

/// Refuses what was sent to another host, and gives every answer the headers that protect it.
pub(super) async fn protect(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let is_known = shared.hosts.as_ref().is_none_or(|hosts| {
        let host = origin::host(&parts).map(str::to_ascii_lowercase);
        host.is_some_and(|host| hosts.contains(&host))
    });
    let mut response = if is_known {
        next.run(Request::from_parts(parts, body)).await
    } else {
        refuse(StatusCode::FORBIDDEN, "it was sent to a host that these pages do not have")
    };
    let headers = response.headers_mut();
    for (name, value) in PROTECTION {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // a page of its own has one already
    headers
        .entry(CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"));
    response
}

const PROTECTION: [(HeaderName, &str); 5] = [
    (CACHE_CONTROL, "no-store"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    (REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// An answer with that value as JSON.
pub(super) fn json(status: StatusCode, value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(text) => whole(status, "application/json", text),
        Err(error) => {
            whole(StatusCode::INTERNAL_SERVER_ERROR, "text/plain", format!("it cannot be written as JSON: {error}"))
        }
    }
}

/// An answer that is there as a whole, with its length.
pub(super) fn whole(status: StatusCode, content_type: &'static str, text: impl Into<Vec<u8>>) -> Response {
    let text = text.into();
    let headers = HeaderMap::from_iter([
        (CONTENT_TYPE, HeaderValue::from_static(content_type)),
        (CONTENT_LENGTH, HeaderValue::from(text.len())),
    ]);
    (status, headers, text).into_response()
}

/// An answer with one mistake.
pub(super) fn refuse(status: StatusCode, mistake: impl Into<String>) -> Response {
    refuse_all(status, vec![mistake.into()])
}

/// An answer with all mistakes.
pub(super) fn refuse_all(status: StatusCode, mistakes: Vec<String>) -> Response {
    #[derive(Serialize)]
    struct Mistakes {
        mistakes: Vec<String>,
    }
    json(status, &Mistakes { mistakes })
}

/// The milliseconds since 1970.
pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |time| time.as_millis() as u64)
}

/// The status page, and the content security policy that lets its style and its script run, and no other.
struct Page {
    html: String,
    policy: HeaderValue,
}

static PAGE: LazyLock<Page> = LazyLock::new(|| {
    let html = include_str!("../page/page.html").replace("/*style*/", STYLE).replace("/*script*/", SCRIPT);
    let hash = |text: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)));
    let policy = format!(
        "default-src 'none'; script-src {}; style-src {}; connect-src 'self'; img-src data:; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
        hash(SCRIPT),
        hash(STYLE),
    );
    // base64 and words, which every header may have
    let policy = HeaderValue::from_str(&policy).unwrap_or(HeaderValue::from_static("default-src 'none'"));
    Page { html, policy }
});

const STYLE: &str = include_str!("../page/page.css");
const SCRIPT: &str = include_str!("../page/page.js");
