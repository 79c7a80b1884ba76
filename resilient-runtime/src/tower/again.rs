//! Layers that send a request again: a retry and a hedge.

use std::cell::Cell;
use std::fmt;
use std::future::{Future, IntoFuture};
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use ::tower::{Layer, Service};
use pin_project_lite::pin_project;

use super::attempt::Attempt;
use crate::hedge::HedgeFuture;
use crate::list::list_once;
use crate::retry::{DelayFuture, RetryCall};
use crate::when::{ByClass, ByWhen, Judge};
use crate::{Hedge, Retry, When};

/// A copy of a request for a further attempt; `None` if it cannot be sent again.
pub type Cloning<R> = fn(&R) -> Option<R>;

/// Sends a request again while the outcome is transient.
///
/// Each attempt is a call of the service, which is polled ready before it. Without a `when` that says otherwise, the class is that of the service's error; good answers
/// are never retried.
///
/// ```
/// use resilient::Retry;
/// use resilient::tower::retry;
/// use tower::{BoxError, ServiceBuilder, ServiceExt, service_fn};
///
/// static CATALOGUE: Retry = Retry::named("catalogue").max(2);
///
/// # struct Response { status: u16 }
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), BoxError> {
/// let service = ServiceBuilder::new()
///     .layer(retry(&CATALOGUE).when(|outcome: &Result<Response, BoxError>| {
///         outcome.as_ref().is_ok_and(|response| response.status == 503)
///     }))
///     .service(service_fn(|_: String| async { Ok::<_, BoxError>(Response { status: 503 }) }));
///
/// assert_eq!(service.oneshot("tide".to_owned()).await?.status, 503);
/// # Ok(())
/// # }
/// ```
pub const fn retry(policy: &'static Retry) -> Retrying<ByClass, ()> {
    Retrying { policy, judge: ByClass, cloning: () }
}

/// Sends a request a second time beside the first when that takes long, and returns the first success of the two.
///
/// Only for requests that may be sent twice without harm.
pub const fn hedge(policy: &'static Hedge) -> Hedging<ByClass, ()> {
    Hedging { policy, judge: ByClass, cloning: () }
}

/// The way in which a layer copies requests: by their `Clone`, or by a function.
#[diagnostic::on_unimplemented(
    message = "a request of type `{R}` cannot be copied for another attempt",
    note = "it is not `Clone`: write `.cloning(…)` behind the layer, with a function that copies what can be copied"
)]
pub trait Copying<R> {
    /// A copy, if there can be one.
    fn copy(&self, request: &R) -> Option<R>;
}

// `do_not_recommend`: the message is that of the trait
#[diagnostic::do_not_recommend]
impl<R: Clone> Copying<R> for () {
    fn copy(&self, request: &R) -> Option<R> {
        Some(request.clone())
    }
}

impl<R> Copying<R> for Cloning<R> {
    fn copy(&self, request: &R) -> Option<R> {
        self(request)
    }
}

macro_rules! layer {
    ($(#[$doc:meta])* $layer:ident of $policy:ident makes $service:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        pub struct $layer<J, C> {
            pub(crate) policy: &'static $policy,
            pub(crate) judge: J,
            pub(crate) cloning: C,
        }

        impl<C> $layer<ByClass, C> {
            /// Goes by the class that `when` assigns to an outcome.
            pub const fn when<W, O, By>(self, when: W) -> $layer<ByWhen<W, O>, C>
            where
                W: When<O, By>,
                C: Copy,
            {
                let Self { policy, cloning, .. } = self;
                $layer { policy, judge: ByWhen::new(when), cloning }
            }
        }

        impl<J> $layer<J, ()> {
            /// Copies requests by a function, which returns `None` for one that cannot be sent again. Such a request is sent once.
            pub fn cloning<R>(self, cloning: Cloning<R>) -> $layer<J, Cloning<R>> {
                $layer { policy: self.policy, judge: self.judge, cloning }
            }
        }

        impl<S, J: Clone, C: Clone> Layer<S> for $layer<J, C> {
            type Service = $service<S, J, C>;

            fn layer(&self, service: S) -> Self::Service {
                list_once(self.policy);
                $service { service, layer: self.clone() }
            }
        }

        #[doc = concat!("The service of a [`", stringify!($layer), "`].")]
        #[derive(Debug, Clone)]
        pub struct $service<S, J, C> {
            service: S,
            layer: $layer<J, C>,
        }
    };
}

layer!(
    /// The layer of a retry; from [`retry`].
    Retrying of Retry makes Retried
);
layer!(
    /// The layer of a hedge; from [`hedge`].
    Hedging of Hedge makes Hedged
);

impl<S, J, C, R> Service<R> for Retried<S, J, C>
where
    S: Service<R> + Clone,
    J: Judge<Result<S::Response, S::Error>> + Clone,
    C: Copying<R> + Clone,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = RetriedCall<S, R, J, C>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.service.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let fresh = self.service.clone();
        let ready = mem::replace(&mut self.service, fresh);
        let Retrying { policy, judge, cloning } = self.layer.clone();
        let again = cloning.copy(&request);
        RetriedCall {
            stage: Stage::Attempt { attempt: Attempt::ready(ready, request) },
            service: self.service.clone(),
            again,
            call: policy.begin(),
            judge,
            cloning,
        }
    }
}

