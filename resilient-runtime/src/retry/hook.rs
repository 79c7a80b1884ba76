//! Hooks: functions of the user's that are told what becomes of a failed attempt, and of which error.

use std::fmt;

use super::RetryCall;
use crate::event::{GivingUp, Retrying};
use crate::stack::Judged;
use crate::when::{ByClass, ByError, ByOutcome, ByWhen};
use crate::{FromRejection, Outcome, Settled, Verdict, When};

/// A function that is told of a failed attempt: of `I`, and if it likes of the error of a `Result` or of the whole outcome.
///
/// `By` tells the three apart and is always inferred. A good value that counts as a failure is no error, so that a function of the error is
/// not called for it.
#[diagnostic::on_unimplemented(
    message = "a hook of a retry takes `&{I}`, and behind it the error or the whole outcome by reference, or nothing",
    label = "not a function of `&{I}`, or of `&{I}` and the error",
    note = "for instance `on_retry = |retrying, error| eprintln!(\"{{error}}, once more in {{:?}}\", retrying.delay)`"
)]
pub trait Hook<I, O, By> {
    /// Tells it of an outcome.
    fn tell(&self, what: &I, outcome: &O);
}

/// Marks a [`Hook`] that does not ask for the error.
#[derive(Debug, Clone, Copy)]
pub struct ByTold;

impl<F, I, O> Hook<I, O, ByTold> for F
where
    F: Fn(&I),
{
    fn tell(&self, what: &I, _outcome: &O) {
        self(what);
    }
}

impl<F, I, T, E> Hook<I, Result<T, E>, ByError> for F
where
    F: Fn(&I, &E),
{
    fn tell(&self, what: &I, outcome: &Result<T, E>) {
        if let Err(error) = outcome {
            self(what, error);
        }
    }
}

impl<F, I, O> Hook<I, O, ByOutcome> for F
where
    F: Fn(&I, &O),
{
    fn tell(&self, what: &I, outcome: &O) {
        self(what, outcome);
    }
}

pub(super) use self::sealed::{Tell, TellInside};

mod sealed {
    use crate::Settled;

    /// Tells a hook, or nobody.
    pub trait Tell<I, O> {
        const IS_TOLD: bool;

        fn tell(&self, what: &I, outcome: &O);
    }

    /// Tells a hook of an attempt in a stack, which may have been refused, or tells nobody.
    pub trait TellInside<I, O> {
        const IS_TOLD: bool;

        fn tell_inside(&self, what: &I, settled: &Settled<&O>);
    }
}

/// The news of an attempt, for the hook that it is meant for.
pub(super) enum News<'n> {
    Retrying(&'n Retrying),
    GivingUp(&'n GivingUp),
}

/// No hook.
#[derive(Debug, Clone, Copy)]
pub struct Untold;

impl<I, O> Tell<I, O> for Untold {
    const IS_TOLD: bool = false;

    #[inline]
    fn tell(&self, _what: &I, _outcome: &O) {}
}

/// A [`Hook`] for outcomes of type `O`.
///
/// It holds the method of the `Hook`, so that the compiler looks for it once: where the hook is given.
pub struct Told<I, H, O> {
    hook: H,
    tell: fn(&H, &I, &O),
}

impl<I, H, O> Told<I, H, O> {
    fn new<By>(hook: H) -> Self
    where
        H: Hook<I, O, By>,
    {
        Self { hook, tell: H::tell }
    }
}

/// As [`Told`], of outcomes in whose place there may be a rejection. That is shown as the error that the caller would get.
pub struct ToldInside<I, H, O> {
    hook: H,
    tell: fn(&H, &I, &Settled<&O>),
}

impl<I, H, O> ToldInside<I, H, O> {
    fn new<By>(hook: H) -> Self
    where
        H: Hook<I, O, By>,
        O: FromRejection,
    {
        let tell: fn(&H, &I, &Settled<&O>) = |hook, what, settled| match settled {
            Settled::Outcome(outcome) => hook.tell(what, outcome),
            Settled::Rejected(rejection) => hook.tell(what, &O::from_rejection(rejection.clone())),
        };
        Self { hook, tell }
    }
}

impl<I, H, O> TellInside<I, O> for ToldInside<I, H, O> {
    const IS_TOLD: bool = true;

    fn tell_inside(&self, what: &I, settled: &Settled<&O>) {
        (self.tell)(&self.hook, what, settled);
    }
}

impl<I, O> TellInside<I, O> for Untold {
    const IS_TOLD: bool = false;

    #[inline]
    fn tell_inside(&self, _what: &I, _settled: &Settled<&O>) {}
}

impl<I, H, O> Tell<I, Settled<O>> for ToldInside<I, H, O> {
    const IS_TOLD: bool = true;

    fn tell(&self, what: &I, settled: &Settled<O>) {
        self.tell_inside(what, &settled.as_ref());
    }
}

impl<I, H, O> fmt::Debug for ToldInside<I, H, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ToldInside").finish_non_exhaustive()
    }
}

