//! Rate limits with a header for each number, which have never been specified.

use std::time::{Duration, SystemTime};

use http::HeaderMap;

use super::RateLimit;
use crate::http::field;

pub(super) fn read(headers: &HeaderMap, now: SystemTime) -> RateLimit {
    RateLimit {
        limit: first_of(headers, LIMIT, number),
        remaining: first_of(headers, REMAINING, number),
        reset: first_of(headers, RESET_AFTER, wait).or_else(|| first_of(headers, RESET, |line| reset(line, now))),
    }
}

/// The first readable line under the first of the names that has one.
fn first_of<T>(headers: &HeaderMap, names: [&str; 3], read: impl Fn(&str) -> Option<T>) -> Option<T> {
    names.into_iter().find_map(|name| field::lines(headers, name).find_map(&read))
}

/// The number in front of what some servers append: their windows, or the same number for other quotas.
fn number(line: &str) -> Option<u64> {
    let end = line.find([',', ';']).unwrap_or(line.len());
    field::whole(line[..end].trim_end_matches([' ', '\t']))
}

fn wait(line: &str) -> Option<Duration> {
    Some(field::seconds(line)?.min(field::LONGEST))
}

fn reset(line: &str, now: SystemTime) -> Option<Duration> {
    let Some(number) = field::seconds(line) else {
        return Some(field::until(field::date(line)?, now));
    };
    let since_1970 = match number.as_secs() {
        ..SECONDS_SINCE_1970 => return Some(number.min(field::LONGEST)),
        SECONDS_SINCE_1970..MILLIS_SINCE_1970 => number,
        millis @ MILLIS_SINCE_1970..TOO_LARGE => Duration::from_millis(millis),
        TOO_LARGE.. => return None,
    };
    Some(field::until(SystemTime::UNIX_EPOCH.checked_add(since_1970)?, now))
}

// No server announces a wait of thirty years, and none that runs has the date of 2001.
const SECONDS_SINCE_1970: u64 = 1_000_000_000;
const MILLIS_SINCE_1970: u64 = 100_000_000_000;
const TOO_LARGE: u64 = 100_000_000_000_000;

const LIMIT: [&str; 3] = ["ratelimit-limit", "x-ratelimit-limit", "x-rate-limit-limit"];
const REMAINING: [&str; 3] = ["ratelimit-remaining", "x-ratelimit-remaining", "x-rate-limit-remaining"];
const RESET: [&str; 3] = ["ratelimit-reset", "x-ratelimit-reset", "x-rate-limit-reset"];
const RESET_AFTER: [&str; 3] = ["ratelimit-reset-after", "x-ratelimit-reset-after", "x-rate-limit-reset-after"];
