//! The hints in a server's headers: no bytes may panic, or ask for more than a year.
//!
//! An input is a status in two bytes, the calendar in four, and then lines: one byte for the name, and the value up to
//! the next line feed.

#![no_main]

use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use libfuzzer_sys::fuzz_target;
use resilient::Class;
use resilient::http::{RateLimit, class_of_response, retry_after};

fuzz_target!(|input: &[u8]| {
    let Some(([first, second, calendar @ ..], lines)) = input.split_first_chunk::<6>() else { return };
    let Ok(status) = StatusCode::from_u16(u16::from_be_bytes([*first, *second])) else { return };
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(u32::from_be_bytes(*calendar).into());
    let headers = headers(lines);

    let asked = retry_after(&headers, now);
    let limit = RateLimit::from_headers(&headers, now);
    let class = class_of_response(status, &headers);

    assert!(asked.is_none_or(|wait| wait <= YEAR));
    assert!(limit.and_then(|limit| limit.reset).is_none_or(|wait| wait <= YEAR));
    assert_ne!(limit, Some(RateLimit::default()));
    if let Class::Throttled { after } = class {
        assert!(after.is_none_or(|wait| wait <= YEAR));
    }
});

fn headers(lines: &[u8]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in lines.split(|byte| *byte == b'\n') {
        let Some((name, value)) = line.split_first() else { continue };
        let name = NAMES[usize::from(*name) % NAMES.len()];
        if let Ok(value) = HeaderValue::from_bytes(value) {
            headers.append(HeaderName::from_static(name), value);
        }
    }
    headers
}

const NAMES: [&str; 11] = [
    "retry-after",
    "ratelimit",
    "ratelimit-policy",
    "ratelimit-limit",
    "ratelimit-remaining",
    "ratelimit-reset",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
    "x-rate-limit-reset",
    "x-ratelimit-reset-after",
];

const YEAR: Duration = Duration::from_secs(365 * 86_400);
