//! The limits that `#[enforce]` sets to the values of a function's policies, which settings keep as well.

use resilient_words::Measure;

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
        measure(value).keeps(self.operator, &measure(self.value.trim_matches('"')))
    }
}

/// The value of a setting.
fn measure(text: &str) -> Measure {
    match text.replace('_', "").parse() {
        Ok(number) => Measure::Number(number),
        // a value that is not limited is more than any limit
        Err(_) if text == "unlimited" => Measure::Number(f64::INFINITY),
        Err(_) => Measure::of_text(text),
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
