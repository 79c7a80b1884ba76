//! The settings that follow from a wish, each with its reason.

use std::time::Duration;

use serde::Serialize;

use crate::stack::{self, After, Bulkhead, CircuitBreaker, Hedge, Limit, RateLimit, Retry, Stack, shown};
use crate::wish::{MOST_RETRIES, Wish, millis, round};

/// A stack, the reasons for its figures, and figures beside it.
#[derive(Debug, Clone, Serialize)]
pub struct Advice {
    /// The stack.
    pub stack: Stack,
    /// A hedge that is not a part of it, because nobody has said that an attempt may run twice.
    pub possible_hedge: Option<Hedge>,
    /// The reasons, by the part that they are about.
    pub reasons: Vec<Reason>,
    /// The connections that each instance should keep open.
    pub connections: u32,
    /// The thresholds of alerts.
    pub alerts: Vec<Alert>,
}

/// A line about a part of a stack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// The part: `total`, `retry`, `budget`, `circuit_breaker`, `hedge`, `rate_limit`, `bulkhead`, `attempt`, `connections`, and `absent` for a policy that is left out.
    pub part: &'static str,
    /// The reason.
    pub text: String,
}

/// An alert: the expression of Prometheus, and the reason for its threshold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Alert {
    /// The expression, which is true while the alert fires.
    pub expression: String,
    /// The reason.
    pub reason: String,
}

impl Advice {
    /// Returns the settings for the wish. `name` is the name of the function in the series of alerts.
    pub fn of(wish: &Wish, name: &str) -> Self {
        let mut reasons = Reasons(Vec::new());
        let attempt = attempt(wish, &mut reasons);
        let extra = spare(wish);
        let retry = retry(wish, attempt, extra, &mut reasons);
        let circuit_breaker = circuit_breaker(wish, &mut reasons);
        let hedge = hedge(wish, extra, &mut reasons);
        let rate_limit = rate_limit(wish, &mut reasons);
        let bulkhead = bulkhead(wish, &mut reasons);
        let connections = connections(wish, &bulkhead, &mut reasons);
        let total = "an answer counts within this time, and nothing goes on after it";
        reasons.add("total", total.to_owned());
        let alerts = alerts(wish, retry.as_ref(), name);
        let (hedge, possible_hedge) = if wish.idempotent { (hedge, None) } else { (None, hedge) };
        let stack = Stack {
            total: Some(wish.slo),
            // a time-out with nothing that repeats would stand twice
            attempt: (retry.is_some() || hedge.is_some()).then_some(attempt),
            retry,
            circuit_breaker: Some(circuit_breaker),
            hedge,
            rate_limit,
            bulkhead: Some(bulkhead),
        };
        Self { stack, possible_hedge, reasons: reasons.0, connections, alerts }
    }

    /// Returns the reasons about a part.
    pub fn about(&self, part: &str) -> Vec<String> {
        let about = self.reasons.iter().filter(|reason| reason.part == part);
        about.map(|reason| reason.text.clone()).collect()
    }

    /// Returns the terms of the retry's budget, unless they are the usual ones.
    pub fn budget(&self) -> Option<(f64, u32)> {
        self.stack.retry.as_ref()?.budget.filter(|terms| *terms != stack::DEFAULT_BUDGET)
    }
}

struct Reasons(Vec<Reason>);

impl Reasons {
    fn add(&mut self, part: &'static str, text: String) {
        self.0.push(Reason { part, text });
    }
}

/// Returns the time-out of an attempt: beyond the tail and the usual queues, and short enough that another attempt has room where it can.
fn attempt(wish: &Wish, reasons: &mut Reasons) -> Duration {
    let slo = wish.slo.as_secs_f64();
    let (p99, rare) = (wish.times.at(0.99), wish.times.at(0.999));
    // another attempt takes p95 at the most, and the wait before it a twentieth of the time
    let room = (slo * 0.95 - wish.times.at(0.95)).max(slo * 0.5);
    let tail = rare.max(1.5 * p99);
    // the times are those of an upstream that is not busy; as many attempts as there may be take half of the time at the most
    let queued = slo / 2.0 / f64::from(1 + MOST_RETRIES);
    let wanted = tail.max(queued);
    let limit = two_digits(wanted.min(room).min(slo * 0.8));
    let limit = if limit >= slo { slo * 0.8 } else { limit };
    let late = wish.longer_than(limit) * 100.0;
    if tail < queued {
        reasons.add(
            "attempt",
            format!(
                "the tail ends far sooner (p99 {}), and an attempt that waits in a queue is no failure: this is an eighth of {}",
                millis(p99),
                shown(wish.slo)
            ),
        );
    } else if wanted <= room.min(slo * 0.8) {
        reasons.add(
            "attempt",
            format!(
                "the tail: one attempt in a thousand takes {} (p99 {}), so that this ends {late:.2} % of those that would succeed",
                millis(rare),
                millis(p99)
            ),
        );
    } else {
        reasons.add(
            "attempt",
            format!(
                "the tail would want {}, and another attempt has to fit into {} as well: this ends {late:.2} % of those that would succeed",
                millis(wanted),
                shown(wish.slo)
            ),
        );
    }
    Duration::from_secs_f64(limit)
}