/// A hook in a stack.
#[derive(Debug)]
pub(super) struct Inside<'h, T>(&'h T);

impl<'o, I, O, T: TellInside<I, O>> Tell<I, Settled<&'o O>> for Inside<'_, T> {
    const IS_TOLD: bool = T::IS_TOLD;

    #[inline]
    fn tell(&self, what: &I, settled: &Settled<&'o O>) {
        self.0.tell_inside(what, settled);
    }
}

impl<I, H, O> Tell<I, O> for Told<I, H, O> {
    const IS_TOLD: bool = true;

    fn tell(&self, what: &I, outcome: &O) {
        (self.tell)(&self.hook, what, outcome);
    }
}

impl<I, H, O> fmt::Debug for Told<I, H, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Told").finish_non_exhaustive()
    }
}

/// One call through a retry, and the hooks that are told of its attempts; from [`RetryCall::on_retry`] and its likes.
#[derive(Debug)]
#[must_use = "it tells only of what it settles or stands around"]
pub struct Telling<'c, 'a, R, G> {
    pub(super) call: &'c mut RetryCall<'a>,
    pub(super) hooks: Hooks<R, G>,
}

/// The hooks of a call.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hooks<R = Untold, G = Untold> {
    pub(super) on_retry: R,
    pub(super) on_give_up: G,
}

impl<R, G> Hooks<R, G> {
    /// The hooks, for an attempt in a stack.
    #[inline]
    pub(super) const fn inside(&self) -> Hooks<Inside<'_, R>, Inside<'_, G>> {
        Hooks { on_retry: Inside(&self.on_retry), on_give_up: Inside(&self.on_give_up) }
    }
}

impl Hooks {
    pub(super) const NONE: Self = Self { on_retry: Untold, on_give_up: Untold };
}

impl<'a> RetryCall<'a> {
    /// The call with a function that is told of each retry, before its wait, and of the error that it is made for.
    ///
    /// ```
    /// use resilient::{Backoff, Retry, Retrying, Verdict};
    ///
    /// static LOOKUP: Retry = Retry::named("lookup").max(1).backoff(Backoff::none());
    ///
    /// let mut told = Vec::new();
    /// let told_cell = std::cell::RefCell::new(&mut told);
    /// let mut call = LOOKUP.begin();
    /// let hook = |retrying: &Retrying, error: &std::io::Error| {
    ///     told_cell.borrow_mut().push((retrying.retry, error.kind()));
    /// };
    /// let failed = || Err::<u32, _>(std::io::Error::from(std::io::ErrorKind::TimedOut));
    /// assert!(matches!(call.on_retry(hook).settle(failed()), Verdict::Retry(_)));
    /// assert!(matches!(call.on_retry(hook).settle(failed()), Verdict::Accept(Err(_))));
    ///
    /// assert_eq!(told, [(0, std::io::ErrorKind::TimedOut)]);
    /// ```
    ///
    /// # Panics
    ///
    /// A panic in the hook ends the call, which counts as abandoned; the budget keeps its tokens.
    #[inline]
    pub fn on_retry<O, H, By>(&mut self, hook: H) -> Telling<'_, 'a, Told<Retrying, H, O>, Untold>
    where
        H: Hook<Retrying, O, By>,
    {
        Telling { call: self, hooks: Hooks { on_retry: Told::new(hook), on_give_up: Untold } }
    }

