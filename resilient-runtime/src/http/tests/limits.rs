//! No header makes it panic, wait for ever or read for long.

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use proptest::collection::vec;
use proptest::prelude::*;

use super::{YEAR, at, headers, now, secs};
use crate::Class;
use crate::http::status::class_at;
use crate::http::{RateLimit, retry_after};

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

/// Any bytes, and what looks like the real thing but for some of them.
fn value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        vec(any::<u8>(), 0..80),
        vec(any::<u8>(), 500..530),
        "[0-9]{1,40}([.][0-9]{0,20})?".prop_map(String::into_bytes),
        "[A-Z][a-z]{2,8},? [0-9]{2}[ -][A-Z][a-z]{2}[ -][0-9]{2,4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT"
            .prop_map(String::into_bytes),
        "[A-Z][a-z]{2} [A-Z][a-z]{2} [ 0-9][0-9] [0-9]{2}:[0-9]{2}:[0-9]{2} [0-9]{4}".prop_map(String::into_bytes),
        "\"?[a-z]{0,5}\"?(;[a-z]{1,2}=-?[0-9]{0,20}){0,4}(, ?[a-z]{1,9}=[0-9]{0,16}){0,4}".prop_map(String::into_bytes),
    ]
}

fn any_headers() -> impl Strategy<Value = HeaderMap> {
    vec((prop::sample::select(&NAMES), value()), 0..20).prop_map(|lines| {
        let mut map = HeaderMap::new();
        for (name, value) in lines {
            if let Ok(value) = HeaderValue::from_bytes(&value) {
                map.append(HeaderName::from_static(name), value);
            }
        }
        map
    })
}

proptest! {
    #[test]
    fn no_wait_is_longer_than_a_year(headers in any_headers(), now in 0_u64..9_999_999_999, code in 100_u16..1000) {
        let now = at(now);

        let asked = retry_after(&headers, now);
        let limit = RateLimit::from_headers(&headers, now);
        let class = class_at(StatusCode::from_u16(code).unwrap(), &headers, || now);

        prop_assert!(asked.is_none_or(|wait| wait <= YEAR));
        prop_assert!(limit.and_then(|limit| limit.reset).is_none_or(|wait| wait <= YEAR));
        prop_assert_ne!(limit, Some(RateLimit::default()));
        if let Class::Throttled { after } = class {
            prop_assert_eq!(after, asked.or_else(|| limit?.retry_after()));
        }
    }

    #[test]
    fn every_number_of_seconds_is_read_back(seconds in any::<u64>()) {
        let headers = headers(&[&format!("retry-after: {seconds}")]);

        prop_assert_eq!(retry_after(&headers, now()), Some(secs(seconds).min(YEAR)));
    }

    #[test]
    fn every_date_is_read_back(now in 0_u64..253_402_300_800, date in 0_u64..253_402_300_800) {
        let headers = headers(&[&format!("retry-after: {}", httpdate::fmt_http_date(at(date)))]);

        prop_assert_eq!(retry_after(&headers, at(now)), Some(secs(date.saturating_sub(now)).min(YEAR)));
    }
}

#[test]
fn long_lines_and_many_lines_are_not_read() {
    let zeros = |count: usize| format!("retry-after: {}7", "0".repeat(count - 1));
    assert_eq!(retry_after(&headers(&[&zeros(512)]), now()), Some(secs(7)));
    assert_eq!(retry_after(&headers(&[&zeros(513)]), now()), None);

    let mut lines = vec!["retry-after: 1"; 8];
    lines.push("retry-after: 2");
    assert_eq!(retry_after(&headers(&lines), now()), Some(secs(1)));
}
