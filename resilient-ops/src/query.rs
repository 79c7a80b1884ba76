//! Pieces of queries, whose names come from the table of the metrics.

use std::fmt::Write as _;
use std::time::Duration;

use resilient::metrics::{FAMILIES, Family};

use crate::snapshot::Labels;

/// The families that rules and panels mention. A name that is not in the table does not compile.
pub(crate) mod family {
    use super::{Family, named};

    pub(crate) const POLICIES: &Family = named("policies");
    pub(crate) const CALLS: &Family = named("calls");
    pub(crate) const REJECTIONS: &Family = named("rejections");
    pub(crate) const OBSERVED: &Family = named("observed");
    pub(crate) const MODE: &Family = named("mode");
    pub(crate) const RETRIES: &Family = named("retries");
    pub(crate) const GAVE_UP: &Family = named("gave_up");
    pub(crate) const BUDGET_BALANCE: &Family = named("budget_balance");
    pub(crate) const STATE: &Family = named("circuit_state");
    pub(crate) const TRANSITIONS: &Family = named("circuit_transitions");
    pub(crate) const STATE_SECONDS: &Family = named("circuit_state_seconds");
    pub(crate) const WINDOW_CALLS: &Family = named("window_calls");
    pub(crate) const WINDOW_FAILURES: &Family = named("window_failures");
    pub(crate) const LIMIT: &Family = named("limit");
    pub(crate) const IN_USE: &Family = named("in_use");
    pub(crate) const WAITING: &Family = named("waiting");
    pub(crate) const QUEUED: &Family = named("queued");
    pub(crate) const WAIT_SECONDS: &Family = named("wait_seconds");
    pub(crate) const RATE_SHARE: &Family = named("rate_share");
    pub(crate) const PAUSED: &Family = named("paused");
    pub(crate) const SHARED_DOWN: &Family = named("shared_down");
    pub(crate) const UNITS: &Family = named("units");
    pub(crate) const LATE: &Family = named("late");
    pub(crate) const DROP_RATIO: &Family = named("drop_ratio");
    pub(crate) const HEDGES: &Family = named("hedges");
    pub(crate) const HEDGES_WON: &Family = named("hedges_won");
    pub(crate) const HEDGES_SUPPRESSED: &Family = named("hedges_suppressed");
    pub(crate) const COALESCED: &Family = named("coalesced");
    pub(crate) const BATCH_KEYS: &Family = named("batch_keys");
    pub(crate) const BATCHES: &Family = named("batches");
    pub(crate) const ITEMS_IN_FLIGHT: &Family = named("items_in_flight");
    pub(crate) const FALLBACK_ANSWERS: &Family = named("fallback_answers");
    pub(crate) const FALLBACK_UNANSWERED: &Family = named("fallback_unanswered");
    pub(crate) const DURATION: &Family = named("duration_seconds");
    pub(crate) const SETTINGS: &Family = named("settings");
    pub(crate) const KEYS: &Family = named("keys");
    pub(crate) const KEY_CAPACITY: &Family = named("key_capacity");
    pub(crate) const KEY_OVERFLOWS: &Family = named("key_overflows");
}

/// The family of that name without `resilient_` and `_total`.
const fn named(short: &str) -> &'static Family {
    let mut place = 0;
    while place < FAMILIES.len() {
        if is_short_for(short.as_bytes(), FAMILIES[place].name.as_bytes()) {
            return &FAMILIES[place];
        }
        place += 1;
    }
    panic!("no family has that name")
}

const fn is_short_for(short: &[u8], name: &[u8]) -> bool {
    starts_with(name, 0, PREFIX)
        && starts_with(name, PREFIX.len(), short)
        && (name.len() == PREFIX.len() + short.len()
            || starts_with(name, PREFIX.len() + short.len(), TOTAL)
                && name.len() == PREFIX.len() + short.len() + TOTAL.len())
}

const fn starts_with(text: &[u8], from: usize, start: &[u8]) -> bool {
    let mut place = 0;
    while place < start.len() {
        if from + place >= text.len() || text[from + place] != start[place] {
            return false;
        }
        place += 1;
    }
    true
}

const PREFIX: &[u8] = b"resilient_";
const TOTAL: &[u8] = b"_total";

