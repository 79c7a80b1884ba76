//! The metrics: what every policy has counted, under names of one table.
//!
//! Policies count in cells of their own, and an exporter reads them when it is asked, so that one that is not there costs
//! nothing. Each exporter is a feature: [`prometheus`] for `prometheus-client`, [`opentelemetry`], and
//! [`facade`] for the crate `metrics`. [`collect`] is there without any of them.
//!
//! [`FAMILIES`] is the table. Every series has the labels `policy`, its name; `function`, the path of the annotated
//! function, empty for a policy by hand; and `layer`, which tells the policies of a function apart. A family may have one
//! more label with a closed set of values, all of which are there from the first scrape on. No label has a key, an
//! argument or the text of an error.
//!
//! [`prometheus`]: crate::metrics::prometheus
//! [`opentelemetry`]: crate::metrics::opentelemetry
//! [`facade`]: crate::metrics::facade

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::LazyLock;
use std::time::Duration;

use crate::book::{Ended, Record};
use crate::error::reason_label;
use crate::histogram::{self, Reading};
use crate::list::{self, Description, Listed};
use crate::naming::Unused;
use crate::vocabulary::{CircuitBreakerState, PolicyKind};
use crate::{Mode, book};

pub use crate::list::Labels;

#[cfg(feature = "metrics-0-24")]
pub mod facade;
#[cfg(feature = "opentelemetry-0-33")]
pub mod opentelemetry;
#[cfg(feature = "prometheus-client-0-26")]
pub mod prometheus;

/// A family of series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Family {
    /// The name, as Prometheus has it: `resilient_calls_total`.
    pub name: &'static str,
    /// The type.
    pub sort: Sort,
    /// The unit, in the notation of OpenTelemetry: `s`, `1`, `{call}`.
    pub unit: &'static str,
    /// The label that it has besides `policy`, `function` and `layer`.
    pub label: Option<&'static str>,
    /// The meaning, as the exporters show it.
    pub help: &'static str,
    /// Its name inside.
    short: &'static str,
}

/// The type of a family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sort {
    /// A sum that never falls.
    Counter,
    /// A number that rises and falls.
    Gauge,
    /// Durations, counted in buckets.
    Histogram,
}

/// A series and its value.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Sample {
    /// The family.
    pub family: &'static Family,
    /// The labels that every series of a policy has; `None` for the one series that belongs to no policy.
    pub labels: Option<Labels>,
    /// The value of the family's own label, if it has one.
    pub own: &'static str,
    /// The value, which is finite; of a histogram the number of all that it has counted.
    pub value: f64,
    /// The buckets, of a histogram.
    pub histogram: Option<Box<Histogram>>,
}

/// The buckets of a histogram, and their sum.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Histogram {
    /// The upper bound of each bucket in seconds, the last of which is infinite, and the number of those that are in it and in no bucket before it.
    pub buckets: Vec<(f64, u64)>,
    /// The sum of all that was counted, in seconds.
    pub sum: f64,
}

impl Histogram {
    /// The bounds, and the number of those that are no longer than each, as Prometheus has them.
    pub fn cumulative(&self) -> impl Iterator<Item = (f64, u64)> {
        self.buckets.iter().scan(0, |sum, (bound, count)| {
            *sum += count;
            Some((*bound, *sum))
        })
    }

    fn add(&mut self, more: &Self) {
        self.buckets.iter_mut().zip(&more.buckets).for_each(|(bucket, more)| bucket.1 += more.1);
        self.sum += more.sum;
    }

    /// The number of all that was counted.
    pub fn count(&self) -> u64 {
        self.buckets.iter().map(|(_, count)| count).sum()
    }
}

impl Sample {
    /// All labels and their values, in the order in which they are exported.
    pub fn all_labels(&self) -> impl Iterator<Item = (&'static str, &'static str)> + use<> {
        let common = self
            .labels
            .map(|Labels { policy, function, layer }| [("policy", policy), ("function", function), ("layer", layer)]);
        let own = self.family.label.map(|label| (label, self.own));
        common.into_iter().flatten().chain(own)
    }
}

impl fmt::Display for Sort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        })
    }
}

impl Family {
    /// The name without the ending of a counter, for exporters that add it.
    pub fn stem(&self) -> &'static str {
        self.name.strip_suffix("_total").unwrap_or(self.name)
    }

    /// The name as OpenTelemetry has it: `resilient.calls`.
    pub fn dotted(&self) -> String {
        let stem = self.stem();
        let dotted = stem.replacen('_', ".", 1);
        dotted.strip_suffix("_seconds").map_or(dotted.clone(), |stem| format!("{stem}.time"))
    }
}

