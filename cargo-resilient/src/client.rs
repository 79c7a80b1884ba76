//! A client of the simulator with the policies of a stack.

use std::time::Duration;

use resilient::{
    Backoff, Budget, Bulkhead, CircuitBreaker, Hedge, Mode, RateLimit, Retry, Timeout, bulkhead, circuit_breaker,
    hedge, rate_limit, retry, timeout,
};
use resilient_simulator::calls::{CallError, Client, Target};

use crate::stack::{self, After, Limit, Stack};

/// A client whose calls run through all policies; those that the stack has not are off.
pub struct Planned<T> {
    server: T,
    total: Timeout,
    retry: Retry,
    breaker: CircuitBreaker,
    hedge: Hedge,
    rate_limit: RateLimit,
    bulkhead: Bulkhead,
    attempt: Timeout,
    hedges: bool,
}

impl<T: Target> Planned<T> {
    /// Returns a client with policies of its own.
    pub fn new(server: T, stack: &Stack) -> Self {
        Self {
            server,
            total: time_out(stack.total),
            retry: stack.retry.as_ref().map_or_else(|| Retry::named(NAME).mode(Mode::Off), retry_of),
            breaker: stack
                .circuit_breaker
                .as_ref()
                .map_or_else(|| CircuitBreaker::named(NAME).mode(Mode::Off), breaker_of),
            hedge: stack.hedge.as_ref().map_or_else(|| Hedge::named(NAME).mode(Mode::Off), hedge_of),
            rate_limit: stack.rate_limit.as_ref().map_or_else(|| RateLimit::named(NAME).mode(Mode::Off), rate_limit_of),
            bulkhead: stack.bulkhead.as_ref().map_or_else(|| Bulkhead::named(NAME).mode(Mode::Off), bulkhead_of),
            attempt: time_out(stack.attempt),
            hedges: stack.hedge.is_some(),
        }
    }

    #[timeout(with = self.total)]
    #[retry(with = self.retry)]
    #[circuit_breaker(with = self.breaker)]
    #[rate_limit(with = self.rate_limit)]
    #[bulkhead(with = self.bulkhead)]
    #[timeout(with = self.attempt)]
    async fn fetch(&self) -> Result<(), CallError> {
        self.server.send().await
    }

    #[timeout(with = self.total)]
    #[retry(with = self.retry)]
    #[circuit_breaker(with = self.breaker)]
    #[hedge(idempotent, with = self.hedge)]
    #[rate_limit(with = self.rate_limit)]
    #[bulkhead(with = self.bulkhead)]
    #[timeout(with = self.attempt)]
    async fn fetch_hedged(&self) -> Result<(), CallError> {
        self.server.send().await
    }
}

impl<T: Target> Client for Planned<T> {
    async fn call(&self) -> Result<(), CallError> {
        if self.hedges { self.fetch_hedged().await } else { self.fetch().await }
    }

    fn occupancy(&self) -> f64 {
        let counts = self.bulkhead.counts();
        f64::from(counts.in_use) / f64::from(counts.limit)
    }
}

fn time_out(limit: Option<Duration>) -> Timeout {
    match limit {
        Some(limit) => Timeout::named(NAME, limit),
        None => Timeout::named(NAME, Duration::from_secs(1)).mode(Mode::Off),
    }
}

fn retry_of(settings: &stack::Retry) -> Retry {
    let base = settings.base;
    let backoff = match settings.backoff.as_str() {
        "none" => Backoff::none(),
        "fixed" => Backoff::fixed(base),
        "linear" => Backoff::linear(base),
        "fibonacci" => Backoff::fibonacci(base),
        "exp" => Backoff::exp(base),
        "full_jitter" => Backoff::full_jitter(base),
        "equal_jitter" => Backoff::equal_jitter(base),
        "decorrelated" => Backoff::decorrelated(base),
        _ => Backoff::exp_jitter(base),
    };
    let retry = Retry::named(NAME).max(settings.max).backoff(backoff);
    match settings.budget {
        None => retry.without_budget(),
        Some(stack::DEFAULT_BUDGET) => retry,
        // a policy borrows its budget for as long as the program runs, and a plan has some hundred of them
        Some((ratio, reserve)) => retry.budget(Box::leak(Box::new(Budget::new().ratio(ratio).reserve(reserve)))),
    }
}

fn breaker_of(settings: &stack::CircuitBreaker) -> CircuitBreaker {
    let breaker = CircuitBreaker::named(NAME)
        .failure_rate(settings.failure_rate)
        .min_calls(settings.min_calls)
        .open_max(settings.open_max.max(settings.open_for))
        .open_for(settings.open_for);
    match settings.consecutive {
        Some(failures) => breaker.consecutive(failures),
        None => breaker.without_consecutive(),
    }
}

fn hedge_of(settings: &stack::Hedge) -> Hedge {
    let hedge = Hedge::named(NAME).ratio(settings.ratio);
    match settings.after {
        After::Percentile(percentile) => hedge.after_percentile(percentile),
        After::Delay(delay) => hedge.after(delay),
    }
}

fn rate_limit_of(settings: &stack::RateLimit) -> RateLimit {
    let limit = RateLimit::named(NAME).rate(settings.calls, settings.period).max_wait(settings.max_wait);
    match settings.burst {
        Some(burst) => limit.burst(burst),
        None => limit,
    }
}

fn bulkhead_of(settings: &stack::Bulkhead) -> Bulkhead {
    let bulkhead = Bulkhead::named(NAME);
    let bulkhead = match &settings.limit {
        Limit::Fixed(limit) => bulkhead.limit(*limit),
        Limit::Adaptive { algorithm, min, max, initial } => match algorithm.as_str() {
            "aimd" => bulkhead.aimd(*min, *max, *initial),
            "gradient" => bulkhead.gradient(*min, *max, *initial),
            _ => bulkhead.vegas(*min, *max, *initial),
        },
    };
    let bulkhead = match settings.max_wait {
        Some(wait) => bulkhead.max_wait(wait),
        None => bulkhead,
    };
    match settings.queue {
        Some(queue) => bulkhead.queue(queue),
        None => bulkhead,
    }
}

const NAME: &str = "planned";
