//! The protocol between policies: a future, and each policy's part in the call around it.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::when::ByWhen;
use crate::{Error, Settled, When};

/// Runs `attempt` under policies: one, or a tuple of up to twelve, the outermost first.
///
/// The output is a [`Settled`]: what the attempt returned, or the rejection by one of the policies. A policy that wants to know how
/// the attempt ended goes by its [`Outcome`](crate::Outcome), or by a [`When`](crate::When) where the policy is given as
/// `policy.when(…)`. The compiler asks for it where the future is awaited.
///
/// ```
/// use std::time::Duration;
/// use resilient::{CircuitBreaker, Settled, Timeout};
///
/// static LIMIT: Timeout = Timeout::named("disk", Duration::from_millis(50));
/// static BREAKER: CircuitBreaker = CircuitBreaker::named("disk");
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let settled = resilient::run((&BREAKER, &LIMIT), async { std::fs::read("/no such file") }).await;
///
/// assert!(matches!(settled, Settled::Outcome(Err(_))));
/// # }
/// ```
///
/// # Cancel safety
///
/// Dropping it drops the attempt first, and then gives back what the policies hold, from the innermost to the outermost. After a
/// rejection, an `.await` does the same before it gives the rejection.
#[inline]
pub fn run<P, F>(policies: P, attempt: F) -> Stack<F, P::Guard>
where
    F: Future,
    P: Policy,
{
    Stack::new(attempt, policies.guard())
}

pin_project! {
    /// An attempt and the policies around it; from [`run`], and from the `run` of each policy.
    ///
    /// It is to be awaited, or dropped when it has ended: an attempt that was given up is dropped with it.
    #[must_use = "futures do nothing unless polled"]
    pub struct Stack<F, G> {
        // First, so that it is dropped before any permit comes free.
        #[pin]
        attempt: F,
        #[pin]
        guards: G,
    }
}

impl<F, G> Stack<F, G> {
    #[inline]
    pub(crate) const fn new(attempt: F, guards: G) -> Self {
        Self { attempt, guards }
    }
}

impl<F: Future, G: Guard<F::Output>> Future for Stack<F, G> {
    type Output = Settled<F::Output>;

    #[expect(clippy::inline_always)]
    #[inline(always)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut outcome = None;
        poll_under(this.guards, cx, &mut outcome, |cx| this.attempt.poll(cx)).map(|polled| settled(polled, outcome))
    }
}

/// Polls an attempt under guards, and puts its outcome down, where the guards look at it: each move through a guard would cost as much as its decision. Returns
/// the rejection by one of them otherwise.
#[expect(clippy::inline_always, reason = "the guards are code of the caller too")]
#[inline(always)]
pub(crate) fn poll_under<O, G: Guard<O>>(
    guards: Pin<&mut G>,
    cx: &mut Context<'_>,
    outcome: &mut Option<O>,
    attempt: impl FnOnce(&mut Context<'_>) -> Poll<O>,
) -> Poll<Result<(), Error>> {
    let below = |cx: &mut Context<'_>| attempt(cx).map(|ended| Settled::Outcome(&*outcome.insert(ended)));
    guards.poll(cx, below).map(|settled| match settled {
        Settled::Outcome(_) => Ok(()),
        Settled::Rejected(rejection) => Err(rejection),
    })
}

/// The end of an attempt that was polled [under guards](poll_under).
#[inline]
pub(crate) fn settled<O>(polled: Result<(), Error>, outcome: Option<O>) -> Settled<O> {
    match polled {
        Ok(()) => Settled::Outcome(outcome.expect("a guard has an outcome from below, where it is put down")),
        Err(rejection) => Settled::Rejected(rejection),
    }
}

impl<F, G: fmt::Debug> fmt::Debug for Stack<F, G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stack").field("guards", &self.guards).finish_non_exhaustive()
    }
}

/// A policy's part in one call, around whatever stands below it.
pub trait Guard<O> {
    /// Polls what stands below, if the policy allows that: with a permit, in time, unless cancelled.
    ///
    /// `below` is called once at the most, so that each poll of the stack is one of the attempt. It gives a look at the outcome, which stays where it is until
    /// all guards have seen it.
    fn poll<'o>(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        below: impl FnOnce(&mut Context<'_>) -> Poll<Settled<&'o O>>,
    ) -> Poll<Settled<&'o O>>
    where
        O: 'o;
}

/// A policy that can stand in a stack. A tuple of policies is one too: they stand in each other, the outermost first.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no policy of a stack",
    note = "a policy stands there by reference, as `&BREAKER` of a `static`, or of a `LazyLock` as `&*BREAKER`; the policy of a key is `KEYS.of(key)`, and as a layer `keyed(&KEYS, key_of)`",
    note = "a retry or a hedge runs what is below it several times: as a layer it is `retry(&RETRY)` or `hedge(&HEDGE)`"
)]
pub trait Policy {
    /// Its part in a call.
    type Guard;

