//! Rate limits with headers for each kind of quota: `x-ratelimit-remaining-tokens`, `x-ratelimit-requests-reset`.

use http::HeaderMap;

use super::{RateLimit, separate};
use crate::http::field;
use crate::http::time::Calendar;

/// The part of a quota that a header tells.
#[derive(Clone, Copy)]
enum Part {
    Limit,
    Remaining,
    Reset,
}

/// The quotas that bear on calls: those that count calls, and whichever is used up or does not say how much remains.
pub(super) fn read(headers: &HeaderMap, calendar: Calendar<'_>) -> Vec<RateLimit> {
    let bears =
        |(kind, quota): (&str, RateLimit)| (counts_calls(kind) || quota.remaining.unwrap_or(0) == 0).then_some(quota);
    all(headers, calendar).into_iter().filter_map(bears).collect()
}

/// The quotas of that kind: of `tokens`, those that are called `tokens` or `tokens-per-minute`.
pub(super) fn of_kind(headers: &HeaderMap, calendar: Calendar<'_>, kind: &str) -> Vec<RateLimit> {
    all(headers, calendar).into_iter().filter_map(|(other, quota)| is_of_kind(other, kind).then_some(quota)).collect()
}

/// Returns whether a quota of that name counts things of that kind.
pub(super) fn is_of_kind(name: &str, kind: &str) -> bool {
    name.strip_prefix(kind).is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '_']))
}

/// The quotas that say something, and their kinds.
fn all<'h>(headers: &'h HeaderMap, calendar: Calendar<'_>) -> Vec<(&'h str, RateLimit)> {
    let mut quotas = Vec::<(&str, RateLimit)>::new();
    for name in headers.keys() {
        let Some((part, kind)) = part_of(name.as_str()) else { continue };
        let index = quotas.iter().position(|(other, _)| *other == kind).unwrap_or(quotas.len());
        if index == MAX_KINDS {
            continue;
        }
        if index == quotas.len() {
            quotas.push((kind, RateLimit::default()));
        }
        let quota = &mut quotas[index].1;
        let mut lines = field::lines(headers, name.as_str());
        match part {
            Part::Limit => quota.limit = lines.find_map(separate::number),
            Part::Remaining => quota.remaining = lines.find_map(separate::number),
            Part::Reset => quota.reset = lines.find_map(|line| separate::reset(line, calendar)),
        }
    }
    quotas.retain(|(_, quota)| quota.remaining.is_some() || quota.reset.is_some());
    quotas
}

/// `x-ratelimit-remaining-tokens` and `x-ratelimit-tokens-remaining` tell of the remaining tokens.
///
/// Other prefixes are not looked at: under some of them the numbers are milliseconds.
fn part_of(name: &str) -> Option<(Part, &str)> {
    let rest = PREFIXES.iter().find_map(|prefix| name.strip_prefix(prefix))?;
    PARTS.iter().find_map(|(word, part)| {
        let behind = rest.strip_prefix(word).and_then(|kind| kind.strip_prefix('-'));
        let kind = behind.or_else(|| rest.strip_suffix(word).and_then(|kind| kind.strip_suffix('-')))?;
        (kind != "after").then_some((*part, kind))
    })
}

/// Returns whether one call takes one of it, as far as the name of the kind says.
pub(super) fn counts_calls(kind: &str) -> bool {
    !OTHER_THINGS.iter().any(|thing| kind.contains(thing))
}

const PREFIXES: [&str; 4] = ["x-ratelimit-", "x-rate-limit-", "ratelimit-", "anthropic-ratelimit-"];

const PARTS: [(&str, Part); 3] = [("limit", Part::Limit), ("remaining", Part::Remaining), ("reset", Part::Reset)];

const OTHER_THINGS: [&str; 10] =
    ["token", "byte", "unit", "cost", "complexity", "point", "credit", "object", "char", "concurren"];

const MAX_KINDS: usize = 16;
