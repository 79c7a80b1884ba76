//! Rate limits under every name.

use std::time::Duration;

use super::{YEAR, at, headers, now, secs};
use crate::http::RateLimit;

fn limit(limit: impl Into<Option<u64>>, remaining: impl Into<Option<u64>>, reset: impl Into<Option<u64>>) -> RateLimit {
    RateLimit { limit: limit.into(), remaining: remaining.into(), reset: reset.into().map(secs) }
}

#[test]
fn reads_structured_fields() {
    let table: [(&[&str], _); 29] = [
        // the later drafts
        (&[r#"ratelimit: "default";r=50;t=30"#], limit(None, 50, 30)),
        (&[r#"ratelimit: "default"; r=50; t=30"#], limit(None, 50, 30)),
        (&["ratelimit: default;r=50;t=30"], limit(None, 50, 30)),
        (&[r#"ratelimit: "default";t=30;r=50;pk=:cGs=:"#], limit(None, 50, 30)),
        (&[r#"ratelimit: "default";r=50"#], limit(None, 50, None)),
        (&[r#"ratelimit: "default";r=50;t=30"#, r#"ratelimit-policy: "default";q=100;w=60"#], limit(100, 50, 30)),
        (&[r#"ratelimit: "a";r=50;t=30"#, r#"ratelimit-policy: "b";q=100;w=60"#], limit(100, 50, 30)),
        (&[r#"ratelimit: "a";r=50;t=30"#, r#"ratelimit-policy: "b";q=1, "a";q=9"#], limit(9, 50, 30)),
        (&[r#"ratelimit: "a";r=50;t=30"#, r#"ratelimit-policy: "b";q=1, "c";q=9"#], limit(None, 50, 30)),
        (&[r#"ratelimit: "a";r=5;t=1, "b";r=0;t=60"#], limit(None, 0, 60)),
        (&[r#"ratelimit: "a";r=0;t=1, "b";r=0;t=60"#], limit(None, 0, 60)),
        (&[r#"ratelimit: "a";r=0;t=60, "b";r=0;t=1"#], limit(None, 0, 60)),
        (&[r#"ratelimit: "a";r=5;t=1"#, r#"ratelimit: "b";r=0;t=60"#], limit(None, 0, 60)),
        (&[r#"ratelimit: "a";t=9, "b";r=7;t=60"#], limit(None, 7, 60)),
        (&[r#"ratelimit: "a";r=0;t=99999999999"#], limit(None, 0, 365 * 86_400)),
        // the earlier ones
        (&["ratelimit: limit=100, remaining=50, reset=30"], limit(100, 50, 30)),
        (&["ratelimit: limit=100,remaining=50,reset=30"], limit(100, 50, 30)),
        (&["ratelimit: remaining=0, reset=30"], limit(None, 0, 30)),
        (&["ratelimit: remaining=0, reset=30", "ratelimit-policy: 100;w=60"], limit(100, 0, 30)),
        (&["ratelimit-policy: 100;w=60"], limit(100, None, None)),
        // members that cannot be read
        (&[r#"ratelimit: "a";r=-1;t=30"#], limit(None, None, 30)),
        (&[r#"ratelimit: "a";r=1.5;t=30"#], limit(None, None, 30)),
        (&[r#"ratelimit: "a";r="1";t=30"#], limit(None, None, 30)),
        (&["ratelimit: limit=(1 2), remaining=50"], limit(None, 50, None)),
        // lines that cannot
        (&[r#"ratelimit: "a";r=1;t=30, ""#], limit(None, None, None)),
        (&[r#"ratelimit: "a;r=1"#], limit(None, None, None)),
        (&["ratelimit: 50"], limit(None, None, None)),
        (&[r#"ratelimit: "a""#], limit(None, None, None)),
        (&["ratelimit: "], limit(None, None, None)),
    ];

    for (lines, expected) in table {
        let found = RateLimit::from_headers(&headers(lines), now());

        assert_eq!(found.unwrap_or_default(), expected, "{lines:?}");
    }
}

#[test]
fn reads_separate_headers() {
    let table: [(&[&str], _); 18] = [
        (&["x-ratelimit-limit: 60", "x-ratelimit-remaining: 0", "x-ratelimit-reset: 30"], limit(60, 0, 30)),
        (&["x-rate-limit-limit: 60", "x-rate-limit-remaining: 0", "x-rate-limit-reset: 30"], limit(60, 0, 30)),
        (&["ratelimit-limit: 60", "ratelimit-remaining: 0", "ratelimit-reset: 30"], limit(60, 0, 30)),
        (&["ratelimit-limit: 60, 60;w=1, 999;w=3600", "ratelimit-remaining: 5"], limit(60, 5, None)),
        (&["x-ratelimit-limit: 60;w=1"], limit(60, None, None)),
        (&["x-ratelimit-remaining: 5 , 7"], limit(None, 5, None)),
        (&["x-ratelimit-reset: 99", "x-ratelimit-reset-after: 3"], limit(None, None, 3)),
        (&["x-ratelimit-reset: 99", "x-ratelimit-reset-after: soon"], limit(None, None, 99)),
        (&["ratelimit-remaining: 1", "x-ratelimit-remaining: 2"], limit(None, 1, None)),
        (&["ratelimit-remaining: -", "x-ratelimit-remaining: 2"], limit(None, 2, None)),
        (&["x-ratelimit-remaining: -1"], limit(None, None, None)),
        (&["x-ratelimit-remaining: 1.0"], limit(None, 1, None)),
        (&["x-ratelimit-remaining: 0.9"], limit(None, 0, None)),
        (&["x-ratelimit-next: 30", "x-ratelimit-remaining: 0"], limit(None, 0, 30)),
        (&["x-ratelimit-reset: 20", "x-ratelimit-next: 30"], limit(None, None, 20)),
        (&["x-ratelimit-remaining: 99999999999999999999999"], limit(None, u64::MAX, None)),
        (&["x-ratelimit-limit: 60", r#"ratelimit: "a";r=7;t=2"#], limit(None, 7, 2)),
        (&["x-ratelimit-remaining: 3", r#"ratelimit-policy: "a";q=100"#], limit(100, 3, None)),
    ];

    for (lines, expected) in table {
        let found = RateLimit::from_headers(&headers(lines), now());

        assert_eq!(found.unwrap_or_default(), expected, "{lines:?}");
    }
}

#[test]
fn the_size_of_a_reset_says_what_it_counts() {
    let millis = Duration::from_millis;
    let now = at(1_700_000_000);
    let table = [
        // seconds from now
        ("0", Some(secs(0))),
        ("30", Some(secs(30))),
        ("0.65", Some(millis(650))),
        ("1.0000000019", Some(Duration::new(1, 1))),
        ("31536001", Some(YEAR)),
        ("999999999", Some(YEAR)),
        ("999999999.999", Some(YEAR)),
        // seconds since 1970
        ("1000000000", Some(secs(0))),
        ("1699999999", Some(secs(0))),
        ("1700000000", Some(secs(0))),
        ("1700000060", Some(secs(60))),
        ("1700000060.250", Some(millis(60_250))),
        ("99999999999", Some(YEAR)),
        // milliseconds since 1970
        ("100000000000", Some(secs(0))),
        ("1700000000000", Some(secs(0))),
        ("1700000060250", Some(millis(60_250))),
        ("99999999999999", Some(YEAR)),
        // nothing
        ("100000000000000", None),
        ("1700000060250000", None),
        ("18446744073709551616", None),
        // dates
        ("Tue, 14 Nov 2023 22:14:20 GMT", Some(secs(60))),
        ("Sun, 06 Nov 1994 08:49:37 GMT", Some(secs(0))),
        // garbage
        ("", None),
        ("-1", None),
        (".5", None),
        ("5.", None),
        ("1.2.3", None),
        ("1.-2", None),
        ("1e9", None),
        // with units, and RFC 3339
        ("6m0s", Some(secs(360))),
        ("12ms", Some(millis(12))),
        ("2023-11-14T22:14:20Z", Some(secs(60))),
        ("2023-11-14T22:14Z", Some(secs(40))),
        ("2023-11-14T23:14:20.500000+01:00", Some(millis(60_500))),
        ("2023-11-14 22:14:20", None),
    ];

    for (line, wait) in table {
        for name in ["x-ratelimit-reset", "x-rate-limit-reset", "ratelimit-reset"] {
            let found = RateLimit::from_headers(&headers(&[&format!("{name}: {line}")]), now);

            assert_eq!(found.and_then(|found| found.reset), wait, "{name}: {line}");
        }
    }
}

#[test]
fn a_reset_after_is_always_from_now() {
    for (line, wait) in [("5", Some(secs(5))), ("0.25", Some(Duration::from_millis(250))), ("1700000060", Some(YEAR))] {
        let headers = headers(&[&format!("x-ratelimit-reset-after: {line}")]);

        assert_eq!(RateLimit::from_headers(&headers, now()).unwrap().reset, wait, "{line}");
    }
}

#[test]
fn of_several_kinds_the_nearest_to_its_end_counts() {
    const REQUESTS: [&str; 3] =
        ["x-ratelimit-limit-requests: 60", "x-ratelimit-remaining-requests: 59", "x-ratelimit-reset-requests: 1s"];
    let table: [(&[&str], _); 12] = [
        (&REQUESTS, limit(60, 59, 1)),
        (
            &[
                REQUESTS[0],
                REQUESTS[1],
                REQUESTS[2],
                "x-ratelimit-remaining-tokens: 0",
                "x-ratelimit-reset-tokens: 6m0s",
            ],
            limit(None, 0, 360),
        ),
        (&["x-ratelimit-requests-remaining: 0", "x-ratelimit-requests-reset: 9"], limit(None, 0, 9)),
        (
            &[
                "ratelimit-remaining-day: 0",
                "ratelimit-reset-day: 9",
                "ratelimit-remaining-minute: 0",
                "ratelimit-reset-minute: 3",
            ],
            limit(None, 0, 9),
        ),
        (
            &["anthropic-ratelimit-tokens-remaining: 0", "anthropic-ratelimit-tokens-reset: 1994-11-06T08:50:22Z"],
            limit(None, 0, 45),
        ),
        (
            &["x-ratelimit-remaining: 7", "x-ratelimit-remaining-minute: 0", "x-ratelimit-reset-minute: 3"],
            limit(None, 0, 3),
        ),
        (&["x-ratelimit-remaining: 0", "x-ratelimit-reset: 8", "x-ratelimit-remaining-minute: 5"], limit(None, 0, 8)),
        // tokens are no calls
        (
            &["x-ratelimit-remaining: 70", "x-ratelimit-remaining-tokens: 3", "x-ratelimit-reset-tokens: 9"],
            limit(None, 70, None),
        ),
        (&["x-ratelimit-remaining-tokens: 3", "x-ratelimit-reset-tokens: 9"], limit(None, None, None)),
        // another prefix, and what only looks like a kind
        (&["gw-ratelimit-remaining: 0", "gw-ratelimit-reset: 250"], limit(None, None, None)),
        (&["x-ratelimit-reset-after: 5"], limit(None, None, 5)),
        (&["x-ratelimit-limit-per-second: 50.00"], limit(None, None, None)),
    ];

    for (lines, expected) in table {
        let found = RateLimit::from_headers(&headers(lines), now());

        assert_eq!(found.unwrap_or_default(), expected, "{lines:?}");
    }
}

#[test]
fn the_policy_says_what_a_quota_counts_and_whose_it_is() {
    let table: [(&[&str], _); 8] = [
        (&[r#"ratelimit: "a";r=5;t=60"#, r#"ratelimit-policy: "a";q=9;qu="requests""#], limit(9, 5, 60)),
        (&[r#"ratelimit: "a";r=5;t=60"#, r#"ratelimit-policy: "a";q=9;qu="content-bytes""#], limit(None, None, None)),
        (&[r#"ratelimit: "a";r=0;t=60"#, r#"ratelimit-policy: "a";q=9;qu="content-bytes""#], limit(9, 0, 60)),
        (
            &[r#"ratelimit: "a";r=5;t=60, "b";r=8;t=9"#, r#"ratelimit-policy: "a";qu="content-bytes", "b";q=9"#],
            limit(9, 8, 9),
        ),
        (
            &[r#"ratelimit: "a";r=5;t=60;pk=:Mg==:"#, r#"ratelimit-policy: "a";q=1;pk=:MQ==:, "a";q=2;pk=:Mg==:"#],
            limit(2, 5, 60),
        ),
        (&[r#"ratelimit: "a";r=5;t=60;pk=:Mw==:"#, r#"ratelimit-policy: "a";q=1;pk=:MQ==:, "b";q=2"#], limit(1, 5, 60)),
        (&[r#"ratelimit: "c";r=5;t=60"#, r#"ratelimit-policy: "a";q=1, "b";q=2"#], limit(None, 5, 60)),
        (&["ratelimit: remaining=5, reset=60", r#"ratelimit-policy: "a";q=1, "b";q=2"#], limit(None, 5, 60)),
    ];

    for (lines, expected) in table {
        let found = RateLimit::from_headers(&headers(lines), now());

        assert_eq!(found.unwrap_or_default(), expected, "{lines:?}");
    }
}

#[test]
fn nothing_is_said_without_the_headers() {
    assert_eq!(RateLimit::from_headers(&headers(&["content-length: 5"]), now()), None);
}
