//! The lines of a header and the numbers in them, within limits.

use std::time::Duration;

use http::HeaderMap;

/// The lines of the header `name` that are text and not too long, without the blanks around them.
pub(super) fn lines<'h>(headers: &'h HeaderMap, name: &str) -> impl Iterator<Item = &'h str> {
    lines_up_to(MAX_LENGTH, headers, name)
}

/// As [`lines`], for a header whose lines may be longer.
pub(super) fn lines_up_to<'h>(longest: usize, headers: &'h HeaderMap, name: &str) -> impl Iterator<Item = &'h str> {
    headers
        .get_all(name)
        .into_iter()
        .take(MAX_LINES)
        .filter(move |line| line.len() <= longest)
        .filter_map(|line| line.to_str().ok())
        .map(|line| line.trim_matches([' ', '\t']))
}

/// A whole number of nothing but digits. One that does not fit is as large as can be.
pub(crate) fn whole(digits: &str) -> Option<u64> {
    let all_digits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    all_digits.then(|| digits.parse().unwrap_or(u64::MAX))
}

/// A number that may have a fraction, as a duration of so many seconds. Digits behind the ninth are dropped.
pub(super) fn decimal(number: &str) -> Option<Duration> {
    let (seconds, fraction) = number.split_once('.').unwrap_or((number, "0"));
    whole(fraction)?;
    let nanos = fraction
        .bytes()
        .chain(std::iter::repeat(b'0'))
        .take(9)
        .fold(0, |nanos, digit| nanos * 10 + u32::from(digit - b'0'));
    Some(Duration::new(whole(seconds)?, nanos))
}

/// A year. A longer wait means the same to every caller, and this one can be added to any clock.
pub(super) const LONGEST: Duration = Duration::from_secs(365 * 86_400);

/// Longer than any line that makes sense, and short enough to be read whatever is in it.
const MAX_LENGTH: usize = 512;

const MAX_LINES: usize = 8;
