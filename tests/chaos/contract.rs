//! The contract of every policy with every event: what is counted, and that everything is back afterwards.
//!
//! `docs/contract.md` has the table. `UPDATE_EXPECT=1` writes it anew.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;
use std::{env, fs};

use resilient::metrics::collect;
use resilient::{
    Backoff, Batch, Bulkhead, Cancel, CircuitBreaker, Class, Coalesce, Fallback, FanOutPolicy, Hedge, Measure, Mode,
    PerKey, RateLimit, Retry, Throttle, Timeout,
};
use tokio::runtime::{Builder, Runtime};
use tokio::task::{JoinSet, yield_now};
use tokio::time::{sleep, timeout};

use crate::callers;
use crate::checks;
use crate::fault::{Answer, Fault, panic_on_purpose};
use crate::meddling::Clock;
use crate::part::{Attempts, Call, Facts, Hook, KINDS, Part, Policy, leak};
use crate::world::{Alive, World};

static AROUND: Timeout = Timeout::named("contract: around", Duration::from_millis(4));

/// One policy and the way in which it is called.
struct Case {
    part: &'static Part,
    world: Arc<World>,
    seed: u64,
}

/// The end of a body, after three awaits.
#[derive(Clone, Copy)]
enum End {
    Well,
    Fault(Class),
    Panic,
    Never,
    /// As `Never`, before the first of the awaits.
    Parked,
}

type Event = fn(&Case, Runtime);

/// The events, each in the words that follow "a call …".
const EVENTS: &[(&str, Event)] = &[
    ("succeeds", |case, runtime| runtime.block_on(case.ends(End::Well))),
    ("fails, transient", |case, runtime| runtime.block_on(case.ends(End::Fault(Class::Transient)))),
    ("fails, throttled", |case, runtime| runtime.block_on(case.ends(End::Fault(Class::Throttled { after: None })))),
    ("fails, permanent", |case, runtime| runtime.block_on(case.ends(End::Fault(Class::Permanent)))),
    ("panics in the body", |case, runtime| runtime.block_on(case.ends(End::Panic))),
    ("panics in `when` or `on_retry`", |case, runtime| runtime.block_on(case.panics(Hook::ALL[0]))),
    ("panics in the key's `Hash`", |case, runtime| runtime.block_on(case.panics(Hook::ALL[1]))),
    ("panics in the key's `Eq`", |case, runtime| runtime.block_on(case.panics(Hook::ALL[2]))),
    ("panics in the key's `Clone`", |case, runtime| runtime.block_on(case.panics(Hook::ALL[3]))),
    ("panics in the key's `Drop`", |case, runtime| runtime.block_on(case.panics(Hook::ALL[4]))),
    ("is dropped before its first poll", |case, _| drop(case.call(End::Well))),
    ("is dropped at each await", |case, runtime| {
        runtime.block_on(async {
            for millis in 0..5 {
                let _ = timeout(Duration::from_millis(millis), case.call(End::Never)).await;
            }
        });
    }),
    ("is inside of a time-out that comes first", |case, runtime| {
        drop(runtime.block_on(AROUND.run(case.call(End::Never))));
    }),
    ("is aborted with its task", |case, runtime| {
        runtime.block_on(async {
            let task = tokio::spawn(case.call(End::Never));
            sleep(Duration::from_millis(2)).await;
            task.abort();
            let _ = task.await;
        });
    }),
    ("ends with its runtime", |case, runtime| {
        runtime.block_on(async {
            tokio::spawn(case.call(End::Never));
            sleep(Duration::from_millis(2)).await;
        });
        drop(runtime);
    }),
    ("is moved to another task under way", |case, runtime| {
        runtime.block_on(async {
            let mut call = case.call(End::Well);
            if !callers::once(&mut call).await {
                drop(tokio::spawn(call).await);
            }
        });
    }),
    ("is kept, never polled again, and dropped", |case, runtime| {
        runtime.block_on(async {
            let mut call = case.call(End::Never);
            callers::once(&mut call).await;
            sleep(Duration::from_secs(1)).await;
            callers::forget(call);
        });
    }),
    ("is made inside of such a call", |case, runtime| {
        runtime.block_on(async {
            let (part, facts, below) = (case.part, case.facts(None), case.bodies(End::Well));
            let outer: Attempts = Arc::new(move || part.around(below.clone(), facts)());
            drop(timeout(Duration::from_secs(5), part.around(outer, facts)()).await);
        });
    }),
    ("is one of twenty at once", |case, runtime| {
        runtime.block_on(async {
            let calls: JoinSet<_> = (0..20).map(|_| case.call(End::Well)).collect();
            calls.join_all().await;
        });
    }),
    ("waits with a waker that panics", |case, runtime| {
        let mut parked: Vec<Call> = (0..3).map(|_| case.call(End::Parked)).collect();
        // a timer that wakes one panics in the runtime itself, as late as at its end
        let _ = catch_unwind(AssertUnwindSafe(|| {
            let runtime = runtime;
            runtime.block_on(async {
                let mut calls: JoinSet<_> = (0..9).map(|_| case.call(End::Well)).collect();
                yield_now().await;
                parked.iter_mut().for_each(callers::poll_with_a_waker_that_panics);
                while calls.join_next().await.is_some() {}
            });
        }));
        parked.into_iter().for_each(callers::forget);
    }),
    ("is under way when the policy is switched to `observe`", |case, runtime| {
        runtime.block_on(case.switched(Mode::Observe));
    }),
    ("is under way when the policy is switched off", |case, runtime| runtime.block_on(case.switched(Mode::Off))),
];

