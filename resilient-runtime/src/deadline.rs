//! The instant after which nobody wants the answer, as everything below a time-out can read it.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::time::Instant;

mod header;
mod limit;

use crate::clock::{self, Ticks};

pub use self::header::ParseDeadlineError;
pub(crate) use self::limit::Limit;

/// The instant after which the caller no longer wants the answer.
///
/// A [`Timeout`](crate::Timeout) sets it for everything that runs under it in the same task, and an inner one can only
/// bring it forward. A retry starts nothing that could not begin before it, and a time-out under it ends no later; hand
/// what remains of it to a client that has a time-out of its own.
///
/// ```
/// use resilient::Deadline;
///
/// # fn connect(_: std::time::Duration) {}
/// if let Some(deadline) = Deadline::current() {
///     connect(deadline.remaining());
/// }
/// ```
///
/// # Across tasks and processes
///
/// It belongs to the task. A task that is spawned has it only through [`inherit`](Self::inherit). For another process, send
/// [`to_header`](Self::to_header) along, and have the server run its work in the [`scope`](Self::scope) of
/// what [`from_header`](Self::from_header) reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Deadline(Instant);

impl Deadline {
    /// The deadline of the call that is being polled, if it has one.
    pub fn current() -> Option<Self> {
        Limit::current().settle().map(|ticks| Self(ticks.instant()))
    }

    /// So long from now; thirty years at the most.
    pub fn after(time: Duration) -> Self {
        Self(limit::far(clock::now(), time))
    }

    /// At the given instant.
    pub const fn at(instant: Instant) -> Self {
        Self(instant)
    }

    /// The instant itself.
    pub const fn instant(self) -> Instant {
        self.0
    }

    /// Returns how long is left; zero if it has passed.
    pub fn remaining(self) -> Duration {
        self.0.saturating_duration_since(clock::now())
    }

    /// Returns whether it has passed.
    pub fn is_over(self) -> bool {
        clock::now() >= self.0
    }

    /// Runs `future` under this deadline, or under the one in force if that is earlier.
    ///
    /// It tells the policies inside, and stops nothing by itself; a [`Timeout`](crate::Timeout) does.
    ///
    /// ```
    /// use std::time::Duration;
    /// use resilient::Deadline;
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() {
    /// let left = Deadline::after(Duration::from_secs(2)).scope(async {
    ///     Deadline::current().map(Deadline::remaining)
    /// });
    ///
    /// assert_eq!(left.await, Some(Duration::from_secs(2)));
    /// # }
    /// ```
    pub const fn scope<F: Future>(self, future: F) -> DeadlineScope<F> {
        DeadlineScope { future, deadline: Some(self) }
    }

    /// Takes the deadline in force along with `future`, into a task that is about to be spawned.
    ///
    /// ```
    /// use resilient::Deadline;
    ///
    /// # async fn audit() {}
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// tokio::spawn(Deadline::inherit(audit())).await.unwrap();
    /// # }
    /// ```
    pub fn inherit<F: Future>(future: F) -> DeadlineScope<F> {
        DeadlineScope { future, deadline: Self::current() }
    }
}

pin_project! {
    /// The return value of [`Deadline::scope`] and [`Deadline::inherit`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct DeadlineScope<F> {
        #[pin]
        future: F,
        deadline: Option<Deadline>,
    }
}

impl<F> DeadlineScope<F> {
    /// A future under a deadline, if there is one.
    #[cfg(all(feature = "tower-0-5", feature = "http-1"))]
    pub(crate) const fn of(future: F, deadline: Option<Deadline>) -> Self {
        Self { future, deadline }
    }
}

impl<F: Future> Future for DeadlineScope<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        match this.deadline {
            Some(deadline) => {
                let _scope = Limit::current().tighten_to(Ticks::at(deadline.0), false).enter();
                this.future.poll(cx)
            }
            None => this.future.poll(cx),
        }
    }
}

#[cfg(all(test, not(resilient_loom)))]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn is_over_from_its_instant_on() {
        let second = Duration::from_secs(1);
        let deadline = Deadline::after(second);

        assert!(!deadline.is_over());
        tokio::time::advance(Duration::from_nanos(999_999_999)).await;
        assert!(!deadline.is_over());
        tokio::time::advance(Duration::from_nanos(1)).await;
        assert!(deadline.is_over());
        tokio::time::advance(second).await;
        assert!(deadline.is_over());
    }
}
