//! The layer of coalescing: requests with an equal key share one call of the service.

mod errors;

use std::fmt;
use std::future::Future;
use std::hash::Hash;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll, ready};

use ::tower::{Layer, Service};
use pin_project_lite::pin_project;

pub use self::errors::SharedErrors;
pub(super) use self::errors::is_of_the_caller;
use super::attempt::Attempt;
use super::policies::{AsBoxed, AsTyped};
use crate::Coalesce;
use crate::call::Shareable;
use crate::coalesce::Judgement;
use crate::futures::CoalesceRenewing;
use crate::list::list_once;

/// Has requests with an equal key share one call of the service, and gives each caller a clone of the response.
///
/// `key` is a function of the request. Its result is hashed and not kept, and must hold **everything that the response depends on**: the tenant, the
/// user, the credentials. A request for which it returns `None` is not shared: it is a call of its own.
///
/// The response has to be `Clone + Send + Sync + 'static`. For responses of HTTP, whose bodies are read once, there is `coalesce_http`, with the
/// feature `http-1`.
///
/// ```
/// use std::convert::Infallible;
///
/// use resilient::Coalesce;
/// use resilient::tower::coalesce;
/// use tower::{Service, ServiceBuilder, ServiceExt, service_fn};
///
/// static LOOKUPS: Coalesce = Coalesce::named("lookups");
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let dictionary = service_fn(|word: &'static str| async move {
///     tokio::task::yield_now().await;
///     Ok::<_, Infallible>(word.len())
/// });
/// let service = ServiceBuilder::new()
///     .layer(coalesce(&LOOKUPS, |word: &&'static str| (!word.is_empty()).then_some(*word)))
///     .service(dictionary);
/// let look_up = |word| service.clone().oneshot(word);
///
/// assert_eq!(tokio::join!(look_up("tide"), look_up("tide"), look_up("ebb")), (Ok(4), Ok(4), Ok(3)));
/// assert_eq!((LOOKUPS.counts().leaders, LOOKUPS.counts().followers), (2, 1));
/// # }
/// ```
///
/// # Calls that are joined
///
/// Requests to one service and its clones. A service that is made by another use of the layer is another one, even with the same policy: its answers
/// are its own. So put the layer around a service once, and clone the result. A stack that is built anew for each request or each connection joins
/// nothing.
///
/// # Readiness
///
/// The layer is ready at once. The call that leads polls a clone of the service ready, and then calls it. A call that follows reserves nothing in the
/// service: neither a place in a buffer nor one in a concurrency limit, which are scarce when many wait for the same. A failure of `poll_ready` is an
/// outcome like another.
///
/// # Errors
///
/// A failure is for all that wait. Its error has to be `Clone`, and to implement [`Classify`](crate::Classify); [`boxed`](CoalesceLayer::boxed) is
/// for any other. A rejection for the leader's own deadline or its cancellation is told to nobody else: the next caller leads.
///
/// # Old responses
///
/// With [`hold`](Coalesce::hold), a response and a failure too are given out for so long after they came. With
/// [`stale_while_revalidate`](Coalesce::stale_while_revalidate), a response is given out longer, while the request of the first caller that finds it
/// stale is sent by a tokio task.
pub const fn coalesce<F>(policy: &'static Coalesce, key: F) -> CoalesceLayer<F> {
    CoalesceLayer { policy, key, errors: PhantomData }
}

/// The layer of [`coalesce`](fn@coalesce).
pub struct CoalesceLayer<F, E = AsTyped> {
    policy: &'static Coalesce,
    key: F,
    errors: PhantomData<fn() -> E>,
}

impl<F> CoalesceLayer<F> {
    /// Boxes errors, for a service whose error is not `Clone`, such as a [`BoxError`](::tower::BoxError).
    ///
    /// Each caller gets a box with an `Arc<dyn Error + Send + Sync>` of the one error. Policies above find in it what they would find in the error
    /// itself: its class, a rejection, a hint. To look for a type by hand, downcast the box to that `Arc`, and the error in it further.
    pub fn boxed(self) -> CoalesceLayer<F, AsBoxed> {
        CoalesceLayer { policy: self.policy, key: self.key, errors: PhantomData }
    }
}

impl<F: Clone, E> Clone for CoalesceLayer<F, E> {
    fn clone(&self) -> Self {
        Self { policy: self.policy, key: self.key.clone(), errors: PhantomData }
    }
}

impl<F, E> fmt::Debug for CoalesceLayer<F, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CoalesceLayer").field("policy", &self.policy).finish_non_exhaustive()
    }
}

