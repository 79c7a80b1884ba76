//! The site that a browser sends a request from.

use axum::http::header::{HOST, ORIGIN};
use axum::http::request::Parts;

/// Returns why the request is refused, if a browser sent it from a page of another site.
///
/// Browsers say the site of the page in `Sec-Fetch-Site`, and older ones its origin. Programs that are no browsers say neither.
pub(super) fn refused(parts: &Parts) -> Option<&'static str> {
    if let Some(site) = parts.headers.get("sec-fetch-site") {
        return (site != "same-origin").then_some("it comes from another site: `Sec-Fetch-Site` is not `same-origin`");
    }
    let origin = parts.headers.get(ORIGIN)?;
    let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, host)| host);
    match (origin, host(parts)) {
        (Some(origin), Some(host)) if origin.eq_ignore_ascii_case(host) => None,
        _ => Some("it comes from another site: `Origin` is not the host of the request"),
    }
}

/// Returns the host that the request was sent to.
pub(super) fn host(parts: &Parts) -> Option<&str> {
    // HTTP/2 has it in the address
    match parts.uri.authority() {
        Some(authority) => Some(authority.as_str()),
        None => parts.headers.get(HOST)?.to_str().ok(),
    }
}
