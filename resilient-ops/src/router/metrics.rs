//! The metrics for Prometheus, in the format that the client prefers.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::{ACCEPT, VARY};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use prometheus_client::encoding::{prometheus_text, text};
use prometheus_client::registry::Registry;

use super::Shared;
use super::pages::{refuse, whole};

/// The registry of the policies, which are read at each request.
pub(super) fn registry() -> Registry {
    let mut registry = Registry::default();
    resilient::metrics::prometheus::register(&mut registry);
    registry
}

pub(super) async fn metrics(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    // as a whole before anything is sent: Prometheus takes the part of a text for all of it
    let mut encoded = String::new();
    let (result, content_type) = if prefers_openmetrics(&headers) {
        (text::encode(&mut encoded, &shared.registry), OPENMETRICS)
    } else {
        (prometheus_text::encode(&mut encoded, &shared.registry), TEXT)
    };
    let mut response = match result {
        Ok(()) => whole(StatusCode::OK, content_type, encoded),
        Err(error) => refuse(StatusCode::INTERNAL_SERVER_ERROR, format!("the metrics cannot be written: {error}")),
    };
    response.headers_mut().insert(VARY, HeaderValue::from_name(ACCEPT));
    response
}

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Returns whether the client asks for `OpenMetrics`, and not for plain text at least as much.
fn prefers_openmetrics(headers: &HeaderMap) -> bool {
    let accepted =
        || headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).flat_map(|all| all.split(','));
    let quality = |wanted: fn(&Range<'_>) -> bool| {
        accepted().filter_map(Range::read).filter(wanted).map(|range| range.quality).fold(0.0, f64::max)
    };
    let openmetrics =
        quality(|range| range.name.eq_ignore_ascii_case("application/openmetrics-text") && range.is_version("1."));
    let plain = quality(|range| range.name.eq_ignore_ascii_case("text/plain") && range.is_version("0.0.4"));
    openmetrics > plain
}

/// One of the formats that a client accepts.
struct Range<'a> {
    name: &'a str,
    version: Option<&'a str>,
    quality: f64,
}

impl<'a> Range<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let mut range = Self { name: parts.next()?, version: None, quality: 1.0 };
        for (key, value) in parts.filter_map(|part| part.split_once('=')) {
            match key.trim().to_ascii_lowercase().as_str() {
                "version" => range.version = Some(value.trim().trim_matches('"')),
                "q" => range.quality = value.trim().parse().ok().filter(|quality| (0.0..=1.0).contains(quality))?,
                _ => {}
            }
        }
        Some(range)
    }

    /// Returns whether it asks for no version, or for one that begins so.
    fn is_version(&self, start: &str) -> bool {
        self.version.is_none_or(|version| version.starts_with(start))
    }
}
