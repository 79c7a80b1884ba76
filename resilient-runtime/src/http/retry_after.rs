//! The `Retry-After` header.

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http::header::RETRY_AFTER;

use super::field;

/// How long `Retry-After` asks callers to stay away.
///
/// Both forms of [RFC 9110, section 10.2.3](https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3) are read: whole
/// seconds, and a date in each of the three spellings that HTTP has had. A date that is over gives zero, more than a
/// year gives a year, and anything else gives `None`: a sign, a fraction, a date with the wrong day of the week.
///
/// If the header is there more than once, the longest readable wait counts: it is the only one that keeps the promise
/// to whichever server or proxy wrote each of them.
///
/// ```
/// use std::time::{Duration, SystemTime};
///
/// let response = http::Response::builder().status(503).header("retry-after", "120").body(()).unwrap();
///
/// assert_eq!(
///     resilient::http::retry_after(response.headers(), SystemTime::now()),
///     Some(Duration::from_secs(120)),
/// );
/// ```
pub fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    field::lines(headers, RETRY_AFTER.as_str()).filter_map(|line| wait(line, now)).max()
}

fn wait(line: &str, now: SystemTime) -> Option<Duration> {
    match field::whole(line) {
        Some(seconds) => Some(Duration::from_secs(seconds).min(field::LONGEST)),
        None => field::date(line).map(|date| field::until(date, now)),
    }
}