/// A selector of series: `resilient_calls_total{policy="fetch",outcome="success"}`.
#[derive(Debug, Clone)]
pub(crate) struct Selector {
    family: &'static Family,
    suffix: &'static str,
    matchers: Vec<String>,
}

impl Selector {
    pub(crate) fn of(family: &'static Family) -> Self {
        Self { family, suffix: "", matchers: Vec::new() }
    }

    /// The buckets of a histogram.
    pub(crate) fn buckets(family: &'static Family) -> Self {
        Self { suffix: "_bucket", ..Self::of(family) }
    }

    /// Keeps the series of one job, if there is one.
    pub(crate) fn job(mut self, job: Option<&str>) -> Self {
        self.matchers.extend(job.map(|job| format!("job={}", quoted(job))));
        self
    }

    /// Keeps the series of one policy.
    pub(crate) fn policy(mut self, Labels { policy, function, layer }: &Labels) -> Self {
        for (name, value) in [("policy", policy), ("function", function), ("layer", layer)] {
            self.matchers.push(format!("{name}={}", quoted(value)));
        }
        self
    }

    /// Keeps the series with that value of the family's own label.
    pub(crate) fn own(self, value: &str) -> Self {
        let value = quoted(value);
        self.matching("=", &value)
    }

    /// Keeps the series with one of these values of the family's own label.
    pub(crate) fn any_of(self, values: &[&str]) -> Self {
        let values = quoted(&values.join("|"));
        self.matching("=~", &values)
    }

    /// Keeps the series with none of these values of the family's own label.
    pub(crate) fn none_of(self, values: &[&str]) -> Self {
        let values = quoted(&values.join("|"));
        self.matching("!~", &values)
    }

    fn matching(mut self, operator: &str, value: &str) -> Self {
        let label = self.family.label.unwrap_or_else(|| panic!("`{}` has no label of its own", self.family.name));
        self.matchers.push(format!("{label}{operator}{value}"));
        self
    }

    /// Adds a matcher as it is.
    pub(crate) fn raw(mut self, matcher: &str) -> Self {
        self.matchers.push(matcher.to_owned());
        self
    }

    /// The selector as an instant vector.
    pub(crate) fn now(&self) -> String {
        let mut text = format!("{}{}", self.family.name, self.suffix);
        if !self.matchers.is_empty() {
            let _ = write!(text, "{{{}}}", self.matchers.join(","));
        }
        text
    }

    /// The selector with a function over a window: `rate(…[5m])`.
    pub(crate) fn over(&self, function: &str, window: &str) -> String {
        format!("{function}({}[{window}])", self.now())
    }
}

/// A string in a query.
pub(crate) fn quoted(value: &str) -> String {
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

/// A time as a query has it: `1h30m`.
pub(crate) fn promql_time(time: Duration) -> String {
    let mut millis = time.as_millis();
    let mut text = String::new();
    for (unit, length) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)] {
        if millis >= length {
            let _ = write!(text, "{}{unit}", millis / length);
            millis %= length;
        }
    }
    if text.is_empty() { "1ms".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selector_has_the_labels_of_the_policy_and_its_own() {
        let labels = Labels { policy: "a\"b".to_owned(), function: "m::a".to_owned(), layer: "retry".to_owned() };
        let selector =
            Selector::of(family::CALLS).job(Some("shop")).policy(&labels).any_of(&["transient", "throttled"]);

        let expected = r#"resilient_calls_total{job="shop",policy="a\"b",function="m::a",layer="retry",outcome=~"transient|throttled"}"#;
        assert_eq!(selector.now(), expected);
        assert_eq!(Selector::of(family::POLICIES).over("rate", "5m"), "rate(resilient_policies[5m])");
    }

    #[test]
    #[should_panic(expected = "`resilient_policies` has no label of its own")]
    fn a_label_that_the_family_does_not_have_is_refused() {
        let _ = Selector::of(family::POLICIES).own("open");
    }

    #[test]
    fn times_are_whole_units() {
        let times =
            [300_000, 5_400_000, 259_200_000, 15_250, 0].map(|millis| promql_time(Duration::from_millis(millis)));

        assert_eq!(times, ["5m", "1h30m", "3d", "15s250ms", "1ms"]);
    }
}
