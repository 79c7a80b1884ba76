//! Policies around bodies that block the thread, without an async runtime.
//!
//! The attributes on a plain `fn` expand to calls of this module. The policies are those of async functions, so that a
//! `static` breaker, limit or budget can stand around both.
//!
//! ```
//! use std::time::Duration;
//! use resilient::{Backoff, CircuitBreaker, Retry, Verdict, blocking};
//!
//! static DISK: CircuitBreaker = CircuitBreaker::named("disk");
//! static READS: Retry = Retry::named("reads").backoff(Backoff::fixed(Duration::from_millis(1)));
//!
//! let mut retry = READS.begin_blocking();
//! let settled = loop {
//!     let settled = blocking::run((&mut retry, &DISK), || std::fs::read("/no such file"));
//!     match retry.verdict(settled) {
//!         Verdict::Accept(settled) => break settled,
//!         Verdict::Retry(delay) => delay.wait(),
//!     }
//! };
//!
//! assert!(resilient::finish(settled).is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound));
//! ```
//!
//! A thread waits for a place in a bulkhead, for a rate limit and for the next attempt of a retry. It is parked meanwhile,
//! and measures the time itself, also inside a tokio runtime. There, a blocking function belongs into
//! `tokio::task::spawn_blocking`, as everything that blocks.

use std::pin::pin;
use std::task::Poll;

use tokio::task::coop::unconstrained;

use crate::bulkhead::{BulkheadEntry, Learning};
use crate::parked;
use crate::rate_limit::{Heeding, Weighed};
use crate::retry::{RetryCall, Telling, suppressing};
use crate::stack::{Guard, Judged, Policy, poll_under, settled};
use crate::{Bulkhead, CircuitBreaker, Measure, RateLimit, Settled, Throttle};

/// A policy that can stand around a body that blocks. A tuple of policies is one too, the outermost first.
///
/// A time-out, a cancellation and a hedge are none: nothing can end a body that blocks before it returns.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot stand around a body that blocks",
    label = "needs an async body",
    note = "a body that blocks cannot be interrupted: put it into `tokio::task::spawn_blocking`, and the policy around that"
)]
pub trait Blocking: Policy {}

impl Blocking for &mut RetryCall<'_> {}
impl<R, G> Blocking for Telling<'_, '_, R, G> where Self: Policy {}
impl Blocking for &CircuitBreaker {}
impl Blocking for &Bulkhead {}
impl Blocking for BulkheadEntry<'_> {}
impl Blocking for Learning<'_> {}
impl Blocking for &RateLimit {}
impl Blocking for Weighed<'_> {}
impl<P, H> Blocking for Heeding<P, H> where Self: Policy {}
impl Blocking for &Throttle {}
impl Blocking for &Measure {}
impl<P: Blocking, W, O> Blocking for Judged<P, W, O> where Self: Policy {}

macro_rules! tuples {
    ($(($($policy:ident)+))+) => {
        $(impl<$($policy: Blocking),+> Blocking for ($($policy,)+) {})+
    };
}

tuples!((A) (A B) (A B C) (A B C D) (A B C D E) (A B C D E F) (A B C D E F G) (A B C D E F G H) (A B C D E F G H I));
tuples!((A B C D E F G H I J) (A B C D E F G H I J K) (A B C D E F G H I J K L));

/// Runs `attempt` on this thread under policies: one, or a tuple of up to twelve, the outermost first.
///
/// Returns a [`Settled`]: what the attempt returned, or the rejection by one of the policies, which then did not run it. The
/// thread is parked while a policy has the call wait. The blocking form of [`resilient::run`](crate::run).
///
/// ```
/// use resilient::{Bulkhead, Settled, blocking};
///
/// static PLACES: Bulkhead = Bulkhead::named("disk").limit(2);
///
/// let settled = blocking::run(&PLACES, || 6 * 7);
///
/// assert!(matches!(settled, Settled::Outcome(42)));
/// ```
///
/// # Panics
///
/// If the attempt panics. The policies get back what they gave, and count the call as abandoned.
#[inline]
pub fn run<P, O>(policies: P, attempt: impl FnOnce() -> O) -> Settled<O>
where
    P: Blocking<Guard: Guard<O>>,
{
    let mut guards = pin!(policies.guard());
    let (mut attempt, mut outcome) = (Some(attempt), None);
    let polled = parked::wait_for(|cx| {
        // what is parked cannot give way to other tasks
        let polled = pin!(unconstrained(std::future::poll_fn(|cx| {
            poll_under(guards.as_mut(), cx, &mut outcome, |_| match attempt.take() {
                Some(attempt) => Poll::Ready(parked::outside(attempt)),
                None => unreachable!("a guard is ready when what stands below it is"),
            })
        })));
        polled.poll(cx)
    });
    settled(polled, outcome)
}

/// Runs `attempt`, under no policy.
///
/// The attributes write it where a policy goes by the outcome alone, as a retry does.
#[inline]
pub fn call<O>(attempt: impl FnOnce() -> O) -> O {
    attempt()
}

/// Runs `attempt` with every retry inside it turned off: each makes one attempt and returns its outcome.
///
/// The blocking form of [`without_retries`](crate::without_retries), which `#[retry(nested = "suppress")]` puts around its attempts.
///
/// ```
/// use resilient::{Retry, Verdict, blocking};
///
/// static LOOKUP: Retry = Retry::named("lookup");
///
/// let verdict = blocking::without_retries(|| {
///     LOOKUP.begin_blocking().settle(Err::<u32, _>(std::io::Error::from(std::io::ErrorKind::TimedOut)))
/// });
///
/// assert!(matches!(verdict, Verdict::Accept(Err(_))));
/// ```
#[inline]
pub fn without_retries<O>(attempt: impl FnOnce() -> O) -> O {
    suppressing(attempt)
}

/// Returns the outcome of a fallback function, which is one of the type that the call has.
#[inline]
pub fn answered<O>(answer: O) -> O {
    answer
}
