//! Calls that come at random and fail at random, on a paused clock of their own.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use rand_distr::{Distribution, Exp1};
use resilient::{CircuitBreaker, CircuitBreakerState, Class, Error};
use tokio::runtime::{Builder, EnterGuard, Runtime};
use tokio::time::Instant;

/// A runtime whose clock stands still until it is told how much time has passed.
pub(crate) struct StoppedClock(Runtime);

/// Independent callers: a Poisson process of calls that take no time, each of which fails with the same probability.
pub(crate) struct Traffic<'a> {
    random: ChaCha8Rng,
    /// The mean time between calls, in seconds.
    mean_gap: f64,
    failures: Failures,
    /// The time by which the clock is behind, in seconds.
    behind: f64,
    began: Instant,
    _clock: EnterGuard<'a>,
}

/// The number of calls that succeed before the next failure.
struct Failures {
    /// −ln(1 − p): a geometric number is an exponential one of this rate, rounded down.
    rate: f64,
    successes_left: u64,
}

/// The outcome of a call.
pub(crate) enum Call {
    Succeeded,
    /// The call failed. `opened` is true if this opened a closed breaker.
    Failed {
        opened: bool,
    },
    Refused(Error),
}

impl StoppedClock {
    pub(crate) fn new() -> Self {
        Self(Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime of one thread"))
    }
}

impl<'a> Traffic<'a> {
    /// Returns traffic of so many calls a second with this fraction of failures. The same seed repeats it.
    pub(crate) fn new(clock: &'a StoppedClock, seed: u64, calls_per_second: f64, failing: f64) -> Self {
        resilient::test::seed(seed);
        let clock = clock.0.enter();
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let failures = Failures::new(failing, &mut random);
        let mean_gap = 1.0 / calls_per_second;
        Self { random, mean_gap, failures, behind: 0.0, began: Instant::now(), _clock: clock }
    }

    /// Makes this fraction of the calls fail from now on.
    pub(crate) fn fail(&mut self, failing: f64) {
        self.failures = Failures::new(failing, &mut self.random);
    }

    /// Makes the next call.
    pub(crate) fn call(&mut self, breaker: &CircuitBreaker) -> Call {
        let gap: f64 = Exp1.sample(&mut self.random);
        self.behind += gap * self.mean_gap;
        if self.behind >= GRAIN {
            self.catch_up();
        }
        let permit = match breaker.acquire() {
            Ok(permit) => permit,
            Err(rejection) => return Call::Refused(rejection),
        };
        if self.failures.next(&mut self.random) {
            let was_closed = breaker.state() == CircuitBreakerState::Closed;
            permit.settle_as(Class::Transient, ());
            Call::Failed { opened: was_closed && breaker.state() == CircuitBreakerState::Open }
        } else {
            permit.settle_as(Class::Success, ());
            Call::Succeeded
        }
    }

    /// Leaves out the calls of this time, which would be refused.
    pub(crate) fn skip(&mut self, time: Duration) {
        self.behind += time.as_secs_f64();
        self.catch_up();
    }

    /// Returns the time since the beginning, in seconds.
    pub(crate) fn elapsed(&self) -> f64 {
        self.began.elapsed().as_secs_f64() + self.behind
    }

    fn catch_up(&mut self) {
        advance(Duration::from_secs_f64(self.behind));
        self.behind = 0.0;
    }
}

impl Failures {
    fn new(failing: f64, random: &mut ChaCha8Rng) -> Self {
        let mut failures = Self { rate: -(-failing).ln_1p(), successes_left: 0 };
        failures.successes_left = failures.draw(random);
        failures
    }

    fn next(&mut self, random: &mut ChaCha8Rng) -> bool {
        let fails = self.successes_left == 0;
        self.successes_left = if fails { self.draw(random) } else { self.successes_left - 1 };
        fails
    }

    fn draw(&self, random: &mut ChaCha8Rng) -> u64 {
        let exponential: f64 = Exp1.sample(random);
        (exponential / self.rate) as u64
    }
}

/// Is like `tokio::time::advance`, which moves the clock at its first poll and then only waits for timers. There are none here.
fn advance(time: Duration) {
    let moved = pin!(tokio::time::advance(time)).poll(&mut Context::from_waker(Waker::noop()));
    assert!(moved.is_pending(), "it yields once");
}

/// The least step of the clock, in seconds: for the breaker, many calls come at the same time. The buckets of the shortest window
/// are twenty times as long.
const GRAIN: f64 = 0.01;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comes_as_often_and_fails_as_often_as_it_should() {
        for (calls_per_second, failing) in [(0.1, 0.5), (10.0, 0.01), (10_000.0, 0.2), (1.0, 1.0)] {
            let clock = StoppedClock::new();
            let breaker = CircuitBreaker::named("never").without_consecutive().min_calls(u32::MAX);
            let mut traffic = Traffic::new(&clock, 1, calls_per_second, failing);

            let failed = (0..100_000).filter(|_| matches!(traffic.call(&breaker), Call::Failed { .. })).count();

            let seconds = 100_000.0 / calls_per_second;
            assert!((traffic.elapsed() / seconds - 1.0).abs() < 0.02, "{}", traffic.elapsed());
            assert!((failed as f64 - 100_000.0 * failing).abs() < 500.0, "{failed}");
        }
    }

    #[test]
    fn repeats_with_the_same_seed() {
        let run = |seed| {
            let clock = StoppedClock::new();
            let breaker = CircuitBreaker::named("again");
            let mut traffic = Traffic::new(&clock, seed, 5.0, 0.4);
            for _ in 0..10_000 {
                if let Call::Refused(rejection) = traffic.call(&breaker) {
                    traffic.skip(rejection.retry_after().expect("known"));
                }
            }
            (traffic.elapsed(), breaker.counts())
        };

        assert_eq!(run(1), run(1));
        assert_ne!(run(1), run(2));
    }
}
