//! The items that have finished by a deadline.

use std::fmt;
use std::future::Future;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::task::coop::unconstrained;
use tokio::time::Sleep;

use super::Input;
use super::drive::{Drive, FINISHED, Running};
use crate::clock::{self, Ticks};
use crate::deadline::Limit;

/// The state of an item of a [`FanOut`](super::FanOut) at its deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Settlement<T, E> {
    /// It succeeded.
    Ok(T),
    /// It failed.
    Err(E),
    /// It was still running, or had not been started.
    Unfinished,
}

impl<T, E> Settlement<T, E> {
    /// The value, if it succeeded.
    pub fn ok(self) -> Option<T> {
        match self {
            Self::Ok(value) => Some(value),
            Self::Err(_) | Self::Unfinished => None,
        }
    }

    /// The error, if it failed.
    pub fn err(self) -> Option<E> {
        match self {
            Self::Err(error) => Some(error),
            Self::Ok(_) | Self::Unfinished => None,
        }
    }

    /// The outcome, if there is one.
    pub fn outcome(self) -> Option<Result<T, E>> {
        match self {
            Self::Ok(value) => Some(Ok(value)),
            Self::Err(error) => Some(Err(error)),
            Self::Unfinished => None,
        }
    }
}

impl<T, E> From<Result<T, E>> for Settlement<T, E> {
    fn from(outcome: Result<T, E>) -> Self {
        match outcome {
            Ok(value) => Self::Ok(value),
            Err(error) => Self::Err(error),
        }
    }
}

/// The future of what a [`FanOut`](super::FanOut) gets done in time; see
/// [`FanOut::settle_within`](super::FanOut::settle_within).
///
/// # Cancel safety
///
/// Dropping it drops the children that run and the outcomes so far. Items not launched by then never are.
///
/// # Panics
///
/// When it is polled again after it has returned.
#[must_use = "futures do nothing unless they are awaited"]
pub struct SettleWithin<I: Input, T, E> {
    drive: Option<Drive<I>>,
    settlements: Vec<Settlement<T, E>>,
    time: Duration,
    /// Made when the first poll has to wait.
    timer: Option<Pin<Box<Sleep>>>,
}

impl<I: Input, T, E> SettleWithin<I, T, E> {
    pub(super) fn new(drive: Drive<I>, time: Duration) -> Self {
        Self { drive: Some(drive), settlements: Vec::new(), time, timer: None }
    }
}

impl<I, T, E> SettleWithin<I, T, E>
where
    I: Input<Child: Future<Output = Result<T, E>>>,
{
    /// Runs the children under `limit`; says whether they have all finished, and what the limit has become.
    fn advance(&mut self, limit: Limit, cx: &mut Context<'_>) -> (bool, Limit) {
        let Self { drive, settlements, .. } = self;
        let _scope = limit.enter();
        let finished = Drive::poll_each(drive, cx, |index, outcome| {
            if settlements.len() <= index {
                settlements.resize_with(index + 1, || Settlement::Unfinished);
            }
            settlements[index] = outcome.into();
            ControlFlow::<()>::Continue(())
        });
        (finished.is_ready(), Limit::current())
    }

    /// Drops the children, and says of all items how far they have come.
    fn settle(&mut self) -> Vec<Settlement<T, E>> {
        if let Some(mut running) = Running::of(&mut self.drive) {
            let items = running.drive().count_items();
            self.settlements.resize_with(items, || Settlement::Unfinished);
        }
        std::mem::take(&mut self.settlements)
    }
}

impl<I, T, E> Future for SettleWithin<I, T, E>
where
    I: Input<Child: Future<Output = Result<T, E>>>,
{
    type Output = Vec<Settlement<T, E>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        assert!(this.drive.is_some(), "{FINISHED}");
        let outer = Limit::current();
        let (finished, limit) = match &this.timer {
            Some(timer) => this.advance(outer.tighten_to(Ticks::at(timer.deadline()), true), cx),
            None if outer.is_over() => return Poll::Ready(this.settle()),
            None => this.advance(outer.tighten(Limit::within(this.time)), cx),
        };
        if finished {
            return Poll::Ready(this.settle());
        }

        if this.timer.is_none() {
            // Where the time cannot be measured, it is over.
            let Some(timer) = limit.instant().and_then(|end| clock::sleep_until(end.instant())) else {
                return Poll::Ready(this.settle());
            };
            this.timer = Some(Box::pin(timer));
        }
        let timer = this.timer.as_mut().expect("made above").as_mut();
        // Children that always use up the budget must not keep the deadline from being seen.
        ready!(std::pin::pin!(unconstrained(timer)).poll(cx));
        Poll::Ready(this.settle())
    }
}

/// The children are pinned where they are, and nothing else is.
impl<I: Input, T, E> Unpin for SettleWithin<I, T, E> {}

impl<I: Input, T, E> fmt::Debug for SettleWithin<I, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SettleWithin").field("drive", &self.drive).field("time", &self.time).finish_non_exhaustive()
    }
}
