//! Replays `circuit_breaker.toml` on the paused clock.

use std::time::Duration;

use resilient::{CircuitBreaker, Class, Permit, State};
use serde::Deserialize;
use tokio::time::Instant;

use crate::table::{self, Script};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Replay {
    breaker: Rules,
    steps: Vec<Step>,
}

/// Times are seconds; what is absent is the default, except that there is no jitter and no `consecutive`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rules {
    failure_rate: Option<f64>,
    window: Option<f64>,
    count_window: Option<u32>,
    min_calls: Option<u32>,
    consecutive: Option<u32>,
    open_for: Option<f64>,
    open_max: Option<f64>,
    open_growth: Option<f64>,
    probes: Option<u32>,
}

/// Does something `times` times at the second `at`, and looks at the breaker afterwards.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    at: f64,
    act: Acts,
    #[serde(default = "once")]
    times: u32,
    expect: Option<Expectation>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Acts {
    One(Act),
    InTurn(Vec<Act>),
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "kebab-case")]
enum Act {
    /// Nothing.
    Look,
    /// Makes a call that works.
    Succeed,
    /// Makes a call that fails.
    Fail,
    /// Asks for a permit and gives it back.
    Ask,
    /// Asks for a permit and keeps it.
    Hold,
    /// Gives back a permit that was kept.
    Release,
}

/// What is absent is not looked at, except that a call which is not said to be refused must be admitted.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Expectation {
    state: Option<Expected>,
    refused: Option<u32>,
    retry_after: Option<f64>,
    calls: Option<u32>,
    failures: Option<u32>,
    failure_rate: Option<f64>,
    opened: Option<u64>,
    half_opened: Option<u64>,
    closed: Option<u64>,
    rejected: Option<u64>,
}

#[derive(Deserialize, Debug, Clone, Copy, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum Expected {
    Closed,
    Open,
    HalfOpen,
}

impl Script for Replay {
    fn expects_something(&self) -> bool {
        self.steps.iter().any(|step| step.expect.as_ref().is_some_and(Expectation::is_something))
    }
}

impl Expectation {
    fn is_something(&self) -> bool {
        let Self { state, refused, retry_after, calls, failures, failure_rate, opened, half_opened, closed, rejected } =
            self;
        state.is_some()
            || refused.is_some()
            || retry_after.is_some()
            || failure_rate.is_some()
            || calls.or(*failures).is_some()
            || opened.or(*half_opened).or(*closed).or(*rejected).is_some()
    }
}

impl Acts {
    fn as_slice(&self) -> &[Act] {
        match self {
            Self::One(act) => std::slice::from_ref(act),
            Self::InTurn(acts) => acts,
        }
    }
}

impl Rules {
    fn build(&self) -> CircuitBreaker {
        let seconds = Duration::from_secs_f64;
        let mut breaker = CircuitBreaker::named("conformance").open_jitter(0.0);
        breaker = match self.consecutive {
            Some(failures) => breaker.consecutive(failures),
            None => breaker.without_consecutive(),
        };
        if let Some(rate) = self.failure_rate {
            breaker = breaker.failure_rate(rate);
        }
        if let Some(window) = self.window {
            breaker = breaker.window(seconds(window));
        }
        if let Some(calls) = self.count_window {
            breaker = breaker.count_window(calls);
        }
        if let Some(calls) = self.min_calls {
            breaker = breaker.min_calls(calls);
        }
        if let Some(time) = self.open_for {
            breaker = breaker.open_for(seconds(time));
        }
        if let Some(time) = self.open_max {
            breaker = breaker.open_max(seconds(time));
        }
        if let Some(factor) = self.open_growth {
            breaker = breaker.open_growth(factor);
        }
        if let Some(probes) = self.probes {
            breaker = breaker.probes(probes);
        }
        breaker
    }
}

async fn run(replay: &Replay) -> Result<(), String> {
    let breaker = replay.breaker.build();
    let start = Instant::now();
    let mut held = Vec::new();

    for (index, step) in replay.steps.iter().enumerate() {
        let wait = (start + Duration::from_secs_f64(step.at)).checked_duration_since(Instant::now());
        tokio::time::advance(wait.ok_or_else(|| format!("step {index} goes back in time"))?).await;

        let mut refused = Refused::default();
        for _ in 0..step.times {
            for &next in step.act.as_slice() {
                act(&breaker, next, &mut held, &mut refused)?;
            }
        }

        check(&breaker, step, &refused).map_err(|mismatch| format!("step {index}, at {} s: {mismatch}", step.at))?;
    }
    Ok(())
}

#[derive(Default)]
struct Refused {
    times: u32,
    retry_after: Option<Duration>,
}

