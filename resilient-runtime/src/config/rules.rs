//! The limits that `#[enforce]` sets to the values of a function's policies, which settings keep as well.

use std::cmp::Ordering;
use std::time::Duration;

use resilient_words::{parse_duration, parse_rate, percent};

use super::resolve::Known;
use crate::PolicyKind;
use crate::list::Function;

/// `retry(max <= 5)`
struct Limit<'a> {
    kind: &'a str,
    key: &'a str,
    operator: &'a str,
    value: &'a str,
}

/// A limit that settings do not keep: the key, and what to write.
pub(super) struct Exceeded {
    pub(super) key: String,
    pub(super) message: String,
}

/// Returns the limits of the function that a policy of it would not keep with those settings.
pub(super) fn exceeded(
    function: &'static Function,
    known: &Known,
    settings: &[(&'static str, String)],
) -> Vec<Exceeded> {
    let limits = function.limits().iter().filter_map(|rule| Some((*rule, Limit::parse(rule)?)));
    let broken = limits.filter_map(|(rule, limit)| {
        if limit.kind != known.kind.label() {
            return None;
        }
        let level = ["total", "attempt"].iter().find(|level| known.kind == PolicyKind::Timeout && **level == limit.key);
        if level.is_some_and(|level| !known.is_at(level)) {
            return None;
        }
        let key = if level.is_some() { "limit" } else { limit.key };
        let (_, value) = settings.iter().find(|(name, _)| *name == key)?;
        (limit.is_kept_by(value) == Some(false)).then(|| {
            let message = format!("`{}`: the rule `{rule}` does not allow {value}", function.path());
            Exceeded { key: key.to_owned(), message }
        })
    });
    broken.collect()
}

impl<'a> Limit<'a> {
    fn parse(rule: &'a str) -> Option<Self> {
        let (kind, rest) = rule.strip_suffix(')')?.split_once('(')?;
        let mut words = rest.splitn(3, ' ');
        Some(Self { kind, key: words.next()?, operator: words.next()?, value: words.next()? })
    }

    /// Returns whether a value keeps it; `None` if the two do not compare.
    fn is_kept_by(&self, value: &str) -> Option<bool> {
        let (value, limit) = (Measure::of(value), Measure::of(self.value.trim_matches('"')));
        let order = value.compare(&limit);
        match self.operator {
            "<=" => order.map(Ordering::is_le),
            ">=" => order.map(Ordering::is_ge),
            "<" => order.map(Ordering::is_lt),
            ">" => order.map(Ordering::is_gt),
            "==" => Some(order.map_or(value == limit, Ordering::is_eq)),
            "!=" => Some(order.map_or(value != limit, Ordering::is_ne)),
            _ => None,
        }
    }
}

/// A value that rules compare.
#[derive(Debug, PartialEq)]
enum Measure<'a> {
    Number(f64),
    Time(Duration),
    /// So many calls in so long.
    Rate(u32, Duration),
    Word(&'a str),
}

impl<'a> Measure<'a> {
    fn of(text: &'a str) -> Self {
        if let Ok(number) = text.replace('_', "").parse() {
            return Self::Number(number);
        }
        match (percent(text), parse_duration(text), parse_rate(text)) {
            (Some(ratio), ..) => Self::Number(ratio),
            (None, Ok(time), _) => Self::Time(time),
            (None, Err(_), Ok((calls, period))) => Self::Rate(calls, period),
            // a value that is not limited is more than any limit
            (None, Err(_), Err(_)) if text == "unlimited" => Self::Number(f64::INFINITY),
            (None, Err(_), Err(_)) => Self::Word(text),
        }
    }

    fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Number(one), Self::Number(other)) => one.partial_cmp(other),
            (Self::Time(one), Self::Time(other)) => Some(one.cmp(other)),
            (Self::Rate(one, in_one), Self::Rate(other, in_other)) => {
                let calls = |calls: &u32, period: &Duration| u128::from(*calls) * period.as_nanos();
                Some(calls(one, in_other).cmp(&calls(other, in_one)))
            }
            _ => None,
        }
    }
}

#[cfg(all(test, not(resilient_loom)))]
mod tests {
    use super::*;

    #[test]
    fn limits_are_compared_as_what_they_are() {
        for (rule, value, kept) in [
            ("retry(max <= 5)", "5", Some(true)),
            ("retry(max <= 5)", "6", Some(false)),
            ("retry(max <= 5)", "unlimited", Some(false)),
            ("retry(max < 5)", "5", Some(false)),
            ("timeout(total <= \"2s\")", "1.5s", Some(true)),
            ("timeout(total <= \"2s\")", "2.001s", Some(false)),
            ("hedge(ratio <= \"10%\")", "5 %", Some(true)),
            ("hedge(ratio <= 0.1)", "20 %", Some(false)),
            ("rate_limit(rate <= \"100/s\")", "6000/min", Some(true)),
            ("rate_limit(rate <= \"100/s\")", "101/s", Some(false)),
            ("retry(backoff == \"exp_jitter\")", "exp", Some(false)),
            ("retry(backoff != \"none\")", "exp", Some(true)),
            ("retry(max <= 5)", "a word", None),
        ] {
            assert_eq!(Limit::parse(rule).unwrap().is_kept_by(value), kept, "{rule}: {value}");
        }
    }
}
