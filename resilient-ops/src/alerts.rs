//! The alerts: for each policy the rules that its settings lead to.
//!
//! The rules do without `for`. It would begin again at a deploy, where the series of a new instance begin, and at a restart of Prometheus.
//! Each looks back over a window, and sums or compares over it, so that an alert goes on over both. The one about absent metrics has
//! a `for` of some scrapes besides, since a Prometheus without any data has not seen the program yet.

use std::fmt;
use std::time::Duration;

use crate::options::Options;
use crate::proof::{Change, Proof, Quantity};
use crate::query::{Selector, family, promql_time};
use crate::snapshot::{Labels, Policy, Snapshot};
use resilient::metrics::Family;

pub use self::kinds::{KINDS, Kind};

mod bulkhead;
mod circuit_breaker;
mod kinds;
mod late;
mod limits;
mod measure;
pub(crate) mod objective;
mod refusals;
mod retry;
mod throttle;

/// A rule for one policy or function.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Alert {
    /// The kind, which has the name and the page of the runbook.
    pub kind: &'static Kind,
    /// The urgency.
    pub severity: Severity,
    /// The labels of the policy's series; `None` for a rule about a function or the program.
    pub series: Option<Labels>,
    /// The path of the function, where the rule is about one.
    pub function: Option<String>,
    /// The long window, of a burn rate.
    pub window: Option<String>,
    /// The condition, as a query of Prometheus.
    pub expr: String,
    /// The time for which the condition has to hold, where that is needed.
    pub hold: Option<Duration>,
    /// The alert in a line.
    pub summary: String,
    /// The alert with the arithmetic of its threshold.
    pub description: String,
    pub(crate) proof: Proof,
}

/// The urgency of an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Severity {
    /// Somebody has to act now.
    Page,
    /// Somebody has to look within a day.
    Ticket,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Page => "page",
            Self::Ticket => "ticket",
        })
    }
}

impl Alert {
    /// The labels that the rule adds, or that its result has, by which it is told from the others.
    pub(crate) fn labels(&self) -> Vec<(&'static str, String)> {
        let mut labels = vec![("alertname", self.kind.name.to_owned())];
        match (&self.series, &self.function) {
            (Some(Labels { policy, function, layer }), _) => {
                labels.extend(
                    [("policy", policy), ("function", function), ("layer", layer)]
                        .map(|(name, value)| (name, value.clone())),
                );
            }
            (None, Some(function)) => labels.push(("function", function.clone())),
            (None, None) => {}
        }
        labels.extend(self.window.clone().map(|window| ("window", window)));
        // Prometheus takes a label with an empty value for none
        labels.retain(|(_, value)| !value.is_empty());
        labels
    }
}

/// Returns the alerts for a program with those policies.
pub fn of(snapshot: &Snapshot, options: &Options) -> Vec<Alert> {
    let mut alerts = vec![absent(options), settings_refused(options)];
    for (function, policy) in snapshot.policies() {
        let subject = Subject { policy, options };
        alerts.extend(circuit_breaker::opened(subject));
        alerts.extend(circuit_breaker::keeps_refusing(subject));
        alerts.extend(retry::budget_exhausted(subject));
        alerts.extend(retry::amplifies(subject));
        alerts.extend(bulkhead::saturated(subject));
        alerts.extend(bulkhead::queue_full(subject));
        alerts.extend(limits::used_up(subject));
        alerts.extend(limits::slowed(subject));
        alerts.extend(limits::waits_long(subject));
        alerts.extend(limits::keys_full(subject));
        alerts.extend(limits::store_down(subject));
        alerts.extend(throttle::sheds(subject));
        alerts.extend(late::goes_on(subject));
        alerts.extend(measure::slow(subject, function));
        alerts.extend(refusals::refuses(subject));
    }
    for objective in objective::of(snapshot, options) {
        alerts.extend(objective.alerts());
    }
    alerts
}

