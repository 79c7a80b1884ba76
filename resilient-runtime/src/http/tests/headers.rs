//! `Retry-After` in all that servers make of it.

use std::time::Duration;

use super::{YEAR, at, headers, now, secs};
use crate::http::retry_after;

#[test]
fn reads_one_line() {
    let table = [
        ("0", Some(secs(0))),
        ("1", Some(secs(1))),
        ("120", Some(secs(120))),
        ("007", Some(secs(7))),
        (" 120", Some(secs(120))),
        ("120\t ", Some(secs(120))),
        ("31535999", Some(secs(31_535_999))),
        ("31536000", Some(YEAR)),
        ("31536001", Some(YEAR)),
        ("4294967296", Some(YEAR)),
        ("18446744073709551615", Some(YEAR)),
        ("18446744073709551616", Some(YEAR)),
        ("99999999999999999999999999999999999999999999", Some(YEAR)),
        ("", None),
        (" ", None),
        ("-1", None),
        ("-0", None),
        ("+1", None),
        ("1.939", Some(Duration::from_millis(1_939))),
        ("1.5", Some(Duration::from_millis(1_500))),
        ("0.0000000019", Some(Duration::from_nanos(1))),
        ("31536000.5", Some(YEAR)),
        ("1.", None),
        (".5", None),
        ("1.5.2", None),
        // several values that a proxy has joined
        ("1,5", Some(secs(5))),
        ("2814, 2", Some(secs(2_814))),
        ("2, 1.5, 2814 ,", Some(secs(2_814))),
        ("soon, 3", Some(secs(3))),
        ("3, Sun, 06 Nov 1994 08:51:37 GMT", Some(secs(120))),
        ("Sun, 06 Nov 1994 08:49:39 GMT, 1", Some(secs(2))),
        ("Sun, 06 Nov 1994 08:49:38 GMT, Sun, 06 Nov 1994 08:51:37 GMT", Some(secs(120))),
        ("Sun Nov  6 08:51:37 1994, 1", Some(secs(120))),
        (",", None),
        ("1e3", None),
        // times since 1970, which no wait is as long as
        ("999999999", Some(YEAR)),
        ("784111897", Some(YEAR)),
        ("1000000000", Some(YEAR)),
        ("1000000000000", Some(YEAR)),
        // durations with units
        ("6m0s", Some(secs(360))),
        ("2m59.56s", Some(Duration::from_millis(179_560))),
        ("1h2m", Some(secs(3_720))),
        ("12ms", Some(Duration::from_millis(12))),
        ("1.5us", Some(Duration::from_nanos(1_500))),
        ("1d", Some(secs(86_400))),
        ("1s, 6m0s", Some(secs(360))),
        ("99999999999999999999h", Some(YEAR)),
        ("6m0", None),
        ("m", None),
        ("1w", None),
        ("-1s", None),
        ("1..s", None),
        ("0x10", None),
        ("120s", Some(secs(120))),
        ("120 s", None),
        ("1 2", None),
        ("120, 60", Some(secs(120))),
        ("soon", None),
        ("NaN", None),
        ("inf", None),
        ("\u{661}\u{662}", None),
    ];

    for (line, wait) in table {
        assert_eq!(retry_after(&headers(&[&format!("retry-after: {line}")]), now()), wait, "{line:?}");
    }
}

