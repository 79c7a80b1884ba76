//! Cancellation: stops a future when a signal comes.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::{Error, Event, PolicyKind, Reason, Settled};

/// Stops what it runs when a signal comes, such as `tokio_util::sync::CancellationToken::cancelled`.
///
/// ```
/// use resilient::{Cancel, Settled};
///
/// static LOOKUP: Cancel = Cancel::named("lookup");
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let stopped = LOOKUP.run(std::future::ready(()), async { unreachable!() }).await;
/// assert!(matches!(stopped, Settled::<()>::Rejected(rejection) if rejection.to_string() == "`lookup` was cancelled"));
/// # }
/// ```
#[derive(Debug)]
pub struct Cancel {
    name: &'static str,
}

impl Cancel {
    /// A cancellation with the name that its rejections and events carry.
    pub const fn named(name: &'static str) -> Self {
        Self { name }
    }

    /// The name.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Runs `future` until it ends or `signal` does.
    ///
    /// The signal is asked first each time: if it has come before `future` was started, `future` is never polled.
    ///
    /// # Errors
    ///
    /// [`Settled::Rejected`] with [`Reason::Cancelled`].
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops both. When the signal comes, `future` is dropped before the rejection is returned.
    pub const fn run<S: Future, F: Future>(&self, signal: S, future: F) -> CancelFuture<'_, S, F> {
        CancelFuture { future: Some(future), signal, cancel: self }
    }
}

pin_project! {
    /// What [`Cancel::run`] returns.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct CancelFuture<'a, S, F> {
        // `None` once it has ended
        #[pin]
        future: Option<F>,
        #[pin]
        signal: S,
        cancel: &'a Cancel,
    }
}

impl<S: Future, F: Future> Future for CancelFuture<'_, S, F> {
    type Output = Settled<F::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let future = this.future.as_mut().as_pin_mut().expect("a cancellation is not polled again after it ended");

        if this.signal.poll(cx).is_ready() {
            this.future.set(None);
            Event::Cancelled { policy: this.cancel.name }.emit();
            let rejection = Error::new(PolicyKind::Cancel, this.cancel.name, Reason::Cancelled);
            return Poll::Ready(Settled::Rejected(rejection));
        }
        let outcome = std::task::ready!(future.poll(cx));
        this.future.set(None);
        Poll::Ready(Settled::Outcome(outcome))
    }
}
