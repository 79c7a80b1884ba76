//! The circuit breaker: closed, open, half-open, and once around all of its states.

use std::future::Future;
use std::hint::black_box;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::Duration;

use failsafe::{StateMachine, backoff, failure_policy};
use layered::{Execute, Stack};
use recloser::{AsyncRecloser, Recloser};
use resilient::{CircuitBreaker, circuit_breaker};
use seatbelt::breaker::{Breaker, HalfOpenMode};
use seatbelt::{RecoveryInfo, ResilienceContext};
use tower::{Layer as _, ServiceExt as _};
use tower_resilience::circuitbreaker::{CircuitBreakerError, CircuitBreakerLayer, SlidingWindowType};

use crate::case::{Case, Table};
use crate::drive::{poll, repeat, runtime};
use crate::work::{Busy, FAILING, Failure, answer, attempt};

pub(crate) fn tables() -> Vec<Table> {
    vec![
        Table::new(
            "Circuit breaker, closed",
            "Every call succeeds. Each breaker has its own defaults; ours keeps a window of ten seconds, recloser and \
             tower-resilience one of so many calls. By hand, it is one flag that is read; the counter by hand also counts \
             the call, with one relaxed atomic addition, and is the least that can know a failure rate. tower-resilience \
             with a window of time becomes slower with each call in the window.",
            vec![
                closed("flag by hand", || ByHand(&FLAGS[0])),
                closed("counter by hand", || CountedByHand(&COUNTER)),
                closed("resilient `#[circuit_breaker]`", || OursClosed),
                closed("resilient `CircuitBreaker`", || Ours(Ours::CLOSED)),
                closed("recloser", || recloser(Recloser::custom())),
                closed("failsafe", || failsafe::Config::new().build()),
                closed("seatbelt", || seatbelt(|breaker| breaker)),
                closed("tower-resilience", || tower_resilience(|breaker| breaker)),
                closed("tower-resilience, window of time", || {
                    tower_resilience(|breaker| {
                        breaker
                            .sliding_window_type(SlidingWindowType::TimeBased)
                            .sliding_window_duration(Duration::from_secs(10))
                    })
                }),
            ],
        )
        .goal(70)
        .shared(),
        Table::new(
            "Circuit breaker, closed, with other settings",
            "As above, where ours does more for each call: `slow_call` times it, and `count_window` puts its outcome in its \
             place among the last hundred.",
            vec![
                closed("counter by hand", || CountedByHand(&COUNTER)),
                closed("resilient `CircuitBreaker`", || Ours(Ours::CLOSED)),
                closed("resilient `CircuitBreaker`, `slow_call`", || Ours(Ours::TIMED)),
                closed("resilient `CircuitBreaker`, `count_window`", || Ours(Ours::COUNTED)),
            ],
        )
        .shared(),
        Table::new(
            "Circuit breaker, open",
            "Every call is refused. (tower-resilience has no time for two threads: it waits for a timer when two callers \
             meet.)",
            vec![
                open("flag by hand", || ByHand(&FLAGS[1])),
                open("resilient `#[circuit_breaker]`", || OursOpen),
                open("resilient `CircuitBreaker`", || Ours(Ours::OPEN)),
                open("recloser", || recloser(Recloser::custom().closed_len(1).open_wait(HOUR))),
                open("failsafe", || consecutive(HOUR)),
                open("seatbelt", || seatbelt(|breaker| breaker.min_throughput(1).break_duration(HOUR))),
                open("tower-resilience", || {
                    tower_resilience(|breaker| breaker.consecutive_failures(2).wait_duration_in_open(HOUR))
                })
                .alone(),
            ],
        )
        .shared(),
        Table::new(
            "Circuit breaker, half-open",
            "Every call is a probe that is let through and succeeds. Each breaker wants more probes than it gets, so that it stays \
             half-open; after a thousand it is a new one, which two failures open and a millisecond makes half-open. \
             That wait is part of it, so there is no time to compare, and its share of the instructions is small. failsafe \
             and seatbelt are not here, since one probe closes them.",
            vec![
                half_open("resilient `CircuitBreaker`", || {
                    Ours::PROBED.reset();
                    Ours(Ours::PROBED)
                }),
                half_open("recloser", || {
                    recloser(Recloser::custom().closed_len(1).half_open_len(2 * STINT as usize).open_wait(INSTANT))
                }),
                half_open("tower-resilience", || {
                    tower_resilience(|breaker| {
                        breaker
                            .consecutive_failures(2)
                            .wait_duration_in_open(INSTANT)
                            .permitted_calls_in_half_open(2 * STINT as usize)
                    })
                }),
            ],
        )
        .untimed(),
        Table::new(
            "Circuit breaker, once around",
            "Two failures open it, it refuses a call, a while later a probe closes it, and another call \
             succeeds. The wait is part of it, so there is no time to compare.",
            vec![
                around("resilient `CircuitBreaker`", || Ours(Ours::BRIEF)),
                around("recloser", || recloser(Recloser::custom().closed_len(1).half_open_len(1).open_wait(BRIEF))),
                around("failsafe", || consecutive(BRIEF)),
                around("seatbelt", || {
                    seatbelt(|breaker| {
                        breaker
                            .failure_threshold(0.6)
                            .min_throughput(2)
                            .break_duration(BRIEF)
                            .half_open_mode(HalfOpenMode::quick())
                    })
                }),
                around("tower-resilience", || {
                    tower_resilience(|breaker| {
                        breaker.consecutive_failures(2).wait_duration_in_open(BRIEF).permitted_calls_in_half_open(1)
                    })
                }),
            ],
        )
        .untimed(),
    ]
}

