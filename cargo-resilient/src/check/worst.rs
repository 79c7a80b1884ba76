//! The longest time of a call, by its stack.

use std::time::Duration;

use resilient_words::parse_duration;

use crate::stack::shown;
use crate::written::Written;

/// The longest time of a call, and the sum that leads to it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Worst {
    /// The time; `None` if nothing limits it, or the limit is not written as a literal.
    pub time: Option<Duration>,
    /// The sum in words; empty without a retry.
    pub sum: String,
    /// The time without the outermost time-out, if that cuts it short.
    pub without_total: Option<Duration>,
    /// The policy that has no limit, and why; empty if there is one, or no time-out at all.
    pub endless: String,
}

const NO_LITERAL: &str = "none that is written as a literal";

impl Worst {
    fn endless(reason: &str) -> Self {
        Self { endless: reason.to_owned(), ..Self::default() }
    }

    /// Returns the time in words, with the sum that leads to it.
    pub fn text(&self) -> String {
        match (self.time, self.without_total) {
            (None, _) if self.endless.is_empty() => "no limit: no time-out".to_owned(),
            (None, _) => format!("no limit: {}", self.endless),
            (Some(time), Some(longer)) if !self.sum.is_empty() => {
                format!("{}, in place of {} = {}", shown(time), self.sum, shown(longer))
            }
            (Some(time), _) if !self.sum.is_empty() => format!("{} = {}", self.sum, shown(time)),
            (Some(time), _) => shown(time),
        }
    }
}

/// Returns the number of attempts that a stack makes, hedges included; `None` if it is not written as a literal or has no limit.
pub fn attempts(stack: &[Written]) -> Option<u64> {
    stack.iter().filter(|written| acts(written)).try_fold(1_u64, |attempts, written| {
        let more = match written.policy.as_str() {
            "retry" => further(written, 3)?,
            "hedge" => further(written, 1)?,
            _ => 0,
        };
        Some(attempts.saturating_mul(1 + more))
    })
}

/// Returns whether the policy does something. One that observes only counts.
fn acts(written: &Written) -> bool {
    !matches!(written.text("mode"), Some("observe" | "off"))
}

fn further(written: &Written, usual: u64) -> Option<u64> {
    if !written.has("max") && !written.has("with") { Some(usual) } else { written.text("max")?.parse().ok() }
}

/// Adds up the worst case from the inside out.
pub fn of(stack: &[Written]) -> Worst {
    of_part(stack, 0)
}