    /// Begins its part in a call. Nothing is asked for before the first poll.
    fn guard(self) -> Self::Guard;

    /// Has it listed, if it is a `static` that is not.
    #[doc(hidden)]
    fn list(&self)
    where
        Self: 'static,
    {
    }
}

/// A policy that learns from how a call ends.
pub trait JudgingPolicy<J>: Policy {
    /// Its part in a call whose outcome `judge` judges.
    type JudgedGuard;

    /// Begins its part in a call.
    fn judged_guard(self, judge: J) -> Self::JudgedGuard;
}

/// A policy, and how it judges outcomes; from the `when` of each policy that judges outcomes.
#[derive(Debug)]
#[must_use = "it judges only in a stack"]
pub struct Judged<P, W, O> {
    pub(crate) policy: P,
    pub(crate) judge: ByWhen<W, O>,
}

impl<P: Clone, W: Clone, O> Clone for Judged<P, W, O> {
    #[inline]
    fn clone(&self) -> Self {
        Self { policy: self.policy.clone(), judge: self.judge.clone() }
    }
}

impl<P: Copy, W: Copy, O> Copy for Judged<P, W, O> {}

impl<P, W, O> Judged<P, W, O> {
    pub(crate) const fn new<By>(policy: P, when: W) -> Self
    where
        W: When<O, By>,
    {
        Self { policy, judge: ByWhen::new(when) }
    }
}

impl<P: JudgingPolicy<ByWhen<W, O>>, W, O> Policy for Judged<P, W, O> {
    type Guard = P::JudgedGuard;

    #[inline]
    fn guard(self) -> P::JudgedGuard {
        self.policy.judged_guard(self.judge)
    }

    fn list(&self)
    where
        Self: 'static,
    {
        self.policy.list();
    }
}

pin_project! {
    /// A policy's part in a call, and those of the policies below it.
    #[derive(Debug)]
    pub struct Around<P, G> {
        // Before the policy, so that what stands below it is dropped first.
        #[pin]
        below: G,
        #[pin]
        policy: P,
    }
}

impl<O, P: Guard<O>, G: Guard<O>> Guard<O> for Around<P, G> {
    #[expect(clippy::inline_always)]
    #[inline(always)]
    fn poll<'o>(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        below: impl FnOnce(&mut Context<'_>) -> Poll<Settled<&'o O>>,
    ) -> Poll<Settled<&'o O>>
    where
        O: 'o,
    {
        let this = self.project();
        this.policy.poll(cx, |cx| this.below.poll(cx, below))
    }
}

/// Implements [`Policy`] for a tuple: its policies, the type of their guards, and how these are made.
macro_rules! tuple {
    ($(($policy:ident $index:tt))+) => {
        impl<$($policy: Policy),+> Policy for ($($policy,)+) {
            type Guard = guards!(type $($policy)+);

            #[inline]
            fn guard(self) -> Self::Guard {
                guards!(value $((self.$index))+)
            }

            fn list(&self)
            where
                Self: 'static,
            {
                $(self.$index.list();)+
            }
        }
    };
}

/// Nests guards: `Around<A, Around<B, C>>` for `A B C`.
macro_rules! guards {
    (type $last:ident) => { $last::Guard };
    (type $first:ident $($more:ident)+) => { Around<$first::Guard, guards!(type $($more)+)> };
    (value ($last:expr)) => { $last.guard() };
    (value ($first:expr) $($more:tt)+) => { Around { policy: $first.guard(), below: guards!(value $($more)+) } };
}

tuple!((A 0));
tuple!((A 0) (B 1));
tuple!((A 0) (B 1) (C 2));
tuple!((A 0) (B 1) (C 2) (D 3));
tuple!((A 0) (B 1) (C 2) (D 3) (E 4));
tuple!((A 0) (B 1) (C 2) (D 3) (E 4) (F 5));
tuple!((A 0) (B 1) (C 2) (D 3) (E 4) (F 5) (G 6));
tuple!((A 0) (B 1) (C 2) (D 3) (E 4) (F 5) (G 6) (H 7));
tuple!((A 0) (B 1) (C 2) (D 3) (E 4) (F 5) (G 6) (H 7) (I 8));
tuple!((A 0) (B 1) (C 2) (D 3) (E 4) (F 5) (G 6) (H 7) (I 8) (J 9));
tuple!((A 0) (B 1) (C 2) (D 3) (E 4) (F 5) (G 6) (H 7) (I 8) (J 9) (K 10));
tuple!((A 0) (B 1) (C 2) (D 3) (E 4) (F 5) (G 6) (H 7) (I 8) (J 9) (K 10) (L 11));