#[test]
fn reads_a_date_in_each_of_its_forms() {
    let table = [
        ("Sun, 06 Nov 1994 08:49:37 GMT", Some(secs(0))),
        ("Sun, 06 Nov 1994 08:49:38 GMT", Some(secs(1))),
        ("Sun, 06 Nov 1994 08:49:36 GMT", Some(secs(0))),
        ("Sun, 06 Nov 1994 08:51:37 GMT", Some(secs(120))),
        ("  Sun, 06 Nov 1994 08:51:37 GMT ", Some(secs(120))),
        ("Mon, 07 Nov 1994 08:49:37 GMT", Some(secs(86_400))),
        ("Sunday, 06-Nov-94 08:51:37 GMT", Some(secs(120))),
        ("Wednesday, 09-Nov-94 08:49:37 GMT", Some(secs(3 * 86_400))),
        ("Sun Nov  6 08:51:37 1994", Some(secs(120))),
        ("Wed Nov 16 08:49:37 1994", Some(secs(10 * 86_400))),
        ("Thu, 01 Jan 1970 00:00:00 GMT", Some(secs(0))),
        ("Thu, 29 Feb 1996 00:00:00 GMT", Some(YEAR)),
        ("Fri, 31 Dec 9999 23:59:59 GMT", Some(YEAR)),
        // with a zone, and as mail has them
        ("Sun, 06 Nov 1994 08:51:37 UTC", Some(secs(120))),
        ("Sun, 06 Nov 1994 08:51:37 +0000", Some(secs(120))),
        ("Sun, 06 Nov 1994 08:51:37 -0000", Some(secs(120))),
        ("Sun, 06 Nov 1994 09:51:37 +0100", Some(secs(120))),
        ("Sun, 06 Nov 1994 03:51:37 -0500", Some(secs(120))),
        ("Sun, 6 Nov 1994 08:51:37 GMT", Some(secs(120))),
        // RFC 3339
        ("1994-11-06T08:51:37Z", Some(secs(120))),
        ("1994-11-06t08:51:37z", Some(secs(120))),
        ("1994-11-06 08:51:37Z", Some(secs(120))),
        ("1994-11-06T08:51:37.250000Z", Some(secs(120) + Duration::from_millis(250))),
        ("1994-11-06T08:51Z", Some(secs(83))),
        ("1994-11-06T09:51:37+01:00", Some(secs(120))),
        ("1994-11-06T03:51:37-0500", Some(secs(120))),
        ("1994-11-06T08:51:37Z, 5", Some(secs(120))),
        ("1960-02-29T08:51:37Z", Some(secs(0))),
        ("1996-02-29T00:00:00Z", Some(YEAR)),
        ("1995-02-29T00:00:00Z", None),
        ("1994-11-06T08:51:37", None),
        ("1994-11-06 08:51:37", None),
        ("1994-11-06T08:51:61Z", None),
        ("1994-11-06T24:51:37Z", None),
        ("1994-13-06T08:51:37Z", None),
        ("1994-11-06T08:51:7Z", None),
        ("1994-11-06T08:51:37+24:00", None),
        ("1994-11-06T08:51:37+1:00", None),
        ("1994-11-06", None),
        // what is no date
        ("Sun, 06 Nov 1994 08:51:37 EST", None),
        ("Sun, 06 Nov 1994 08:51:37 +0160", None),
        ("Sun, 06 Nov 1994 08:51:37 GMT GMT", None),
        ("Mon, 06 Nov 1994 08:51:37 GMT", None),
        ("Sun, 06 Nov 1994 08:51:60 GMT", None),
        ("Sun, 06 Nov 1994 24:00:00 GMT", None),
        ("Sun, 06 Nov 1994 08:51:37", None),
        ("Wed, 30 Feb 1994 08:49:37 GMT", None),
        ("Sun, 00 Nov 1994 08:51:37 GMT", None),
        ("Sun, 06 Foo 1994 08:51:37 GMT", None),
        ("Sun, 06 Nov 0000 08:51:37 GMT", None),
        ("Sunday, 06-Nov-94", None),
        ("Sun Nov", None),
    ];

    for (line, wait) in table {
        assert_eq!(retry_after(&headers(&[&format!("retry-after: {line}")]), now()), wait, "{line:?}");
    }
}

#[test]
fn a_date_is_measured_to_the_fraction_of_a_second() {
    let headers = headers(&["retry-after: Sun, 06 Nov 1994 08:49:38 GMT"]);
    let half = std::time::Duration::from_millis(500);

    assert_eq!(retry_after(&headers, now() + half), Some(half));
}

#[test]
fn the_longest_of_several_readable_lines_counts() {
    let table: [(&[&str], _); 8] = [
        (&[], None),
        (&["retry-after: 1", "retry-after: 2"], Some(secs(2))),
        (&["retry-after: 2", "retry-after: 1"], Some(secs(2))),
        (&["retry-after: 2", "retry-after: 2"], Some(secs(2))),
        (&["retry-after: never", "retry-after: 1"], Some(secs(1))),
        (&["retry-after: 1", "retry-after: -9"], Some(secs(1))),
        (&["retry-after: 60", "retry-after: Sun, 06 Nov 1994 08:51:37 GMT"], Some(secs(120))),
        (&["retry-after: never", "retry-after: -9"], None),
    ];

    for (lines, wait) in table {
        assert_eq!(retry_after(&headers(lines), now()), wait, "{lines:?}");
    }
}