/// Adds up the worst case of the part of a stack that begins with this policy, for comparison with the deadline that stands above the part.
///
/// A wait that ends with that deadline alone takes nothing of the sum: it takes what the attempts leave.
pub fn of_part(stack: &[Written], start: usize) -> Worst {
    let mut worst = Worst::default();
    // the part of the time that is a wait for a limit
    let mut queued = Duration::ZERO;
    for (index, written) in stack.iter().enumerate().skip(start).rev() {
        match written.policy.as_str() {
            _ if !acts(written) => {}
            "timeout" => {
                let Some(limit) = limit(written) else {
                    // a limit that is an expression is one nevertheless, and its time is not known
                    worst = Worst::endless(NO_LITERAL);
                    continue;
                };
                worst.endless.clear();
                let inside = worst.time;
                worst.time = Some(inside.map_or(limit, |inside| inside.min(limit)));
                worst.without_total = inside.filter(|inside| *inside > limit);
                queued = Duration::ZERO;
            }
            "retry" => {
                let Some(retries) = further(written, 3) else {
                    let is_unlimited = written.text("max") == Some("unlimited");
                    worst = Worst::endless(if is_unlimited {
                        "`retry` makes attempts without a limit"
                    } else {
                        NO_LITERAL
                    });
                    continue;
                };
                let Some(each) = worst.time else { continue };
                let waits = waits(written, retries);
                let queue =
                    if queued.is_zero() { String::new() } else { format!(" ({} of it in a queue)", shown(queued)) };
                worst.sum = format!("{} × {}{queue} + {} of waits", retries + 1, shown(each), shown(waits));
                worst.time = Some(each.saturating_mul(retries as u32 + 1).saturating_add(waits));
            }
            "bulkhead" | "rate_limit" => {
                let usual = if written.policy == "bulkhead" { Duration::from_secs(1) } else { Duration::ZERO };
                let deadline = stack[..index].iter().rposition(|outer| outer.policy == "timeout" && acts(outer));
                let wait = match written.text("max_wait").map(parse_duration) {
                    Some(Ok(wait)) => Some(wait),
                    None if written.policy == "bulkhead" && deadline.is_some_and(|deadline| deadline >= start) => None,
                    None if written.policy == "bulkhead" && deadline.is_some() => Some(Duration::ZERO),
                    _ => Some(usual),
                };
                worst.time = worst.time.zip(wait).map(|(time, wait)| time.saturating_add(wait));
                queued = queued.saturating_add(wait.unwrap_or_default());
            }
            "hedge" => {
                let delay = written.text("after").and_then(|after| parse_duration(after).ok());
                worst.time = worst.time.map(|each| each.saturating_add(delay.unwrap_or(each).min(each)));
            }
            "coalesce" => {
                worst = Worst::endless(
                    "`coalesce` has callers wait for the runs of others, one after the other, and no time-out stands above it",
                );
            }
            "fallback" if written.has("function") => worst = Worst::endless("`fallback` runs another function"),
            "fan_out" => worst = Worst::endless("`fan_out` runs as many items as it is given"),
            _ => {}
        }
    }
    worst
}

/// Returns the number of attempts of the longest time, with the waits between them, that fit into a time.
pub fn fitting(retry: &Written, each: Duration, time: Duration) -> u64 {
    let fits =
        |attempts: &u64| each.saturating_mul(*attempts as u32).saturating_add(waits(retry, attempts - 1)) <= time;
    let most = further(retry, 3).unwrap_or(3).min(100);
    (1..=most + 1).take_while(fits).last().unwrap_or(1)
}

/// Returns the limit of a time-out, if it is written as a literal.
pub fn limit(written: &Written) -> Option<Duration> {
    ["total", "attempt", "limit", ""].iter().find_map(|key| parse_duration(written.text(key)?).ok())
}

