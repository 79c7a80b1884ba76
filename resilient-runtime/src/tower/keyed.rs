//! The policy of a key in the request.

use std::borrow::Borrow;
use std::fmt;
use std::future::Future;
use std::hash::Hash;
use std::marker::PhantomData;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};

use ::tower::{Layer, Service};

use super::attempt::Attempt;
use super::policies::{AsBoxed, AsTyped, Refusals};
use crate::keyed::{Held, Keyed};
use crate::list::list_once;
use crate::stack::{Guard, Policy};
use crate::{PerKey, Settled};

/// Puts the policy of a key around each call: one breaker for each host, one limit for each tenant.
///
/// `key` is a function of the request. Its result is hashed and not kept. [`None` is a key](PerKey#keys) like another.
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
///
/// As beside the `key` of an attribute, [`settings`](KeyedLayer::settings) gives a key settings of its own, and [`log_key`](KeyedLayer::log_key) lets events show it:
///
/// ```
/// # use std::time::Duration;
/// # use resilient::tower::keyed;
/// # use resilient::{PerKey, RateLimit};
/// # static TENANTS: PerKey<RateLimit> =
/// #     PerKey::new(RateLimit::named("tenants").rate(100, Duration::from_secs(1)));
/// # struct Request { tenant: String }
/// fn plan_of(tenant: &str, shared: RateLimit) -> RateLimit {
///     if tenant == "acme" { shared.rate(1_000, Duration::from_secs(1)) } else { shared }
/// }
///
/// let layer = keyed(&TENANTS, |request: &Request| request.tenant.clone()).settings(plan_of).log_key();
/// # let _ = layer;
/// ```
pub const fn keyed<P: Keyed, F>(policies: &'static PerKey<P>, key: F) -> KeyedLayer<P, F> {
    KeyedLayer { policies, key, lookup: SharedSettings, errors: PhantomData }
}

/// The layer of [`keyed`].
pub struct KeyedLayer<P: 'static, F, E = AsTyped, L = SharedSettings> {
    policies: &'static PerKey<P>,
    key: F,
    lookup: L,
    errors: PhantomData<fn() -> E>,
}

impl<P, F, L> KeyedLayer<P, F, AsTyped, L> {
    /// Boxes errors, as [`boxed`](super::Policies::boxed) of `policies` does.
    pub fn boxed(self) -> KeyedLayer<P, F, AsBoxed, L> {
        KeyedLayer { policies: self.policies, key: self.key, lookup: self.lookup, errors: PhantomData }
    }
}

impl<P, F, E> KeyedLayer<P, F, E> {
    /// Gives each key settings of its own, as [`PerKey::of_with`] does: `settings` is given the key and a policy with the shared settings. It takes the key
    /// as it is, or what the key can be borrowed as: a `&str` for a key that is a `String`.
    pub fn settings<Q, S>(self, settings: S) -> KeyedLayer<P, F, E, OwnSettings<S, Q>>
    where
        Q: ?Sized,
        S: Fn(&Q, P) -> P,
    {
        let lookup = OwnSettings { settings, key: PhantomData };
        KeyedLayer { policies: self.policies, key: self.key, lookup, errors: PhantomData }
    }
}

impl<P, F, E, L> KeyedLayer<P, F, E, L> {
    /// Lets events and the list of policies show the key, as [`PerKey::of_logged`] does. A policy that machines share needs it. With
    /// [`settings`](KeyedLayer::settings), write it after them.
    pub fn log_key(self) -> KeyedLayer<P, F, E, Logged<L>> {
        KeyedLayer { policies: self.policies, key: self.key, lookup: Logged(self.lookup), errors: PhantomData }
    }

    /// Has the policies of all keys listed.
    pub(crate) fn list(&self)
    where
        P: Keyed,
    {
        if let Some(all) = P::all_listed(self.policies) {
            list_once(all);
        }
    }

    /// The policy for that request. Held for as long as the call takes, it is not forgotten.
    pub(crate) fn policy<R, K>(&self, request: &R) -> Held<'static, P>
    where
        P: Keyed,
        F: Fn(&R) -> K,
        L: Lookup<K, P>,
    {
        self.lookup.look_up(self.policies, &(self.key)(request))
    }
}