fn act<'a>(
    breaker: &'a CircuitBreaker,
    act: Act,
    held: &mut Vec<Permit<'a>>,
    refused: &mut Refused,
) -> Result<(), String> {
    match act {
        Act::Look => return Ok(()),
        Act::Release => return held.pop().map(Permit::abandon).ok_or_else(|| "nothing is held".to_owned()),
        Act::Succeed | Act::Fail | Act::Ask | Act::Hold => {}
    }
    let permit = match breaker.acquire() {
        Ok(permit) => permit,
        Err(rejection) => {
            *refused = Refused { times: refused.times + 1, retry_after: rejection.retry_after() };
            return Ok(());
        }
    };
    match act {
        Act::Succeed => permit.settle_as(Class::Success, ()),
        Act::Fail => permit.settle_as(Class::Transient, ()),
        Act::Hold => held.push(permit),
        _ => permit.abandon(),
    }
    Ok(())
}

fn check(breaker: &CircuitBreaker, step: &Step, refused: &Refused) -> Result<(), String> {
    let default = Expectation::default();
    let expect = step.expect.as_ref().unwrap_or(&default);
    let counts = breaker.counts();
    let state = match breaker.state() {
        State::Closed => Expected::Closed,
        State::Open => Expected::Open,
        State::HalfOpen => Expected::HalfOpen,
        other => return Err(format!("unknown state {other:?}")),
    };

    same("refused", Some(expect.refused.unwrap_or(0)), &refused.times)?;
    same("state", expect.state, &state)?;
    same("retry_after", expect.retry_after.map(|time| Some(Duration::from_secs_f64(time))), &refused.retry_after)?;
    same("calls", expect.calls, &counts.calls)?;
    same("failures", expect.failures, &counts.failures)?;
    same("failure_rate", expect.failure_rate.map(Some), &counts.failure_rate())?;
    same("opened", expect.opened, &counts.opened)?;
    same("half_opened", expect.half_opened, &counts.half_opened)?;
    same("closed", expect.closed, &counts.closed)?;
    same("rejected", expect.rejected, &counts.rejected)
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, expected: Option<T>, seen: &T) -> Result<(), String> {
    match expected {
        Some(expected) if expected != *seen => Err(format!("`{what}` should be {expected:?} and is {seen:?}")),
        _ => Ok(()),
    }
}

fn once() -> u32 {
    1
}

const TABLE: &str = include_str!("circuit_breaker.toml");

#[tokio::test(start_paused = true)]
async fn breaker_behaves_as_the_table_says() {
    let cases = table::read::<Replay>(TABLE).expect("a valid table");

    table::replay(&cases, run).await;
}

#[test]
fn table_with_an_unknown_word_is_refused() {
    let case = |breaker: &str, step: &str, more: &str| {
        let text = format!(
            "[[case]]\nname = \"x\"\nseen_in = \"here\"\n{more}\nreplay.breaker = {{ {breaker} }}\nreplay.steps = [{{ at = 0, {step} }}]"
        );
        table::read::<Replay>(&text).err()
    };
    let good = "act = \"fail\", expect = { state = \"open\" }";

    assert_eq!(case("consecutive = 1", good, ""), None);
    for (breaker, step, more) in [
        ("consecutively = 1", good, ""),
        ("consecutive = 1", "act = \"explode\", expect = { state = \"open\" }", ""),
        ("consecutive = 1", "act = \"fail\", expect = { state = \"ajar\" }", ""),
        ("consecutive = 1", "act = \"fail\", expect = { status = \"open\" }", ""),
        ("consecutive = 1", "act = \"fail\", count = 2, expect = { state = \"open\" }", ""),
        ("consecutive = 1", good, "because = \"x\""),
        ("consecutive = 1", good, "skip = \"both\""),
        ("consecutive = 1", "act = \"fail\"", ""),
        ("consecutive = 1", "act = \"fail\", expect = {}", ""),
    ] {
        assert!(case(breaker, step, more).is_some(), "{breaker} {step} {more}");
    }
    assert!(table::read::<Replay>("[[case]]\nname = \"x\"\nseen_in = \"here\"").is_err());
    assert!(table::read::<Replay>("[[case]]\nname = \"x\"\nseen_in = \"here\"\nskip = \"\"").is_err());
}

#[tokio::test(start_paused = true)]
async fn wrong_table_is_noticed() {
    let text = "[[case]]\nname = \"x\"\nseen_in = \"here\"\nreplay.breaker = { consecutive = 2 }
        replay.steps = [{ at = 0, act = \"fail\", expect = { state = \"open\" } }]";
    let cases = table::read::<Replay>(text).expect("a valid table");

    let outcome = tokio::spawn(async move { table::replay(&cases, run).await }).await;

    assert!(outcome.is_err_and(|error| error.is_panic()));
}
