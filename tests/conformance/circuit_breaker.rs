//! Replays `circuit_breaker.toml` on the paused clock.

use std::collections::VecDeque;
use std::time::Duration;

use resilient::{CircuitBreaker, CircuitBreakerState, Class, Error, Mode, Reason, permit::CircuitBreakerPermit};
use serde::Deserialize;
use tokio::time::Instant;

use crate::table::{self, Script};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Replay {
    breaker: Rules,
    /// The seed that makes the draws of a recovering breaker repeat.
    #[serde(default)]
    seed: u64,
    steps: Vec<Step>,
}

/// The settings, with times in seconds. A missing one has its default, but there is no jitter and no `consecutive`.
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
    probe_timeout: Option<f64>,
    slow_call: Option<f64>,
    slow_rate: Option<f64>,
    recover: Option<f64>,
    #[serde(default)]
    throttled_fails: bool,
    mode: Option<Switch>,
}

/// An act done `times` times from the second `at` on, each call taking `takes`, and then a look at the breaker.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    at: f64,
    act: Acts,
    #[serde(default = "once")]
    times: u32,
    #[serde(default)]
    takes: f64,
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
    /// Does nothing.
    Look,
    /// Makes a call that succeeds.
    Succeed,
    /// Makes a call that fails.
    Fail,
    /// Makes a call whose server asks for fewer calls.
    Throttle,
    /// Asks for a permit and gives it back.
    Ask,
    /// Asks for a permit and keeps it.
    Hold,
    /// Gives back the permit that was kept last.
    Release,
    /// Settles the permit that was kept first as a success.
    SucceedHeld,
    FailHeld,
    ForceOpen,
    ForceClose,
    Reset,
    #[serde(untagged)]
    Switch(Switch),
}

/// Sets the mode.
#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "kebab-case")]
enum Switch {
    Enforce,
    Observe,
    Off,
}

/// The expected counts. A missing one is not checked, but a call that is not listed as refused must be admitted.
#[derive(Deserialize, Default, PartialEq)]
#[serde(deny_unknown_fields)]
struct Expectation {
    state: Option<Expected>,
    refused: Option<u32>,
    /// The fewest and the most refusals, for refusals that are drawn at random.
    refused_between: Option<[u32; 2]>,
    retry_after: Option<Wait>,
    last: Option<Last>,
    calls: Option<u32>,
    failures: Option<u32>,
    failure_rate: Option<f64>,
    slow: Option<u32>,
    slow_rate: Option<f64>,
    consecutive: Option<u32>,
    opened: Option<u64>,
    half_opened: Option<u64>,
    closed: Option<u64>,
    rejected: Option<u64>,
    observed: Option<u64>,
}

#[derive(Deserialize, Debug, Clone, Copy, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum Expected {
    Closed,
    Open,
    HalfOpen,
    Recovering,
    ForcedOpen,
    Disabled,
}

/// The wait that a refused caller is told.
#[derive(Deserialize, Debug, Clone, Copy, PartialEq)]
#[serde(untagged)]
enum Wait {
    Seconds(f64),
    Unknown(Unknown),
}

#[derive(Deserialize, Debug, Clone, Copy, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum Unknown {
    Unknown,
}

/// The last failure that a refused caller is told about.
#[derive(Deserialize, Debug, Clone, Copy, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum Last {
    Transient,
    Throttled,
    /// A call that succeeded, and took too long.
    Slow,
    Unknown,
}

impl Script for Replay {
    fn expects_something(&self) -> bool {
        self.steps.iter().any(|step| step.expect.as_ref().is_some_and(Expectation::is_something))
    }
}

impl Expectation {
    fn is_something(&self) -> bool {
        *self != Self::default()
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
        if let Some(time) = self.probe_timeout {
            breaker = breaker.probe_timeout(seconds(time));
        }
        if let Some(time) = self.slow_call {
            breaker = breaker.slow_call(seconds(time));
        }
        if let Some(rate) = self.slow_rate {
            breaker = breaker.slow_rate(rate);
        }
        if let Some(time) = self.recover {
            breaker = breaker.recover(seconds(time));
        }
        if self.throttled_fails {
            breaker = breaker.throttled_fails();
        }
        if let Some(switch) = self.mode {
            breaker = breaker.mode(switch.into());
        }
        breaker
    }
}

async fn run(replay: &Replay) -> Result<(), String> {
    resilient::test::seed(replay.seed);
    let breaker = replay.breaker.build();
    let start = Instant::now();
    let mut held = VecDeque::new();

    for (index, step) in replay.steps.iter().enumerate() {
        let wait = (start + Duration::from_secs_f64(step.at)).checked_duration_since(Instant::now());
        tokio::time::advance(wait.ok_or_else(|| format!("step {index} goes back in time"))?).await;

        let mut refused = Refused::default();
        for _ in 0..step.times {
            for &next in step.act.as_slice() {
                act(&breaker, next, Duration::from_secs_f64(step.takes), &mut held, &mut refused).await?;
            }
        }

        check(&breaker, step, &refused).map_err(|mismatch| format!("step {index}, at {} s: {mismatch}", step.at))?;
    }
    Ok(())
}

/// The number of refused calls, and the rejection that the last of them got.
#[derive(Default)]
struct Refused {
    times: u32,
    told: Option<Error>,
}

