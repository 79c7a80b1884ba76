//! A tuple of policies as a layer.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};

use ::tower::{BoxError, Layer, Service};
use pin_project_lite::pin_project;

use super::attempt::Attempt;
use crate::stack::{Guard, Policy, Stack};
use crate::{Error, Settled};

/// Puts policies around a service: one in a tuple, or several, the outermost first.
///
/// They are references to `static`s, or what their methods return: `&BREAKER`, `BREAKER.when(…)`, `PLACES.learning()`.
///
/// ```
/// use resilient::tower::policies;
/// use resilient::{Class, CircuitBreaker};
/// use tower::{BoxError, ServiceBuilder, ServiceExt, service_fn};
///
/// static BREAKER: CircuitBreaker = CircuitBreaker::named("catalogue");
///
/// # type Response = u16;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), BoxError> {
/// // a breaker that also counts answers that the service calls good
/// let by_status = |outcome: &Result<Response, BoxError>| match outcome {
///     Ok(status) if *status >= 500 => Class::Transient,
///     Ok(_) => Class::Success,
///     Err(_) => Class::Transient,
/// };
/// let service = ServiceBuilder::new()
///     .layer(policies((BREAKER.when(by_status),)))
///     .service(service_fn(|_: ()| async { Ok::<Response, BoxError>(503) }));
///
/// service.oneshot(()).await?;
/// assert_eq!(BREAKER.counts().failures, 1);
/// # Ok(())
/// # }
/// ```
#[doc(alias("bulkhead", "circuit_breaker", "concurrency_limit", "load_shed", "rate_limit", "throttle", "timeout"))]
pub const fn policies<P: Policy + Clone + 'static>(policies: P) -> Policies<Fixed<P>> {
    Policies { choose: Fixed { policies, list: P::list }, errors: PhantomData }
}

/// Puts the policies around a service that a function of the request chooses: with a weight, a priority, or another breaker for another path.
///
/// ```
/// use resilient::tower::policies_for;
/// use resilient::{Bulkhead, Priority};
///
/// static PLACES: Bulkhead = Bulkhead::named("api").limit(100);
///
/// # struct Request { is_batch: bool }
/// let layer = policies_for(|request: &Request| {
///     let priority = if request.is_batch { Priority::Low } else { Priority::High };
///     (PLACES.entry().priority(priority),)
/// });
/// # let _ = layer;
/// ```
pub const fn policies_for<F>(choose: F) -> Policies<Chosen<F>> {
    Policies { choose: Chosen(choose), errors: PhantomData }
}

/// A layer of policies; from [`policies`] and [`policies_for`].
pub struct Policies<C, E = AsTyped> {
    pub(crate) choose: C,
    errors: PhantomData<fn() -> E>,
}

impl<C> Policies<C> {
    /// Boxes errors, for a service whose error does not take a rejection by `From<resilient::Error>`: a client's of another crate, or `Infallible`.
    pub fn boxed(self) -> Policies<C, AsBoxed> {
        Policies { choose: self.choose, errors: PhantomData }
    }
}

/// Policies that are listed when their layer is put around a service, as far as they are known by then.
pub trait ListedFirst {
    /// Has them listed.
    #[doc(hidden)]
    fn list(&self);
}

// Without `P: 'static`, which a task that holds the layer could not prove: within an async block, the compiler forgets which lifetime a reference has.
impl<P> ListedFirst for Fixed<P> {
    fn list(&self) {
        (self.list)(&self.policies);
    }
}

/// They are listed when they are chosen.
impl<F> ListedFirst for Chosen<F> {
    fn list(&self) {}
}

/// The policies for a request.
pub trait Choose<R> {
    /// A policy, or a tuple of them.
    type Policies: Policy;

    /// Returns those for the request.
    fn choose(&self, request: &R) -> Self::Policies;
}

/// The same policies for all requests.
#[derive(Clone, Copy)]
pub struct Fixed<P> {
    policies: P,
    /// Has them listed.
    list: fn(&P),
}

impl<P: fmt::Debug> fmt::Debug for Fixed<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Fixed").field(&self.policies).finish()
    }
}

impl<R, P: Policy + Clone> Choose<R> for Fixed<P> {
    type Policies = P;

    fn choose(&self, _request: &R) -> P {
        self.policies.clone()
    }
}

/// The policies that a function returns for a request.
#[derive(Debug, Clone, Copy)]
pub struct Chosen<F>(F);

impl<R, P: Policy + 'static, F: Fn(&R) -> P> Choose<R> for Chosen<F> {
    type Policies = P;

    fn choose(&self, request: &R) -> P {
        let policies = (self.0)(request);
        policies.list();
        policies
    }
}