    /// As [`on_retry`](Self::on_retry), for an attempt that may have been refused, as in a [stack](crate::run). The hook sees a rejection as the
    /// error that the caller would get.
    #[inline]
    pub fn on_retry_settled<O, H, By>(&mut self, hook: H) -> Telling<'_, 'a, ToldInside<Retrying, H, O>, Untold>
    where
        H: Hook<Retrying, O, By>,
        O: FromRejection,
    {
        Telling { call: self, hooks: Hooks { on_retry: ToldInside::new(hook), on_give_up: Untold } }
    }

    /// The call with a function that is told if it gives up: why, and with which error.
    ///
    /// A call gives up if its failure was worth another attempt that is not made. A permanent error is none of that.
    #[inline]
    pub fn on_give_up<O, H, By>(&mut self, hook: H) -> Telling<'_, 'a, Untold, Told<GivingUp, H, O>>
    where
        H: Hook<GivingUp, O, By>,
    {
        Telling { call: self, hooks: Hooks::NONE }.on_give_up(hook)
    }

    /// As [`on_give_up`](Self::on_give_up), for an attempt that may have been refused.
    #[inline]
    pub fn on_give_up_settled<O, H, By>(&mut self, hook: H) -> Telling<'_, 'a, Untold, ToldInside<GivingUp, H, O>>
    where
        H: Hook<GivingUp, O, By>,
        O: FromRejection,
    {
        Telling { call: self, hooks: Hooks::NONE }.on_give_up_settled(hook)
    }
}

impl<'c, 'a, R> Telling<'c, 'a, R, Untold> {
    /// As [`RetryCall::on_give_up`], besides the other hook.
    #[inline]
    pub fn on_give_up<O, H, By>(self, hook: H) -> Telling<'c, 'a, R, Told<GivingUp, H, O>>
    where
        H: Hook<GivingUp, O, By>,
    {
        let hooks = Hooks { on_retry: self.hooks.on_retry, on_give_up: Told::new(hook) };
        Telling { call: self.call, hooks }
    }

    /// As [`RetryCall::on_give_up_settled`], besides the other hook.
    #[inline]
    pub fn on_give_up_settled<O, H, By>(self, hook: H) -> Telling<'c, 'a, R, ToldInside<GivingUp, H, O>>
    where
        H: Hook<GivingUp, O, By>,
        O: FromRejection,
    {
        let hooks = Hooks { on_retry: self.hooks.on_retry, on_give_up: ToldInside::new(hook) };
        Telling { call: self.call, hooks }
    }
}

impl<R, G> Telling<'_, '_, R, G> {
    /// Accepts the outcome of an attempt, or says how long to wait, as [`RetryCall::settle`] does.
    #[inline]
    pub fn settle<O>(self, outcome: O) -> Verdict<O>
    where
        O: Outcome,
        R: Tell<Retrying, O>,
        G: Tell<GivingUp, O>,
    {
        let decision = self.call.decide(&outcome, &ByClass, &self.hooks);
        decision.on(outcome)
    }

    /// As [`settle`](Self::settle), with the class that `when` assigns.
    #[inline]
    pub fn settle_when<O, By>(self, outcome: O, when: impl When<O, By>) -> Verdict<O>
    where
        R: Tell<Retrying, O>,
        G: Tell<GivingUp, O>,
    {
        let decision = self.call.decide(&outcome, &ByWhen::new(when), &self.hooks);
        decision.on(outcome)
    }

    /// The call in a [stack](crate::run), with outcomes judged by `when`.
    #[inline]
    pub const fn when<O, W: When<O, By>, By>(self, when: W) -> Judged<Self, W, O> {
        Judged::new(self, when)
    }
}
