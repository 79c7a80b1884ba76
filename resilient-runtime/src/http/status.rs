//! The class of a response: by its status, and by its headers where they can change it.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, StatusCode};

use super::{RateLimit, field, retry_after};
use crate::{Class, Classified, Classify, clock};

/// Returns what a status means, without a look at the headers.
///
/// | status | class |
/// |---|---|
/// | 1xx, 2xx, 3xx | success: the server answered, and a redirect or a 304 is an answer |
/// | 408 Request Timeout, 425 Too Early | transient |
/// | 429 Too Many Requests | throttled |
/// | every other 4xx | permanent |
/// | 501, 505, 506, 507, 508, 510, 511 | permanent: the server will not come to support it, or somebody has to act first |
/// | 526, 561 | permanent: a proxy met a certificate of the server's that is not valid, or a provider of identities that refused |
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
        501 | 505..=508 | 510 | 511 | 526 | 561 => Class::Permanent,
        408 | 425 | 500..600 => Class::Transient,
        _ => Class::Permanent,
    }
}

/// Returns what a response means: its [status](class_of_status), and what its headers say.
///
/// | status | with | class |
/// |---|---|---|
/// | 429 | | throttled, for as long as is said |
/// | 503 | `Retry-After`, or a rate limit of which nothing remains | throttled, for as long as is said |
/// | 403 | the same: some servers refuse with it what exceeds a limit | throttled, for as long as is said |
/// | 413, 418, 420, 430 | `Retry-After`: too much for now | throttled, for as long as is said |
/// | 400 and above | `x-should-retry` or `Stripe-Should-Retry`: `false` | permanent |
/// | 400 and above | the same with `true` | transient instead of permanent |
///
/// `Retry-After` stands for each header that [`retry_after`](super::retry_after()) reads. It counts before the reset of a
/// [`RateLimit`]. With 429, the reset counts also if the server does not say how much remains.
///
/// A failure that stays transient, such as a 500 or a 529, can have a hint beside its class: [`classify_response`] returns both.
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
    classify_response(status, headers).class
}

/// Returns the class of a response, as [`class_of_response`] does, and the hint beside it.
///
/// ```
/// use std::time::Duration;
///
/// use resilient::Class;
/// use resilient::http::classify_response;
///
/// let response = http::Response::builder().status(502).header("retry-after", "60").body(()).unwrap();
///
/// let classified = classify_response(response.status(), response.headers());
/// assert_eq!(classified.class, Class::Transient);
/// assert_eq!(classified.hint, Some(Duration::from_secs(60)));
/// ```
pub fn classify_response(status: StatusCode, headers: &HeaderMap) -> Classified<'static> {
    classify_at(status, headers, clock::wall)
}

/// As [`classify_response`], with a clock that is read only where the headers matter.
pub(super) fn classify_at(
    status: StatusCode,
    headers: &HeaderMap,
    now: impl FnOnce() -> SystemTime,
) -> Classified<'static> {
    classify(status, headers, false, None, || {
        let now = now();
        Said { asked: retry_after(headers, now), limit: RateLimit::from_headers(headers, now) }
    })
}

/// The time to come back, as a response says it.
pub(super) struct Said {
    /// The wait that it names.
    pub(super) asked: Option<Duration>,
    pub(super) limit: Option<RateLimit>,
}

/// A sign of a refusal that is neither the status nor a wait, such as words in the body.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sign {
    /// The wait that counts where none is said.
    pub(super) wait: Option<Duration>,
}

/// Classifies a response; `refuses` is set for a status that refuses what exceeds a limit, as 403 does. What is `said` is asked for only
/// where it matters.
pub(super) fn classify(
    status: StatusCode,
    headers: &HeaderMap,
    refuses: bool,
    sign: Option<Sign>,
    said: impl FnOnce() -> Said,
) -> Classified<'static> {
    let by_status = class_of_status(status);
    if by_status == Class::Success && sign.is_none() {
        return by_status.into();
    }
    let plain = match (should_retry(headers), by_status) {
        (Some(false), _) => return Class::Permanent.into(),
        (Some(true), Class::Permanent) => Class::Transient,
        _ => by_status,
    };
    let by_quota = refuses || matches!(status.as_u16(), 403 | 503);
    let by_wait = by_quota || matches!(status.as_u16(), 413 | 418 | 420 | 430);
    if plain == Class::Permanent && !by_wait {
        return plain.into();
    }

    let Said { asked, limit } = said();
    let is_exhausted = limit.is_some_and(|limit| limit.is_exhausted());
    let refuses_for_now =
        plain == THROTTLED || sign.is_some() || by_wait && asked.is_some() || by_quota && is_exhausted;
    let after = asked.or_else(|| limit?.retry_after_refusal()).or_else(|| sign?.wait);
    match plain {
        _ if refuses_for_now => Class::Throttled { after }.into(),
        Class::Transient => Classified { hint: asked, ..plain.into() },
        _ => plain.into(),
    }
}

const THROTTLED: Class = Class::Throttled { after: None };

/// The verdict of the server itself, in the headers that some have for it; one `false` is enough.
pub(super) fn should_retry(headers: &HeaderMap) -> Option<bool> {
    let lines = VERDICTS.iter().flat_map(|name| field::lines(headers, name));
    let verdicts = lines.filter_map(|line| match line {
        line if line.eq_ignore_ascii_case("true") => Some(true),
        line if line.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    });
    verdicts.min()
}

const VERDICTS: [&str; 2] = ["x-should-retry", "stripe-should-retry"];

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
