//! Random stacks of all policies in random trouble.
//!
//! A run makes two policies of each kind with random settings within their ranges, and sends calls through random stacks of them. Bodies fail,
//! hang and panic, hooks and keys panic, callers abort, forget and move their calls, settings and modes change, breakers are forced, the clock
//! jumps by days, and runtimes are shut down under way. Afterwards everything must be back, the books must balance, and every policy must let
//! calls through again.
//!
//! `CHAOS_SEEDS=1000 CHAOS_CALLS=1000 cargo test --release -p resilient-chaos` makes a million calls. `CHAOS_SEED=7` repeats one seed.

mod callers;
mod checks;
mod contract;
mod fault;
mod luck;
mod meddling;
mod part;
mod world;

use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::luck::Luck;
use crate::meddling::Clock;
use crate::part::KINDS;
use crate::world::World;

/// One run, which its seed and these numbers decide.
#[derive(Debug, Clone, Copy)]
struct Plan {
    seed: u64,
    calls: u32,
    /// A bit for each kind of policy.
    kinds: u32,
    clock: Clock,
}

const ALL_KINDS: u32 = (1 << KINDS) - 1;
/// Runtimes that are shut down, one after the other, in one run.
const RUNTIMES: u32 = 3;
/// So many seeds, and no more, run in one process: its metrics are of all policies that it ever made.
const SEEDS_OF_A_PROCESS: u64 = 20;

impl Plan {
    /// Runs it, and returns everything that was wrong.
    fn run(self) -> Vec<String> {
        let outcome = catch_unwind(AssertUnwindSafe(|| self.run_here()));
        outcome.unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            vec![format!("a panic that was not on purpose: {}", text.unwrap_or_default())]
        })
    }

    fn run_here(self) -> Vec<String> {
        resilient::test::seed(self.seed);
        let mut luck = Luck::new(self.seed);
        let world = World::new(self.kinds, &mut luck);
        for _ in 0..RUNTIMES {
            let runtime = self.runtime();
            runtime.block_on(self.calls(&world, luck.fork()));
            // with callers that are still there
            drop(runtime);
        }
        let runtime = self.runtime();
        runtime.block_on(async {
            let mut parked = std::mem::take(&mut *world.parked.lock().unwrap());
            parked.split_off(parked.len() / 2).into_iter().for_each(callers::forget);
            let mut rest: JoinSet<_> = parked.into_iter().collect();
            sleep(Duration::from_millis(200)).await;
            rest.shutdown().await;
            sleep(self.held()).await;
            let mut wrong = checks::leaks(&world);
            wrong.extend(checks::stuck(&world, self.clock).await);
            sleep(self.held()).await;
            wrong.extend(checks::leaks(&world));
            wrong.extend(checks::books(&world));
            wrong
        })
    }

    async fn calls(self, world: &Arc<World>, mut luck: Luck) {
        tokio::spawn(meddling::meddle(world.clone(), luck.fork(), self.clock));
        let mut callers = JoinSet::new();
        for _ in 0..self.calls / RUNTIMES {
            callers.spawn(callers::caller(world.clone(), luck.fork()));
            if luck.once_in(4) {
                sleep(luck.millis(20)).await;
            }
            while callers.try_join_next().is_some() {}
        }
        // some are there when the runtime is gone
        callers.detach_all();
        sleep(luck.millis(100)).await;
    }

    fn runtime(self) -> Runtime {
        match self.clock {
            Clock::Paused => Builder::new_current_thread().enable_all().start_paused(true).build().unwrap(),
            Clock::Real => Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap(),
        }
    }

    /// Longer than any outcome is held. Each paused clock begins anew, and an outcome whose end is less than a minute ahead of what its time allows
    /// may be of a thread that read the clock before.
    const fn held(self) -> Duration {
        match self.clock {
            Clock::Paused => Duration::from_millis(61_500),
            Clock::Real => Duration::from_millis(1_500),
        }
    }

    /// The smallest plan that still fails: fewer kinds of policies, then fewer calls.
    fn shrink(self) -> Self {
        let mut least = self;
        for kind in 0..KINDS {
            let fewer = Self { kinds: least.kinds & !(1 << kind), ..least };
            if fewer.kinds != 0 && !fewer.run().is_empty() {
                least = fewer;
            }
        }
        while least.calls >= 2 * RUNTIMES {
            let fewer = Self { calls: least.calls / 2, ..least };
            if fewer.run().is_empty() {
                break;
            }
            least = fewer;
        }
        least
    }

    fn assert(self) {
        let wrong = self.run();
        if wrong.is_empty() {
            return;
        }
        let shown = wrong.iter().take(8).cloned().collect::<Vec<_>>().join("\n  ");
        let least = if self.clock == Clock::Paused { self.shrink() } else { self };
        panic!(
            "seed {} with {} calls:\n  {shown}\nrepeat it with CHAOS_SEED={} CHAOS_CALLS={} CHAOS_KINDS={:#x}",
            self.seed, self.calls, least.seed, least.calls, least.kinds
        );
    }
}

fn from_environment<T: FromStr>(name: &str) -> Option<T> {
    env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

fn kinds() -> u32 {
    let text = env::var("CHAOS_KINDS").ok();
    text.map_or(ALL_KINDS, |text| u32::from_str_radix(text.trim_start_matches("0x"), 16).expect("hexadecimal"))
}

#[test]
fn nothing_leaks_sticks_or_is_lost_in_virtual_time() {
    fault::quiet();
    let calls = from_environment("CHAOS_CALLS").unwrap_or(1_000);
    let seeds = match from_environment("CHAOS_SEED") {
        Some(seed) => seed..=seed,
        None => from_environment("CHAOS_FROM").unwrap_or(1)..=from_environment("CHAOS_SEEDS").unwrap_or(20),
    };
    if seeds.end() - seeds.start() >= SEEDS_OF_A_PROCESS {
        seeds.step_by(SEEDS_OF_A_PROCESS as usize).for_each(run_apart);
        return;
    }
    for seed in seeds {
        Plan { seed, calls, kinds: kinds(), clock: Clock::Paused }.assert();
    }
}

/// Runs the seeds from that one on in a process of their own.
fn run_apart(first: u64) {
    let last = from_environment("CHAOS_SEEDS").map_or(first, |last: u64| last.min(first + SEEDS_OF_A_PROCESS - 1));
    let status = Command::new(env::current_exe().expect("it is a file"))
        .args(["nothing_leaks_sticks_or_is_lost_in_virtual_time", "--exact", "--nocapture"])
        .env("CHAOS_FROM", first.to_string())
        .env("CHAOS_SEEDS", last.to_string())
        .status();
    assert!(status.expect("it can be run").success(), "of the seeds {first} to {last}, one has failed");
}

#[test]
fn nothing_leaks_sticks_or_is_lost_on_threads() {
    fault::quiet();
    let calls = from_environment("CHAOS_THREAD_CALLS").unwrap_or(5_000);
    Plan { seed: 1, calls, kinds: kinds(), clock: Clock::Real }.assert();
}
