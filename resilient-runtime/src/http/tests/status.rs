//! The meaning of statuses, and the headers that change it.

use http::StatusCode;

use super::{headers, now, secs};
use crate::http::status::classify_at;
use crate::http::{class_of_response, class_of_status};
use crate::{Class, Classify};

const THROTTLED: Class = Class::Throttled { after: None };

fn after(seconds: u64) -> Class {
    Class::Throttled { after: Some(secs(seconds)) }
}

fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code).unwrap()
}

#[test]
fn each_status_has_its_class() {
    let transient = [408, 425, 500, 502, 503, 504, 509, 520, 522, 524, 529, 598, 599];
    let throttled = [429];

    for code in 100..1000 {
        let class = match code {
            ..400 => Class::Success,
            code if transient.contains(&code) => Class::Transient,
            code if throttled.contains(&code) => THROTTLED,
            501 | 505 | 506 | 507 | 508 | 510 | 511 | 526 | 561 => Class::Permanent,
            500..600 => Class::Transient,
            _ => Class::Permanent,
        };
        assert_eq!(class_of_status(status(code)), class, "{code}");
    }
}

#[test]
fn a_status_as_an_error_is_no_success() {
    for code in 100..1000 {
        let class = status(code).class();

        assert_ne!(class, Class::Success, "{code}");
        if code >= 400 {
            assert_eq!(class, class_of_status(status(code)), "{code}");
        }
    }
}

#[test]
fn headers_change_some_statuses() {
    const EXHAUSTED: [&str; 2] = ["x-ratelimit-remaining: 0", "x-ratelimit-reset: 9"];
    let table: [(u16, &[&str], Class); 49] = [
        (429, &[], THROTTLED),
        (429, &["retry-after: 7"], after(7)),
        (429, &["retry-after: garbage"], THROTTLED),
        (429, &["retry-after: -7"], THROTTLED),
        (429, &EXHAUSTED, after(9)),
        (429, &["retry-after: 7", EXHAUSTED[0], EXHAUSTED[1]], after(7)),
        (429, &["retry-after: garbage", EXHAUSTED[0], EXHAUSTED[1]], after(9)),
        (429, &["x-ratelimit-remaining: 1", "x-ratelimit-reset: 9"], THROTTLED),
        (429, &["x-ratelimit-reset: 9"], after(9)),
        (429, &["x-ratelimit-remaining: -1", "x-ratelimit-reset: 9"], after(9)),
        (429, &["x-ratelimit-remaining: 0", "x-ratelimit-reset: 0"], THROTTLED),
        (403, &["x-ratelimit-remaining: 0", "x-ratelimit-reset: Sun, 06 Nov 1994 08:49:30 GMT"], THROTTLED),
        (429, &["retry-after: 0"], after(0)),
        (429, &["x-should-retry: false", "retry-after: 7"], Class::Permanent),
        (429, &["x-should-retry: true", "retry-after: 7"], after(7)),
        (429, &[r#"ratelimit: "a";r=0;t=4"#], after(4)),
        (503, &[], Class::Transient),
        (503, &["retry-after: 7"], after(7)),
        (503, &["retry-after: 0"], after(0)),
        (503, &["retry-after: Sun, 06 Nov 1994 08:49:30 GMT"], after(0)),
        (503, &["retry-after: garbage"], Class::Transient),
        (503, &EXHAUSTED, after(9)),
        (503, &["x-ratelimit-remaining: 3", "x-ratelimit-reset: 9"], Class::Transient),
        (403, &[], Class::Permanent),
        (403, &["retry-after: 7"], after(7)),
        (403, &EXHAUSTED, after(9)),
        (403, &["x-ratelimit-remaining: 0"], THROTTLED),
        (403, &["x-ratelimit-reset: 9"], Class::Permanent),
        (503, &["x-ratelimit-reset: 9"], Class::Transient),
        (403, &["x-ratelimit-remaining: 3", "x-ratelimit-reset: 9"], Class::Permanent),
        (413, &[], Class::Permanent),
        (413, &["retry-after: 7"], after(7)),
        (413, &EXHAUSTED, Class::Permanent),
        (200, &["retry-after: 7", EXHAUSTED[0]], Class::Success),
        (301, &["retry-after: 7"], Class::Success),
        (404, &["retry-after: 7"], Class::Permanent),
        (500, &["retry-after: 7"], Class::Transient),
        (418, &[], Class::Permanent),
        (418, &["retry-after: 7"], after(7)),
        (420, &["retry-after: 7"], after(7)),
        (430, &["retry-after: 7"], after(7)),
        (430, &EXHAUSTED, Class::Permanent),
        (409, &["stripe-should-retry: true"], Class::Transient),
        (409, &["x-should-retry: maybe"], Class::Permanent),
        (500, &["x-should-retry: false"], Class::Permanent),
        (503, &["Stripe-Should-Retry: FALSE", "retry-after: 7"], Class::Permanent),
        (500, &["x-should-retry: true", "x-should-retry: false"], Class::Permanent),
        (200, &["x-should-retry: true"], Class::Success),
        (200, &["x-should-retry: false"], Class::Success),
    ];

    for (code, lines, class) in table {
        assert_eq!(classify_at(status(code), &headers(lines), now).class, class, "{code} {lines:?}");
    }
}

#[test]
fn a_transient_failure_has_its_hint_beside_it() {
    let table: [(u16, &[&str], Option<u64>); 10] = [
        (500, &["retry-after: 7"], Some(7)),
        (502, &["retry-after: 60"], Some(60)),
        (504, &["retry-after-ms: 2000"], Some(2)),
        (529, &["retry-after: 12"], Some(12)),
        (408, &["retry-after: 3"], Some(3)),
        (409, &["retry-after: 3", "x-should-retry: true"], Some(3)),
        (409, &["retry-after: 3"], None),
        (500, &["x-ratelimit-remaining: 0", "x-ratelimit-reset: 9"], None),
        (500, &[], None),
        (503, &["retry-after: 3"], None), // in the class
    ];

    for (code, lines, hint) in table {
        assert_eq!(classify_at(status(code), &headers(lines), now).hint, hint.map(secs), "{code} {lines:?}");
    }
}

#[test]
fn the_calendar_is_read_only_for_headers_that_matter() {
    let unread = || -> std::time::SystemTime { panic!("read") };

    for code in [200, 301, 404, 501] {
        let class = classify_at(status(code), &headers(&["retry-after: 7"]), unread).class;
        assert_eq!(class, class_of_status(status(code)), "{code}");
    }
}

#[test]
fn dates_are_compared_with_the_calendar() {
    let past = headers(&["retry-after: Sun, 06 Nov 1994 08:49:37 GMT"]);
    let future = headers(&["retry-after: Fri, 31 Dec 9999 23:59:59 GMT"]);

    assert_eq!(class_of_response(status(429), &past), after(0));
    assert_eq!(class_of_response(status(429), &future), after(365 * 86_400));
}
