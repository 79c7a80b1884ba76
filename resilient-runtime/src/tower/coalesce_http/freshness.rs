//! Responses that others may get, and for how long: by RFC 9110 and RFC 9111.

use std::time::Duration;

use http::header::{AGE, CACHE_CONTROL, CONTENT_TYPE, DATE, EXPIRES, SET_COOKIE, VARY};
use http::response::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::clock;
use crate::coalesce::Judgement;
use crate::http::{field, time};

/// Returns whether a response may go to requests with the same key, of which the headers of `vary` are parts, and those that `covers` names.
pub(super) fn is_for_others(head: &Parts, vary: &[HeaderName], covers: fn(&HeaderName) -> bool) -> bool {
    let Parts { status, headers, .. } = head;
    let answers_a_condition = matches!(status.as_u16(), 206 | 304 | 412 | 416 | 417);
    let names_one_caller = headers.contains_key(SET_COOKIE)
        || directives(headers).any(|directive| directive.is("private") || directive.is("no-store"));
    let is_in_key = |name: &HeaderName| vary.contains(name) || covers(name);
    let varies = elements(headers, &VARY).any(|name| !HeaderName::from_bytes(name).is_ok_and(|name| is_in_key(&name)));
    !status.is_informational() && !answers_a_condition && !names_one_caller && !varies && !is_a_stream(headers)
}

/// Returns for whom a response is that may go to others, where responses are held for `hold`.
pub(super) fn lifetime(head: &Parts, hold: Duration) -> Judgement {
    let Parts { status, headers, .. } = head;
    if has_failed(*status) || directives(headers).any(|directive| directive.is("no-cache")) {
        return Judgement::ForThoseThatWait;
    }
    let is_fresh = match explicit_lifetime(headers) {
        Some(lifetime) => lifetime.saturating_sub(age(headers).unwrap_or_default()) >= hold,
        None => directives(headers).any(|directive| directive.is("public")) || is_cacheable(*status),
    };
    let has_to_be_new = |directive: Directive<'_>| MUST_REVALIDATE.iter().any(|name| directive.is(name));
    match is_fresh {
        false => Judgement::ForThoseThatWait,
        true if status.as_u16() >= 400 || directives(headers).any(has_to_be_new) => Judgement::ForAll,
        true => Judgement::Good,
    }
}

/// Returns whether a `Cache-Control` has that directive.
pub(super) fn has_directive(headers: &HeaderMap, name: &str) -> bool {
    directives(headers).any(|directive| directive.is(name))
}

/// Returns the age that a response had when it came, if it says so.
pub(super) fn age(headers: &HeaderMap) -> Option<Duration> {
    seconds(headers.get(AGE)?.as_bytes())
}

/// Another attempt may find the service well.
const fn has_failed(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 425 | 429 | 500..)
}

/// The statuses that [may be kept](https://www.rfc-editor.org/rfc/rfc9110#section-15.1) though the response says nothing of it, without the failures
/// and 206.
const fn is_cacheable(status: StatusCode) -> bool {
    matches!(status.as_u16(), 200 | 203 | 204 | 300 | 301 | 308 | 404 | 405 | 410 | 414)
}

/// Returns how long a response says that it is fresh, from when its server wrote it. One that cannot be read is not fresh.
fn explicit_lifetime(headers: &HeaderMap) -> Option<Duration> {
    let shortest = |name: &str| {
        let times = directives(headers).filter(|directive| directive.is(name));
        times.map(|directive| directive.value.and_then(seconds).unwrap_or_default()).min()
    };
    shortest("s-maxage").or_else(|| shortest("max-age")).or_else(|| {
        let date = |value: &HeaderValue| time::http_date(value.to_str().ok()?);
        let expires = date(headers.get(EXPIRES)?);
        let written = headers.get(DATE).and_then(date).unwrap_or_else(clock::wall);
        Some(expires.and_then(|expires| expires.duration_since(written).ok()).unwrap_or_default())
    })
}

/// Returns whether the body goes on for as long as the connection does.
fn is_a_stream(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|kind| {
        let kind = kind.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
        STREAMS.iter().any(|stream| kind.eq_ignore_ascii_case(stream.as_bytes()))
    })
}

/// One directive of a `Cache-Control`.
#[derive(Debug, Clone, Copy)]
struct Directive<'h> {
    name: &'h [u8],
    value: Option<&'h [u8]>,
}

impl Directive<'_> {
    fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }
}

fn directives(headers: &HeaderMap) -> impl Iterator<Item = Directive<'_>> {
    elements(headers, &CACHE_CONTROL).map(|element| match element.iter().position(|byte| *byte == b'=') {
        None => Directive { name: element, value: None },
        Some(at) => {
            Directive { name: element[..at].trim_ascii(), value: Some(unquoted(element[at + 1..].trim_ascii())) }
        }
    })
}

/// The elements of a header that is a list, without the blanks around them. A comma between quotes ends one too, so that no quote that is never
/// closed hides a directive.
fn elements<'h>(headers: &'h HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'h [u8]> {
    let elements = headers.get_all(name).into_iter().flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
    elements.map(<[u8]>::trim_ascii).filter(|element| !element.is_empty())
}

fn unquoted(value: &[u8]) -> &[u8] {
    value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value)
}

/// A number of seconds. One that does not fit is as long as can be.
fn seconds(digits: &[u8]) -> Option<Duration> {
    field::whole(str::from_utf8(digits.trim_ascii()).ok()?).map(Duration::from_secs)
}

const MUST_REVALIDATE: [&str; 3] = ["must-revalidate", "proxy-revalidate", "s-maxage"];

const STREAMS: [&str; 2] = ["text/event-stream", "multipart/x-mixed-replace"];

#[cfg(test)]
mod tests;