/// Something around the work that may refuse it.
trait Guard: Clone + Send + Sync + 'static {
    fn call(&mut self, id: u64) -> impl Future<Output = Reply>;
}

enum Reply {
    Answered(u64),
    Failed,
    Refused,
}

impl Reply {
    fn answer(self) -> u64 {
        let Self::Answered(answer) = self else { panic!("the call was not answered") };
        answer
    }

    fn assert_failed(&self) {
        assert!(matches!(self, Self::Failed), "the call did not fail");
    }

    fn assert_refused(&self) {
        assert!(matches!(self, Self::Refused), "the call was not refused");
    }
}

fn closed<G: Guard>(name: &'static str, guard: impl Fn() -> G + Send + 'static) -> Case {
    Case::prepared(name, move || {
        let guard = guard();
        move |calls| {
            let mut guard = guard.clone();
            poll(repeat(calls, async |id| guard.call(id).await.answer()))
        }
    })
}

fn open<G: Guard>(name: &'static str, guard: impl Fn() -> G + Send + 'static) -> Case {
    Case::prepared(name, move || {
        let mut guard = guard();
        poll(async { while !matches!(guard.call(FAILING).await, Reply::Refused) {} });
        move |calls| {
            let mut guard = guard.clone();
            poll(repeat(calls, async |id| {
                guard.call(id).await.assert_refused();
                answer(id)
            }))
        }
    })
}

fn half_open<G: Guard>(name: &'static str, guard: impl Fn() -> G + Send + Sync + 'static) -> Case {
    Case::new(name, move |calls| {
        poll(async {
            let mut sum = 0;
            for first in (0..calls).step_by(STINT as usize) {
                let mut guard = guard();
                guard.call(FAILING).await.assert_failed();
                guard.call(FAILING).await.assert_failed();
                thread::sleep(INSTANT * 2);
                for id in first..calls.min(first + STINT) {
                    sum += black_box(guard.call(black_box(id)).await.answer());
                }
            }
            sum
        })
    })
}

fn around<G: Guard>(name: &'static str, guard: impl Fn() -> G + Send + 'static) -> Case {
    Case::prepared(name, move || {
        let guard = guard();
        move |calls| {
            let mut guard = guard.clone();
            poll(repeat(calls, async |id| {
                guard.call(FAILING).await.assert_failed();
                guard.call(FAILING).await.assert_failed();
                guard.call(id).await.assert_refused();
                thread::sleep(BRIEF + BRIEF / 5);
                guard.call(id).await.answer();
                guard.call(id).await.answer()
            }))
        }
    })
}