/// The exporter is gone, or its scrape is empty.
fn absent(options: &Options) -> Alert {
    let window = options.window(FAST);
    let policies = Selector::of(family::POLICIES).job(options.job.as_deref());
    let whose = options.job.as_ref().map_or_else(String::new, |job| format!(" of the job {job}"));
    let shown = promql_time(window);
    Alert {
        kind: &kinds::METRICS_ABSENT,
        severity: Severity::Page,
        series: None,
        function: None,
        window: None,
        expr: policies.over("absent_over_time", &shown),
        // a Prometheus that has just started takes five seconds to look for its targets
        hold: Some((options.interval * 4).max(Duration::from_secs(10))),
        summary: format!("No metrics of policies{whose}"),
        description: format!(
            "No scrape{whose} has had {} for {shown}. A deploy may take that long; longer, the program is down, its exporter is not \
             registered, or an empty page answers with 200. While this holds, no other alert about its policies can fire.",
            family::POLICIES.name
        ),
        proof: Proof {
            third: window * 2,
            sick: Vec::new(),
            well: vec![Quantity {
                labels: Vec::new(),
                family: family::POLICIES,
                suffix: "",
                change: Change::Stays(3.0),
            }],
        },
    }
}

/// Live settings were refused. A program without them has no such series.
fn settings_refused(options: &Options) -> Alert {
    let window = options.window(FAST);
    let shown = promql_time(window);
    let refused = Selector::of(family::SETTINGS).job(options.job.as_deref()).own("refused");
    let settings = |result: &str, each: f64| Quantity {
        labels: vec![("result".to_owned(), result.to_owned())],
        family: family::SETTINGS,
        suffix: "",
        change: Change::Rises(each),
    };
    let each = 3.0 / window.as_secs_f64();
    Alert {
        kind: &kinds::SETTINGS_REFUSED,
        severity: Severity::Ticket,
        series: None,
        function: None,
        window: None,
        expr: format!("sum by (job) ({}) > 0", refused.over("increase", &shown)),
        hold: None,
        summary: "Live settings were refused".to_owned(),
        description: format!(
            "Settings from a file or from code were refused about {{{{ $value | printf \"%.0f\" }}}} times in the last {shown}. None of such a change \
             applies, and the last good settings stay. The program's log has each mistake with its line."
        ),
        proof: Proof {
            third: window,
            sick: vec![settings("applied", each), settings("refused", each)],
            well: vec![settings("applied", each), settings("refused", 0.0)],
        },
    }
}

/// A policy that rules are made for, and the operator's choices.
#[derive(Clone, Copy)]
pub(crate) struct Subject<'a> {
    policy: &'a Policy,
    options: &'a Options,
}

impl Subject<'_> {
    /// Returns whether the policy is of that kind.
    fn is(self, kind: &str) -> bool {
        self.policy.kind == kind
    }

    fn select(self, family: &'static Family) -> Selector {
        Selector::of(family).job(self.options.job.as_deref()).policy(&self.policy.series)
    }

    /// The increase of all calls that the policy let through, by their ends.
    fn calls(self, window: Duration) -> String {
        increase(&self.select(family::CALLS), window)
    }

    fn refused(self, window: Duration) -> String {
        increase(&self.select(family::REJECTIONS), window)
    }

    /// A series of the policy in a case.
    fn quantity(self, family: &'static Family, own: &str, change: Change) -> Quantity {
        Quantity::of_policy(&self.policy.series, family, own, change)
    }

    fn alert(self, kind: &'static Kind, rule: Rule) -> Alert {
        let Rule { severity, expr, summary, description, proof } = rule;
        let title = literal(&self.policy.title());
        Alert {
            kind,
            severity,
            series: Some(self.policy.series.clone()),
            function: None,
            window: None,
            expr,
            hold: None,
            summary: format!("{title}: {summary}"),
            description: format!("{description} ({}:{})", self.policy.file, self.policy.line),
            proof,
        }
    }
}

/// The parts of an alert in which the kinds differ.
struct Rule {
    severity: Severity,
    expr: String,
    summary: String,
    description: String,
    proof: Proof,
}

/// A text in an annotation or a label of a rule, in which braces would begin a template.
pub(crate) fn literal(text: &str) -> String {
    text.replace("{{", BRACES)
}

/// The increase of a counter over a window, over all instances.
fn increase(selector: &Selector, window: Duration) -> String {
    summed(&selector.over("increase", &promql_time(window)))
}

/// The sum over all instances.
fn summed(expr: &str) -> String {
    format!("sum by ({BY}) ({expr})")
}

/// A template for two braces.
pub(crate) const BRACES: &str = r#"{{ "{{" }}"#;

/// The labels that a rule keeps: all but those of an instance.
const BY: &str = "job, policy, function, layer";

/// The window of most rules: long enough for a deploy.
const FAST: Duration = Duration::from_secs(300);

/// The fewest events that a share is made of.
const FEW: f64 = 10.0;