/// Returns the extra attempts that the capacity and the quota allow, as a share of the calls.
fn spare(wish: &Wish) -> f64 {
    (MOST_LOAD / wish.load() - 1.0).max(0.0)
}

fn retry(wish: &Wish, attempt: Duration, spare: f64, reasons: &mut Reasons) -> Option<Retry> {
    if spare < LEAST_RATIO {
        reasons.add(
            "absent",
            format!(
                "no retry: {:.0} % of the {} are in use, and extra attempts would fill the rest of it",
                wish.load() * 100.0,
                wish.bound()
            ),
        );
        return None;
    }
    let fails = wish.failing(attempt.as_secs_f64());
    let wanted = (1..=MOST_RETRIES).find(|&retries| fails.powf(f64::from(1 + retries)) <= (1.0 - wish.goal) / 10.0);
    let max = wanted.unwrap_or(MOST_RETRIES).min(wish.attempts_that_fit() - 1);
    if max == 0 {
        reasons.add(
            "absent",
            format!(
                "no retry: 95 % of the attempts need up to {}, and two of them have no room within {}",
                millis(wish.times.at(0.95)),
                shown(wish.slo)
            ),
        );
        return None;
    }
    let left = fails.powf(f64::from(1 + max)) * 100.0;
    reasons.add(
        "retry",
        format!(
            "{:.2} % of the attempts fail or are late; after {max} more, {} % of the calls do{}",
            fails * 100.0,
            small(left),
            if wanted.is_none_or(|wanted| wanted > max) { ", which is all that the deadline has room for" } else { "" }
        ),
    );
    let base = base(wish, max);
    reasons.add(
        "retry",
        format!(
            "the waits are at most {} together: they outlive moments of up to {} in which everything fails, and leave {} for each attempt (p99 {})",
            shown(longest_waits(base, max)),
            millis(longest_waits(base, max).as_secs_f64() / OUTLIVES),
            millis((wish.slo.saturating_sub(longest_waits(base, max))).as_secs_f64() / f64::from(1 + max)),
            millis(wish.times.at(0.99))
        ),
    );

    let ratio = two_digits(spare.min(stack::DEFAULT_BUDGET.0));
    let free = (wish.most() * MOST_LOAD - wish.rate * (1.0 + ratio)).max(0.0);
    let reserve = (free / f64::from(wish.instances)).min(f64::from(stack::DEFAULT_BUDGET.1)).max(1.0) as u32;
    reasons.add(
        "retry",
        format!(
            "the budget: {:.0} % extra attempts take the load from {:.0} % to {:.0} % of the {}, and {} to {:.0} %",
            ratio * 100.0,
            wish.load() * 100.0,
            wish.load() * (1.0 + ratio) * 100.0,
            wish.bound(),
            if wish.instances == 1 {
                format!("a reserve of {reserve}/s")
            } else {
                format!("a reserve of {reserve}/s in each of {} instances", wish.instances)
            },
            (wish.load() * (1.0 + ratio) + f64::from(reserve * wish.instances) / wish.most()) * 100.0,
        ),
    );
    let needed = fails / (1.0 - fails);
    if needed > ratio {
        reasons.add(
            "retry",
            format!(
                "{:.0} % extra attempts would be needed, and the {} pays for {:.0} %: some failures stay failures",
                needed * 100.0,
                wish.bound(),
                ratio * 100.0
            ),
        );
    }
    Some(Retry { max, base, budget: Some((ratio, reserve)), ..Retry::default() })
}