impl Case {
    fn facts(&self, panics: Option<Hook>) -> Facts {
        Facts { key: 1, seed: self.seed, panics }
    }

    fn call(&self, end: End) -> Call {
        self.part.around(self.bodies(end), self.facts(None))()
    }

    fn bodies(&self, end: End) -> Attempts {
        let world = self.world.clone();
        Arc::new(move || {
            let world = world.clone();
            Box::pin(async move {
                let _alive = Alive::new(&world.alive);
                if let End::Parked = end {
                    return std::future::pending().await;
                }
                for _ in 0..3 {
                    sleep(Duration::from_millis(1)).await;
                }
                match end {
                    End::Well => Ok(Answer { key: 1 }),
                    End::Fault(class) => Err(Fault::Class(class)),
                    End::Never | End::Parked => std::future::pending().await,
                    End::Panic => {
                        panic_on_purpose();
                        Err(Fault::Refused)
                    }
                }
            })
        })
    }

    async fn ends(&self, end: End) {
        let _ = tokio::spawn(self.call(end)).await;
    }

    /// Two calls at once, so that one finds the other's key. The outcome is transient, so that there is something to tell a hook of.
    async fn panics(&self, hook: Hook) {
        let call = || self.part.around(self.bodies(End::Fault(Class::Transient)), self.facts(Some(hook)))();
        let mut calls: JoinSet<_> = [call(), call()].into_iter().collect();
        while calls.join_next().await.is_some() {}
    }

    async fn switched(&self, mode: Mode) {
        let calls: JoinSet<_> = (0..3).map(|_| self.call(End::Well)).collect();
        yield_now().await;
        self.part.set_mode(mode);
        calls.join_all().await;
        self.part.set_mode(Mode::Enforce);
    }
}

