//! So many successes, or every error.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::Input;
use super::drive::{Drive, FINISHED, Running};

/// The future of the first so many successes of a [`FanOut`](super::FanOut), or of its errors; see
/// [`FanOut::quorum`](super::FanOut::quorum).
///
/// # Cancel safety
///
/// Dropping it drops the children that run and the outcomes so far. Items not launched by then never are.
///
/// # Panics
///
/// When it is polled again after it has returned.
#[must_use = "futures do nothing unless they are awaited"]
pub struct Quorum<I: Input, T, E> {
    drive: Option<Drive<I>>,
    needed: usize,
    values: Vec<T>,
    errors: Vec<E>,
}

impl<I: Input, T, E> Quorum<I, T, E> {
    pub(super) fn new(drive: Drive<I>, needed: usize) -> Self {
        Self { drive: Some(drive), needed, values: Vec::new(), errors: Vec::new() }
    }
}

impl<I, T, E> Future for Quorum<I, T, E>
where
    I: Input<Child: Future<Output = Result<T, E>>>,
{
    type Output = Result<Vec<T>, Vec<E>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { drive, needed, values, errors } = self.get_mut();
        // Whichever way this is left, but for a wait, the children are dropped with it.
        let mut running = Running::of(drive).expect(FINISHED);
        loop {
            let missing = *needed - values.len();
            if missing == 0 {
                return Poll::Ready(Ok(std::mem::take(values)));
            }
            let (_, most) = running.drive().remaining();
            if most.is_some_and(|most| most < missing) {
                return Poll::Ready(Err(std::mem::take(errors)));
            }
            match running.drive().poll_next(cx) {
                Poll::Ready(Some((_, Ok(value)))) => values.push(value),
                Poll::Ready(Some((_, Err(error)))) => errors.push(error),
                Poll::Ready(None) => return Poll::Ready(Err(std::mem::take(errors))),
                Poll::Pending => {
                    running.goes_on();
                    return Poll::Pending;
                }
            }
        }
    }
}

/// The children are pinned where they are, and nothing else is.
impl<I: Input, T, E> Unpin for Quorum<I, T, E> {}

impl<I: Input, T, E> fmt::Debug for Quorum<I, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Quorum").field("drive", &self.drive).field("needed", &self.needed).finish_non_exhaustive()
    }
}
