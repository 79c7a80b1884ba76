//! Waits in the body of a refusal.

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use http::HeaderMap;

use super::time::{self, Calendar, Time};
use crate::clock;

/// Returns how long the body of a refusal asks callers to stay away.
///
/// | in the body | is read as |
/// |---|---|
/// | `"retry_after": 6.5`, `"retryAfter"`, `"retry_after_seconds"`, `"retryAfterSeconds"`, `"retryDelay": "34.07s"` | seconds, or a time with units or of the calendar |
/// | `"retry_after_ms": 6500`, `"retryAfterMs"` | milliseconds |
/// | `try again in 6m0s` | a duration with units |
///
/// It looks for these words at any depth of a JSON object, and does not check the rest. Of several waits the longest counts. The first
/// 16 KiB are read, and a wait is at most a year.
///
/// The statuses of refusals do not tell whether a body has such a wait. Ask for it where headers say nothing;
/// [`Dialect::check_with_body`](super::Dialect::check_with_body) does so.
///
/// ```
/// use std::time::Duration;
///
/// use resilient::http::retry_after_in_body;
///
/// let body = br#"{"ok": false, "error_code": 429, "parameters": {"retry_after": 33}}"#;
/// assert_eq!(retry_after_in_body(body), Some(Duration::from_secs(33)));
/// ```
pub fn retry_after_in_body(body: &[u8]) -> Option<Duration> {
    wait(body, &HeaderMap::new(), clock::wall)
}

/// As [`retry_after_in_body`], with the headers for their `Date`, and with a clock.
pub(super) fn wait(body: &[u8], headers: &HeaderMap, now: impl FnOnce() -> SystemTime) -> Option<Duration> {
    let text = beginning(body);
    let seconds = SECONDS.iter().flat_map(|key| values(&text, key)).filter_map(Time::read);
    let millis = MILLIS.iter().flat_map(|key| values(&text, key)).filter_map(Time::read_millis);
    let mut times = seconds.chain(millis).chain(in_words(&text)).peekable();
    times.peek()?;
    let calendar = Calendar::of(headers, now());
    times.map(|time| calendar.until(time)).max()
}

/// The part of the body that is read.
pub(super) fn beginning(body: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(&body[..body.len().min(MAX_LENGTH)])
}

/// The values of the members of that name: numbers, and strings without their quotes.
fn values<'t>(text: &'t str, key: &'t str) -> impl Iterator<Item = &'t str> {
    text.match_indices(key).filter_map(|(at, _)| {
        let rest = text[at + key.len()..].strip_prefix('"')?;
        let opens = text[..at].strip_suffix('"').is_some_and(|before| !before.ends_with('\\'));
        let value = rest.trim_start().strip_prefix(':').filter(|_| opens)?.trim_start();
        match value.strip_prefix('"') {
            Some(string) => string.split_once('"').map(|(string, _)| string).filter(|string| string.len() <= MAX_VALUE),
            None => {
                let end = value.find([',', '}', ']', ' ', '\t', '\r', '\n']).unwrap_or(value.len());
                Some(&value[..end.min(MAX_VALUE)])
            }
        }
    })
}

/// `Please try again in 6m0s.`
fn in_words(text: &str) -> impl Iterator<Item = Time> {
    text.match_indices(WORDS).filter_map(|(at, words)| {
        let rest = &text[at + words.len()..];
        let end = rest.find(|char: char| !char.is_ascii_alphanumeric() && char != '.').unwrap_or(rest.len());
        let wait = rest[..end].trim_end_matches('.');
        time::duration(wait.get(..wait.len().min(MAX_VALUE))?).map(Time::In)
    })
}

const SECONDS: [&str; 5] = ["retry_after", "retryAfter", "retry_after_seconds", "retryAfterSeconds", "retryDelay"];
const MILLIS: [&str; 2] = ["retry_after_ms", "retryAfterMs"];
const WORDS: &str = "try again in ";

const MAX_LENGTH: usize = 16 * 1024;
/// Longer than any time.
const MAX_VALUE: usize = 64;