fn policy(kind: u32, name: &'static str) -> (&'static str, Policy) {
    let second = Duration::from_secs(1);
    match kind {
        0 => ("retry", Policy::Retry(leak(Retry::named(name).max(2).backoff(Backoff::none())))),
        1 => ("circuit breaker", Policy::CircuitBreaker(leak(CircuitBreaker::named(name)))),
        2 => ("… per key", Policy::CircuitBreakers(leak(PerKey::new(CircuitBreaker::named(name))))),
        3 => ("time-out", Policy::Timeout(leak(Timeout::named(name, second)))),
        4 => ("bulkhead", Policy::Bulkhead(leak(Bulkhead::named(name).limit(9)))),
        5 => ("… per key", Policy::Bulkheads(leak(PerKey::new(Bulkhead::named(name).limit(9))))),
        6 => ("rate limit", Policy::RateLimit(leak(RateLimit::named(name).rate(100, second)))),
        7 => ("… per key", Policy::RateLimits(leak(PerKey::new(RateLimit::named(name).rate(100, second))))),
        8 => ("throttle", Policy::Throttle(leak(Throttle::named(name)))),
        9 => ("hedge", Policy::Hedge(leak(Hedge::named(name).after(Duration::from_millis(2)).ratio(1.0)))),
        10 => ("coalesce", Policy::Coalesce(leak(Coalesce::named(name)))),
        11 => ("batch", Policy::Batch(leak(Batch::named(name)))),
        12 => ("fallback", Policy::Fallback(leak(Fallback::named(name)))),
        13 => ("cancel", Policy::Cancel(leak(Cancel::named(name)))),
        14 => ("measure", Policy::Measure(leak(Measure::named(name)))),
        _ => ("fan-out", Policy::FanOut(leak(FanOutPolicy::named(name)))),
    }
}

/// The labels under which the calls of the policy are counted.
fn ends(part: &Part) -> BTreeSet<&'static str> {
    let samples = collect();
    let of_it = samples.iter().filter(|sample| {
        ["resilient_calls_total", "resilient_rejections_total"].contains(&sample.family.name)
            && sample.value > 0.0
            && sample.labels.is_some_and(|labels| labels.policy == part.name)
    });
    of_it.map(|sample| sample.own).collect()
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().start_paused(true).build().unwrap()
}

/// Runs an event with a policy of that kind, in each of the ways in which it can be called, and returns the ends that were counted.
fn cell(kind: u32, event: Event, words: &str) -> String {
    let name = leak(format!("contract {kind}: {words}")).as_str();
    let part = Part::of(name, policy(kind, name).1);
    let world = World::of(part);
    for seed in 0..8 {
        resilient::test::seed(seed);
        event(&Case { part, world: world.clone(), seed }, runtime());
    }
    let all = ends(part);

    let wrong = runtime().block_on(async {
        sleep(Duration::from_secs(2)).await;
        let mut wrong = checks::leaks(&world);
        wrong.extend(checks::stuck(&world, Clock::Paused).await);
        wrong.extend(checks::books(&world));
        wrong
    });
    assert!(wrong.is_empty(), "a call that {words}: {wrong:#?}");
    if all.is_empty() { "–".to_owned() } else { all.into_iter().collect::<Vec<_>>().join(", ") }
}

#[test]
fn every_policy_keeps_its_contract_in_every_event() {
    crate::fault::quiet();
    let mut table = String::from("| a call that … |");
    for kind in 0..KINDS {
        let _ = write!(table, " {} |", policy(kind, "contract").0);
    }
    table.push_str("\n|---|");
    table.push_str(&"---|".repeat(KINDS as usize));
    for (words, event) in EVENTS {
        let _ = write!(table, "\n| {words} |");
        for kind in 0..KINDS {
            let _ = write!(table, " {} |", cell(kind, *event, words));
        }
    }
    table.push('\n');

    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/contract.md");
    let page = fs::read_to_string(path).expect("the page is there");
    let (head, rest) = page.split_once("<!-- table -->\n").expect("it says where the table begins");
    let (_, tail) = rest.split_once("<!-- end -->\n").expect("it says where the table ends");
    let expected = format!("{head}<!-- table -->\n{table}<!-- end -->\n{tail}");
    if env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(path, &expected).expect("it can be written");
    }
    assert!(
        page == expected || env::var_os("UPDATE_EXPECT").is_some(),
        "docs/contract.md differs: UPDATE_EXPECT=1 writes it"
    );
}