const fn counter(
    short: &'static str,
    name: &'static str,
    unit: &'static str,
    label: Option<&'static str>,
    help: &'static str,
) -> Family {
    Family { name, sort: Sort::Counter, unit, label, help, short }
}

const fn gauge(
    short: &'static str,
    name: &'static str,
    unit: &'static str,
    label: Option<&'static str>,
    help: &'static str,
) -> Family {
    Family { name, sort: Sort::Gauge, unit, label, help, short }
}

/// All families, in the order in which they are exported.
pub static FAMILIES: &[Family] = &[
    gauge("policies", "resilient_policies", "{policy}", None, "Policies that are listed or have been used"),
    counter(
        SETTINGS,
        "resilient_settings_total",
        "{change}",
        Some("result"),
        "Times that settings from files or code were applied, or refused; there with the feature `config`",
    ),
    counter(
        CALLS,
        "resilient_calls_total",
        "{call}",
        Some("outcome"),
        "Calls, or items of a fan-out, that ended, by the class of their outcome; abandoned ones were dropped or panicked",
    ),
    counter(
        REJECTIONS,
        "resilient_rejections_total",
        "{call}",
        Some("reason"),
        "Calls that the policy refused or gave up, by the reason",
    ),
    counter(
        "observed",
        "resilient_observed_total",
        "{call}",
        None,
        "Calls on which a policy in mode observe would have acted",
    ),
    gauge(MODE, "resilient_mode", "1", Some("mode"), "1 for the mode that the policy is in, and 0 for the others"),
    counter(
        "retries",
        "resilient_retries_total",
        "{attempt}",
        None,
        "Retries that were decided on; one whose wait is cut short is not made",
    ),
    counter(
        "retried_calls",
        "resilient_retried_calls_total",
        "{call}",
        Some("retries"),
        "Calls that ended after so many retries: 1, 2, 3, 4 to 5, 6 to 10, or more",
    ),
    counter(
        "gave_up",
        "resilient_gave_up_total",
        "{call}",
        Some("reason"),
        "Calls whose failure was worth another attempt that was not made, by the reason",
    ),
    gauge(
        "budget_balance",
        "resilient_budget_balance",
        "{attempt}",
        None,
        "Extra attempts that the budget could pay for now",
    ),
    gauge(
        STATE,
        "resilient_circuit_state",
        "1",
        Some("state"),
        "1 for the state that the circuit breaker is in, and 0 for the others",
    ),
    counter(
        "circuit_transitions",
        "resilient_circuit_transitions_total",
        "{transition}",
        Some("state"),
        "Changes of the circuit breaker's state, by the state that it entered",
    ),
    counter(
        "circuit_state_seconds",
        "resilient_circuit_state_seconds_total",
        "s",
        Some("state"),
        "Time that the circuit breaker has spent in each state since it was first used",
    ),
    gauge("window_calls", "resilient_window_calls", "{call}", None, "Calls in the circuit breaker's window"),
    gauge(
        "window_failures",
        "resilient_window_failures",
        "{call}",
        None,
        "Failed calls in the circuit breaker's window",
    ),
    gauge("limit", "resilient_limit", "{call}", None, "Calls that a bulkhead lets run at once"),
    gauge("in_use", "resilient_in_use", "{call}", None, "Permits of a bulkhead that are in use"),
    gauge("waiting", "resilient_waiting", "{call}", None, "Calls that wait for a permit"),
    counter(
        "queued",
        "resilient_queued_total",
        "{call}",
        None,
        "Calls that had to wait for a permit, whether they got one or not",
    ),
    counter("wait_seconds", "resilient_wait_seconds_total", "s", None, "Time that calls have waited for a permit"),
    gauge(
        "rate_share",
        "resilient_rate_share",
        "1",
        None,
        "Share of the rate that is let through: less than 1 while the server has slowed it",
    ),
    gauge("paused", "resilient_paused", "1", None, "1 while the server's pause holds, and 0 otherwise"),
    counter("pauses", "resilient_pauses_total", "{pause}", None, "Pauses that the server asked for"),
    counter(
        "slowdowns",
        "resilient_slowdowns_total",
        "{slowdown}",
        None,
        "Times that the rate was halved because the server asked for less",
    ),
    gauge(
        "shared_down",
        "resilient_shared_down",
        "1",
        None,
        "1 while the store of a shared limit or circuit breaker does not answer, and 0 otherwise",
    ),
    counter(
        "shared_asks",
        "resilient_shared_asks_total",
        "{question}",
        Some("result"),
        "Questions to the store of a shared limit or circuit breaker, by whether it answered in time",
    ),
    counter(
        "shared_degraded",
        "resilient_shared_degraded_total",
        "{time}",
        None,
        "Times that the store of a shared limit or circuit breaker began not to answer",
    ),
    counter(
        "units",
        "resilient_units_total",
        "{unit}",
        Some("how"),
        "Units of calls that say their weight: reserved before they run, charged beyond that afterwards, or returned",
    ),
    counter(
        "late",
        "resilient_late_total",
        "{call}",
        None,
        "Calls that went on after their time, since something held the thread",
    ),
    gauge("drop_ratio", "resilient_drop_ratio", "1", None, "Share of the calls that a throttle drops"),
    counter("hedges", "resilient_hedges_total", "{attempt}", None, "Attempts started beside others"),
    counter("hedges_won", "resilient_hedges_won_total", "{call}", None, "Calls that such an attempt answered"),
    counter(
        "hedges_suppressed",
        "resilient_hedges_suppressed_total",
        "{attempt}",
        None,
        "Attempts that were due and not started, for want of budget or because the bulkhead was busy",
    ),
    gauge(
        "hedge_delay_seconds",
        "resilient_hedge_delay_seconds",
        "s",
        None,
        "Time after which another attempt starts; there once it is known",
    ),
    counter(
        "coalesce_runs",
        "resilient_coalesce_runs_total",
        "{call}",
        None,
        "Runs for the caller and for those that joined it",
    ),
    counter("coalesced", "resilient_coalesced_total", "{call}", None, "Calls that had the outcome of another"),
    counter(
        "ran_alone",
        "resilient_ran_alone_total",
        "{call}",
        None,
        "Calls that could have joined another and ran by themselves",
    ),
    counter("stale_answers", "resilient_stale_answers_total", "{call}", None, "Calls that had a stale outcome"),
    counter(
        "renewals",
        "resilient_renewals_total",
        "{call}",
        Some("result"),
        "Runs behind the calls that renew an outcome: those that began, and those of them that failed",
    ),
    counter("handovers", "resilient_handovers_total", "{call}", None, "Times that a follower took the lead"),
    counter("batches", "resilient_batches_total", "{call}", None, "Calls that were made for a batch"),
    counter("batch_keys", "resilient_batch_keys_total", "{key}", None, "Keys that batches asked for"),
    counter(
        "batch_duplicates",
        "resilient_batch_duplicates_total",
        "{call}",
        None,
        "Calls whose key was in their batch already",
    ),
    gauge("gathering", "resilient_gathering", "{batch}", None, "Batches that wait for more callers"),
    gauge(
        "items_in_flight",
        "resilient_items_in_flight",
        "{item}",
        None,
        "Items of a fan-out that have begun and not ended",
    ),
    counter(
        "fallback_answers",
        "resilient_fallback_answers_total",
        "{call}",
        Some("source"),
        "Failed calls that had another answer, by its source",
    ),
    counter(
        "fallback_unanswered",
        "resilient_fallback_unanswered_total",
        "{call}",
        None,
        "Failed calls that had nothing to fall back to",
    ),
    counter(
        "fallback_kept",
        "resilient_fallback_kept_total",
        "{value}",
        None,
        "Good values that were kept for later failures",
    ),
    Family {
        name: "resilient_duration_seconds",
        sort: Sort::Histogram,
        unit: "s",
        label: Some("outcome"),
        help: "Time that calls took from their first poll on, in the buckets of the measure",
        short: DURATION,
    },
    gauge("keys", "resilient_keys", "{key}", None, "Keys that have a policy or a run of their own"),
    gauge("key_capacity", "resilient_key_capacity", "{key}", None, "Keys that there is room for"),
    gauge(
        "keys_with_own_settings",
        "resilient_keys_with_own_settings",
        "{key}",
        None,
        "Keys whose settings differ from the shared ones",
    ),
    counter(
        "key_overflows",
        "resilient_key_overflows_total",
        "{call}",
        None,
        "Calls for a key that there was no room for",
    ),
    counter(
        "keys_forgotten",
        "resilient_keys_forgotten_total",
        "{key}",
        None,
        "Keys that were idle, or made room for others",
    ),
];