/// Returns the base of the back-off: a fifth of what is left beside the attempts, so that all waits have room.
fn base(wish: &Wish, max: u32) -> Duration {
    let attempts = f64::from(1 + max) * wish.times.at(0.95);
    let waits = f64::from((1 << max) - 1 + max);
    let left = (wish.slo.as_secs_f64() - attempts).max(0.0) / 2.0 / waits;
    let base = left.clamp(LEAST_BASE, stack::Retry::default().base.as_secs_f64());
    Duration::from_secs_f64(two_digits(base))
}

/// Returns the sum of the longest waits of the usual back-off.
fn longest_waits(base: Duration, max: u32) -> Duration {
    base * ((1 << max) - 1 + max)
}

fn circuit_breaker(wish: &Wish, reasons: &mut Reasons) -> CircuitBreaker {
    let mut breaker = CircuitBreaker::default();
    let each = wish.rate / f64::from(wish.instances);
    let usual = wish.errors.max(1e-6);
    // failures in a row, that would come by chance once in a year
    let runs = each * (1.0 - usual) * YEAR;
    let needed = (runs.ln() / -usual.ln()).ceil().max(5.0) as u32;
    if usual >= breaker.failure_rate / 2.0 {
        breaker.failure_rate = two_digits((usual + (1.0 - usual) / 2.0).min(0.95));
        reasons.add(
            "circuit_breaker",
            format!("{:.0} % of the attempts fail anyway, so that half would be no news", usual * 100.0),
        );
    }
    if needed > 5 && each * 10.0 < f64::from(breaker.min_calls) {
        breaker.consecutive = Some(needed);
        reasons.add(
            "circuit_breaker",
            format!(
                "{}/s of an instance are too few for a share, so that failures in a row decide: {needed} come by chance once a year",
                round(each)
            ),
        );
    } else if each * 10.0 < f64::from(breaker.min_calls) {
        reasons.add(
            "circuit_breaker",
            format!(
                "an instance makes {}/s, fewer than 20 in ten seconds: 5 failures in a row open it, {:.0} s into an outage",
                round(each),
                (5.0 / each).max(1.0)
            ),
        );
    } else {
        reasons.add(
            "circuit_breaker",
            format!("{}/s of an instance fill the window of ten seconds with 20 calls and more; 1 s open bounds the recovery", round(each)),
        );
    }
    breaker
}

fn hedge(wish: &Wish, spare: f64, reasons: &mut Reasons) -> Option<Hedge> {
    let tail = wish.tail_share();
    let plain = wish.times.at(tail);
    let budgets = [0.05, 0.02, 0.01];
    let ratio = budgets.into_iter().find(|&ratio| wish.load() * (1.0 + ratio) <= MOST_HEDGED_LOAD && ratio <= spare);
    let Some(ratio) = ratio else {
        reasons.add(
            "absent",
            format!(
                "no hedge: at {:.0} % of the {}, copies of attempts would make the queue longer than they make the tail shorter",
                wish.load() * 100.0,
                wish.bound()
            ),
        );
        return None;
    };
    let delay = wish.times.at(1.0 - ratio);
    let hedged = hedged(wish, tail, delay);
    let gain = 1.0 - hedged / plain;
    if gain < LEAST_GAIN {
        reasons.add(
            "absent",
            format!(
                "no hedge: after {} it would shorten {} from {} to {} only",
                millis(delay),
                tail_name(wish),
                millis(plain),
                millis(hedged)
            ),
        );
        return None;
    }
    reasons.add(
        "hedge",
        format!(
            "another attempt after {} (p{}) costs {:.0} % more requests, {}/s, and takes {} from {} to about {} where no attempt fails",
            millis(delay),
            (1.0 - ratio) * 100.0,
            ratio * 100.0,
            round(wish.rate * ratio),
            tail_name(wish),
            millis(plain),
            millis(hedged)
        ),
    );
    Some(Hedge { after: After::Percentile((1.0 - ratio) * 100.0), ratio })
}

/// Returns the time of a call within which that share ends, if a copy starts after the delay and the two are independent.
fn hedged(wish: &Wish, share: f64, delay: f64) -> f64 {
    let longer = |seconds: f64| {
        let copy = if seconds > delay { wish.longer_than(seconds - delay) } else { 1.0 };
        wish.longer_than(seconds) * copy
    };
    let (mut low, mut high) = (0.0, wish.times.at(share).max(delay) * 2.0);
    for _ in 0..50 {
        let middle = f64::midpoint(low, high);
        if longer(middle) > 1.0 - share { low = middle } else { high = middle }
    }
    high
}

