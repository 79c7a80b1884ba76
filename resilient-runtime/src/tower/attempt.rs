//! One call of a service, which begins when it is first polled.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use ::tower::Service;
use pin_project_lite::pin_project;

pin_project! {
    /// One call of a service. Nothing is called before the first poll, and never a service that is not ready.
    #[must_use = "futures do nothing unless polled"]
    pub struct Attempt<S: Service<R>, R> {
        #[pin]
        stage: Stage<S, R, S::Future>,
    }
}

pin_project! {
    #[project = StageProjection]
    #[project_replace = StageOwned]
    enum Stage<S, R, F> {
        /// The service has to be polled ready, unless it is.
        Waits { service: S, request: R, is_ready: bool },
        Runs { #[pin] future: F },
        Called,
    }
}

impl<S: Service<R>, R> Attempt<S, R> {
    /// A call of a service that was polled ready.
    pub(super) const fn ready(service: S, request: R) -> Self {
        Self { stage: Stage::Waits { service, request, is_ready: true } }
    }

    /// A call that is never made, nor ends.
    pub(super) const fn never() -> Self {
        Self { stage: Stage::Called }
    }

    /// A call of a service that has to be polled ready first.
    pub(super) const fn fresh(service: S, request: R) -> Self {
        Self { stage: Stage::Waits { service, request, is_ready: false } }
    }
}

impl<S: Service<R>, R> Future for Attempt<S, R> {
    type Output = Result<S::Response, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut stage = self.project().stage;
        loop {
            match stage.as_mut().project() {
                StageProjection::Waits { service, is_ready, .. } => {
                    if !*is_ready && let Err(error) = ready!(service.poll_ready(cx)) {
                        stage.set(Stage::Called);
                        return Poll::Ready(Err(error));
                    }
                }
                StageProjection::Runs { future } => return future.poll(cx),
                // it has ended, and is polled again
                StageProjection::Called => return Poll::Pending,
            }
            if let StageOwned::Waits { mut service, request, .. } = stage.as_mut().project_replace(Stage::Called) {
                let future = service.call(request);
                stage.set(Stage::Runs { future });
            }
        }
    }
}

impl<S: Service<R>, R> fmt::Debug for Attempt<S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attempt").finish_non_exhaustive()
    }
}
