//! The settings of a stack that the simulator can run, and their text.

use std::fmt::Write as _;
use std::time::Duration;

use resilient_words::{parse_duration, parse_rate, percent};
use serde::Serialize;

use crate::written::{Argument, Value, Written};

/// The policies of a stack, in the order in which the simulator runs them; `None` stands for a policy that is not there.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Stack {
    /// The time-out of the call.
    pub total: Option<Duration>,
    /// The retry.
    pub retry: Option<Retry>,
    /// The circuit breaker.
    pub circuit_breaker: Option<CircuitBreaker>,
    /// The hedge.
    pub hedge: Option<Hedge>,
    /// The rate limit: calls, period, burst and the longest wait.
    pub rate_limit: Option<RateLimit>,
    /// The bulkhead.
    pub bulkhead: Option<Bulkhead>,
    /// The time-out of each attempt.
    pub attempt: Option<Duration>,
}

/// The settings of a retry.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Retry {
    /// The number of retries.
    pub max: u32,
    /// The formula of the waits.
    pub backoff: String,
    /// The wait from which they grow.
    pub base: Duration,
    /// The budget: extra attempts as a share of the calls, and each second; `None` has no limit.
    pub budget: Option<(f64, u32)>,
}

/// The settings of a circuit breaker.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CircuitBreaker {
    /// The share of failures that opens it.
    pub failure_rate: f64,
    /// The number of failures in a row that opens it where calls are few; `None` is off.
    pub consecutive: Option<u32>,
    /// The number of calls below which the share says nothing.
    pub min_calls: u32,
    /// The time that it stays open at first.
    pub open_for: Duration,
    /// The most that this time grows to.
    pub open_max: Duration,
}

/// The settings of a hedge.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Hedge {
    /// The time after which another attempt starts: a percentile, or a delay.
    pub after: After,
    /// The share of the calls that may have another attempt.
    pub ratio: f64,
}

/// The time after which a hedge starts.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum After {
    /// The time that this percentage of attempts take at most.
    Percentile(f64),
    /// A fixed time.
    Delay(Duration),
}

/// The settings of a rate limit.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RateLimit {
    /// The number of calls in a period.
    pub calls: u32,
    /// The period.
    pub period: Duration,
    /// The number of calls at once; `None` is one second's worth.
    pub burst: Option<u32>,
    /// The longest wait.
    pub max_wait: Duration,
}

/// The settings of a bulkhead.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Bulkhead {
    /// The number of calls at once, or the way in which it is found.
    pub limit: Limit,
    /// The longest wait; `None` is until the deadline, or a second without one.
    pub max_wait: Option<Duration>,
    /// The number of callers that may wait; `None` is the limit.
    pub queue: Option<u32>,
}

/// The limit of a bulkhead.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// A fixed number.
    Fixed(u32),
    /// A number that an algorithm finds.
    Adaptive {
        /// The name of the algorithm.
        algorithm: String,
        /// The least.
        min: u32,
        /// The most.
        max: u32,
        /// The first.
        initial: u32,
    },
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            max: 3,
            backoff: "exp_jitter".to_owned(),
            base: Duration::from_millis(100),
            budget: Some(DEFAULT_BUDGET),
        }
    }
}

impl Default for CircuitBreaker {
    fn default() -> Self {
        let second = Duration::from_secs(1);
        Self { failure_rate: 0.5, consecutive: Some(5), min_calls: 20, open_for: second, open_max: 30 * second }
    }
}

impl Default for Hedge {
    fn default() -> Self {
        Self { after: After::Percentile(95.0), ratio: 0.05 }
    }
}

impl Default for Bulkhead {
    fn default() -> Self {
        Self { limit: Limit::Fixed(64), max_wait: None, queue: None }
    }
}

impl Stack {
    /// Returns the stack without a policy.
    pub fn none() -> Self {
        Self::default()
    }

    /// Returns the loop that many write by hand: a time-out for each attempt, and three retries 100 ms apart.
    pub fn naive(slo: Duration) -> Self {
        let retry = Retry { backoff: "fixed".to_owned(), budget: None, ..Retry::default() };
        Self { retry: Some(retry), attempt: Some(slo), ..Self::default() }
    }

