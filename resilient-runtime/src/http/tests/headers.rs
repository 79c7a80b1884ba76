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
        ("0x10", None),
        ("120s", None),
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
        // what is no date
        ("Mon, 06 Nov 1994 08:51:37 GMT", None),
        ("Sun, 06 Nov 1994 08:51:60 GMT", None),
        ("Sun, 06 Nov 1994 24:00:00 GMT", None),
        ("Sun, 06 Nov 1994 08:51:37 UTC", None),
        ("Sun, 06 Nov 1994 08:51:37 +0000", None),
        ("Sun, 06 Nov 1994 08:51:37", None),
        ("Sun, 6 Nov 1994 08:51:37 GMT", None),
        ("Wed, 30 Feb 1994 08:49:37 GMT", None),
        ("Sun, 00 Nov 1994 08:51:37 GMT", None),
        ("Sun, 06 Foo 1994 08:51:37 GMT", None),
        ("Sun, 06 Nov 0000 08:51:37 GMT", None),
        ("1994-11-06T08:51:37Z", None),
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