const SETTINGS: &str = "settings";
const CALLS: &str = "calls";
const REJECTIONS: &str = "rejections";
const MODE: &str = "mode";
const STATE: &str = "circuit_state";
const DURATION: &str = "duration_seconds";

/// Reads all series, those of one family together, in the order of the [table](FAMILIES).
///
/// Each series is there once. Policies of one name in one function, as its instances of a generic one are, are one series.
///
/// ```
/// use std::time::Duration;
/// use resilient::{Timeout, metrics};
///
/// static DICTIONARY: Timeout = Timeout::named("dictionary", Duration::from_secs(1));
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// DICTIONARY.run(async {}).await;
///
/// let samples = metrics::collect();
/// let mut of = samples.iter().filter(|sample| sample.labels.is_some_and(|labels| labels.policy == "dictionary"));
/// let calls = of.find(|sample| sample.own == "success").unwrap();
/// assert_eq!((calls.family.name, calls.value), ("resilient_calls_total", 1.0));
/// # }
/// ```
pub fn collect() -> Vec<Sample> {
    let mut series = Series::default();
    let mut known: HashSet<*const Record> = HashSet::new();
    let mut unused = Unused::default();
    for function in list::functions() {
        for layer in function.layers() {
            let Some(policy) = layer.effective(&mut unused) else { continue };
            if known.insert(std::ptr::from_ref(policy.record())) {
                let labels = Labels { policy: policy.record().name, function: function.path(), layer: layer.label() };
                series.add_policy(policy, labels);
            }
        }
    }
    // where another stands for it, it has no calls of its own
    let own = list::functions().iter().flat_map(list::Function::layers).filter_map(list::Layer::own_policy);
    known.extend(own.map(|policy| std::ptr::from_ref(policy.record())));
    for policy in list::listed_by_hand() {
        if known.insert(std::ptr::from_ref(policy.record())) {
            series.add_policy(policy, Labels::by_hand(policy.record()));
        }
    }
    for record in book::all() {
        if known.insert(std::ptr::from_ref(record)) {
            series.add_record(record, Labels::by_hand(record));
            if let Some(reading) = histogram::read(record) {
                series.add_durations(Labels::by_hand(record), &reading);
            }
        }
    }
    series.samples()
}