/// Returns the sum of the longest waits between so many attempts.
fn waits(retry: &Written, retries: u64) -> Duration {
    let time = |key: &str, usual: Duration| {
        retry.text(key).and_then(|text| parse_duration(text).ok()).unwrap_or(usual).as_secs_f64()
    };
    // any of them may follow a throttle
    let base = time("base", Duration::from_millis(100)).max(time("throttled_base", Duration::ZERO));
    let cap = time("cap", Duration::from_secs(10)).max(time("throttled_cap", Duration::ZERO)).max(base);
    let jitter = time("jitter", Duration::from_secs_f64(base));
    let factor: f64 = retry.text("factor").and_then(|text| text.parse().ok()).unwrap_or(2.0);
    let backoff = retry.text("backoff").unwrap_or("exp_jitter");
    let mut fibonacci = (1.0, 1.0);
    let mut sum = 0.0;
    for retry in 0..retries.min(1_000) {
        let growing = base * factor.powf(retry as f64);
        sum += match backoff {
            "none" => 0.0,
            "fixed" => base.min(cap),
            "linear" => (base * (retry as f64 + 1.0)).min(cap),
            "fibonacci" => {
                let (this, next) = fibonacci;
                fibonacci = (next, this + next);
                (base * this).min(cap)
            }
            "exp" | "full_jitter" | "equal_jitter" => growing.min(cap),
            "exp_jitter" => growing.min(cap) + jitter,
            _ => cap,
        };
    }
    Duration::try_from_secs_f64(sum).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::written::stack;

    fn worst(text: &str) -> Worst {
        of(&stack(text).unwrap())
    }

    #[test]
    fn attempts_and_waits_add_up() {
        let sum = worst("retry(max = 2, base = \"100ms\"), timeout(attempt = \"400ms\")");
        // 100 + 100 of jitter, and 200 + 100
        assert_eq!(sum.time, Some(Duration::from_millis(1_700)));
        assert_eq!(sum.sum, "3 × 400ms + 500ms of waits");
        let queue = worst("retry(max = 2), bulkhead(limit = 3, max_wait = \"100ms\"), timeout(attempt = \"400ms\")");
        assert_eq!(queue.sum, "3 × 500ms (100ms of it in a queue) + 500ms of waits");
        let cut = worst("timeout(total = \"1s\"), retry(max = 2, backoff = \"fixed\"), timeout(attempt = \"400ms\")");
        assert_eq!((cut.time, cut.without_total), (Some(Duration::from_secs(1)), Some(Duration::from_millis(1_400))));
    }

    #[test]
    fn each_wait_may_follow_a_throttle() {
        let sum = worst(
            "retry(max = 2, backoff = \"exp\", cap = \"1s\", throttled_base = \"2s\", throttled_cap = \"3s\"), timeout(attempt = \"400ms\")",
        );
        assert_eq!(sum.time, Some(Duration::from_millis(3 * 400 + 2_000 + 3_000)));
    }

    #[test]
    fn what_has_no_limit_has_no_worst_case() {
        assert_eq!(worst("retry").time, None);
        assert_eq!(worst("timeout(attempt = ATTEMPT)").time, None);
        assert_eq!(
            worst("timeout(\"1s\"), retry(max = unlimited), circuit_breaker").time,
            Some(Duration::from_secs(1))
        );
        assert_eq!(worst("bulkhead(limit = 3), timeout(\"1s\")").time, Some(Duration::from_secs(2)));
    }

    #[test]
    fn what_has_no_limit_says_why() {
        for (text, reason) in [
            ("retry", "no limit: no time-out"),
            ("timeout(attempt = ATTEMPT)", "no limit: none that is written as a literal"),
            ("retry(max = RETRIES), timeout(attempt = \"1s\")", "no limit: none that is written as a literal"),
            ("retry(max = unlimited), timeout(attempt = \"1s\")", "no limit: `retry` makes attempts without a limit"),
            (
                "coalesce(key = id), timeout(total = \"1s\"), retry",
                "no limit: `coalesce` has callers wait for the runs of others, one after the other, and no time-out stands above it",
            ),
            ("timeout(\"2s\"), coalesce(key = id), retry", "2s"),
            ("fallback(function = other), timeout(\"1s\")", "no limit: `fallback` runs another function"),
            ("fallback(value = 0), timeout(\"1s\")", "1s"),
            ("fan_out, timeout(\"1s\")", "no limit: `fan_out` runs as many items as it is given"),
        ] {
            assert_eq!(worst(text).text(), reason, "{text}");
        }
    }

    #[test]
    fn policies_that_observe_count_as_none() {
        let observing = "timeout(\"9s\"), retry(mode = \"observe\"), timeout(\"1s\", mode = \"off\")";
        assert_eq!(attempts(&stack(observing).unwrap()), Some(1));
        assert_eq!(worst(observing).time, Some(Duration::from_secs(9)));
    }

    #[test]
    fn attempts_multiply() {
        assert_eq!(attempts(&stack("retry, hedge(idempotent)").unwrap()), Some(8));
        assert_eq!(attempts(&stack("retry(max = RETRIES)").unwrap()), None);
        assert_eq!(attempts(&stack("timeout(\"1s\")").unwrap()), Some(1));
    }

    #[test]
    fn formulas_have_their_longest_waits() {
        for (formula, millis) in
            [("none", 0), ("fixed", 300), ("linear", 600), ("fibonacci", 400), ("exp", 700), ("exp_jitter", 1_000)]
        {
            let text = format!("retry(max = 3, backoff = \"{formula}\"), timeout(attempt = \"1s\")");
            assert_eq!(worst(&text).time, Some(Duration::from_millis(4_000 + millis)), "{formula}");
        }
    }
}
