//! The class of a response: by its status, and by its headers where they can change it.

use std::time::SystemTime;

use http::{HeaderMap, StatusCode};

use super::{RateLimit, retry_after};
use crate::{Class, Classify, clock};

/// Returns what a status means, without a look at the headers.
///
/// | status | class |
/// |---|---|
/// | 1xx, 2xx, 3xx | success: the server answered, and a redirect or a 304 is an answer |
/// | 408 Request Timeout, 425 Too Early | transient |
/// | 429 Too Many Requests | throttled |
/// | every other 4xx | permanent |
/// | 501, 505, 506, 507, 508, 510, 511 | permanent: the server will not come to support it, or somebody has to act first |
/// | every other 5xx: 500, 502, 503, 504, and what is not registered, which means the same as a 500 | transient |
/// | 600 and above | permanent |
///
/// ```
/// use http::StatusCode;
/// use resilient::Class;
/// use resilient::http::class_of_status;
///
/// assert_eq!(class_of_status(StatusCode::BAD_GATEWAY), Class::Transient);
/// assert_eq!(class_of_status(StatusCode::NOT_FOUND), Class::Permanent);
/// ```
pub fn class_of_status(status: StatusCode) -> Class {
    match status.as_u16() {
        ..400 => Class::Success,
        429 => Class::Throttled { after: None },
        501 | 505..=508 | 510 | 511 => Class::Permanent,
        408 | 425 | 500..600 => Class::Transient,
        _ => Class::Permanent,
    }
}

/// Returns what a response means: its [status](class_of_status), and for four of them what its headers say.
///
/// | status | with | class |
/// |---|---|---|
/// | 429 | | throttled, for as long as is said |
/// | 503 | `Retry-After`, or a rate limit of which nothing remains | throttled, for as long as is said |
/// | 403 | the same: some servers refuse with it what exceeds a limit | throttled, for as long as is said |
/// | 413 | `Retry-After`: too large for now | throttled, for as long as is said |
///
/// A readable `Retry-After` counts before the reset of a [`RateLimit`]. Dates in the headers are compared with this
/// machine's calendar.
///
/// ```
/// use std::time::Duration;
///
/// use resilient::Class;
/// use resilient::http::class_of_response;
///
/// let response = http::Response::builder().status(503).header("retry-after", "20").body(()).unwrap();
///
/// assert_eq!(
///     class_of_response(response.status(), response.headers()),
///     Class::Throttled { after: Some(Duration::from_secs(20)) },
/// );
/// ```
pub fn class_of_response(status: StatusCode, headers: &HeaderMap) -> Class {
    class_at(status, headers, clock::wall)
}

/// As [`class_of_response`], with a clock that is read only where the headers matter.
pub(super) fn class_at(status: StatusCode, headers: &HeaderMap, now: impl FnOnce() -> SystemTime) -> Class {
    let plain = class_of_status(status);
    if !matches!(status.as_u16(), 403 | 413 | 429 | 503) {
        return plain;
    }

    let now = now();
    let asked = retry_after(headers, now);
    let limit = RateLimit::from_headers(headers, now).filter(RateLimit::is_exhausted);
    let throttled = match status.as_u16() {
        429 => true,
        413 => asked.is_some(),
        _ => asked.is_some() || limit.is_some(),
    };
    if throttled { Class::Throttled { after: asked.or_else(|| limit?.retry_after()) } } else { plain }
}

/// By [`class_of_status`], except that what is returned as an error never counts as a success: below 400 it is
/// permanent.
impl Classify for StatusCode {
    fn class(&self) -> Class {
        match class_of_status(*self) {
            Class::Success => Class::Permanent,
            class => class,
        }
    }
}
