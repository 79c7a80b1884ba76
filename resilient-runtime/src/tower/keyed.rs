//! The policy of a key in the request.

use std::fmt;
use std::future::Future;
use std::hash::Hash;
use std::marker::PhantomData;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};

use ::tower::{Layer, Service};

use super::attempt::Attempt;
use super::policies::{AsBoxed, AsTyped, Errors};
use crate::keyed::Keyed;
use crate::stack::{Guard, Policy};
use crate::{PerKey, Settled};

/// Puts the policy of a key around each call: one breaker for each host, one limit for each tenant.
///
/// `key` is a function of the request. Its result is hashed and not kept.
///
/// ```
/// use std::time::Duration;
/// use resilient::tower::keyed;
/// use resilient::{PerKey, RateLimit};
///
/// static TENANTS: PerKey<RateLimit> =
///     PerKey::new(RateLimit::named("tenants").rate(100, Duration::from_secs(1)));
///
/// # struct Request { tenant: u64 }
/// let layer = keyed(&TENANTS, |request: &Request| request.tenant);
/// # let _ = layer;
/// ```
pub const fn keyed<P: Keyed, F>(policies: &'static PerKey<P>, key: F) -> KeyedLayer<P, F> {
    KeyedLayer { policies, key, errors: PhantomData }
}

/// The layer of [`keyed`].
pub struct KeyedLayer<P: 'static, F, E = AsTyped> {
    pub(crate) policies: &'static PerKey<P>,
    pub(crate) key: F,
    errors: PhantomData<fn() -> E>,
}

impl<P, F> KeyedLayer<P, F> {
    /// Boxes errors, as [`boxed`](super::Policies::boxed) of `policies` does.
    pub fn boxed(self) -> KeyedLayer<P, F, AsBoxed> {
        KeyedLayer { policies: self.policies, key: self.key, errors: PhantomData }
    }
}

/// The service of a [`KeyedLayer`].
pub struct KeyedService<S, P: 'static, F, E = AsTyped> {
    service: S,
    layer: KeyedLayer<P, F, E>,
}

impl<P, F: Clone, E> Clone for KeyedLayer<P, F, E> {
    fn clone(&self) -> Self {
        Self { policies: self.policies, key: self.key.clone(), errors: PhantomData }
    }
}

impl<S: Clone, P, F: Clone, E> Clone for KeyedService<S, P, F, E> {
    fn clone(&self) -> Self {
        Self { service: self.service.clone(), layer: self.layer.clone() }
    }
}

impl<P: fmt::Debug, F, E> fmt::Debug for KeyedLayer<P, F, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedLayer").field("policies", &self.policies).finish_non_exhaustive()
    }
}

impl<S: fmt::Debug, P: fmt::Debug, F, E> fmt::Debug for KeyedService<S, P, F, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedService").field("service", &self.service).field("layer", &self.layer).finish()
    }
}

impl<S, P, F: Clone, E> Layer<S> for KeyedLayer<P, F, E> {
    type Service = KeyedService<S, P, F, E>;

    fn layer(&self, service: S) -> Self::Service {
        KeyedService { service, layer: self.clone() }
    }
}

impl<S, P, F, E, K, R> Service<R> for KeyedService<S, P, F, E>
where
    S: Service<R, Future: Send, Response: Send, Error: Send> + Clone + Send + 'static,
    E: Errors<S::Error> + 'static,
    P: Keyed,
    for<'p> &'p P: Policy<Guard: Guard<Result<S::Response, S::Error>> + Send>,
    F: Fn(&R) -> K,
    K: Hash,
    R: Send + 'static,
{
    type Response = S::Response;
    type Error = E::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, E::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), E::Error>> {
        self.service.poll_ready(cx).map_err(E::of)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let fresh = self.service.clone();
        let ready = mem::replace(&mut self.service, fresh);
        // held for as long as the call takes, so that it is not forgotten
        let policy = self.layer.policies.of(&(self.layer.key)(&request));
        Box::pin(async move {
            match crate::run(&*policy, Attempt::ready(ready, request)).await {
                Settled::Outcome(outcome) => outcome.map_err(E::of),
                Settled::Rejected(rejection) => Err(E::of_rejection(rejection)),
            }
        })
    }
}
