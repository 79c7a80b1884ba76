//! The rows of the dashboard.

use resilient::metrics::Family;

use super::panel::Panel;
use super::{FUNCTION, JOB};
use crate::alerts::objective;
use crate::options::Options;
use crate::query::{Selector, family};
use crate::snapshot::{Policy, Snapshot};

/// A row: a question, and the panels that answer it.
pub(super) struct Row {
    pub(super) title: &'static str,
    pub(super) panels: Vec<Panel>,
}

/// Returns the rows for a program with those policies. A row may have no panel.
pub(super) fn of(snapshot: &Snapshot, options: &Options) -> [Row; 7] {
    let policies = snapshot.policies().into_iter().map(|(_, policy)| policy).collect();
    let record = objective::of(snapshot, options).first().and_then(objective::Objective::shortest_record);
    let program = Program { policies, record };
    [
        program.health(),
        program.state(),
        program.limits(),
        program.retries(),
        program.rates(),
        program.refusals(),
        program.durations(),
    ]
}

/// The parts of a program that decide which panels there are.
struct Program<'a> {
    policies: Vec<&'a Policy>,
    /// The name under which the rules record the share of failed calls, if they do.
    record: Option<String>,
}

impl Program<'_> {
    /// Returns whether there is a policy of one of these kinds.
    fn any(&self, kinds: &[&str]) -> bool {
        self.policies.iter().any(|policy| kinds.contains(&policy.kind.as_str()))
    }

    /// Returns whether there is a policy with such a number.
    fn has(&self, number: &str) -> bool {
        self.policies.iter().any(|policy| policy.has(number))
    }

    fn health(&self) -> Row {
        let panels = vec![
            Some(Panel::new("Policies", "short").number().shows(
                family::POLICIES,
                "policies",
                format!("sum({})", Selector::of(family::POLICIES).raw(JOB).now()),
            )),
            self.record.as_ref().map(|record| {
                Panel::new("Failed calls, as the rules record them", "percentunit").shows(
                    family::CALLS,
                    "{{function}}",
                    format!("{record}{{{JOB},{FUNCTION}}}"),
                )
            }),
            Some(Panel::new("Alerts", "short").shows(
                family::POLICIES,
                "{{alertname}}",
                format!("count by (alertname) (ALERTS{{alertname=~\"Resilient.*\",alertstate=\"firing\",{JOB}}})"),
            )),
        ];
        Row { title: "Health", panels: panels.into_iter().flatten().collect() }
    }

    fn state(&self) -> Row {
        let panels = vec![
            self.any(&["circuit_breaker"]).then(|| {
                let spent = format!("clamp_max({}, 1)", rate(family::STATE_SECONDS));
                Panel::new("Circuit breakers: share of time in each state", "percentunit").up_to(1.0).shows(
                    family::STATE_SECONDS,
                    "{{policy}} {{instance}} {{state}}",
                    spent,
                )
            }),
            self.any(&["circuit_breaker"]).then(|| {
                Panel::new("Circuit breakers: transitions", "short").shows(
                    family::TRANSITIONS,
                    "{{policy}} to {{state}}",
                    format!("sum by (policy, function, layer, state) ({})", over("increase", family::TRANSITIONS)),
                )
            }),
            self.has("window_calls").then(|| {
                Panel::new("Circuit breakers: failures in the window", "short")
                    .shows(family::WINDOW_FAILURES, "{{policy}} failures", sum(&now(family::WINDOW_FAILURES)))
                    .shows(family::WINDOW_CALLS, "{{policy}} calls", sum(&now(family::WINDOW_CALLS)))
            }),
            self.has("circuit_state_seconds").then(|| {
                Panel::new("Circuit breakers: present state", "short").up_to(1.0).shows(
                    family::STATE,
                    "{{policy}} {{instance}} {{state}}",
                    select(family::STATE).none_of(&["closed"]).now(),
                )
            }),
            self.policies.iter().any(|policy| policy.mode.is_some()).then(|| {
                let modes = select(family::MODE).none_of(&["enforce"]).now();
                Panel::new("Policies that do not enforce", "short").up_to(1.0).shows(
                    family::MODE,
                    "{{policy}} {{layer}} {{mode}}",
                    format!("max by (policy, function, layer, mode) ({modes})"),
                )
            }),
        ];
        Row { title: "State", panels: panels.into_iter().flatten().collect() }
    }

    fn limits(&self) -> Row {
        let panels = vec![
            self.has("in_use").then(|| {
                Panel::new("Bulkheads: permits", "short")
                    .shows(family::IN_USE, "{{policy}} in use", sum(&now(family::IN_USE)))
                    .shows(family::LIMIT, "{{policy}} limit", sum(&now(family::LIMIT)))
            }),
            self.has("waiting").then(|| {
                let waiting = sum(&now(family::WAITING));
                Panel::new("Calls that wait", "short").shows(family::WAITING, "{{policy}} {{layer}}", waiting)
            }),
            self.has("rate_share").then(|| {
                let least = |family| format!("min by (policy, function, layer) ({})", now(family));
                Panel::new("Rate limits: share of the rate", "percentunit")
                    .up_to(1.0)
                    .shows(family::RATE_SHARE, "{{policy}}", least(family::RATE_SHARE))
                    .shows(family::PAUSED, "{{policy}} paused", least(family::PAUSED))
            }),
            self.has("units").then(|| {
                Panel::new("Rate limits: units of weighed calls", "short").shows(
                    family::UNITS,
                    "{{policy}} {{how}}",
                    format!("sum by (policy, function, layer, how) ({})", rate(family::UNITS)),
                )
            }),
            self.has("drop_ratio").then(|| {
                let most = format!("max by (policy, function, layer) ({})", now(family::DROP_RATIO));
                Panel::new("Throttles: dropped share", "percentunit").shows(family::DROP_RATIO, "{{policy}}", most)
            }),
            self.policies.iter().any(|policy| policy.keys.is_some()).then(|| {
                Panel::new("Keys", "short")
                    .shows(family::KEYS, "{{policy}} keys", sum(&now(family::KEYS)))
                    .shows(family::KEY_CAPACITY, "{{policy}} room", sum(&now(family::KEY_CAPACITY)))
                    .shows(family::KEY_OVERFLOWS, "{{policy}} without room", sum(&rate(family::KEY_OVERFLOWS)))
            }),
            self.has("items_in_flight").then(|| {
                let items = sum(&now(family::ITEMS_IN_FLIGHT));
                Panel::new("Fan-outs: items in flight", "short").shows(family::ITEMS_IN_FLIGHT, "{{policy}}", items)
            }),
        ];
        Row { title: "Limits and their use", panels: panels.into_iter().flatten().collect() }
    }

    fn retries(&self) -> Row {
        let panels = vec![
            self.any(&["retry"]).then(|| {
                let calls = select(family::CALLS).raw("layer=~\".*retry\"").over("rate", RATE);
                Panel::new("Attempts per call", "short").shows(
                    family::RETRIES,
                    "{{policy}}",
                    format!("1 + {} / {}", sum(&rate(family::RETRIES)), sum(&calls)),
                )
            }),
            self.has("budget_balance").then(|| {
                let least = format!("min by (policy, function, layer) ({})", now(family::BUDGET_BALANCE));
                Panel::new("Balance of budgets", "short").shows(family::BUDGET_BALANCE, "{{policy}} {{layer}}", least)
            }),
            self.any(&["retry"]).then(|| {
                Panel::new("Calls without another attempt, by the reason", "reqps").shows(
                    family::GAVE_UP,
                    "{{policy}} {{reason}}",
                    format!("sum by (policy, function, layer, reason) ({})", rate(family::GAVE_UP)),
                )
            }),
            self.any(&["hedge"]).then(|| {
                Panel::new("Hedges", "reqps")
                    .shows(family::HEDGES, "{{policy}} started", sum(&rate(family::HEDGES)))
                    .shows(family::HEDGES_WON, "{{policy}} won", sum(&rate(family::HEDGES_WON)))
                    .shows(family::HEDGES_SUPPRESSED, "{{policy}} suppressed", sum(&rate(family::HEDGES_SUPPRESSED)))
            }),
        ];
        Row { title: "Retries and budgets", panels: panels.into_iter().flatten().collect() }
    }

    fn rates(&self) -> Row {
        let panels = vec![
            (!self.policies.is_empty()).then(|| {
                Panel::new("Calls", "reqps").shows(family::CALLS, "{{policy}} {{layer}}", sum(&rate(family::CALLS)))
            }),
            (!self.policies.is_empty()).then(|| {
                let bad = select(family::CALLS).none_of(&["success"]).over("rate", RATE);
                Panel::new("Calls that were no success, by the outcome", "reqps").shows(
                    family::CALLS,
                    "{{policy}} {{layer}} {{outcome}}",
                    format!("sum by (policy, function, layer, outcome) ({bad})"),
                )
            }),
            self.any(&["coalesce"]).then(|| {
                Panel::new("Calls that had another's outcome", "reqps").shows(
                    family::COALESCED,
                    "{{policy}}",
                    sum(&rate(family::COALESCED)),
                )
            }),
            self.any(&["batch"]).then(|| {
                Panel::new("Batches", "reqps")
                    .shows(family::BATCHES, "{{policy}} batches", sum(&rate(family::BATCHES)))
                    .shows(family::BATCH_KEYS, "{{policy}} keys", sum(&rate(family::BATCH_KEYS)))
            }),
            self.any(&["fallback"]).then(|| {
                let answers = format!("sum by (policy, function, layer, source) ({})", rate(family::FALLBACK_ANSWERS));
                Panel::new("Fallbacks", "reqps")
                    .shows(family::FALLBACK_ANSWERS, "{{policy}} {{source}}", answers)
                    .shows(family::FALLBACK_UNANSWERED, "{{policy}} none", sum(&rate(family::FALLBACK_UNANSWERED)))
            }),
        ];
        Row { title: "Rates", panels: panels.into_iter().flatten().collect() }
    }

    fn refusals(&self) -> Row {
        let panels = vec![
            self.policies.iter().any(|policy| !policy.rejections.is_empty()).then(|| {
                Panel::new("Refused calls, by the reason", "reqps").shows(
                    family::REJECTIONS,
                    "{{policy}} {{layer}} {{reason}}",
                    format!("sum by (policy, function, layer, reason) ({})", rate(family::REJECTIONS)),
                )
            }),
            self.has("observed").then(|| {
                Panel::new("Calls on which a policy in mode observe would have acted", "reqps").shows(
                    family::OBSERVED,
                    "{{policy}} {{layer}}",
                    sum(&rate(family::OBSERVED)),
                )
            }),
        ];
        Row { title: "Refusals", panels: panels.into_iter().flatten().collect() }
    }

    fn durations(&self) -> Row {
        let panels = vec![
            self.any(&["bulkhead", "rate_limit"]).then(|| {
                let queued = sum(&rate(family::QUEUED));
                Panel::new("Calls that had to wait", "reqps").shows(family::QUEUED, "{{policy}} {{layer}}", queued)
            }),
            self.any(&["bulkhead", "rate_limit"]).then(|| {
                let (waited, queued) = (sum(&rate(family::WAIT_SECONDS)), sum(&rate(family::QUEUED)));
                Panel::new("Mean wait of those that waited", "s").shows(
                    family::WAIT_SECONDS,
                    "{{policy}} {{layer}}",
                    format!("{waited} / ({queued} > 0)"),
                )
            }),
            self.any(&["measure"]).then(|| {
                let buckets = Selector::buckets(family::DURATION).raw(JOB).raw(FUNCTION).over("rate", RATE);
                let quantile = |share: &str| {
                    format!("histogram_quantile({share}, sum by (policy, function, layer, le) ({buckets}))")
                };
                Panel::new("Durations", "s")
                    .shows(family::DURATION, "{{policy}} 50 %", quantile("0.5"))
                    .shows(family::DURATION, "{{policy}} 95 %", quantile("0.95"))
                    .shows(family::DURATION, "{{policy}} 99 %", quantile("0.99"))
            }),
        ];
        Row { title: "Waits and durations", panels: panels.into_iter().flatten().collect() }
    }
}

fn select(family: &'static Family) -> Selector {
    Selector::of(family).raw(JOB).raw(FUNCTION)
}

fn now(family: &'static Family) -> String {
    select(family).now()
}

fn over(function: &str, family: &'static Family) -> String {
    select(family).over(function, RATE)
}

fn rate(family: &'static Family) -> String {
    over("rate", family)
}

fn sum(expr: &str) -> String {
    format!("sum by (policy, function, layer) ({expr})")
}

/// The window that Grafana chooses: four scrapes at least.
const RATE: &str = "$__rate_interval";
