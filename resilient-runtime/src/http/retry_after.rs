//! The `Retry-After` header.

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http::header::RETRY_AFTER;

use super::field;

/// Returns how long `Retry-After` asks callers to stay away.
///
/// Both forms of [RFC 9110, section 10.2.3](https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3) are read: seconds, with a
/// fraction where a server sends one, and a date in each of the three spellings that HTTP has had. A date that is over gives zero, more
/// than a year gives a year, and anything else gives `None`: a sign, a unit, a date with the wrong day of the week.
///
/// If the header is there more than once, or a proxy has joined several values by commas, the longest readable wait counts: it is the
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
    field::lines(headers, RETRY_AFTER.as_str()).filter_map(|line| wait(line, now)).max()
}

fn wait(line: &str, now: SystemTime) -> Option<Duration> {
    let commas = || line.match_indices(',').map(|(at, _)| at);
    let starts = std::iter::once(0).chain(commas().map(|comma| comma + 1));
    let values = starts.enumerate().flat_map(|(index, start)| {
        let mut ends = commas().chain(std::iter::once(line.len())).skip(index);
        let part = |end: usize| line[start..end].trim_matches([' ', '\t']);
        let seconds = ends.next().and_then(|end| field::seconds(part(end)));
        // a date may have a comma of its own
        let date = ends.next().and_then(|end| field::date(part(end)));
        let date = date.or_else(|| field::date(part(commas().nth(index).unwrap_or(line.len()))));
        [seconds.map(|wait| wait.min(field::LONGEST)), date.map(|date| field::until(date, now))]
    });
    values.flatten().max()
}