/// The error that a layer returns, for the service's error `E`.
pub trait Errors<E> {
    /// Its type.
    type Error;

    /// The service's error.
    fn of(error: E) -> Self::Error;
}

/// The error that a layer of policies returns, which is a rejection as well.
#[diagnostic::on_unimplemented(
    message = "an error of type `{E}` cannot hold a policy's refusal",
    note = "write `.boxed()` behind the innermost layer, or `impl From<resilient::Error>` for the service's error"
)]
pub trait Refusals<E>: Errors<E> {
    /// A policy's rejection.
    fn of_rejection(rejection: Error) -> Self::Error;
}

/// Errors are boxed, as in some of tower's own layers.
#[derive(Debug, Clone, Copy)]
pub struct AsBoxed;

impl<E: Into<BoxError>> Errors<E> for AsBoxed {
    type Error = BoxError;

    fn of(error: E) -> BoxError {
        error.into()
    }
}

impl<E: Into<BoxError>> Refusals<E> for AsBoxed {
    fn of_rejection(rejection: Error) -> BoxError {
        rejection.into()
    }
}

/// Errors stay what they are.
#[derive(Debug, Clone, Copy)]
pub struct AsTyped;

impl<E> Errors<E> for AsTyped {
    type Error = E;

    fn of(error: E) -> E {
        error
    }
}

// `do_not_recommend`: the message is that of the trait
#[diagnostic::do_not_recommend]
impl<E: From<Error>> Refusals<E> for AsTyped {
    fn of_rejection(rejection: Error) -> E {
        rejection.into()
    }
}

impl<C: Clone, E> Clone for Policies<C, E> {
    fn clone(&self) -> Self {
        Self { choose: self.choose.clone(), errors: PhantomData }
    }
}

impl<C: fmt::Debug, E> fmt::Debug for Policies<C, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policies").field("choose", &self.choose).finish_non_exhaustive()
    }
}

impl<S, C: Clone + ListedFirst, E> Layer<S> for Policies<C, E> {
    type Service = Guarded<S, C, E>;

    fn layer(&self, service: S) -> Self::Service {
        self.choose.list();
        Guarded { service, choose: self.choose.clone(), errors: PhantomData }
    }
}

/// A service and the policies around each of its calls.
pub struct Guarded<S, C, E = AsTyped> {
    service: S,
    choose: C,
    errors: PhantomData<fn() -> E>,
}

impl<S, C, E, R> Service<R> for Guarded<S, C, E>
where
    S: Service<R> + Clone,
    C: Choose<R>,
    E: Refusals<S::Error>,
    <C::Policies as Policy>::Guard: Guard<Result<S::Response, S::Error>>,
{
    type Response = S::Response;
    type Error = E::Error;
    type Future = GuardedCall<S, R, <C::Policies as Policy>::Guard, E>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.service.poll_ready(cx).map_err(E::of)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let fresh = self.service.clone();
        let ready = mem::replace(&mut self.service, fresh);
        let guards = self.choose.choose(&request).guard();
        GuardedCall { call: Stack::new(Attempt::ready(ready, request), guards), errors: PhantomData }
    }
}

impl<S: Clone, C: Clone, E> Clone for Guarded<S, C, E> {
    fn clone(&self) -> Self {
        Self { service: self.service.clone(), choose: self.choose.clone(), errors: PhantomData }
    }
}

impl<S: fmt::Debug, C: fmt::Debug, E> fmt::Debug for Guarded<S, C, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guarded").field("service", &self.service).field("choose", &self.choose).finish_non_exhaustive()
    }
}

pin_project! {
    /// A call under policies.
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the call of the service, and then gives back what the policies hold.
    #[must_use = "futures do nothing unless polled"]
    pub struct GuardedCall<S: Service<R>, R, G, E> {
        #[pin]
        call: Stack<Attempt<S, R>, G>,
        errors: PhantomData<fn() -> E>,
    }
}

impl<S, R, G, E> Future for GuardedCall<S, R, G, E>
where
    S: Service<R>,
    G: Guard<Result<S::Response, S::Error>>,
    E: Refusals<S::Error>,
{
    type Output = Result<S::Response, E::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().call.poll(cx).map(|settled| match settled {
            Settled::Outcome(outcome) => outcome.map_err(E::of),
            Settled::Rejected(rejection) => Err(E::of_rejection(rejection)),
        })
    }
}

impl<S: Service<R>, R, G: fmt::Debug, E> fmt::Debug for GuardedCall<S, R, G, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardedCall").field("call", &self.call).finish_non_exhaustive()
    }
}
