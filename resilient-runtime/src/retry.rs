//! The retry: decides after each attempt whether there is another, and how long to wait before it.

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::time::Sleep;

use crate::backoff::Memory;
use crate::{Backoff, Class, Deadline, Error, Outcome, When, event, random};

/// Runs the body again when its outcome is transient.
///
/// A `const` value, usually in a `static`. [`begin`](Self::begin) starts a call; after each attempt,
/// [`RetryCall::settle`] says whether to accept its outcome or to wait and try again:
///
/// ```
/// use std::time::Duration;
/// use resilient::{Backoff, Retry, Verdict};
///
/// static LOOKUP: Retry = Retry::named("lookup").max(2).backoff(Backoff::fixed(Duration::from_millis(10)));
///
/// # async fn ask() -> Result<u32, std::io::Error> { Ok(42) }
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let mut retry = LOOKUP.begin();
/// let answer = loop {
///     match retry.settle(ask().await) {
///         Verdict::Accept(outcome) => break outcome,
///         Verdict::Retry(delay) => delay.await,
///     }
/// };
/// assert_eq!(answer.unwrap(), 42);
/// # }
/// ```
///
/// What is retried: outcomes of class [`Class::Transient`] and [`Class::Throttled`]; the latter never before the time the
/// server named. What is not: a permanent error, an open breaker further in, and anything that could not
/// begin before the [`Deadline`].
#[derive(Debug)]
pub struct Retry {
    name: &'static str,
    max: u32,
    backoff: Backoff,
}

impl Retry {
    /// The number of retries where none is given: 3.
    pub const DEFAULT_MAX: u32 = 3;

    /// A retry with the default back-off, [`Backoff::exp_jitter`] from 100 ms, and at most three retries.
    pub const fn named(name: &'static str) -> Self {
        Self { name, max: Self::DEFAULT_MAX, backoff: Backoff::exp_jitter(Backoff::DEFAULT_BASE) }
    }

    /// How many *re*-tries there are at the most: `max(3)` is up to four attempts. Default 3.
    ///
    /// # Panics
    ///
    /// If `max` is zero; in a `const` or `static`, that is a compile error.
    #[must_use]
    pub const fn max(mut self, max: u32) -> Self {
        assert!(max > 0, "a retry that never retries: leave it out");
        self.max = max;
        self
    }

    /// How long to wait before each retry.
    #[must_use]
    pub const fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// The name that its events carry.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Starts a call.
    pub const fn begin(&self) -> RetryCall<'_> {
        RetryCall { policy: self, retries: 0, memory: self.backoff.memory() }
    }
}

/// One call through a [`Retry`]: how many retries it has had, and what the back-off remembers.
#[derive(Debug)]
pub struct RetryCall<'a> {
    policy: &'a Retry,
    retries: u32,
    memory: Memory,
}

impl RetryCall<'_> {
    /// The attempt under way, counted from zero.
    pub const fn attempt(&self) -> u32 {
        self.retries
    }

    /// Accepts the outcome of an attempt, or drops it and says how long to wait before the next.
    pub fn settle<O: Outcome>(&mut self, outcome: O) -> Verdict<O> {
        match outcome.class() {
            Class::Success | Class::Permanent => Verdict::Accept(outcome),
            class => match self.delay(class, outcome.rejection()) {
                Some(delay) => Verdict::Retry(delay),
                None => Verdict::Accept(outcome),
            },
        }
    }

    /// As [`settle`](Self::settle), with the class that `when` assigns.
    pub fn settle_when<O, By>(&mut self, outcome: O, when: impl When<O, By>) -> Verdict<O> {
        match when.class_of(&outcome) {
            Class::Success | Class::Permanent => Verdict::Accept(outcome),
            class => match self.delay(class, when.rejection_in(&outcome)) {
                Some(delay) => Verdict::Retry(delay),
                None => Verdict::Accept(outcome),
            },
        }
    }

    /// The wait before the next attempt; `None` if there is none.
    #[cold]
    fn delay(&mut self, class: Class, rejection: Option<&Error>) -> Option<Delay> {
        let Retry { name, max, backoff } = self.policy;
        if rejection.is_some_and(|rejection| !rejection.is_retryable()) {
            return None;
        }
        if self.retries >= *max {
            event::gave_up(name, self.retries, class, "no retries left");
            return None;
        }

        let own = backoff.delay(self.retries, random::next(), &mut self.memory);
        let delay = match class {
            Class::Throttled { after: Some(hint) } if hint > MAX_HINT => {
                event::gave_up(name, self.retries, class, "the server asked for too long a wait");
                return None;
            }
            Class::Throttled { after: Some(hint) } => own.max(spread(hint)),
            _ => own,
        };
        if Deadline::current().is_some_and(|deadline| delay >= deadline.remaining()) {
            event::gave_up(name, self.retries, class, "the deadline comes first");
            return None;
        }

        event::retrying(name, self.retries, delay, class);
        self.retries += 1;
        Some(Delay(delay))
    }
}

/// The server's hint and up to a tenth more, so that those who were told the same time do not come back together.
fn spread(hint: Duration) -> Duration {
    let tenth = hint / 10;
    hint + tenth.mul_f64(random::next() as f64 / u64::MAX as f64)
}

/// A longer hint ends the call: no server may make a client sleep for as long as it likes.
const MAX_HINT: Duration = Duration::from_secs(60);

/// What [`RetryCall::settle`] decided.
#[derive(Debug)]
#[must_use]
pub enum Verdict<O> {
    /// The call ends with this outcome.
    Accept(O),
    /// Await the delay and make another attempt; the outcome is gone.
    Retry(Delay),
}

/// The wait before a retry. Awaiting a zero delay never sleeps.
///
/// # Panics
///
/// Awaiting a delay that is not zero panics off a tokio runtime with a timer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[must_use = "a delay waits only when it is awaited"]
pub struct Delay(Duration);

impl Delay {
    /// How long it waits.
    pub const fn duration(self) -> Duration {
        self.0
    }
}

impl IntoFuture for Delay {
    type Output = ();
    type IntoFuture = DelayFuture;

    #[inline]
    fn into_future(self) -> DelayFuture {
        let sleep = (!self.0.is_zero()).then(|| tokio::time::sleep(self.0));
        DelayFuture { sleep }
    }
}

pin_project! {
    /// A [`Delay`] that is being awaited.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct DelayFuture {
        #[pin]
        sleep: Option<Sleep>,
    }
}

impl Future for DelayFuture {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match self.project().sleep.as_pin_mut() {
            Some(sleep) => sleep.poll(cx),
            None => Poll::Ready(()),
        }
    }
}