fn tail_name(wish: &Wish) -> String {
    match wish.fan_out {
        1 => "p99".to_owned(),
        calls => format!("the p99 of {calls} calls"),
    }
}

/// Returns an instance's part of the quota, if there is one. It stands below what makes attempts, so that it counts them.
fn rate_limit(wish: &Wish, reasons: &mut Reasons) -> Option<RateLimit> {
    let (calls, period) = wish.share_of_quota()?;
    let each = f64::from(calls) / period.as_secs_f64();
    let burst = ((each / 10.0).ceil() as u32).clamp(1, calls);
    let limit = RateLimit { calls, period, burst: Some(burst), max_wait: longest_wait(wish) };
    let shares = if wish.instances == 1 {
        String::new()
    } else {
        format!(
            "; each of {} instances has its part, and `shared` would give each what the others leave",
            wish.instances
        )
    };
    reasons.add(
        "rate_limit",
        format!(
            "the quota: {}/s of {}/s are used, and each retry counts as well{shares}",
            round(wish.rate),
            round(wish.quota_rate())
        ),
    );
    reasons.add(
        "rate_limit",
        format!(
            "{burst} at once are a tenth of a second's worth; others wait for their turn, for {} at most",
            shown(limit.max_wait)
        ),
    );
    Some(limit)
}

/// Returns the longest wait for a place or a turn.
fn longest_wait(wish: &Wish) -> Duration {
    Duration::from_secs_f64(two_digits((wish.slo.as_secs_f64() / 10.0).max(0.001)))
}

fn bulkhead(wish: &Wish, reasons: &mut Reasons) -> Bulkhead {
    let mean = wish.times.mean();
    let instances = f64::from(wish.instances);
    let (usual, most) = (wish.rate * mean, wish.capacity * mean);
    let initial = ((2.0 * most / instances).ceil() as u32).max(4);
    let max = ((20.0 * most / instances).ceil() as u32).max(16).max(initial);
    let shares = if wish.instances == 1 {
        String::new()
    } else {
        format!(", {} of them in each instance", round(most / instances))
    };
    reasons.add(
        "bulkhead",
        format!(
            "Little's law: {}/s × {} are {} calls at once, and {}/s are {}{shares}; it begins with twice that",
            round(wish.rate),
            millis(mean),
            round(usual),
            round(wish.capacity),
            round(most)
        ),
    );
    reasons.add(
        "bulkhead",
        format!(
            "a tenth of {} is the longest wait: a refusal then comes while there is time for something else",
            shown(wish.slo)
        ),
    );
    let limit = Limit::Adaptive { algorithm: "vegas".to_owned(), min: 2, max, initial };
    Bulkhead { limit, max_wait: Some(longest_wait(wish)), queue: None }
}

fn connections(wish: &Wish, bulkhead: &Bulkhead, reasons: &mut Reasons) -> u32 {
    let each = wish.rate / f64::from(wish.instances) * wish.times.mean();
    let pool = ((each + 3.0 * each.sqrt()).ceil() as u32).max(1);
    let initial = match bulkhead.limit {
        Limit::Fixed(limit) => limit,
        Limit::Adaptive { initial, .. } => initial,
    };
    reasons.add(
        "connections",
        format!(
            "keep {pool} {} open in each instance: {} calls at once on average, and three deviations; allow {initial} and more while the bulkhead does",
            if pool == 1 { "connection" } else { "connections" },
            round(each)
        ),
    );
    pool
}

