//! Everything that operators, servers and clocks do to policies in use.

use std::sync::Arc;
use std::time::Duration;

use resilient::{Mode, config};
use tokio::time::{advance, sleep};

use crate::callers::forget;
use crate::luck::Luck;
use crate::part::{KEYS, KINDS, Part, Policy};
use crate::world::World;

/// The clock that a run goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Clock {
    /// Virtual time, which the meddling moves on by days.
    Paused,
    Real,
}

/// Meddles with the policies until it is dropped.
pub(crate) async fn meddle(world: Arc<World>, mut luck: Luck, clock: Clock) {
    loop {
        sleep(luck.millis(40)).await;
        if clock == Clock::Paused && luck.once_in(200) {
            advance(Duration::from_secs(u64::from(luck.below(3 * 86_400)))).await;
        }
        let (place, mut whims) = (luck.below(2 * KINDS) as usize, luck.fork());
        if let Some(part) = world.slots[place] {
            touch(part, &mut whims);
        }
        if luck.once_in(4) {
            let parked = world.parked.lock().unwrap().pop();
            parked.into_iter().for_each(forget);
        }
    }
}

fn touch(part: &Part, luck: &mut Luck) {
    if luck.once_in(3) {
        part.set_mode(*luck.pick(&[Mode::Enforce, Mode::Enforce, Mode::Observe, Mode::Off]));
    }
    match part.policy {
        Policy::CircuitBreaker(breaker) => match luck.below(4) {
            0 => breaker.force_open(),
            1 => breaker.force_close(),
            2 => breaker.reset(),
            _ => settings(
                part,
                "circuit_breaker",
                &["open_for = \"300ms\"", "probes = 2", "failure_rate = \"30%\""],
                luck,
            ),
        },
        Policy::CircuitBreakers(breakers) if luck.once_in(2) => match luck.below(2) {
            0 => breakers.of(&luck.below(KEYS)).force_open(),
            _ => breakers.of(&luck.below(KEYS)).force_close(),
        },
        Policy::Bulkhead(bulkhead) => match luck.below(2) {
            0 => bulkhead.set_limit(luck.within(1, 20)),
            _ => settings(part, "bulkhead", &["queue = 3", "max_wait = \"20ms\""], luck),
        },
        Policy::RateLimit(limit) => match luck.below(4) {
            0 => limit.set_rate(luck.within(1, 1_000), Duration::from_secs(1)),
            1 => limit.set_burst(luck.within(4, 100)),
            2 => limit.heed(resilient::Quota::of(u64::from(luck.below(10)), luck.millis(3_000))),
            _ => settings(part, "rate_limit", &["max_wait = \"20ms\"", "max_pause = \"1s\""], luck),
        },
        Policy::Retry(_) => settings(part, "retry", &["max = 1", "base = \"1ms\"", "max_elapsed = \"1s\""], luck),
        Policy::Timeout(_) => settings(part, "timeout", &["limit = \"30ms\""], luck),
        Policy::Hedge(_) => settings(part, "hedge", &["after = \"3ms\"", "max = 1"], luck),
        Policy::Coalesce(_) => settings(part, "coalesce", &["hold = \"50ms\""], luck),
        _ => {}
    }
}

/// Changes the settings of a policy, or brings back those that it was built with.
fn settings(part: &Part, kind: &str, lines: &[&str], luck: &mut Luck) {
    if luck.once_in(3) {
        // nothing to forget is fine
        let _ = config::forget(part.name);
        return;
    }
    let line = luck.pick(lines);
    let text = format!("[\"{}\".{kind}]\n{line}\n\n[end]\n", part.name);
    // a setting that this policy does not agree to is refused as a whole, which is part of the trouble
    let _ = config::apply(part.name, &text);
}
