//! The objective of a function: the share of its calls that fail, in several windows.

use std::collections::HashSet;
use std::time::Duration;

use super::{Alert, FEW, Severity, kinds};
use crate::options::Options;
use crate::proof::{Change, Proof, Quantity};
use crate::query::{Selector, family, promql_time, quoted};
use crate::settings::{percent, shown};
use crate::snapshot::{Function, Labels, Policy, Snapshot};

/// A function, and the series that tell of the ends of its calls.
#[derive(Debug)]
pub(crate) struct Objective<'a> {
    function: &'a str,
    options: &'a Options,
    /// The policy that judges the outcomes of calls.
    judge: &'a Labels,
    /// Policies whose refusals it does not see.
    unseen: Vec<&'a Policy>,
}

/// Returns the objective of each function whose outcomes some policy judges.
pub(crate) fn of<'a>(snapshot: &'a Snapshot, options: &'a Options) -> Vec<Objective<'a>> {
    let mut seen = HashSet::new();
    let objectives = snapshot.functions.iter().filter_map(|function| Objective::new(function, options));
    // the instances of a generic function are one, and so are functions that share what judges their calls
    objectives.filter(|objective| seen.insert(objective.function)).collect()
}

impl<'a> Objective<'a> {
    fn new(function: &'a Function, options: &'a Options) -> Option<Self> {
        let policies: Vec<&Policy> = function.stack.iter().filter_map(|layer| layer.policy.as_ref()).collect();
        let own = |policy: &Policy| function.is_path(&policy.series.function);
        let of =
            |kinds: &[&str]| policies.iter().position(|policy| kinds.contains(&policy.kind.as_str()) && own(policy));
        // to these, a refusal further in has a class; to those, it is a call that was dropped
        let (place, sees) = match of(&["measure", "retry", "hedge"]) {
            Some(place) => (place, true),
            None => (of(&["circuit_breaker", "throttle", "rate_limit"])?, false),
        };
        let judge = &policies[place].series;
        let refuses = |policy: &&Policy| policy.rejections.iter().any(|number| number.name != CANCELLED);
        let inside =
            policies[place..].iter().filter(|policy| !sees && (policy.series == *judge || policy.kind != "timeout"));
        let unseen = policies[..place].iter().chain(inside).copied().filter(refuses).collect();
        Some(Self { function: &judge.function, options, judge, unseen })
    }

    /// The calls that failed, by a function over a window.
    fn failed(&self, over: &str, window: &str) -> String {
        let bad = self.ends(&["transient", "throttled"]).over(over, window);
        let mut sum = format!("sum by (job) ({bad})");
        for refused in self.refusals(over, window) {
            sum.push_str(&refused);
        }
        sum
    }

    /// All calls that ended, by a function over a window.
    fn all(&self, over: &str, window: &str) -> String {
        let ends = self.ends(&["success", "permanent", "transient", "throttled"]).over(over, window);
        let mut sum = format!("sum by (job) ({ends})");
        for refused in self.refusals(over, window) {
            sum.push_str(&refused);
        }
        sum
    }

    fn ends(&self, outcomes: &[&str]) -> Selector {
        Selector::of(family::CALLS).job(self.options.job.as_deref()).policy(self.judge).any_of(outcomes)
    }

    fn refusals(&self, over: &str, window: &str) -> impl Iterator<Item = String> {
        self.unseen.iter().map(move |policy| {
            let refused = Selector::of(family::REJECTIONS).job(self.options.job.as_deref()).policy(&policy.series);
            format!(" + sum by (job) ({})", refused.none_of(&[CANCELLED]).over(over, window))
        })
    }

    /// The name, the expression and the label `function` of each rule that records the share of failed calls.
    pub(crate) fn records(&self) -> Vec<(String, String, &str)> {
        let mut windows: Vec<Duration> = self.burns().iter().flat_map(|burn| [burn.short, burn.long]).collect();
        windows.sort_unstable();
        windows.dedup();
        let record = |window| {
            let window = promql_time(window);
            // a function that is not called has no share, rather than one that is no number
            let expr = format!("({})\n  / (({}) > 0)", self.failed("rate", &window), self.all("rate", &window));
            (recorded(&window), expr, self.function)
        };
        windows.into_iter().map(record).collect()
    }

    /// The name of the series of the shortest window, if there is any.
    pub(crate) fn shortest_record(&self) -> Option<String> {
        let shortest = self.burns().iter().map(|burn| burn.short).min()?;
        Some(recorded(&promql_time(shortest)))
    }