    /// Reads a stack that is written as attributes are, the outermost policy first. Returns the settings that a simulation leaves
    /// out as well.
    ///
    /// # Errors
    ///
    /// A message about a policy that cannot be simulated, an order that differs from the simulator's, or a value that is none.
    pub fn of(written: &[Written]) -> Result<(Self, Vec<String>), String> {
        let mut stack = Self::default();
        let mut left_out = Vec::new();
        let mut last = 0;
        for (index, policy) in written.iter().enumerate() {
            let repeats_below =
                written[index + 1..].iter().any(|below| matches!(below.policy.as_str(), "retry" | "hedge"));
            let repeats_above = written[..index].iter().any(|above| matches!(above.policy.as_str(), "retry" | "hedge"));
            if policy.policy == "timeout" {
                let places = stack.timeouts(policy, repeats_above && !repeats_below, &mut left_out)?;
                for place in places {
                    in_order(&mut last, place, policy)?;
                }
                continue;
            }
            let place = stack.add(policy, &mut left_out)?;
            in_order(&mut last, place, policy)?;
        }
        Ok((stack, left_out))
    }

    /// Adds the time-outs of one attribute, and returns their places in the order.
    fn timeouts(&mut self, written: &Written, inside: bool, left_out: &mut Vec<String>) -> Result<Vec<u32>, String> {
        let mut places = Vec::new();
        for Argument { key, value } in &written.arguments {
            let is_attempt = match key.as_str() {
                "" | "limit" => inside,
                "total" => false,
                "attempt" => true,
                _ => {
                    left_out.push(format!("`{key}` of `timeout`"));
                    continue;
                }
            };
            let (slot, place) = if is_attempt { (&mut self.attempt, LAST) } else { (&mut self.total, 1) };
            *slot = Some(duration("timeout", key, value.as_ref())?);
            places.push(place);
        }
        // one attribute with both goes to its two places
        if places.contains(&1) { Ok(vec![1]) } else { Ok(places) }
    }

