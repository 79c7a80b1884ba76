//! No header makes it panic, wait for ever or read for long.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use proptest::collection::vec;
use proptest::prelude::*;

use super::{YEAR, at, headers, now, secs};
use crate::Class;
use crate::http::status::classify_at;
use crate::http::{RateLimit, retry_after};

const NAMES: [&str; 24] = [
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
    "retry-after-ms",
    "x-ms-retry-after-ms",
    "retry-after-short",
    "x-ratelimit-retry-after",
    "x-ratelimit-next",
    "x-ratelimit-remaining-tokens",
    "x-ratelimit-reset-tokens",
    "x-ratelimit-requests-remaining",
    "x-ratelimit-requests-reset",
    "anthropic-ratelimit-tokens-reset",
    "x-should-retry",
    "date",
    "age",
];

/// The number of a month, by its name in an HTTP date.
struct Month(usize);

impl std::str::FromStr for Month {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        months.iter().position(|month| *month == name).map(|index| Self(index + 1)).ok_or(())
    }
}

/// Any bytes, and what looks like the real thing but for some of them.
fn value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        vec(any::<u8>(), 0..80),
        vec(any::<u8>(), 500..530),
        "[0-9]{1,40}([.][0-9]{0,20})?".prop_map(String::into_bytes),
        "[A-Z][a-z]{2,8},? [0-9]{2}[ -][A-Z][a-z]{2}[ -][0-9]{2,4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT"
            .prop_map(String::into_bytes),
        "[A-Z][a-z]{2} [A-Z][a-z]{2} [ 0-9][0-9] [0-9]{2}:[0-9]{2}:[0-9]{2} [0-9]{4}".prop_map(String::into_bytes),
        "([0-9]{1,30}([.][0-9]{1,12})?[a-z]{1,2}){1,5}".prop_map(String::into_bytes),
        "[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{0,12})?)?(Z|[+-][0-9]{2}:?[0-9]{2})?"
            .prop_map(String::into_bytes),
        "(true|false)".prop_map(String::into_bytes),
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
        let classified = classify_at(StatusCode::from_u16(code).unwrap(), &headers, || now);

        prop_assert!(asked.is_none_or(|wait| wait <= YEAR));
        prop_assert!(limit.and_then(|limit| limit.reset).is_none_or(|wait| wait <= YEAR));
        prop_assert_ne!(limit, Some(RateLimit::default()));
        match classified.class {
            Class::Throttled { after } => prop_assert_eq!(after, asked.or_else(|| limit?.retry_after_refusal())),
            Class::Transient => prop_assert_eq!(classified.hint, asked),
            Class::Success | Class::Permanent => prop_assert_eq!(classified.hint, None),
        }
    }

    #[test]
    fn every_number_of_seconds_is_read_back(seconds in 0..1_000_000_000_u64) {
        let headers = headers(&[&format!("retry-after: {seconds}")]);

        prop_assert_eq!(retry_after(&headers, now()), Some(secs(seconds).min(YEAR)));
    }

    #[test]
    fn every_duration_is_read_back(hours in 0..8_000_u64, minutes in 0..60_u64, millis in 0..60_000_u64) {
        let (seconds, fraction) = (millis / 1_000, millis % 1_000);
        let written = format!("{hours}h{minutes}m{seconds}.{fraction:03}s");

        let wait = retry_after(&headers(&[&format!("retry-after: {written}")]), now());

        prop_assert_eq!(wait, Some(secs(hours * 3_600 + minutes * 60) + Duration::from_millis(millis)));
    }

    #[test]
    fn every_time_of_rfc_3339_is_the_http_date_of_the_same_instant(date in 0_u64..253_402_300_800, ahead in -1_439_i64..1_440) {
        let local = httpdate::fmt_http_date(at(date.saturating_add_signed(ahead * 60)));
        let month = (local[8..11].parse::<Month>().unwrap().0).to_string();
        let (sign, minutes) = (if ahead < 0 { '-' } else { '+' }, ahead.abs());
        let zone = format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60);
        let written = format!("{}-{month:0>2}-{}T{}{zone}", &local[12..16], &local[5..7], &local[17..25]);
        prop_assume!(date.checked_add_signed(ahead * 60).is_some_and(|local| local < 253_402_300_800));

        let wait = retry_after(&headers(&[&format!("retry-after: {written}")]), now());

        prop_assert_eq!(wait, Some(at(date).duration_since(now()).unwrap_or_default().min(YEAR)), "{}", written);
    }

    #[test]
    fn a_date_of_a_clock_that_is_off_makes_no_difference(off in -86_400_i64..=86_400, wait in 0..1_000_u64) {
        let now = || at(1_795_873_200);
        let theirs = at(1_795_873_200_u64.saturating_add_signed(off));
        let date = format!("date: {}", httpdate::fmt_http_date(theirs));
        let then = theirs + secs(wait);
        let reset = then.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();

        let by_date = headers(&[&date, &format!("retry-after: {}", httpdate::fmt_http_date(then))]);
        let by_number = headers(&[&date, "x-ratelimit-remaining: 0", &format!("x-ratelimit-reset: {reset}")]);

        prop_assert_eq!(retry_after(&by_date, now()), Some(secs(wait)));
        prop_assert_eq!(RateLimit::from_headers(&by_number, now()).unwrap().reset, Some(secs(wait)));
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