/// The series of each family.
struct Series {
    families: Vec<Vec<Value>>,
    /// The labels that the values mention by their number.
    labels: Vec<Labels>,
    /// The series of the one family of histograms.
    histograms: Vec<(Labels, &'static str, Histogram)>,
    policies: u32,
    /// The numbers of the labels so far: another policy with the same ones adds to their series.
    known: HashMap<Labels, u32, BuildHasherDefault<Fnv>>,
    /// Set while such a policy is added.
    adds: bool,
    /// The place of the family that was added to last, and so likely of the next.
    last: usize,
    /// The account of one policy after the other.
    description: Description,
}

/// The value of one series: the number of its labels, that of the family's own, and the value.
type Value = (u32, &'static str, f64);

/// The hash of Fowler, Noll and Vo, for words of the program's text.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        let mix = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        self.0 = bytes.iter().fold(self.0, mix);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

impl Default for Series {
    fn default() -> Self {
        let families = vec![Vec::new(); FAMILIES.len()];
        Self {
            families,
            histograms: Vec::new(),
            policies: 0,
            labels: Vec::new(),
            known: HashMap::default(),
            adds: false,
            last: 0,
            description: Description::of_numbers(),
        }
    }
}

/// The times that settings were applied or refused, which belong to no policy.
#[cfg(feature = "config")]
fn of_settings(family: &'static Family) -> [Sample; 2] {
    let times = crate::tune::RELOADS.each_ref().map(|times| times.load(std::sync::atomic::Ordering::Relaxed) as f64);
    let sample = |own, value| Sample { family, labels: None, own, value, histogram: None };
    [sample("applied", times[0]), sample("refused", times[1])]
}

#[cfg(not(feature = "config"))]
fn of_settings(_family: &'static Family) -> [Sample; 0] {
    []
}

impl Series {
    fn add(&mut self, short: &str, labels: u32, own: &'static str, value: f64) {
        static PLACES: LazyLock<HashMap<&str, usize, BuildHasherDefault<Fnv>>> =
            LazyLock::new(|| FAMILIES.iter().map(|family| family.short).zip(0..).collect());
        if FAMILIES[self.last].short != short {
            let Some(&place) = PLACES.get(short) else {
                debug_assert!(false, "no family has the name `{short}`");
                return;
            };
            self.last = place;
        }
        let place = self.last;
        if !value.is_finite() {
            return;
        }
        let family = &mut self.families[place];
        let same = |series: &&mut Value| series.0 == labels && series.1 == own;
        match family.iter_mut().find(|series| self.adds && same(series)) {
            Some(series) if FAMILIES[place].sort == Sort::Gauge => series.2 = series.2.max(value),
            Some(series) => series.2 += value,
            None => family.push((labels, own, value)),
        }
    }

    fn add_policy(&mut self, policy: &'static dyn Listed, labels: Labels) {
        let number = self.add_record(policy.record(), labels);
        let mut description = std::mem::take(&mut self.description);
        description.clear();
        policy.describe(&mut description);
        for (family, value) in &description.levels {
            self.add(family, number, "", *value);
        }
        for (family, label, value) in &description.counts {
            self.add(family, number, label, *value);
        }
        if let Some(reading) = &description.durations {
            self.add_durations(labels, reading);
        }
        let mode = policy.mode();
        for known in [Mode::Enforce, Mode::Observe, Mode::Off] {
            self.add(MODE, number, known.as_str(), f64::from(u8::from(known == mode)));
        }
        if let Some(state) = description.state {
            for known in CircuitBreakerState::ALL {
                self.add(STATE, number, known.label(), f64::from(u8::from(known == state)));
            }
        }
        self.description = description;
    }

    fn add_durations(&mut self, labels: Labels, reading: &Reading) {
        let bounds = || reading.bounds.iter().map(Duration::as_secs_f64).chain([f64::INFINITY]);
        for (ended, durations) in Ended::ALL.iter().zip(&reading.ends) {
            let own = ended.as_str();
            let more = Histogram {
                buckets: bounds().zip(durations.buckets.iter().copied()).collect(),
                sum: durations.seconds(),
            };
            let mut known = self.histograms.iter_mut().filter(|series| series.0 == labels && series.1 == own);
            match known.next() {
                // measures of one name in one function have the same buckets, unless they differ in their settings: then the first counts
                Some((_, _, known)) if known.buckets.len() == more.buckets.len() => known.add(&more),
                Some(_) => {}
                None => self.histograms.push((labels, own, more)),
            }
        }
    }

    /// Adds what the record has, and returns the number of the labels.
    fn add_record(&mut self, record: &Record, of: Labels) -> u32 {
        self.policies += 1;
        let next = self.labels.len() as u32;
        let labels = match self.known.entry(of) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(new) => *new.insert(next),
        };
        self.adds = labels != next;
        if !self.adds {
            self.labels.push(of);
        }
        for (ended, value) in Ended::ALL.iter().zip(record.ended()) {
            if judges(record.kind) || matches!(ended, Ended::Success | Ended::Abandoned) {
                self.add(CALLS, labels, ended.as_str(), value as f64);
            }
        }
        for &reason in list::reasons(record.kind) {
            self.add(REJECTIONS, labels, reason_label(reason), record.rejected(reason) as f64);
        }
        for count in list::counts(record.kind) {
            self.add(count.family, labels, count.label, count.value(record));
        }
        labels
    }

    fn samples(self) -> Vec<Sample> {
        let all =
            Sample { family: &FAMILIES[0], labels: None, own: "", value: f64::from(self.policies), histogram: None };
        let number = self.families.iter().map(Vec::len).sum::<usize>() + self.histograms.len() + 1;
        let mut samples = Vec::with_capacity(number);
        samples.push(all);
        let mut histograms = self.histograms;
        for (family, series) in FAMILIES.iter().zip(self.families) {
            let sample = |(number, own, value): Value| {
                let labels = Some(self.labels[number as usize]);
                Sample { family, labels, own, value, histogram: None }
            };
            samples.extend(series.into_iter().map(sample));
            if family.short == SETTINGS {
                samples.extend(of_settings(family));
            }
            if family.sort == Sort::Histogram {
                samples.extend(std::mem::take(&mut histograms).into_iter().map(|(labels, own, histogram)| Sample {
                    family,
                    labels: Some(labels),
                    own,
                    value: histogram.count() as f64,
                    histogram: Some(Box::new(histogram)),
                }));
            }
        }
        samples
    }
}

/// The value of the label `le`.
#[cfg(any(feature = "metrics-0-24", feature = "opentelemetry-0-33"))]
fn le(bound: f64) -> String {
    if bound.is_finite() { bound.to_string() } else { "+Inf".to_owned() }
}

/// Returns whether a policy of that kind looks at the outcomes of calls.
const fn judges(kind: PolicyKind) -> bool {
    !matches!(kind, PolicyKind::Timeout | PolicyKind::Cancel | PolicyKind::Coalesce | PolicyKind::Batch)
}

#[cfg(all(test, not(resilient_loom)))]
mod tests;
