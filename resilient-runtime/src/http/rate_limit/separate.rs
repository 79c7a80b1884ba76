//! Rate limits with a header for each number, which have never been specified.

use std::time::{Duration, SystemTime};

use http::HeaderMap;

use super::{RateLimit, kinds};
use crate::http::field;
use crate::http::time::{self, Calendar, Time};

/// The quota that is nearest to its end: the one without a name, or one of those that have a kind.
pub(super) fn read(headers: &HeaderMap, now: SystemTime) -> RateLimit {
    let calendar = Calendar::of(headers, now);
    let known = unnamed(headers, calendar);
    kinds::read(headers, calendar).into_iter().chain(known).min_by_key(RateLimit::nearness).unwrap_or_default()
}

/// The quota of that kind that is nearest to its end. One without a name counts requests.
pub(super) fn of_kind(headers: &HeaderMap, now: SystemTime, kind: &str) -> Option<RateLimit> {
    let calendar = Calendar::of(headers, now);
    let unnamed = unnamed(headers, calendar).filter(|_| kind == super::REQUESTS);
    kinds::of_kind(headers, calendar, kind).into_iter().chain(unnamed).min_by_key(RateLimit::nearness)
}

/// The quota whose headers name no kind.
fn unnamed(headers: &HeaderMap, calendar: Calendar<'_>) -> Option<RateLimit> {
    let quota = RateLimit {
        limit: first_of(headers, &LIMIT, number),
        remaining: first_of(headers, &REMAINING, number),
        reset: first_of(headers, &RESET_AFTER, wait)
            .or_else(|| first_of(headers, &RESET, |line| reset(line, calendar))),
    };
    (quota != RateLimit::default()).then_some(quota)
}

/// The first readable line under the first of the names that has one.
fn first_of<T>(headers: &HeaderMap, names: &[&str], read: impl Fn(&str) -> Option<T>) -> Option<T> {
    names.iter().find_map(|name| field::lines(headers, name).find_map(&read))
}

/// The number in front of what some servers append: their windows, or the same number for other quotas. A fraction is dropped.
pub(in crate::http) fn number(line: &str) -> Option<u64> {
    let end = line.find([',', ';']).unwrap_or(line.len());
    field::decimal(line[..end].trim_end_matches([' ', '\t'])).map(|number| number.as_secs())
}

/// The time until the reset, by its size and form.
pub(super) fn reset(line: &str, calendar: Calendar<'_>) -> Option<Duration> {
    Time::read(line).map(|time| calendar.until(time))
}

fn wait(line: &str) -> Option<Duration> {
    Some(field::decimal(line).or_else(|| time::duration(line))?.min(field::LONGEST))
}

const LIMIT: [&str; 3] = ["ratelimit-limit", "x-ratelimit-limit", "x-rate-limit-limit"];
const REMAINING: [&str; 3] = ["ratelimit-remaining", "x-ratelimit-remaining", "x-rate-limit-remaining"];
const RESET: [&str; 4] = ["ratelimit-reset", "x-ratelimit-reset", "x-rate-limit-reset", "x-ratelimit-next"];
const RESET_AFTER: [&str; 3] = ["ratelimit-reset-after", "x-ratelimit-reset-after", "x-rate-limit-reset-after"];