impl<S, F: Clone, E> Layer<S> for CoalesceLayer<F, E> {
    type Service = Coalesced<S, F, E>;

    fn layer(&self, service: S) -> Self::Service {
        list_once(self.policy);
        Coalesced { service, number: next_number(), layer: self.clone() }
    }
}

/// Returns a number for whom calls are joined with, which nobody else has.
pub(super) fn next_number() -> usize {
    static NUMBERS: AtomicUsize = AtomicUsize::new(1);
    // Relaxed: nothing but the number
    NUMBERS.fetch_add(1, Relaxed)
}

/// The service of a [`CoalesceLayer`].
pub struct Coalesced<S, F, E = AsTyped> {
    service: S,
    /// Calls are joined with those of clones.
    number: usize,
    layer: CoalesceLayer<F, E>,
}

impl<S: Clone, F: Clone, E> Clone for Coalesced<S, F, E> {
    fn clone(&self) -> Self {
        Self { service: self.service.clone(), number: self.number, layer: self.layer.clone() }
    }
}

impl<S: fmt::Debug, F, E> fmt::Debug for Coalesced<S, F, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Coalesced").field("service", &self.service).field("layer", &self.layer).finish_non_exhaustive()
    }
}

impl<S, F, E, K, R> Service<R> for Coalesced<S, F, E>
where
    S: Service<R, Response: Shareable, Future: Send> + Clone + Send + 'static,
    F: Fn(&R) -> Option<K>,
    E: SharedErrors<S::Error> + 'static,
    K: Hash,
    R: Send + 'static,
{
    type Response = S::Response;
    type Error = E::Error;
    type Future = CoalescedCall<S, R, E>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), E::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: R) -> Self::Future {
        let key = (self.layer.key)(&request);
        let attempt = Attempt::fresh(self.service.clone(), request);
        let way = match key {
            None => Way::Alone { attempt },
            Some(key) => {
                let call = self.layer.policy.call(&key).of_service(self.number);
                Way::Together {
                    call: call.run_judged(SharedAttempt { attempt, errors: PhantomData }, judge::<_, S::Error, E>),
                }
            }
        };
        CoalescedCall { way }
    }
}

fn judge<T, X, E: SharedErrors<X>>(outcome: &Result<T, E::Shared>) -> Judgement {
    match outcome {
        Ok(_) => Judgement::Good,
        Err(error) if is_of_the_caller::<X, E>(error) => Judgement::ForTheCaller,
        Err(_) => Judgement::ForAll,
    }
}

pin_project! {
    /// A call of the service, whose error can be given to several.
    struct SharedAttempt<S: Service<R>, R, E> {
        #[pin]
        attempt: Attempt<S, R>,
        errors: PhantomData<fn() -> E>,
    }
}

impl<S: Service<R>, R, E: SharedErrors<S::Error>> Future for SharedAttempt<S, R, E> {
    type Output = Result<S::Response, E::Shared>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().attempt.poll(cx).map_err(E::share)
    }
}

pin_project! {
    /// A call that is coalesced.
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the call of the service, if it makes one for all. One of those who wait calls it instead.
    #[must_use = "futures do nothing unless polled"]
    pub struct CoalescedCall<S, R, E>
    where
        S: Service<R>,
        E: SharedErrors<S::Error>,
    {
        #[pin]
        way: Way<S, R, E>,
    }
}

pin_project! {
    #[project = WayProjection]
    enum Way<S, R, E>
    where
        S: Service<R>,
        E: SharedErrors<S::Error>,
    {
        Alone { #[pin] attempt: Attempt<S, R> },
        Together { #[pin] call: CoalesceRenewing<'static, SharedAttempt<S, R, E>> },
    }
}

impl<S, R, E> Future for CoalescedCall<S, R, E>
where
    S: Service<R, Response: Shareable, Future: Send> + Send + 'static,
    E: SharedErrors<S::Error> + 'static,
    R: Send + 'static,
{
    type Output = Result<S::Response, E::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(match self.project().way.project() {
            WayProjection::Alone { attempt } => ready!(attempt.poll(cx)).map_err(E::of),
            WayProjection::Together { call } => ready!(call.poll(cx)).map_err(E::give),
        })
    }
}

impl<S: Service<R>, R, E: SharedErrors<S::Error>> fmt::Debug for CoalescedCall<S, R, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CoalescedCall").finish_non_exhaustive()
    }
}
