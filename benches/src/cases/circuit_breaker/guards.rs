//! The breakers to compare, and their common trait.

use std::future::Future;
use std::hint::black_box;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicU32, AtomicU64};
use std::time::Duration;

use failsafe::{StateMachine, backoff, failure_policy};
use layered::{Execute, Stack};
use recloser::AsyncRecloser;
use resilient::{CircuitBreaker, circuit_breaker};
use seatbelt::breaker::Breaker;
use seatbelt::{RecoveryInfo, ResilienceContext};
use tower::{Layer as _, ServiceExt as _};
use tower_resilience::circuitbreaker::{CircuitBreakerError, CircuitBreakerLayer};

use super::{BRIEF, HOUR, INSTANT, STINT};
use crate::counted::{Place, Refusal, now};
use crate::drive::runtime;
use crate::work::{Busy, Failure, attempt};

/// A guard around the work, which may refuse it.
pub(super) trait Guard: Clone + Send + Sync + 'static {
    fn call(&mut self, id: u64) -> impl Future<Output = Reply>;
}

pub(super) enum Reply {
    Answered(u64),
    Failed,
    Refused,
}

impl Reply {
    pub(super) fn answer(self) -> u64 {
        let Self::Answered(answer) = self else { panic!("the call was not answered") };
        answer
    }

    pub(super) fn assert_failed(&self) {
        assert!(matches!(self, Self::Failed), "the call did not fail");
    }

    pub(super) fn assert_refused(&self) {
        assert!(matches!(self, Self::Refused), "the call was not refused");
    }
}

/// A guard that is open for an hour from its first call on, counts its refusals, and says when to come back.
#[derive(Clone)]
pub(super) struct TimedByHand;

impl TimedByHand {
    fn admit() -> Result<(), Refusal> {
        static UNTIL: AtomicU64 = AtomicU64::new(0);

        let (until, now) = (UNTIL.load(Relaxed), now());
        if until == 0 {
            UNTIL.store(now + HOUR.as_nanos() as u64, Relaxed);
        } else if until <= now {
            return Ok(());
        }
        Place(8).count();
        Err(Refusal { policy: "by hand", retry_after: Some(Duration::from_nanos(until - now)) })
    }
}

impl Guard for TimedByHand {
    async fn call(&mut self, id: u64) -> Reply {
        match black_box(Self::admit()) {
            Ok(()) => attempt::<Failure>(id).await.into(),
            Err(refusal) => {
                black_box(&refusal);
                Reply::Refused
            }
        }
    }
}

/// A guard that opens after two failures, for ever.
#[derive(Clone)]
pub(super) struct ByHand(pub(super) &'static AtomicU32);

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

pub(super) static FLAGS: [AtomicU32; 2] = [const { AtomicU32::new(0) }; 2];

/// The same guard, which also counts the calls.
#[derive(Clone)]
pub(super) struct CountedByHand(pub(super) &'static Counter);

pub(super) struct Counter {
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

pub(super) static COUNTER: Counter = Counter { failures: AtomicU32::new(0), calls: AtomicU32::new(0) };

#[derive(Clone)]
pub(super) struct OursClosed;

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
pub(super) struct OursOpen;

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
pub(super) struct Ours(pub(super) &'static CircuitBreaker);

impl Ours {
    pub(super) const CLOSED: &CircuitBreaker = {
        static BREAKER: CircuitBreaker = CircuitBreaker::named("closed");
        &BREAKER
    };
    pub(super) const TIMED: &CircuitBreaker = {
        static BREAKER: CircuitBreaker = CircuitBreaker::named("timed").slow_call(Duration::from_secs(1));
        &BREAKER
    };
    pub(super) const COUNTED: &CircuitBreaker = {
        static BREAKER: CircuitBreaker = CircuitBreaker::named("counted").count_window(100);
        &BREAKER
    };
    pub(super) const PROBED: &CircuitBreaker = {
        static BREAKER: CircuitBreaker =
            CircuitBreaker::named("probed").consecutive(2).probes(2 * STINT as u32).open_for(INSTANT).open_jitter(0.0);
        &BREAKER
    };
    pub(super) const OPEN: &CircuitBreaker = {
        static BREAKER: CircuitBreaker = CircuitBreaker::named("open").open_for(HOUR);
        &BREAKER
    };
    pub(super) const BRIEF: &CircuitBreaker = {
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

pub(super) fn recloser(settings: recloser::RecloserBuilder) -> AsyncRecloser {
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

pub(super) fn consecutive(open_for: Duration) -> impl Guard {
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
pub(super) enum Rejected {
    Inner,
    Open,
}

impl From<Busy> for Rejected {
    fn from(Busy: Busy) -> Self {
        Self::Inner
    }
}

pub(super) type Configured = seatbelt::breaker::BreakerLayer<u64, Result<u64, Rejected>>;

pub(super) fn seatbelt(configure: impl FnOnce(Configured) -> Configured) -> impl Guard {
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

pub(super) type Builder = tower_resilience::circuitbreaker::CircuitBreakerConfigBuilder;

pub(super) fn tower_resilience(configure: impl FnOnce(Builder) -> Builder) -> impl Guard {
    let layer = configure(CircuitBreakerLayer::builder()).build().expect("a configuration that makes sense");
    TowerResilience(layer.layer(tower::service_fn(attempt::<Busy>)))
}