/// Opens after two failures, for ever.
#[derive(Clone)]
struct ByHand(&'static AtomicU32);

impl Guard for ByHand {
    async fn call(&mut self, id: u64) -> Reply {
        if self.0.load(Relaxed) >= 2 {
            return Reply::Refused;
        }
        let outcome: Result<u64, Failure> = attempt(id).await;
        if outcome.is_err() {
            self.0.fetch_add(1, Relaxed);
        }
        outcome.into()
    }
}

static FLAGS: [AtomicU32; 2] = [const { AtomicU32::new(0) }; 2];

/// As that, and knows how many calls there were.
#[derive(Clone)]
struct CountedByHand(&'static Counter);

struct Counter {
    failures: AtomicU32,
    calls: AtomicU32,
}

impl Guard for CountedByHand {
    async fn call(&mut self, id: u64) -> Reply {
        let Counter { failures, calls } = self.0;
        if failures.load(Relaxed) >= 2 {
            return Reply::Refused;
        }
        let outcome: Result<u64, Failure> = attempt(id).await;
        calls.fetch_add(1, Relaxed);
        if outcome.is_err() {
            failures.fetch_add(1, Relaxed);
        }
        outcome.into()
    }
}

static COUNTER: Counter = Counter { failures: AtomicU32::new(0), calls: AtomicU32::new(0) };

#[derive(Clone)]
struct OursClosed;

impl Guard for OursClosed {
    async fn call(&mut self, id: u64) -> Reply {
        #[circuit_breaker]
        async fn ours(id: u64) -> Result<u64, Failure> {
            attempt(id).await
        }

        ours(id).await.into()
    }
}

#[derive(Clone)]
struct OursOpen;

impl Guard for OursOpen {
    async fn call(&mut self, id: u64) -> Reply {
        #[circuit_breaker(open_for = "1h")]
        async fn ours(id: u64) -> Result<u64, Failure> {
            attempt(id).await
        }

        ours(id).await.into()
    }
}

#[derive(Clone)]
struct Ours(&'static CircuitBreaker);

impl Ours {
    const CLOSED: &CircuitBreaker = {
        static BREAKER: CircuitBreaker = CircuitBreaker::named("closed");
        &BREAKER
    };
    const TIMED: &CircuitBreaker = {
        static BREAKER: CircuitBreaker = CircuitBreaker::named("timed").slow_call(Duration::from_secs(1));
        &BREAKER
    };
    const COUNTED: &CircuitBreaker = {
        static BREAKER: CircuitBreaker = CircuitBreaker::named("counted").count_window(100);
        &BREAKER
    };
    const PROBED: &CircuitBreaker = {
        static BREAKER: CircuitBreaker =
            CircuitBreaker::named("probed").consecutive(2).probes(2 * STINT as u32).open_for(INSTANT).open_jitter(0.0);
        &BREAKER
    };
    const OPEN: &CircuitBreaker = {
        static BREAKER: CircuitBreaker = CircuitBreaker::named("open").open_for(HOUR);
        &BREAKER
    };
    const BRIEF: &CircuitBreaker = {
        static BREAKER: CircuitBreaker =
            CircuitBreaker::named("brief").consecutive(2).probes(1).open_for(BRIEF).open_jitter(0.0);
        &BREAKER
    };
}

impl Guard for Ours {
    async fn call(&mut self, id: u64) -> Reply {
        let outcome: Result<u64, Failure> = match self.0.acquire() {
            Ok(permit) => permit.settle(attempt(id).await),
            Err(rejection) => Err(rejection.into()),
        };
        outcome.into()
    }
}

impl From<Result<u64, Failure>> for Reply {
    fn from(outcome: Result<u64, Failure>) -> Self {
        match outcome {
            Ok(answer) => Self::Answered(answer),
            Err(Failure::Busy) => Self::Failed,
            Err(Failure::Refused(_)) => Self::Refused,
        }
    }
}

impl Guard for AsyncRecloser {
    async fn call(&mut self, id: u64) -> Reply {
        match AsyncRecloser::call(self, attempt::<Busy>(id)).await {
            Ok(answer) => Reply::Answered(answer),
            Err(recloser::Error::Inner(Busy)) => Reply::Failed,
            Err(recloser::Error::Rejected) => Reply::Refused,
        }
    }
}

fn recloser(settings: recloser::RecloserBuilder) -> AsyncRecloser {
    AsyncRecloser::from(settings.build())
}

impl<P: failsafe::FailurePolicy + Send + Sync + 'static> Guard for StateMachine<P, ()> {
    async fn call(&mut self, id: u64) -> Reply {
        match failsafe::futures::CircuitBreaker::call(self, attempt::<Busy>(id)).await {
            Ok(answer) => Reply::Answered(answer),
            Err(failsafe::Error::Inner(Busy)) => Reply::Failed,
            Err(failsafe::Error::Rejected) => Reply::Refused,
        }
    }
}

fn consecutive(open_for: Duration) -> impl Guard {
    let policy = failure_policy::consecutive_failures(2, backoff::constant(open_for));
    failsafe::Config::new().failure_policy(policy).build()
}

#[derive(Clone)]
struct Seatbelt<S>(S);

impl<S> Guard for Seatbelt<S>
where
    S: layered::Service<u64, Out = Result<u64, Rejected>> + Clone + 'static,
{
    async fn call(&mut self, id: u64) -> Reply {
        match self.0.execute(id).await {
            Ok(answer) => Reply::Answered(answer),
            Err(Rejected::Inner) => Reply::Failed,
            Err(Rejected::Open) => Reply::Refused,
        }
    }
}

#[derive(Clone, Copy)]
enum Rejected {
    Inner,
    Open,
}

impl From<Busy> for Rejected {
    fn from(Busy: Busy) -> Self {
        Self::Inner
    }
}

type Configured = seatbelt::breaker::BreakerLayer<u64, Result<u64, Rejected>>;

fn seatbelt(configure: impl FnOnce(Configured) -> Configured) -> impl Guard {
    let _entered = runtime().enter();
    let context = ResilienceContext::new(tick::Clock::new_tokio());
    let breaker = Breaker::layer("breaker", &context)
        .recovery_with(|outcome: &Result<u64, Rejected>, _| match outcome {
            Ok(_) => RecoveryInfo::never(),
            Err(_) => RecoveryInfo::retry(),
        })
        .rejected_input_error(|_, _| Rejected::Open);
    Seatbelt((configure(breaker), Execute::new(attempt)).into_service())
}

#[derive(Clone)]
struct TowerResilience<S>(S);

impl<S> Guard for TowerResilience<S>
where
    S: tower::Service<u64, Response = u64, Error = CircuitBreakerError<Busy>> + Clone + Send + Sync + 'static,
{
    async fn call(&mut self, id: u64) -> Reply {
        let service = self.0.ready().await.unwrap_or_else(|_| panic!("it says so in the call"));
        match service.call(id).await {
            Ok(answer) => Reply::Answered(answer),
            Err(CircuitBreakerError::Inner(Busy)) => Reply::Failed,
            Err(CircuitBreakerError::OpenCircuit) => Reply::Refused,
        }
    }
}

type Builder = tower_resilience::circuitbreaker::CircuitBreakerConfigBuilder;

fn tower_resilience(configure: impl FnOnce(Builder) -> Builder) -> impl Guard {
    let layer = configure(CircuitBreakerLayer::builder()).build().expect("a configuration that makes sense");
    TowerResilience(layer.layer(tower::service_fn(attempt::<Busy>)))
}

const HOUR: Duration = Duration::from_hours(1);
const BRIEF: Duration = Duration::from_millis(50);
/// The shortest time that all of them can be open.
const INSTANT: Duration = Duration::from_millis(1);
/// How many probes a breaker is given.
const STINT: u64 = 1_000;