pin_project! {
    /// A call that is retried.
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the attempt under way, and abandons the call.
    #[must_use = "futures do nothing unless polled"]
    pub struct RetriedCall<S: Service<R>, R, J, C> {
        #[pin]
        stage: Stage<Attempt<S, R>>,
        // for further attempts
        service: S,
        // for the next attempt; none if the request cannot be sent again
        again: Option<R>,
        call: RetryCall<'static>,
        judge: J,
        cloning: C,
    }
}

pin_project! {
    #[project = StageProjection]
    enum Stage<A> {
        Attempt { #[pin] attempt: A },
        Waits { #[pin] delay: DelayFuture },
    }
}

impl<S, R, J, C> Future for RetriedCall<S, R, J, C>
where
    S: Service<R> + Clone,
    J: Judge<Result<S::Response, S::Error>>,
    C: Copying<R>,
{
    type Output = Result<S::Response, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            match this.stage.as_mut().project() {
                StageProjection::Attempt { attempt } => {
                    let outcome = ready!(attempt.poll(cx));
                    if this.again.is_none() {
                        this.call.end_with(&outcome, this.judge);
                        return Poll::Ready(outcome);
                    }
                    let Some(delay) = this.call.wait_after(&outcome, this.judge) else {
                        return Poll::Ready(outcome);
                    };
                    this.stage.set(Stage::Waits { delay: delay.into_future() });
                }
                StageProjection::Waits { delay } => {
                    ready!(delay.poll(cx));
                    if let Some(request) = this.again.take() {
                        *this.again = this.cloning.copy(&request);
                        this.stage.set(Stage::Attempt { attempt: Attempt::fresh(this.service.clone(), request) });
                    }
                }
            }
        }
    }
}

impl<S: Service<R>, R, J, C> fmt::Debug for RetriedCall<S, R, J, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetriedCall").field("call", &self.call).finish_non_exhaustive()
    }
}

impl<S, J, C, R> Service<R> for Hedged<S, J, C>
where
    S: Service<R, Future: Send> + Clone + Send + 'static,
    J: Judge<Result<S::Response, S::Error>> + Clone,
    C: Copying<R> + Clone + Send + 'static,
    R: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = HedgedCall<S, R, J>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.service.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let fresh = self.service.clone();
        let ready = mem::replace(&mut self.service, fresh);
        let Hedging { policy, judge, cloning } = self.layer.clone();
        let Some(again) = cloning.copy(&request) else {
            return HedgedCall { call: Call::Alone { attempt: Attempt::ready(ready, request) } };
        };
        let attempts: Attempts<S, R> = Box::new(attempts(ready, self.service.clone(), request, again, cloning));
        let hedging = crate::call::Hedging::of(policy);
        HedgedCall { call: Call::Hedged { future: HedgeFuture::new(hedging, attempts, judge) } }
    }
}

/// Makes the attempts of a call: the first by the service that is `ready`, the others by clones of `fresh` with copies of the request.
pub(crate) fn attempts<S, R, C>(ready: S, fresh: S, request: R, again: R, cloning: C) -> impl Fn() -> Attempt<S, R>
where
    S: Service<R> + Clone,
    C: Copying<R>,
{
    let first = Cell::new(Some((ready, request)));
    move || match (first.take(), cloning.copy(&again)) {
        (Some((ready, request)), _) => Attempt::ready(ready, request),
        (None, Some(request)) => Attempt::fresh(fresh.clone(), request),
        // the first goes on alone
        (None, None) => Attempt::never(),
    }
}

/// Makes the attempts of a call.
type Attempts<S, R> = Box<dyn Fn() -> Attempt<S, R> + Send>;

pin_project! {
    /// A call that is hedged.
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops all attempts.
    #[must_use = "futures do nothing unless polled"]
    pub struct HedgedCall<S: Service<R>, R, J> {
        #[pin]
        call: Call<S, R, J>,
    }
}

pin_project! {
    #[project = CallProjection]
    enum Call<S: Service<R>, R, J> {
        Alone { #[pin] attempt: Attempt<S, R> },
        Hedged { #[pin] future: HedgeFuture<'static, Attempts<S, R>, Attempt<S, R>, Result<S::Response, S::Error>, J> },
    }
}

impl<S, R, J> Future for HedgedCall<S, R, J>
where
    S: Service<R>,
    J: Judge<Result<S::Response, S::Error>>,
{
    type Output = Result<S::Response, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().call.project() {
            CallProjection::Alone { attempt } => attempt.poll(cx),
            CallProjection::Hedged { future } => future.poll(cx),
        }
    }
}

impl<S: Service<R>, R, J> fmt::Debug for HedgedCall<S, R, J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HedgedCall").finish_non_exhaustive()
    }
}