    fn add(&mut self, written: &Written, left_out: &mut Vec<String>) -> Result<u32, String> {
        let policy = written.policy.as_str();
        let mut each = |read: &mut Reader<'_>| -> Result<(), String> {
            for Argument { key, value } in &written.arguments {
                if !read(key, value.as_ref())? {
                    left_out.push(format!("`{key}` of `{policy}`"));
                }
            }
            Ok(())
        };
        match policy {
            "retry" => {
                let mut retry = Retry::default();
                each(&mut |key, value| retry.set(key, value))?;
                self.retry = Some(retry);
                Ok(2)
            }
            "circuit_breaker" => {
                let mut breaker = CircuitBreaker::default();
                each(&mut |key, value| breaker.set(key, value))?;
                self.circuit_breaker = Some(breaker);
                Ok(3)
            }
            "hedge" => {
                let mut hedge = Hedge::default();
                each(&mut |key, value| hedge.set(key, value))?;
                self.hedge = Some(hedge);
                Ok(4)
            }
            "rate_limit" => {
                let mut limit = RateLimit { calls: 0, period: Duration::ZERO, burst: None, max_wait: Duration::ZERO };
                each(&mut |key, value| limit.set(key, value))?;
                if limit.calls == 0 {
                    return Err("a `rate_limit` needs its rate: write `rate_limit(\"100/s\")`".to_owned());
                }
                self.rate_limit = Some(limit);
                Ok(5)
            }
            "bulkhead" => {
                let mut bulkhead = Bulkhead::default();
                let (mut min, mut max, mut initial) = (4, 200, 20);
                each(&mut |key, value| {
                    match key {
                        "min_limit" => min = number(policy, key, value)?,
                        "max_limit" => max = number(policy, key, value)?,
                        "initial_limit" => initial = number(policy, key, value)?,
                        _ => return bulkhead.set(key, value),
                    }
                    Ok(true)
                })?;
                if let Limit::Adaptive { min: least, max: most, initial: first, .. } = &mut bulkhead.limit {
                    if min == 0 || min > max || !(min..=max).contains(&initial) {
                        return Err(format!(
                            "a limit goes from `min_limit` to `max_limit`, and begins between them: {min}, {max} and {initial} do not"
                        ));
                    }
                    (*least, *most, *first) = (min, max, initial);
                }
                self.bulkhead = Some(bulkhead);
                Ok(6)
            }
            other => Err(format!(
                "`{other}` cannot be simulated: the simulator knows timeout, retry, circuit_breaker, hedge, rate_limit and bulkhead"
            )),
        }
    }

    /// Returns the stack as the body of a `profile!`, each policy after its lines of comment, which `reasons` gives.
    pub fn to_profile(&self, budget: Option<&str>, reasons: impl Fn(&str) -> Vec<String>) -> String {
        let mut parts: Vec<(&str, String)> = Vec::new();
        if let Some(total) = self.total {
            parts.push(("total", format!("timeout(total = \"{}\")", shown(total))));
        }
        if let Some(retry) = &self.retry {
            parts.push(("retry", retry.to_text(budget)));
        }
        if let Some(breaker) = &self.circuit_breaker {
            parts.push(("circuit_breaker", breaker.to_text()));
        }
        if let Some(hedge) = &self.hedge {
            parts.push(("hedge", hedge.to_text()));
        }
        if let Some(limit) = &self.rate_limit {
            parts.push(("rate_limit", limit.to_text()));
        }
        if let Some(bulkhead) = &self.bulkhead {
            parts.push(("bulkhead", bulkhead.to_text()));
        }
        if let Some(attempt) = self.attempt {
            let key = if self.retry.is_some() || self.hedge.is_some() { "attempt = " } else { "" };
            parts.push(("attempt", format!("timeout({key}\"{}\")", shown(attempt))));
        }
        let mut text = String::new();
        let last = parts.len().saturating_sub(1);
        for (index, (part, written)) in parts.iter().enumerate() {
            for reason in reasons(part) {
                text += &comment("        ", &reason);
            }
            let comma = if index == last { "" } else { "," };
            let _ = writeln!(text, "        {written}{comma}");
        }
        text
    }
}