async fn act<'a>(
    breaker: &'a CircuitBreaker,
    act: Act,
    takes: Duration,
    held: &mut VecDeque<CircuitBreakerPermit<'a>>,
    refused: &mut Refused,
) -> Result<(), String> {
    let none_held = || "nothing is held".to_owned();
    let mut call = async |settle: fn(CircuitBreakerPermit<'a>)| match breaker.acquire() {
        Ok(permit) => {
            tokio::time::advance(takes).await;
            settle(permit);
        }
        Err(rejection) => *refused = Refused { times: refused.times + 1, told: Some(rejection) },
    };
    match act {
        Act::Look => {}
        Act::Succeed => call(|permit| permit.settle_as(Class::Success, ())).await,
        Act::Fail => call(|permit| permit.settle_as(Class::Transient, ())).await,
        Act::Throttle => call(|permit| permit.settle_as(Class::Throttled { after: None }, ())).await,
        Act::Ask => call(CircuitBreakerPermit::abandon).await,
        Act::Hold => match breaker.acquire() {
            Ok(permit) => held.push_back(permit),
            Err(rejection) => *refused = Refused { times: refused.times + 1, told: Some(rejection) },
        },
        Act::Release => held.pop_back().ok_or_else(none_held)?.abandon(),
        Act::SucceedHeld => held.pop_front().ok_or_else(none_held)?.settle_as(Class::Success, ()),
        Act::FailHeld => held.pop_front().ok_or_else(none_held)?.settle_as(Class::Transient, ()),
        Act::ForceOpen => breaker.force_open(),
        Act::ForceClose => breaker.force_close(),
        Act::Reset => breaker.reset(),
        Act::Switch(switch) => breaker.set_mode(switch.into()),
    }
    Ok(())
}

fn check(breaker: &CircuitBreaker, step: &Step, refused: &Refused) -> Result<(), String> {
    let default = Expectation::default();
    let expect = step.expect.as_ref().unwrap_or(&default);
    let counts = breaker.counts();
    let state = match breaker.state() {
        CircuitBreakerState::Closed => Expected::Closed,
        CircuitBreakerState::Open => Expected::Open,
        CircuitBreakerState::HalfOpen => Expected::HalfOpen,
        CircuitBreakerState::Recovering => Expected::Recovering,
        CircuitBreakerState::ForcedOpen => Expected::ForcedOpen,
        CircuitBreakerState::Disabled => Expected::Disabled,
        other => return Err(format!("unknown state {other:?}")),
    };
    let slow_rate = (counts.calls > 0).then(|| f64::from(counts.slow) / f64::from(counts.calls));

    match expect.refused_between {
        Some([fewest, most]) if !(fewest..=most).contains(&refused.times) => {
            return Err(format!("`refused` should be between {fewest} and {most} and is {}", refused.times));
        }
        Some(_) => same("refused", expect.refused, &refused.times)?,
        None => same("refused", Some(expect.refused.unwrap_or(0)), &refused.times)?,
    }
    same("state", expect.state, &state)?;
    same("retry_after", expect.retry_after.map(Some), &refused.told.as_ref().map(wait))?;
    same("last", expect.last.map(Some), &refused.told.as_ref().map(last))?;
    same("calls", expect.calls, &counts.calls)?;
    same("failures", expect.failures, &counts.failures)?;
    same("failure_rate", expect.failure_rate.map(Some), &counts.failure_rate())?;
    same("slow", expect.slow, &counts.slow)?;
    same("slow_rate", expect.slow_rate.map(Some), &slow_rate)?;
    same("consecutive", expect.consecutive, &counts.consecutive)?;
    same("opened", expect.opened, &counts.opened)?;
    same("half_opened", expect.half_opened, &counts.half_opened)?;
    same("closed", expect.closed, &counts.closed)?;
    same("rejected", expect.rejected, &counts.rejected)?;
    same("observed", expect.observed, &counts.observed)
}

fn wait(rejection: &Error) -> Wait {
    rejection.retry_after().map_or(Wait::Unknown(Unknown::Unknown), |time| Wait::Seconds(time.as_secs_f64()))
}

fn last(rejection: &Error) -> Last {
    match rejection.reason() {
        Reason::CircuitOpen { last: Some(Class::Transient), .. } => Last::Transient,
        Reason::CircuitOpen { last: Some(Class::Throttled { .. }), .. } => Last::Throttled,
        Reason::CircuitOpen { last: Some(Class::Success), .. } => Last::Slow,
        _ => Last::Unknown,
    }
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, expected: Option<T>, seen: &T) -> Result<(), String> {
    match expected {
        Some(expected) if expected != *seen => Err(format!("`{what}` should be {expected:?} and is {seen:?}")),
        _ => Ok(()),
    }
}

impl From<Switch> for Mode {
    fn from(switch: Switch) -> Self {
        match switch {
            Switch::Enforce => Self::Enforce,
            Switch::Observe => Self::Observe,
            Switch::Off => Self::Off,
        }
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
        ("consecutive = 1, mode = \"shadow\"", good, ""),
        ("consecutive = 1", "act = \"fail\", expect = { retry_after = \"soon\" }", ""),
        ("consecutive = 1", "act = \"fail\", expect = { last = \"worst\" }", ""),
        ("consecutive = 1", "act = [\"off\", \"away\"], expect = { state = \"disabled\" }", ""),
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