fn alerts(wish: &Wish, retry: Option<&Retry>, name: &str) -> Vec<Alert> {
    let mut alerts = Vec::new();
    let total = format!("resilient_calls_total{{function=~\".*::{name}\",layer=\"total_timeout\"}}");
    let unanswered = (1.0 - wish.goal) * FAST_BURN;
    alerts.push(Alert {
        expression: format!(
            "1 - sum(rate({}[5m])) / (sum(rate({total}[5m])) + sum(rate(resilient_rejections_total{{function=~\".*::{name}\",layer=\"total_timeout\"}}[5m]))) > {}",
            total.replace('}', ",outcome=\"success\"}"),
            small(unanswered.min(1.0))
        ),
        reason: format!(
            "{FAST_BURN} times the {} % that may fail: two days of it use up a month's",
            small((1.0 - wish.goal) * 100.0)
        ),
    });
    if let Some(Retry { budget: Some((ratio, _)), .. }) = retry {
        let usual = wish.errors / (1.0 - wish.errors);
        let threshold = f64::midpoint(usual, *ratio).max(usual * 1.5).min(1.0);
        alerts.push(Alert {
            expression: format!(
                "sum(rate(resilient_retries_total{{function=~\".*::{name}\"}}[5m])) / sum(rate({total}[5m])) > {}",
                small(threshold)
            ),
            reason: format!(
                "{} % of the calls are retried as a rule, and the budget ends at {} %",
                small(usual * 100.0),
                small(ratio * 100.0)
            ),
        });
    }
    alerts.push(Alert {
        expression: format!(
            "sum(resilient_in_use{{function=~\".*::{name}\"}}) / sum(resilient_limit{{function=~\".*::{name}\"}}) > 0.8"
        ),
        reason: format!("{:.0} % of the {} are in use as a rule", wish.load() * 100.0, wish.bound()),
    });
    alerts
}

/// Rounds to two digits that count.
fn two_digits(number: f64) -> f64 {
    if number <= 0.0 {
        return number;
    }
    let scale = 10_f64.powf(number.log10().floor() - 1.0);
    let rounded = (number / scale).round() * scale;
    // without the dust of binary fractions
    (rounded * 1e9).round() / 1e9
}

/// Writes a small number with two digits that count.
fn small(number: f64) -> String {
    if number > 0.0 && number < 1e-5 { format!("{number:.0e}") } else { format!("{}", two_digits(number)) }
}

