//! Retries inside retries: an outer one can turn those inside it off.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

thread_local! {
    static SUPPRESSED: Cell<bool> = const { Cell::new(false) };
}

/// Returns whether an outer retry has turned those inside it off.
pub(crate) fn suppressed() -> bool {
    SUPPRESSED.get()
}

/// Runs `future` with every retry inside it turned off: each makes one attempt and returns its outcome.
///
/// A retried function that calls a retried function multiplies attempts, 4 × 4 = 16. What `#[retry(nested = "suppress")]`
/// puts around its attempts.
///
/// ```
/// use resilient::{Classify, retry, without_retries};
///
/// #[derive(Debug, Classify)]
/// #[transient]
/// struct Down;
///
/// # use std::sync::atomic::{AtomicU32, Ordering};
/// # static ATTEMPTS: AtomicU32 = AtomicU32::new(0);
/// #[retry]
/// async fn flaky() -> Result<(), Down> {
///     # ATTEMPTS.fetch_add(1, Ordering::Relaxed);
///     Err(Down)
/// }
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// without_retries(flaky()).await.unwrap_err();
/// # assert_eq!(ATTEMPTS.load(Ordering::Relaxed), 1);
/// # }
/// ```
pub const fn without_retries<F: Future>(future: F) -> WithoutRetries<F> {
    WithoutRetries { future, applies: true }
}

/// Runs `future` elsewhere as it would run here: with the retries inside it turned off, if they are.
pub(crate) fn as_here<F: Future>(future: F) -> WithoutRetries<F> {
    WithoutRetries { future, applies: suppressed() }
}

pin_project! {
    /// The return value of [`without_retries`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct WithoutRetries<F> {
        #[pin]
        future: F,
        applies: bool,
    }
}

impl<F: Future> Future for WithoutRetries<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        if *this.applies { suppressing(|| this.future.poll(cx)) } else { this.future.poll(cx) }
    }
}

/// Runs it with the retries inside turned off.
#[inline]
pub(crate) fn suppressing<T>(run: impl FnOnce() -> T) -> T {
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            SUPPRESSED.set(self.0);
        }
    }

    let _restore = Restore(SUPPRESSED.replace(true));
    run()
}
