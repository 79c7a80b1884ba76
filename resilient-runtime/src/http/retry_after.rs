//! The headers that say how long to stay away: `Retry-After`, and those that mean the same.

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http::header::RETRY_AFTER;

use super::field;
use super::time::{Calendar, Time};

/// Returns how long the headers ask callers to stay away.
///
/// | header | what is read |
/// |---|---|
/// | `Retry-After` | seconds or a date, as in [RFC 9110, section 10.2.3](https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3) |
/// | `retry-after-ms`, `x-ms-retry-after-ms`, `x-amz-retry-after` | milliseconds |
/// | `X-RateLimit-Retry-After`, `X-RateLimit-After`, `RetryAfter`, `Retry-After-<name>` | as `Retry-After`, where none of the above is readable |
///
/// Of what servers make of `Retry-After`, these are read: a number with a fraction; a number of 10⁹ and more, which is a time since 1970
/// in seconds, and from 10¹¹ on in milliseconds; a duration with units, such as `1m30s`; a time of RFC 3339; an HTTP date with a zone of
/// its own. A date that is over gives zero, more than a year gives a year, and anything else gives `None`: a sign, a date with the wrong
/// day of the week, a date without a zone.
///
/// Dates are compared with the response's own `Date`, if it has one and no `Age`, and the clocks are less than a day apart;
/// otherwise with `now`.
///
/// If a header is there more than once, or a proxy has joined several values by commas, the longest readable wait counts: it is the
/// only one that keeps the promise to whichever server or proxy wrote each of them.
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
    let calendar = Calendar::of(headers, now);
    let millis = IN_MILLIS.iter().flat_map(|name| field::lines(headers, name));
    let millis = millis.filter_map(Time::read_millis).map(|time| calendar.until(time));
    let standard = field::lines(headers, RETRY_AFTER.as_str()).filter_map(|line| longest(line, calendar));
    standard.chain(millis).max().or_else(|| {
        let alike = headers.keys().map(http::HeaderName::as_str).filter(|name| is_alike(name)).take(MAX_NAMES);
        alike.flat_map(|name| field::lines(headers, name)).filter_map(|line| longest(line, calendar)).max()
    })
}

/// The longest of the waits in a line, between commas.
fn longest(line: &str, calendar: Calendar<'_>) -> Option<Duration> {
    let commas = || line.match_indices(',').map(|(at, _)| at);
    let starts = std::iter::once(0).chain(commas().map(|comma| comma + 1));
    let values = starts.enumerate().flat_map(|(index, start)| {
        let ends = commas().chain(std::iter::once(line.len())).skip(index);
        // a date may have a comma of its own
        ends.take(2).filter_map(move |end| value(line[start..end].trim_matches([' ', '\t'])))
    });
    values.map(|time| calendar.until(time)).max()
}

/// A time; and a number that is too large for any reading is that many seconds, as the RFC says.
fn value(text: &str) -> Option<Time> {
    Time::read(text).or_else(|| field::decimal(text).map(Time::In))
}

/// Returns whether the header means the same under a name of its own: that of a throttler behind the usual one, for instance.
fn is_alike(name: &str) -> bool {
    let named = name.strip_prefix("retry-after-").is_some_and(|throttler| throttler != "ms");
    named || ALIKE.contains(&name)
}

const IN_MILLIS: [&str; 3] = ["retry-after-ms", "x-ms-retry-after-ms", "x-amz-retry-after"];

const ALIKE: [&str; 4] = ["x-ratelimit-retry-after", "x-rate-limit-retry-after", "x-ratelimit-after", "retryafter"];

const MAX_NAMES: usize = 8;