#[test]
fn a_clock_that_is_wrong_makes_no_wait_negative_or_longer_than_a_year() {
    let headers = headers(&["retry-after: Sun, 06 Nov 1994 08:49:37 GMT"]);

    assert_eq!(retry_after(&headers, at(0)), Some(YEAR));
    assert_eq!(retry_after(&headers, at(4_102_444_800)), Some(secs(0)));
}

#[test]
fn a_number_that_no_wait_is_as_long_as_is_a_time_since_1970() {
    let now = at(1_795_873_200);
    for (line, wait) in [
        ("1795873240", Some(secs(40))),
        ("1795873240.5", Some(Duration::from_millis(40_500))),
        ("1795873240500", Some(Duration::from_millis(40_500))),
        ("1795873200", Some(secs(0))),
        ("1795873199", Some(secs(0))),
        ("4294967295", Some(YEAR)),
        ("99999999999999", Some(YEAR)),
    ] {
        assert_eq!(retry_after(&headers(&[&format!("retry-after: {line}")]), now), wait, "{line}");
    }
}

#[test]
fn milliseconds_stand_under_names_of_their_own() {
    let ms = Duration::from_millis;
    let table: [(&[&str], _); 9] = [
        (&["retry-after-ms: 1750"], Some(ms(1_750))),
        (&["x-ms-retry-after-ms: 340"], Some(ms(340))),
        (&["x-amz-retry-after: 1500"], Some(ms(1_500))),
        (&["retry-after-ms: 0.5"], Some(Duration::from_micros(500))),
        (&["retry-after-ms: 99999999999"], Some(secs(99_999_999).min(YEAR))),
        (&["retry-after: 2", "retry-after-ms: 1750"], Some(secs(2))),
        (&["retry-after: 1", "retry-after-ms: 1750"], Some(ms(1_750))),
        (&["retry-after-ms: soon", "retry-after: 1"], Some(secs(1))),
        (&["retry-after-ms: -1"], None),
    ];

    for (lines, wait) in table {
        assert_eq!(retry_after(&headers(lines), now()), wait, "{lines:?}");
    }
}

#[test]
fn other_names_count_where_the_usual_one_says_nothing() {
    let table: [(&[&str], _); 9] = [
        (&["x-ratelimit-retry-after: 59"], Some(secs(59))),
        (&["x-rate-limit-retry-after: 59"], Some(secs(59))),
        (&["x-ratelimit-after: 4"], Some(secs(4))),
        (&["retryafter: 17"], Some(secs(17))),
        (&["retry-after-short: 3"], Some(secs(3))),
        (&["retry-after-short: 3", "retry-after-long: 30"], Some(secs(30))),
        (&["retry-after: 1", "x-ratelimit-retry-after: 59"], Some(secs(1))),
        (&["retry-after: never", "x-ratelimit-retry-after: 59"], Some(secs(59))),
        (&["x-retry-after-all: 3"], None),
    ];

    for (lines, wait) in table {
        assert_eq!(retry_after(&headers(lines), now()), wait, "{lines:?}");
    }
}

#[test]
fn dates_are_compared_with_that_of_the_response() {
    const AHEAD: &str = "date: Sun, 06 Nov 1994 08:51:37 GMT"; // two minutes
    const THEN: &str = "retry-after: Sun, 06 Nov 1994 08:52:19 GMT";
    let table: [(&[&str], _); 7] = [
        (&[THEN], Some(secs(162))),
        (&[THEN, AHEAD], Some(secs(42))),
        (&["retry-after: 1994-11-06T08:52:19Z", AHEAD], Some(secs(42))),
        (&["retry-after: 42", AHEAD], Some(secs(42))),
        // a cache has kept it
        (&[THEN, AHEAD, "age: 0"], Some(secs(162))),
        (&[THEN, "date: soon"], Some(secs(162))),
        // one of the clocks is wrong
        (&[THEN, "date: Tue, 08 Nov 1994 08:51:37 GMT"], Some(secs(162))),
    ];

    for (lines, wait) in table {
        assert_eq!(retry_after(&headers(lines), now()), wait, "{lines:?}");
    }
}