    fn burns(&self) -> Vec<Burn> {
        let all = [
            (14.4, 3_600, 300, Severity::Page, "An hour of that is 2 %"),
            (6.0, 21_600, 1_800, Severity::Page, "Six hours of that are 5 %"),
            (3.0, 86_400, 7_200, Severity::Ticket, "A day of that is 10 %"),
            (1.0, 259_200, 21_600, Severity::Ticket, "Three days of that are 10 %"),
        ];
        let burns = all.into_iter().map(|(rate, long, short, severity, spends)| Burn {
            rate,
            long: self.options.window(Duration::from_secs(long)),
            short: self.options.window(Duration::from_secs(short)),
            severity,
            spends,
        });
        // a share of more than all calls cannot fail
        let mut burns: Vec<Burn> = burns.filter(|burn| burn.rate * self.options.error_budget() < 1.0).collect();
        // by a small scale, several are as short as a window may be
        burns.dedup_by_key(|burn| burn.long);
        burns
    }

    /// The alerts, one for each pair of windows.
    pub(crate) fn alerts(&self) -> Vec<Alert> {
        self.burns().iter().map(|burn| self.alert(burn)).collect()
    }

    fn alert(&self, burn: &Burn) -> Alert {
        let most = burn.rate * self.options.error_budget();
        let (long, short) = (promql_time(burn.long), promql_time(burn.short));
        let job = self.options.job.as_ref().map_or_else(String::new, |job| format!("job={},", quoted(job)));
        let share = |window: &str| format!("{}{{{job}function={}}}", recorded(window), quoted(self.function));
        // six decimals, for objectives of many nines
        let threshold = (most * 1e6).round() / 1e6;
        let (times, too_fast) = if burn.rate > 1.0 {
            let rate = shown(burn.rate);
            (format!("; {rate} times that is {}", percent(most)), format!("{rate} times too fast"))
        } else {
            (String::new(), "within the month".to_owned())
        };
        let expr = format!(
            "{} > {threshold}\n  and {} > {threshold}\n  and on (job) ({}) >= {FEW}",
            share(&long),
            share(&short),
            self.failed("increase", &long)
        );
        Alert {
            kind: &kinds::ERROR_BUDGET_BURN,
            severity: burn.severity,
            series: None,
            function: Some(self.function.to_owned()),
            window: Some(long.clone()),
            expr,
            hold: None,
            summary: format!("{} spends its error budget {too_fast}", self.function),
            description: format!(
                "{{{{ $value | humanizePercentage }}}} of the calls in the last {long} failed, were told to slow down or were refused. The objective \
                 is {} %, so {} may fail{times}. {} of the budget of 30 days. It holds for {short} as well, so it is \
                 going on.",
                self.options.slo,
                percent(self.options.error_budget()),
                burn.spends,
            ),
            proof: Proof {
                // the share is the same in every window, so there is no need to fill the long one
                third: self.options.window(Duration::from_secs(600)),
                sick: self.fails((most * 1.3).min(0.99)),
                well: self.fails(most * 0.8),
            },
        }
    }

    /// The series of a function of whose calls that share fails.
    fn fails(&self, share: f64) -> Vec<Quantity> {
        let calls = |outcome, each| Quantity::of_policy(self.judge, family::CALLS, outcome, Change::Rises(each));
        let mut all = vec![
            calls("success", 100.0 * (1.0 - share)),
            calls("permanent", 0.0),
            calls("transient", 50.0 * share),
            calls("throttled", if self.unseen.is_empty() { 50.0 * share } else { 25.0 * share }),
            calls("abandoned", 7.0),
        ];
        for policy in &self.unseen {
            for (place, number) in policy.rejections.iter().enumerate() {
                let each = if place == 0 { 25.0 * share / self.unseen.len() as f64 } else { 0.0 };
                let change = Change::Rises(each);
                all.push(Quantity::of_policy(&policy.series, family::REJECTIONS, &number.name, change));
            }
        }
        all
    }
}

/// A pair of windows, and how fast the budget may go in them.
#[derive(Debug)]
struct Burn {
    rate: f64,
    long: Duration,
    short: Duration,
    severity: Severity,
    spends: &'static str,
}

/// The name under which the share of failed calls is recorded.
fn recorded(window: &str) -> String {
    format!("function:{}:failed_ratio_rate{window}", family::CALLS.stem())
}

const CANCELLED: &str = "cancelled";