/// The way from a key to its policy.
pub trait Lookup<K, P: Keyed> {
    /// Returns the key's policy, or a stand-in.
    fn look_up(&self, policies: &'static PerKey<P>, key: &K) -> Held<'static, P>;
}

/// All keys have the same settings.
#[derive(Debug, Clone, Copy)]
pub struct SharedSettings;

/// A function gives a key settings of its own.
pub struct OwnSettings<S, Q: ?Sized> {
    settings: S,
    key: PhantomData<fn(&Q)>,
}

/// Events may show the key.
#[derive(Debug, Clone, Copy)]
pub struct Logged<L>(L);

impl<S: Clone, Q: ?Sized> Clone for OwnSettings<S, Q> {
    fn clone(&self) -> Self {
        Self { settings: self.settings.clone(), key: PhantomData }
    }
}

impl<S, Q: ?Sized> fmt::Debug for OwnSettings<S, Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnSettings").finish_non_exhaustive()
    }
}

impl<K: Hash, P: Keyed> Lookup<K, P> for SharedSettings {
    fn look_up(&self, policies: &'static PerKey<P>, key: &K) -> Held<'static, P> {
        policies.of(key)
    }
}

impl<K: Hash + fmt::Debug, P: Keyed> Lookup<K, P> for Logged<SharedSettings> {
    fn look_up(&self, policies: &'static PerKey<P>, key: &K) -> Held<'static, P> {
        policies.of_logged(key)
    }
}

impl<K, P, S, Q> Lookup<K, P> for OwnSettings<S, Q>
where
    K: Borrow<Q>,
    P: Keyed,
    S: Fn(&Q, P) -> P,
    Q: Hash + ?Sized,
{
    fn look_up(&self, policies: &'static PerKey<P>, key: &K) -> Held<'static, P> {
        policies.of_with(key.borrow(), &self.settings)
    }
}

impl<K, P, S, Q> Lookup<K, P> for Logged<OwnSettings<S, Q>>
where
    K: Borrow<Q>,
    P: Keyed,
    S: Fn(&Q, P) -> P,
    Q: Hash + fmt::Debug + ?Sized,
{
    fn look_up(&self, policies: &'static PerKey<P>, key: &K) -> Held<'static, P> {
        policies.of_logged_with(key.borrow(), &self.0.settings)
    }
}

/// The service of a [`KeyedLayer`].
pub struct KeyedService<S, P: 'static, F, E = AsTyped, L = SharedSettings> {
    service: S,
    layer: KeyedLayer<P, F, E, L>,
}

impl<P, F: Clone, E, L: Clone> Clone for KeyedLayer<P, F, E, L> {
    fn clone(&self) -> Self {
        Self { policies: self.policies, key: self.key.clone(), lookup: self.lookup.clone(), errors: PhantomData }
    }
}

impl<S: Clone, P, F: Clone, E, L: Clone> Clone for KeyedService<S, P, F, E, L> {
    fn clone(&self) -> Self {
        Self { service: self.service.clone(), layer: self.layer.clone() }
    }
}

impl<P: fmt::Debug, F, E, L> fmt::Debug for KeyedLayer<P, F, E, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedLayer").field("policies", &self.policies).finish_non_exhaustive()
    }
}

impl<S: fmt::Debug, P: fmt::Debug, F, E, L> fmt::Debug for KeyedService<S, P, F, E, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedService").field("service", &self.service).field("layer", &self.layer).finish()
    }
}

impl<S, P: Keyed, F: Clone, E, L: Clone> Layer<S> for KeyedLayer<P, F, E, L> {
    type Service = KeyedService<S, P, F, E, L>;

    fn layer(&self, service: S) -> Self::Service {
        self.list();
        KeyedService { service, layer: self.clone() }
    }
}

impl<S, P, F, E, L, K, R> Service<R> for KeyedService<S, P, F, E, L>
where
    S: Service<R, Future: Send, Response: Send, Error: Send> + Clone + Send + 'static,
    E: Refusals<S::Error> + 'static,
    P: Keyed,
    for<'p> &'p P: Policy<Guard: Guard<Result<S::Response, S::Error>> + Send>,
    F: Fn(&R) -> K,
    L: Lookup<K, P>,
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
        let policy = self.layer.policy(&request);
        Box::pin(async move {
            match crate::run(&*policy, Attempt::ready(ready, request)).await {
                Settled::Outcome(outcome) => outcome.map_err(E::of),
                Settled::Rejected(rejection) => Err(E::of_rejection(rejection)),
            }
        })
    }
}
