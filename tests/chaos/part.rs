//! A policy with random settings, as a layer around calls.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use resilient::call::Rescue;
use resilient::{
    Backoff, Batch, Budget, Bulkhead, Cancel, CircuitBreaker, Class, Coalesce, Fallback, FanOut, FanOutPolicy, Hedge,
    Measure, Mode, Outcome as _, PerKey, Priority, RateLimit, Retry, Retrying, Settled, Throttle, Timeout, Verdict,
    finish, run, without_retries,
};
use tokio::time::sleep;

use crate::fault::{Answer, Fault, Key, Method, Outcome, panic_on_purpose};
use crate::luck::Luck;

/// One call on its way, or one attempt of it.
pub(crate) type Call = BoxFuture<'static, Outcome>;
/// Makes the attempts of a call.
pub(crate) type Attempts = Arc<dyn Fn() -> Call + Send + Sync>;

/// A policy, and what went through it as the caller saw it.
pub(crate) struct Part {
    pub(crate) name: &'static str,
    pub(crate) policy: Policy,
    /// Calls that the policy was asked for.
    pub(crate) calls: AtomicU64,
    /// Attempts that were begun below it.
    pub(crate) attempts: AtomicU64,
}

#[derive(Clone, Copy)]
pub(crate) enum Policy {
    Retry(&'static Retry),
    CircuitBreaker(&'static CircuitBreaker),
    CircuitBreakers(&'static PerKey<CircuitBreaker>),
    Timeout(&'static Timeout),
    Bulkhead(&'static Bulkhead),
    Bulkheads(&'static PerKey<Bulkhead>),
    RateLimit(&'static RateLimit),
    RateLimits(&'static PerKey<RateLimit>),
    Throttle(&'static Throttle),
    Hedge(&'static Hedge),
    Coalesce(&'static Coalesce),
    Batch(&'static Batch),
    Fallback(&'static Fallback),
    Cancel(&'static Cancel),
    Measure(&'static Measure),
    FanOut(&'static FanOutPolicy),
}

/// The keys of calls are below that.
pub(crate) const KEYS: u32 = 12;

/// The kinds of policies, in the order of [`Part::make`].
pub(crate) const KINDS: u32 = 16;

/// The facts of one call that its layers go by.
#[derive(Clone, Copy)]
pub(crate) struct Facts {
    pub(crate) key: u32,
    /// Decides how its layers are called.
    pub(crate) seed: u64,
    /// The hook of this call that panics.
    pub(crate) panics: Option<Hook>,
}

impl Facts {
    /// Judges an outcome by its class, unless it is the hook that panics.
    fn judge(self) -> impl Fn(&Outcome) -> Class + Copy {
        move |outcome| {
            self.judged();
            outcome.class()
        }
    }

    fn judged(self) {
        if self.panics == Some(Hook::Judge) {
            panic_on_purpose();
        }
    }
}

/// A user's code that policies call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hook {
    /// The `when` of a policy, and what is told of retries.
    Judge,
    Key(Method),
}

impl Hook {
    pub(crate) const ALL: [Self; 5] = [
        Self::Judge,
        Self::Key(Method::Hash),
        Self::Key(Method::Eq),
        Self::Key(Method::Clone),
        Self::Key(Method::Drop),
    ];
}

pub(crate) fn leak<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}

fn ms(millis: u32) -> Duration {
    Duration::from_millis(u64::from(millis))
}

impl Part {
    /// A policy of that kind with random settings within their ranges.
    pub(crate) fn make(kind: u32, luck: &mut Luck) -> &'static Self {
        // policies of one name have one book, and each run wants its own
        static MADE: AtomicU64 = AtomicU64::new(0);
        let name: &'static str = leak(format!("chaos {kind} #{}", MADE.fetch_add(1, Relaxed))).as_str();
        let policy = match kind {
            0 => Policy::Retry(leak(retry(name, luck))),
            1 => Policy::CircuitBreaker(leak(circuit_breaker(name, luck))),
            2 => Policy::CircuitBreakers(leak(per_key(circuit_breaker(name, luck), luck))),
            3 => Policy::Timeout(leak(Timeout::named(name, luck.millis(400)))),
            4 => Policy::Bulkhead(leak(bulkhead(name, luck))),
            5 => Policy::Bulkheads(leak(per_key(bulkhead(name, luck), luck))),
            6 => Policy::RateLimit(leak(rate_limit(name, luck))),
            7 => Policy::RateLimits(leak(per_key(rate_limit(name, luck), luck))),
            8 => Policy::Throttle(leak(Throttle::named(name).k(1.0 + luck.fraction()).max_drop(0.9))),
            9 => Policy::Hedge(leak(hedge(name, luck))),
            10 => {
                let coalesce = Coalesce::named(name);
                let coalesce = if luck.once_in(2) { coalesce.hold(luck.millis(1_000)) } else { coalesce };
                Policy::Coalesce(leak(if luck.once_in(2) { coalesce.max_wait(luck.millis(100)) } else { coalesce }))
            }
            11 => Policy::Batch(leak(Batch::named(name).max_size(luck.within(2, 20)).max_wait(luck.millis(20)))),
            12 => Policy::Fallback(leak(Fallback::named(name).max_age(luck.millis(5_000)))),
            13 => Policy::Cancel(leak(Cancel::named(name))),
            14 => Policy::Measure(leak(Measure::named(name))),
            _ => Policy::FanOut(leak(FanOutPolicy::named(name).limit(3))),
        };
        Self::of(name, policy)
    }

    pub(crate) fn of(name: &'static str, policy: Policy) -> &'static Self {
        let part = leak(Self { name, policy, calls: AtomicU64::new(0), attempts: AtomicU64::new(0) });
        part.list();
        part
    }

    fn list(&self) {
        use Policy as P;
        match self.policy {
            P::Retry(policy) => resilient::list(policy),
            P::CircuitBreaker(policy) => resilient::list(policy),
            P::CircuitBreakers(policy) => resilient::list(policy),
            P::Timeout(policy) => resilient::list(policy),
            P::Bulkhead(policy) => resilient::list(policy),
            P::Bulkheads(policy) => resilient::list(policy),
            P::RateLimit(policy) => resilient::list(policy),
            P::RateLimits(policy) => resilient::list(policy),
            P::Throttle(policy) => resilient::list(policy),
            P::Hedge(policy) => resilient::list(policy),
            P::Coalesce(policy) => resilient::list(policy),
            P::Batch(policy) => resilient::list(policy),
            P::Fallback(policy) => resilient::list(policy),
            P::Cancel(policy) => resilient::list(policy),
            P::Measure(policy) => resilient::list(policy),
            P::FanOut(policy) => resilient::list(policy),
        }
    }

    pub(crate) fn set_mode(&self, mode: Mode) {
        use Policy as P;
        match self.policy {
            P::Retry(policy) => policy.set_mode(mode),
            P::CircuitBreaker(policy) => policy.set_mode(mode),
            P::CircuitBreakers(policy) => (0..KEYS).for_each(|key| policy.of(&key).set_mode(mode)),
            P::Timeout(policy) => policy.set_mode(mode),
            P::Bulkhead(policy) => policy.set_mode(mode),
            P::Bulkheads(policy) => (0..KEYS).for_each(|key| policy.of(&key).set_mode(mode)),
            P::RateLimit(policy) => policy.set_mode(mode),
            P::RateLimits(policy) => (0..KEYS).for_each(|key| policy.of(&key).set_mode(mode)),
            P::Throttle(policy) => policy.set_mode(mode),
            P::Hedge(policy) => policy.set_mode(mode),
            P::Coalesce(policy) => policy.set_mode(mode),
            P::Batch(policy) => policy.set_mode(mode),
            P::Fallback(policy) => policy.set_mode(mode),
            P::Cancel(policy) => policy.set_mode(mode),
            P::Measure(_) | P::FanOut(_) => {}
        }
    }

    /// Puts the policy around the attempts of a call.
    pub(crate) fn around(&'static self, below: Attempts, facts: Facts) -> Attempts {
        let policy = self.policy;
        let below: Attempts = Arc::new(move || {
            self.attempts.fetch_add(1, Relaxed);
            below()
        });
        Arc::new(move || {
            let below = below.clone();
            Box::pin(async move {
                let mut luck = Luck::new(facts.seed);
                policy.call(self, below, facts, &mut luck).await
            })
        })
    }

    fn enter(&self) {
        self.calls.fetch_add(1, Relaxed);
    }
}

fn per_key<P: resilient::call::Keyed>(policy: P, luck: &mut Luck) -> PerKey<P> {
    PerKey::new(policy).capacity(luck.within(1, 40) as usize).idle(ms(luck.within(1, 2_000)))
}

fn retry(name: &'static str, luck: &mut Luck) -> Retry {
    let base = luck.millis(100);
    let backoff = match luck.below(8) {
        0 => Backoff::none(),
        1 => Backoff::fixed(base),
        2 => Backoff::linear(base),
        3 => Backoff::fibonacci(base),
        4 => Backoff::full_jitter(base),
        5 => Backoff::equal_jitter(base),
        6 => Backoff::decorrelated(base),
        _ => Backoff::exp_jitter(base),
    };
    let retry = Retry::named(name).max(luck.within(1, 6)).backoff(backoff);
    let retry = if luck.once_in(3) { retry.max_elapsed(luck.millis(2_000)) } else { retry };
    match luck.below(3) {
        0 => retry.budget(leak(Budget::new().ratio(luck.fraction()).reserve(luck.below(20)))),
        1 => retry.budget_by_name(),
        _ => retry,
    }
}

fn circuit_breaker(name: &'static str, luck: &mut Luck) -> CircuitBreaker {
    let breaker = CircuitBreaker::named(name)
        .failure_rate(0.05 + luck.fraction() * 0.9)
        .min_calls(luck.within(1, 50))
        .consecutive(luck.within(1, 20))
        .open_for(luck.millis(2_000).max(ms(1)))
        .probes(luck.within(1, 10));
    let breaker = if luck.once_in(3) { breaker.count_window(luck.within(50, 200)) } else { breaker };
    let breaker = if luck.once_in(3) { breaker.slow_call(luck.millis(200).max(ms(1))) } else { breaker };
    if luck.once_in(3) { breaker.recover(luck.millis(3_000).max(ms(1))) } else { breaker }
}

fn bulkhead(name: &'static str, luck: &mut Luck) -> Bulkhead {
    let bulkhead = Bulkhead::named(name);
    let bulkhead = match luck.below(5) {
        0 => bulkhead.aimd(1, 50, 5),
        1 => bulkhead.vegas(1, 50, 5),
        2 => bulkhead.gradient(1, 50, 5),
        _ => bulkhead.limit(luck.within(1, 30)),
    };
    bulkhead.queue(luck.below(40)).max_wait(luck.millis(500))
}

fn rate_limit(name: &'static str, luck: &mut Luck) -> RateLimit {
    let limit = RateLimit::named(name).rate(luck.within(1, 2_000), Duration::from_secs(1)).burst(luck.within(4, 200));
    limit.max_wait(luck.millis(300)).max_pause(luck.millis(5_000))
}

fn hedge(name: &'static str, luck: &mut Luck) -> Hedge {
    let hedge = Hedge::named(name).max(luck.within(1, 3)).ratio(luck.fraction().max(0.001));
    if luck.once_in(2) { hedge.after(luck.millis(50)) } else { hedge.after_percentile(95.0) }
}

impl Policy {
    async fn call(self, part: &'static Part, below: Attempts, facts: Facts, luck: &mut Luck) -> Outcome {
        let when = facts.judge();
        match self {
            Self::Retry(retry) => retried(retry, part, below, facts, luck).await,
            Self::CircuitBreaker(breaker) => {
                part.enter();
                finish(if luck.once_in(2) {
                    run(breaker.when(when), below()).await
                } else {
                    breaker.run(below()).await
                })
            }
            Self::CircuitBreakers(breakers) => {
                let breaker = breakers.of(&key_of(facts));
                part.enter();
                finish(breaker.run(below()).await)
            }
            Self::Timeout(timeout) => {
                part.enter();
                finish(timeout.run(below()).await)
            }
            Self::Bulkhead(bulkhead) => {
                part.enter();
                finish(through(bulkhead, below(), luck).await)
            }
            Self::Bulkheads(bulkheads) => {
                let bulkhead = bulkheads.of(&key_of(facts));
                part.enter();
                finish(through(&bulkhead, below(), luck).await)
            }
            Self::RateLimit(limit) => {
                part.enter();
                finish(match luck.below(3) {
                    0 => run(limit.weighing(u64::from(luck.within(1, 4))), below()).await,
                    1 => run(limit.when(when), below()).await,
                    _ => limit.run(below()).await,
                })
            }
            Self::RateLimits(limits) => {
                let limit = limits.of(&key_of(facts));
                part.enter();
                finish(limit.run(below()).await)
            }
            Self::Throttle(throttle) => {
                part.enter();
                finish(throttle.run(below()).await)
            }
            Self::Hedge(hedge) => {
                part.enter();
                hedge.run(|| below()).await
            }
            Self::Coalesce(coalesce) => {
                let key = key_of(facts);
                let call = coalesce.call(&key);
                part.enter();
                call.run(below()).await
            }
            Self::Batch(batch) => batched(batch, part, below, facts, luck).await,
            Self::Fallback(fallback) => rescued(fallback, part, below, facts, luck).await,
            Self::Cancel(cancel) => {
                part.enter();
                finish(cancel.run(sleep(luck.millis(200)), below()).await)
            }
            Self::Measure(measure) => {
                part.enter();
                if luck.once_in(2) { without_retries(measure.run(below())).await } else { measure.run(below()).await }
            }
            Self::FanOut(policy) => fanned_out(policy, part, below, luck).await,
        }
    }
}

async fn retried(retry: &Retry, part: &Part, below: Attempts, facts: Facts, luck: &mut Luck) -> Outcome {
    part.enter();
    let mut call = retry.begin();
    let tells = luck.once_in(3);
    let settled = loop {
        let settled = if tells {
            let told = move |_: &Retrying| facts.judged();
            run(call.on_retry_settled::<Outcome, _, _>(told), below()).await
        } else if luck.once_in(2) {
            run(call.when(facts.judge()), below()).await
        } else {
            run(&mut call, below()).await
        };
        match call.verdict(settled) {
            Verdict::Accept(settled) => break settled,
            Verdict::Retry(delay) => delay.await,
        }
    };
    finish(settled)
}

async fn batched(batch: &Batch, part: &Part, below: Attempts, facts: Facts, luck: &mut Luck) -> Outcome {
    let (key, forgets) = (key_of(facts), luck.once_in(20));
    part.enter();
    let load = |keys: Vec<Key>| async move {
        below().await?;
        let answers = keys.into_iter().map(|key| (key.clone(), Answer { key: key.value }));
        Ok::<_, Fault>(answers.skip(usize::from(forgets)).collect::<HashMap<Key, Answer>>())
    };
    Ok(batch.run(key, load).await?.unwrap_or(Answer { key: facts.key }))
}

async fn rescued(fallback: &Fallback, part: &Part, below: Attempts, facts: Facts, luck: &mut Luck) -> Outcome {
    let key = key_of(facts);
    let kept = fallback.call(&key);
    part.enter();
    let watch = fallback.begin();
    let outcome = kept.keep(below().await);
    match watch.settle(outcome) {
        Rescue::Accept(outcome) => outcome,
        Rescue::FallBack(failure) => match kept.recall() {
            Some(answer) => failure.stale(answer),
            None if luck.once_in(2) => failure.with(Answer { key: facts.key }),
            None => failure.unanswered(),
        },
    }
}

async fn fanned_out(policy: &'static FanOutPolicy, part: &'static Part, below: Attempts, luck: &mut Luck) -> Outcome {
    let items = luck.below(6);
    let launched = Arc::new(AtomicU64::new(0));
    let count = launched.clone();
    let launch = move |_| {
        part.enter();
        count.fetch_add(1, Relaxed);
        below()
    };
    let fan = FanOut::new(0..items, launch).limit(3).counted(policy, resilient::Outcome::class);
    let lost = Err(Fault::Refused);
    match luck.below(5) {
        0 => fan.unordered().next().await.map_or(lost, |(_, outcome)| outcome),
        1 => fan.try_all().await.map(|answers| answers.into_iter().next()).transpose().unwrap_or(lost),
        2 => {
            let outcomes = fan.cancel_on(sleep(luck.millis(50))).await;
            // those that were not launched are cancelled as well
            part.calls.fetch_add(u64::from(items) - launched.load(Relaxed), Relaxed);
            outcomes.into_iter().find(Result::is_ok).unwrap_or(lost)
        }
        3 => fan.ordered().next().await.unwrap_or(lost),
        _ => fan.await.pop().unwrap_or(lost),
    }
}

async fn through(bulkhead: &Bulkhead, attempt: Call, luck: &mut Luck) -> Settled<Outcome> {
    let priority = if luck.once_in(2) { Priority::High } else { Priority::Low };
    let entry = bulkhead.entry().weight(luck.within(1, 3)).priority(priority);
    if luck.once_in(2) { entry.run_adaptive(attempt).await } else { entry.run(attempt).await }
}

fn key_of(facts: Facts) -> Key {
    let panics = match facts.panics {
        Some(Hook::Key(method)) => Some(method),
        _ => None,
    };
    Key { value: facts.key, panics }
}
