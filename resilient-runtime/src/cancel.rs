//! Cancellation: stops a future when a signal comes.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::stack::{Guard, Policy, Stack};
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
    /// Dropping it drops both. When the signal comes, `future` is not polled again, and an `.await` drops it before it gives
    /// the rejection.
    #[inline]
    pub const fn run<S: Future, F: Future>(&self, signal: S, future: F) -> Stack<F, CancelGuard<'_, S>> {
        Stack::new(future, CancelGuard { signal, cancel: self })
    }

    /// The cancellation in a [stack](crate::run), with the signal that ends the call.
    #[inline]
    pub const fn on<S: Future>(&self, signal: S) -> CancelOn<'_, S> {
        CancelOn { signal, cancel: self }
    }
}

/// A cancellation and its signal; from [`Cancel::on`].
#[derive(Debug, Clone, Copy)]
#[must_use = "it cancels only in a stack"]
pub struct CancelOn<'a, S> {
    signal: S,
    cancel: &'a Cancel,
}

impl<'a, S: Future> Policy for CancelOn<'a, S> {
    type Guard = CancelGuard<'a, S>;

    #[inline]
    fn guard(self) -> Self::Guard {
        CancelGuard { signal: self.signal, cancel: self.cancel }
    }
}

pin_project! {
    /// A cancellation's part in a call; from [`Cancel::run`].
    #[derive(Debug)]
    pub struct CancelGuard<'a, S> {
        #[pin]
        signal: S,
        cancel: &'a Cancel,
    }
}

impl<O, S: Future> Guard<O> for CancelGuard<'_, S> {
    fn poll(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        below: impl FnOnce(&mut Context<'_>) -> Poll<Settled<O>>,
    ) -> Poll<Settled<O>> {
        let this = self.project();
        if this.signal.poll(cx).is_ready() {
            Event::Cancelled { policy: this.cancel.name }.emit();
            let rejection = Error::new(PolicyKind::Cancel, this.cancel.name, Reason::Cancelled);
            return Poll::Ready(Settled::Rejected(rejection));
        }
        below(cx)
    }
}