/// The share of the capacity up to which extra attempts are paid for: beyond it, a queue grows by itself.
const MOST_LOAD: f64 = 0.9;
/// The share of the capacity above which a hedge does harm.
const MOST_HEDGED_LOAD: f64 = 0.7;
/// The least gain for which a hedge is worth its requests.
const LEAST_GAIN: f64 = 0.2;
/// The least share of extra attempts that is called a budget.
const LEAST_RATIO: f64 = 0.01;
/// The waits that outlive most moments in which everything fails, as a multiple of the mean length of these.
const OUTLIVES: f64 = 4.6;
/// The least base of a back-off, in seconds.
const LEAST_BASE: f64 = 0.001;
const YEAR: f64 = 365.0 * 86_400.0;
/// The rate of failures, as a multiple of those that the goal allows, at which somebody should be told at once.
const FAST_BURN: f64 = 14.4;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wish::tests::usual;

    #[test]
    fn times_leave_room_for_another_attempt() {
        for (p50, p95, p99, slo) in
            [(0.015, 0.034, 0.146, 1.0), (0.1, 0.3, 0.5, 1.0), (0.001, 0.002, 0.003, 0.05), (0.2, 0.4, 0.8, 1.0)]
        {
            let times =
                resilient_simulator::latency::Measured::through(&[(0.5, p50), (0.95, p95), (0.99, p99)]).unwrap();
            let wish = Wish { times, slo: Duration::from_secs_f64(slo), ..usual() };

            let advice = Advice::of(&wish, "fetch");

            let Some(retry) = &advice.stack.retry else { panic!("{slo}: {advice:?}") };
            let attempt = advice.stack.attempt.unwrap();
            assert!(attempt + retry.base < wish.slo, "{attempt:?} {retry:?}");
            assert!(longest_waits(retry.base, retry.max) < wish.slo / 2, "{retry:?}");
        }
    }

    #[test]
    fn retries_and_their_reserve_never_fill_the_capacity() {
        for (rate, instances) in [(90.0, 1), (700.0, 1), (820.0, 1), (850.0, 50), (90.0, 50), (500.0, 400)] {
            let wish = Wish { rate, instances, ..usual() };

            let advice = Advice::of(&wish, "fetch");

            let Some(retry) = advice.stack.retry else { panic!("{rate}") };
            let (ratio, reserve) = retry.budget.unwrap();
            let load = rate * (1.0 + ratio);
            assert!(load <= wish.capacity * 0.91, "{rate}: {ratio}");
            // a reserve of one a second is the least, and the breaker stands before it
            assert!(
                reserve == 1 || load + f64::from(reserve * instances) <= wish.capacity * 0.91,
                "{rate} {instances}: {reserve}"
            );
        }
    }

    #[test]
    fn a_quota_becomes_a_rate_limit_that_extra_attempts_never_fill() {
        let second = Duration::from_secs(1);
        for (rate, instances) in [(50.0, 1), (80.0, 4), (95.0, 1)] {
            let advice = Advice::of(&Wish { rate, instances, quota: Some((100, second)), ..usual() }, "fetch");

            let limit = advice.stack.rate_limit.clone().unwrap();
            assert_eq!((limit.calls * instances, limit.period), (100, second));
            assert!(limit.burst.is_some_and(|burst| burst <= 10), "{limit:?}");
            let extra = advice.budget().or_else(|| advice.stack.retry.as_ref()?.budget);
            let (ratio, reserve) = extra.unwrap_or((0.0, 0));
            assert!(rate * (1.0 + ratio) + f64::from(reserve * instances) <= 91.0 || reserve <= 1, "{rate}: {extra:?}");
            assert_eq!(advice.stack.retry.is_none(), rate > 90.0, "{:?}", advice.reasons);
            assert!(advice.about("rate_limit")[0].contains("of 100/s are used"), "{:?}", advice.reasons);
        }
        assert_eq!(Advice::of(&usual(), "fetch").stack.rate_limit, None);
    }

    #[test]
    fn an_upstream_without_spare_capacity_gets_no_extra_attempts() {
        let advice = Advice::of(&Wish { rate: 900.0, idempotent: true, ..usual() }, "fetch");

        assert_eq!((advice.stack.retry, advice.stack.hedge, advice.stack.attempt), (None, None, None));
        assert!(advice.reasons.iter().any(|reason| reason.text.contains("no retry: 94 %")), "{:?}", advice.reasons);
        assert!(advice.reasons.iter().any(|reason| reason.text.contains("no hedge: at 94 %")), "{:?}", advice.reasons);
    }

    #[test]
    fn hedges_are_for_tails_and_for_those_who_say_that_they_may() {
        let with_tail = Advice::of(&usual(), "fetch");
        assert!(with_tail.stack.hedge.is_none() && with_tail.possible_hedge.is_some());
        let allowed = Advice::of(&Wish { idempotent: true, ..usual() }, "fetch");
        assert!(allowed.stack.hedge.is_some() && allowed.possible_hedge.is_none());
        let times =
            resilient_simulator::latency::Measured::through(&[(0.5, 0.015), (0.95, 0.016), (0.99, 0.0165)]).unwrap();
        let without_tail = Advice::of(&Wish { times, idempotent: true, ..usual() }, "fetch");
        assert_eq!(without_tail.stack.hedge, None, "{:?}", without_tail.reasons);
    }

    #[test]
    fn more_errors_ask_for_more_attempts() {
        let retries = [0.0001, 0.01, 0.05, 0.2]
            .map(|errors| Advice::of(&Wish { errors, ..usual() }, "fetch").stack.retry.map_or(0, |retry| retry.max));
        assert!(retries.is_sorted() && retries[0] < retries[3], "{retries:?}");
    }

    #[test]
    fn breakers_of_quiet_instances_count_failures_in_a_row() {
        let advice = Advice::of(&Wish { instances: 50, errors: 0.1, ..usual() }, "fetch");
        let breaker = advice.stack.circuit_breaker.unwrap();
        assert_eq!(breaker.consecutive, Some(8), "{:?}", advice.reasons);
        let often_failing = Advice::of(&Wish { errors: 0.3, ..usual() }, "fetch").stack.circuit_breaker.unwrap();
        assert!(often_failing.failure_rate > 0.6, "{often_failing:?}");
    }

    #[test]
    fn limits_follow_little_s_law() {
        let one = Advice::of(&usual(), "fetch").stack.bulkhead.unwrap();
        let Limit::Adaptive { initial, .. } = one.limit else { panic!() };
        // 954/s × 21 ms are 20 at once
        assert!((38..=46).contains(&initial), "{initial}");
        let fifty = Advice::of(&Wish { instances: 50, ..usual() }, "fetch").stack.bulkhead.unwrap();
        assert!(matches!(fifty.limit, Limit::Adaptive { initial: 4, .. }), "{fifty:?}");
    }
}
