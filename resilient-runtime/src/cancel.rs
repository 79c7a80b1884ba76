//! Cancellation: stops a future when a signal comes.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::book::Ended;
use crate::list::Description;
use crate::notes::cancel::OBSERVED;
use crate::shell::{Shell, shell};
use crate::stack::{Guard, Policy, Stack};
use crate::sync::const_fn;
use crate::{Event, Mode, Reason, Settled};

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
#[must_use = "a cancellation stops what it runs"]
pub struct Cancel {
    shell: Shell<Self>,
    /// The signal in words.
    signal: Option<&'static str>,
}

impl Cancel {
    const_fn! {
        /// A cancellation with the name that its rejections and events carry.
        #[track_caller]
        pub fn named(name: &'static str) -> Self {
            Self { shell: Shell::named(name), signal: None }
        }
    }

    const_fn! {
        /// Says in the list of policies which signal ends the calls, such as `self.token`.
        pub fn signal(mut self, words: &'static str) -> Self {
            self.signal = Some(words);
            self
        }
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
        Stack::new(future, CancelGuard { signal, cancel: self, ignores: false, ended: true })
    }

    /// The cancellation in a [stack](crate::run), with the signal that ends the call.
    #[inline]
    pub const fn on<S: Future>(&self, signal: S) -> CancelOn<'_, S> {
        CancelOn { signal, cancel: self }
    }
}

shell!(
    Cancel is Cancel,
    modes: /// With [`Mode::Observe`](crate::Mode::Observe) it counts what it would have stopped.
    , agrees: |_one, _other| true,
    shows: |this| {}
);

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
        CancelGuard { signal: self.signal, cancel: self.cancel, ignores: false, ended: true }
    }

    fn list(&self)
    where
        Self: 'static,
    {
        crate::list::list_once(self.cancel);
    }
}

pin_project! {
    /// A cancellation's part in a call; from [`Cancel::run`].
    #[derive(Debug)]
    pub struct CancelGuard<'a, S> {
        #[pin]
        signal: S,
        cancel: &'a Cancel,
        // the signal has come, and did not count
        ignores: bool,
        // false from the first poll until it has ended
        ended: bool,
    }

    impl<S> PinnedDrop for CancelGuard<'_, S> {
        fn drop(this: Pin<&mut Self>) {
            if !this.ended {
                this.cancel.shell.count(Ended::Abandoned);
            }
        }
    }
}

impl<O, S: Future> Guard<O> for CancelGuard<'_, S> {
    fn poll<'o>(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        below: impl FnOnce(&mut Context<'_>) -> Poll<Settled<&'o O>>,
    ) -> Poll<Settled<&'o O>>
    where
        O: 'o,
    {
        let this = self.project();
        let shell = &this.cancel.shell;
        // before the signal, which may panic
        *this.ended = false;
        if !*this.ignores && this.signal.poll(cx).is_ready() {
            match shell.mode() {
                Mode::Enforce => {
                    *this.ended = true;
                    shell.emit(Event::Cancelled { policy: shell.name() });
                    return Poll::Ready(Settled::Rejected(shell.reject(Reason::Cancelled)));
                }
                Mode::Observe => shell.note(OBSERVED, 1),
                Mode::Off => {}
            }
            // it has come, and must not be polled again
            *this.ignores = true;
        }
        let polled = below(cx);
        *this.ended = polled.is_ready();
        if *this.ended {
            shell.count(Ended::Success);
        }
        polled
    }
}

impl Cancel {
    /// Says what it is told, for the list of policies.
    fn describe_to(&self, description: &mut Description) {
        description.optional("on", self.signal);
    }
}