impl Retry {
    fn set(&mut self, key: &str, value: Option<&Value>) -> Result<bool, String> {
        match key {
            "max" => {
                self.max = number("retry", key, value)?;
                if self.max == 0 {
                    return Err("zero retries is no retry: leave `retry` out".to_owned());
                }
            }
            "backoff" => {
                let name = text("retry", key, value)?;
                if !BACKOFFS.contains(&name) {
                    return Err(format!(
                        "`{name}` is no back-off that can be simulated: write {}",
                        BACKOFFS.join(", ")
                    ));
                }
                name.clone_into(&mut self.backoff);
            }
            "base" => self.base = duration("retry", key, value)?,
            "budget" => match value {
                Some(Value::Text(none)) if none == "none" => self.budget = None,
                Some(Value::Text(terms)) => {
                    // as a snapshot has it: `own, 20 % and 10/s`
                    let terms = terms.split_once(", ").map_or(terms.as_str(), |(_, terms)| terms);
                    let (ratio, reserve) = terms.split_once(" and ").unwrap_or((terms, "10/s"));
                    let ratio = percent(ratio).ok_or_else(|| format!("`{terms}` is no budget"))?;
                    self.budget = Some((ratio, parse_rate(reserve)?.0));
                }
                _ => return Ok(false),
            },
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn to_text(&self, budget: Option<&str>) -> String {
        let mut keys = vec![format!("max = {}", self.max)];
        let usual = Self::default();
        if self.backoff != usual.backoff {
            keys.push(format!("backoff = \"{}\"", self.backoff));
        }
        if self.base != usual.base {
            keys.push(format!("base = \"{}\"", shown(self.base)));
        }
        match (self.budget, budget) {
            (None, _) => keys.push("budget = none".to_owned()),
            (Some(terms), Some(path)) if terms != DEFAULT_BUDGET => keys.push(format!("budget = {path}")),
            _ => {}
        }
        format!("retry({})", keys.join(", "))
    }
}

impl CircuitBreaker {
    fn set(&mut self, key: &str, value: Option<&Value>) -> Result<bool, String> {
        match key {
            "failure_rate" => self.failure_rate = ratio("circuit_breaker", key, value)?,
            "consecutive" if value == Some(&Value::Text("off".to_owned())) => self.consecutive = None,
            "consecutive" => self.consecutive = Some(number("circuit_breaker", key, value)?),
            "min_calls" => self.min_calls = number("circuit_breaker", key, value)?,
            "open_for" => self.open_for = duration("circuit_breaker", key, value)?,
            "open_max" => self.open_max = duration("circuit_breaker", key, value)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn to_text(&self) -> String {
        let usual = Self::default();
        let mut keys = Vec::new();
        if percents(self.failure_rate) != percents(usual.failure_rate) {
            keys.push(format!("failure_rate = \"{}\"", percents(self.failure_rate)));
        }
        match self.consecutive {
            None => keys.push("consecutive = \"off\"".to_owned()),
            Some(failures) if Some(failures) != usual.consecutive => keys.push(format!("consecutive = {failures}")),
            Some(_) => {}
        }
        if self.min_calls != usual.min_calls {
            keys.push(format!("min_calls = {}", self.min_calls));
        }
        if self.open_for != usual.open_for {
            keys.push(format!("open_for = \"{}\"", shown(self.open_for)));
        }
        if self.open_max != usual.open_max {
            keys.push(format!("open_max = \"{}\"", shown(self.open_max)));
        }
        if keys.is_empty() { "circuit_breaker".to_owned() } else { format!("circuit_breaker({})", keys.join(", ")) }
    }
}

impl Hedge {
    fn set(&mut self, key: &str, value: Option<&Value>) -> Result<bool, String> {
        match key {
            "idempotent" => {}
            "after" => {
                let written = text("hedge", key, value)?;
                self.after = match written.strip_prefix('p').and_then(|number| number.parse().ok()) {
                    Some(percentile) if (50.0..=99.9).contains(&percentile) => After::Percentile(percentile),
                    Some(_) => return Err("a hedge starts after a percentile from p50 to p99.9".to_owned()),
                    None => After::Delay(parse_duration(written)?),
                };
            }
            "ratio" => {
                self.ratio = ratio("hedge", key, value)?;
                if !(0.000_1..=1.0).contains(&self.ratio) {
                    return Err("the `ratio` of a hedge is above 0% and at most 100%".to_owned());
                }
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Returns the hedge as it is written.
    pub fn to_text(&self) -> String {
        let mut keys = vec!["idempotent".to_owned()];
        match self.after {
            After::Percentile(percentile) => keys.push(format!("after = \"p{percentile}\"")),
            After::Delay(delay) => keys.push(format!("after = \"{}\"", shown(delay))),
        }
        if percents(self.ratio) != percents(Self::default().ratio) {
            keys.push(format!("ratio = \"{}\"", percents(self.ratio)));
        }
        format!("hedge({})", keys.join(", "))
    }
}

impl RateLimit {
    fn set(&mut self, key: &str, value: Option<&Value>) -> Result<bool, String> {
        match key {
            "" | "rate" => (self.calls, self.period) = parse_rate(text("rate_limit", "rate", value)?)?,
            "burst" => self.burst = Some(number("rate_limit", key, value)?),
            "max_wait" => self.max_wait = duration("rate_limit", key, value)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn to_text(&self) -> String {
        let period = if self.period == Duration::from_secs(1) { "s".to_owned() } else { shown(self.period) };
        let mut keys = vec![format!("\"{}/{period}\"", self.calls)];
        keys.extend(self.burst.map(|burst| format!("burst = {burst}")));
        if !self.max_wait.is_zero() {
            keys.push(format!("max_wait = \"{}\"", shown(self.max_wait)));
        }
        format!("rate_limit({})", keys.join(", "))
    }
}

impl Bulkhead {
    fn set(&mut self, key: &str, value: Option<&Value>) -> Result<bool, String> {
        match key {
            "limit" => {
                let limit = text("bulkhead", key, value)?;
                self.limit =
                    if let Some(algorithm) = ["aimd", "vegas", "gradient"].into_iter().find(|name| *name == limit) {
                        Limit::Adaptive { algorithm: algorithm.to_owned(), min: 4, max: 200, initial: 20 }
                    } else {
                        match limit.parse::<u32>() {
                            Ok(0) => return Err("a limit of zero refuses every call".to_owned()),
                            Ok(limit) => Limit::Fixed(limit),
                            Err(_) => {
                                return Err(format!(
                                    "`{limit}` is no limit: write a number, \"aimd\", \"vegas\" or \"gradient\""
                                ));
                            }
                        }
                    };
            }
            "max_wait" if matches!(value, Some(Value::Text(text)) if text.starts_with("deadline")) => {
                self.max_wait = None;
            }
            "max_wait" => self.max_wait = Some(duration("bulkhead", key, value)?),
            "queue" => self.queue = Some(number("bulkhead", key, value)?),
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn to_text(&self) -> String {
        let mut keys = match &self.limit {
            Limit::Fixed(limit) => vec![format!("limit = {limit}")],
            Limit::Adaptive { algorithm, min, max, initial } => vec![
                format!("limit = \"{algorithm}\""),
                format!("min_limit = {min}"),
                format!("max_limit = {max}"),
                format!("initial_limit = {initial}"),
            ],
        };
        keys.extend(self.queue.map(|queue| format!("queue = {queue}")));
        keys.extend(self.max_wait.map(|wait| format!("max_wait = \"{}\"", shown(wait))));
        format!("bulkhead({})", keys.join(", "))
    }
}

/// Reads the value of a key, and returns whether it knows the key.
type Reader<'a> = dyn FnMut(&str, Option<&Value>) -> Result<bool, String> + 'a;

fn in_order(last: &mut u32, place: u32, policy: &Written) -> Result<(), String> {
    if place <= *last {
        return Err(format!(
            "`{}` stands where the simulator has none: it runs timeout(total), retry, circuit_breaker, hedge, rate_limit, bulkhead and timeout(attempt) in this order, each once",
            policy.policy
        ));
    }
    *last = place;
    Ok(())
}

fn text<'a>(policy: &str, key: &str, value: Option<&'a Value>) -> Result<&'a str, String> {
    match value {
        Some(Value::Text(text)) => Ok(text),
        Some(Value::Code(_)) => Err(format!(
            "`{key}` of `{policy}` is an expression of Rust, which cannot be evaluated here: write its value"
        )),
        None => Err(format!("`{key}` of `{policy}` needs a value")),
    }
}

fn number(policy: &str, key: &str, value: Option<&Value>) -> Result<u32, String> {
    let text = text(policy, key, value)?;
    text.parse().map_err(|_| format!("`{key}` of `{policy}` is a whole number, and not `{text}`"))
}

fn duration(policy: &str, key: &str, value: Option<&Value>) -> Result<Duration, String> {
    let time = parse_duration(text(policy, key, value)?)?;
    if time.is_zero() && (policy == "timeout" || key.starts_with("open")) {
        return Err(format!("`{key}` of `{policy}` is above zero"));
    }
    Ok(time)
}

fn ratio(policy: &str, key: &str, value: Option<&Value>) -> Result<f64, String> {
    let text = text(policy, key, value)?;
    let ratio = percent(text).or_else(|| text.parse().ok()).filter(|ratio| (0.0..=1.0).contains(ratio));
    ratio.ok_or_else(|| format!("`{key}` of `{policy}` is a share such as \"5%\", and not `{text}`"))
}

/// Writes lines of comment, each behind the indent.
pub fn comment(indent: &str, text: &str) -> String {
    let mut lines = String::new();
    let mut line = String::new();
    for word in text.split(' ') {
        if !line.is_empty() && line.chars().count() + word.chars().count() >= WIDTH {
            let _ = writeln!(lines, "{indent}// {line}");
            " ".clone_into(&mut line);
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line += word;
    }
    let _ = writeln!(lines, "{indent}// {line}");
    lines
}

/// Writes a time as attributes have it.
pub fn shown(time: Duration) -> String {
    let millis = time.as_secs_f64() * 1_000.0;
    if millis >= 1_000.0 && (millis / 100.0).fract() < 1e-9 {
        format!("{}s", millis / 1_000.0)
    } else if millis >= 1.0 {
        format!("{}ms", (millis * 10.0).round() / 10.0)
    } else {
        format!("{}us", time.as_micros())
    }
}

/// Writes a share in per cent, as attributes have it.
pub fn percents(share: f64) -> String {
    format!("{}%", (share * 10_000.0).round() / 100.0)
}

/// The budget of a retry that names none: a fifth of the calls, and ten a second.
pub const DEFAULT_BUDGET: (f64, u32) = (0.2, 10);
const LAST: u32 = 7;
/// The characters of a line of comment.
const WIDTH: usize = 100;
const BACKOFFS: [&str; 9] =
    ["none", "fixed", "linear", "fibonacci", "exp", "exp_jitter", "full_jitter", "equal_jitter", "decorrelated"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::written;

    fn read(text: &str) -> Result<(Stack, Vec<String>), String> {
        Stack::of(&written::stack(text).unwrap())
    }

    #[test]
    fn stacks_come_back_as_they_were_written() {
        let text = "timeout(total = \"1s\"), retry(max = 2, base = \"20ms\", budget = none), circuit_breaker(consecutive = 9), \
                    hedge(idempotent, after = \"p99\", ratio = \"2%\"), rate_limit(\"100/s\", burst = 5), \
                    bulkhead(limit = \"vegas\", min_limit = 2, max_limit = 80, initial_limit = 16, max_wait = \"100ms\"), \
                    timeout(attempt = \"250ms\")";

        let (stack, left_out) = read(text).unwrap();

        let again = stack.to_profile(None, |_| Vec::new());
        let again: Vec<&str> = again.lines().map(str::trim).collect();
        assert_eq!(again.join(" "), text);
        assert!(left_out.is_empty());
    }

    #[test]
    fn a_time_out_without_a_word_belongs_where_it_stands() {
        let (stack, _) = read("timeout(\"1s\"), retry, timeout(\"100ms\")").unwrap();
        assert_eq!((stack.total, stack.attempt), (Some(Duration::from_secs(1)), Some(Duration::from_millis(100))));
        let (stack, _) = read("timeout(total = \"1s\", attempt = \"100ms\"), retry").unwrap();
        assert_eq!((stack.total, stack.attempt), (Some(Duration::from_secs(1)), Some(Duration::from_millis(100))));
    }

    #[test]
    fn settings_that_no_simulation_knows_are_named() {
        let (_, left_out) = read("retry(max = 2, on_retry = log), bulkhead(limit = 3, key = tenant)").unwrap();
        assert_eq!(left_out, ["`on_retry` of `retry`", "`key` of `bulkhead`"]);
    }

    #[test]
    fn comments_are_broken_between_words() {
        let text = "word ".repeat(50);

        let lines = comment("  ", text.trim_end());

        assert!(lines.lines().all(|line| line.starts_with("  // ") && line.len() <= 107), "{lines}");
        assert_eq!(lines.matches("word").count(), 50);
    }

    #[test]
    fn wrong_values_are_named() {
        for (text, complaint) in [
            ("retry(max = 0)", "zero retries"),
            ("retry(max = RETRIES)", "cannot be evaluated"),
            ("retry, timeout(total = \"1s\")", "stands where"),
            ("bulkhead, retry", "stands where"),
            ("coalesce", "cannot be simulated"),
            ("bulkhead(limit = 0)", "refuses every call"),
            ("bulkhead(limit = \"vegas\", min_limit = 9, max_limit = 3)", "begins between"),
            ("rate_limit", "needs its rate"),
            ("timeout(total = \"0s\")", "above zero"),
            ("timeout(total = \"5\")", "unit"),
            ("hedge(after = \"p12\")", "p50"),
            ("circuit_breaker(failure_rate = \"150%\")", "share"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(complaint), "{text}: {error}");
        }
    }
}
