//! Checks after a run: everything is back, the books balance, and no policy is stuck.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use resilient::metrics::{Sample, collect};
use resilient::{CircuitBreaker, CircuitBreakerState, Mode};
use tokio::time::{Instant, advance};

use crate::fault::Answer;
use crate::meddling::Clock;
use crate::part::{Facts, KEYS, Part, Policy};
use crate::world::World;

/// Everything that is wrong after a run in which nobody calls any more.
pub(crate) fn leaks(world: &World) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut expect = |part: &Part, what: &str, found: u64| {
        if found != 0 {
            wrong.push(format!("{}: {what}: {found}", part.name));
        }
    };
    for part in &world.parts {
        match part.policy {
            Policy::Bulkhead(bulkhead) => {
                let counts = bulkhead.counts();
                expect(part, "permits in use", counts.in_use.into());
                expect(part, "calls that wait", counts.waiting.into());
            }
            Policy::Bulkheads(bulkheads) => {
                for key in 0..KEYS {
                    let counts = bulkheads.of(&key).counts();
                    expect(part, "permits in use", counts.in_use.into());
                    expect(part, "calls that wait", counts.waiting.into());
                }
            }
            Policy::FanOut(policy) => expect(part, "items in flight", policy.in_flight() as u64),
            Policy::Batch(batch) => expect(part, "batches that gather", batch.counts().gathering),
            Policy::Coalesce(coalesce) => expect(part, "runs under way", coalesce.counts().keys),
            _ => {}
        }
    }
    if world.alive.load(Relaxed) != 0 {
        wrong.push(format!("bodies that run: {}", world.alive.load(Relaxed)));
    }
    if world.mixed_up.load(Relaxed) != 0 {
        wrong.push(format!("answers for another key: {}", world.mixed_up.load(Relaxed)));
    }
    wrong
}

/// Everything in the metrics that does not agree with what the callers saw.
pub(crate) fn books(world: &World) -> Vec<String> {
    let samples = collect();
    let sum = |part: &Part, family: &str, own: &dyn Fn(&str) -> bool| -> f64 {
        let of_it = |sample: &&Sample| {
            sample.family.name == family
                && sample.labels.is_some_and(|labels| labels.policy == part.name)
                && own(sample.own)
        };
        samples.iter().filter(of_it).map(|sample| sample.value).sum()
    };
    let mut wrong = Vec::new();
    for part in &world.parts {
        let calls = part.calls.load(Relaxed) as f64;
        let ended = sum(part, "resilient_calls_total", &|_| true);
        let rejected = sum(part, "resilient_rejections_total", &|_| true);
        if (ended + rejected - calls).abs() > 0.5 {
            wrong.push(format!("{}: {calls} calls, {ended} ends and {rejected} rejections", part.name));
        }
        let attempts = part.attempts.load(Relaxed) as f64;
        let extra = match part.policy {
            Policy::Retry(_) => sum(part, "resilient_retries_total", &|_| true),
            Policy::Hedge(_) => sum(part, "resilient_hedges_total", &|_| true),
            _ => 0.0,
        };
        if attempts > calls + extra + 0.5 {
            wrong.push(format!("{}: {attempts} attempts of {calls} calls and {extra} extra ones", part.name));
        }
    }
    wrong
}

/// The longest that any policy may refuse calls. What was used stays used: a burst of 200 calls, of which meddling left four at a rate of one a second, takes
/// 196 seconds to come back.
const LONGEST: Duration = Duration::from_secs(300);

/// Every policy that does not let calls through again, long after all trouble is over.
pub(crate) async fn stuck(world: &Arc<World>, clock: Clock) -> Vec<String> {
    for part in &world.parts {
        let _ = resilient::config::forget(part.name);
        part.set_mode(Mode::Enforce);
        match part.policy {
            Policy::CircuitBreaker(breaker) => unforce(breaker),
            Policy::CircuitBreakers(breakers) => (0..KEYS).for_each(|key| unforce(&breakers.of(&key))),
            _ => {}
        }
    }
    let mut wrong = Vec::new();
    for part in &world.parts {
        let began = Instant::now();
        let mut answered = false;
        while !answered && began.elapsed() < LONGEST {
            let attempts = Arc::new(|| Box::pin(async { Ok(Answer { key: 3 }) }) as crate::part::Call);
            let facts = Facts { key: 3, seed: 0, panics: None };
            answered = part.around(attempts, facts)().await.is_ok();
            match clock {
                Clock::Paused => advance(Duration::from_millis(200)).await,
                Clock::Real => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        }
        if !answered {
            let list = resilient::policies();
            let state = list.others.iter().find(|policy| policy.name == part.name);
            wrong.push(format!("{}: no call gets through: {state:?}", part.name));
        }
    }
    wrong
}

fn unforce(breaker: &CircuitBreaker) {
    if breaker.state() == CircuitBreakerState::ForcedOpen {
        breaker.force_close();
    }
}
