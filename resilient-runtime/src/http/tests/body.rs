//! Waits in bodies.

use std::time::Duration;

use http::HeaderMap;
use proptest::collection::vec;
use proptest::prelude::*;

use super::{YEAR, headers, now, secs};
use crate::http::{body, retry_after_in_body};

#[test]
fn finds_the_wait_at_any_depth() {
    let ms = Duration::from_millis;
    let table = [
        (r#"{"retry_after": 6.5}"#, Some(ms(6_500))),
        (r#"{"retry_after":6}"#, Some(secs(6))),
        (r#"{"message": "slow", "retry_after" : 6 , "global": false}"#, Some(secs(6))),
        ("{\n  \"error\": {\n    \"retry_after\": 300\n  }\n}", Some(secs(300))),
        (r#"{"parameters":{"retry_after":33}}"#, Some(secs(33))),
        (r#"[{"retryAfter":"12"}]"#, Some(secs(12))),
        (r#"{"retry_after_ms":1750}"#, Some(ms(1_750))),
        (r#"{"retryAfterMs":1750}"#, Some(ms(1_750))),
        (r#"{"retry_after_seconds":5}"#, Some(secs(5))),
        (r#"{"details":[{"retryDelay":"34.074824224s"}]}"#, Some(Duration::new(34, 74_824_224))),
        (r#"{"retry_after":"1994-11-06T08:51:37Z"}"#, Some(secs(120))),
        (r#"{"retry_after":"Sun, 06 Nov 1994 08:51:37 GMT"}"#, Some(secs(120))),
        ("Rate limit reached. Please try again in 6m0s. Visit us.", Some(secs(360))),
        (r#"{"error":{"message":"Limit 3. Please try again in 20ms."}}"#, Some(ms(20))),
        (r#"{"retry_after": 5, "retry_after_ms": 7000}"#, Some(secs(7))),
        (r#"{"retry_after": 99999999}"#, Some(YEAR)),
        // what is no wait
        ("", None),
        ("{}", None),
        (r#"{"retry_after": null}"#, None),
        (r#"{"retry_after": -1}"#, None),
        (r#"{"retry_after": 1e3}"#, None),
        (r#"{"retry_after": }"#, None),
        (r#"{"retry_after"}"#, None),
        (r#"{"retry_after": "soon"}"#, None),
        (r#"{"retry_after": "6"#, None),
        (r#"{"my_retry_after": 6}"#, None),
        (r#"{"retry_after_x": 6}"#, None),
        (r#"{"text": "they sent \"retry_after\": 6"}"#, None),
        ("retry_after: 6", None),
        ("try again in a while", None),
        ("try again in 5 minutes", None),
    ];

    for (body, wait) in table {
        assert_eq!(body::wait(body.as_bytes(), &HeaderMap::new(), now), wait, "{body}");
    }
}

#[test]
fn a_date_in_a_body_is_compared_with_that_of_the_response() {
    let headers = headers(&["date: Sun, 06 Nov 1994 08:51:37 GMT"]);

    let wait = body::wait(br#"{"retry_after":"1994-11-06T08:52:19Z"}"#, &headers, now);

    assert_eq!(wait, Some(secs(42)));
}

#[test]
fn the_end_of_a_long_body_is_not_read() {
    let body = |blanks: usize| format!("{{{}\"retry_after\": 5}}", " ".repeat(blanks));

    assert_eq!(retry_after_in_body(body(16_000).as_bytes()), Some(secs(5)));
    assert_eq!(retry_after_in_body(body(17_000).as_bytes()), None);
}

proptest! {
    #[test]
    fn no_body_makes_it_panic_or_wait_for_longer_than_a_year(
        bytes in vec(any::<u8>(), 0..60),
        key in prop::sample::select(vec!["retry_after", "retryAfterMs", "retryDelay", "try again in "]),
        value in "[\":, ]{0,3}[-0-9.a-z]{0,30}[\"}]{0,2}",
    ) {
        for body in [bytes.clone(), [&bytes[..], b"\"", key.as_bytes(), b"\":", value.as_bytes()].concat(), [key.as_bytes(), value.as_bytes(), &bytes].concat()] {
            prop_assert!(retry_after_in_body(&body).is_none_or(|wait| wait <= YEAR));
        }
    }

    #[test]
    fn every_number_is_read_back(millis in 0..1_000_000_000_u64) {
        let seconds = format!("{{\"retry_after\": {}.{:03}}}", millis / 1_000, millis % 1_000);
        let whole = format!("{{\"retry_after_ms\": {millis}}}");

        prop_assert_eq!(retry_after_in_body(seconds.as_bytes()), Some(Duration::from_millis(millis)));
        prop_assert_eq!(retry_after_in_body(whole.as_bytes()), Some(Duration::from_millis(millis)));
    }
}
