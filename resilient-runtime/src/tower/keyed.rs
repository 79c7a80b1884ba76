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
use crate::stack::{Guard, Judged, JudgingPolicy, Policy};
use crate::when::{ByClass, ByWhen};
use crate::{PerKey, Settled, When};

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
    KeyedLayer { policies, key, lookup: SharedSettings, judge: ByClass, errors: PhantomData }
}

/// The layer of [`keyed`].
pub struct KeyedLayer<P: 'static, F, E = AsTyped, L = SharedSettings, J = ByClass> {
    policies: &'static PerKey<P>,
    key: F,
    lookup: L,
    pub(crate) judge: J,
    errors: PhantomData<fn() -> E>,
}

impl<P, F, L, J> KeyedLayer<P, F, AsTyped, L, J> {
    /// Boxes errors, as [`boxed`](super::Policies::boxed) of `policies` does.
    pub fn boxed(self) -> KeyedLayer<P, F, AsBoxed, L, J> {
        let Self { policies, key, lookup, judge, .. } = self;
        KeyedLayer { policies, key, lookup, judge, errors: PhantomData }
    }
}

impl<P, F, E, L> KeyedLayer<P, F, E, L> {
    /// Goes by the class that `when` assigns to an outcome, as `BREAKER.when(…)` among `policies` does: on a server, a response that says that it failed.
    ///
    /// ```
    /// use resilient::tower::keyed;
    /// use resilient::{CircuitBreaker, PerKey};
    /// use tower::{BoxError, ServiceBuilder, ServiceExt, service_fn};
    ///
    /// static TENANTS: PerKey<CircuitBreaker> = PerKey::new(CircuitBreaker::named("tenants").consecutive(2));
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let is_failure = |outcome: &Result<u16, BoxError>| !outcome.as_ref().is_ok_and(|status| *status < 500);
    /// let service = ServiceBuilder::new()
    ///     .layer(keyed(&TENANTS, |tenant: &&'static str| *tenant).when(is_failure))
    ///     .service(service_fn(|_: &'static str| async { Ok::<u16, BoxError>(500) }));
    ///
    /// for _ in 0..2 {
    ///     assert_eq!(service.clone().oneshot("acme").await.unwrap(), 500);
    /// }
    /// assert!(service.clone().oneshot("acme").await.is_err(), "its breaker is open");
    /// assert_eq!(service.oneshot("umbrella").await.unwrap(), 500);
    /// # }
    /// ```
    pub fn when<W, O, By>(self, when: W) -> KeyedLayer<P, F, E, L, ByWhen<W, O>>
    where
        W: When<O, By>,
    {
        let Self { policies, key, lookup, .. } = self;
        KeyedLayer { policies, key, lookup, judge: ByWhen::new(when), errors: PhantomData }
    }
}

impl<P, F, E, J> KeyedLayer<P, F, E, SharedSettings, J> {
    /// Gives each key settings of its own, as [`PerKey::of_with`] does: `settings` is given the key and a policy with the shared settings. It takes the key
    /// as it is, or what the key can be borrowed as: a `&str` for a key that is a `String`.
    pub fn settings<Q, S>(self, settings: S) -> KeyedLayer<P, F, E, OwnSettings<S, Q>, J>
    where
        Q: ?Sized,
        S: Fn(&Q, P) -> P,
    {
        let lookup = OwnSettings { settings, key: PhantomData };
        KeyedLayer { policies: self.policies, key: self.key, lookup, judge: self.judge, errors: PhantomData }
    }
}

impl<P, F, E, L, J> KeyedLayer<P, F, E, L, J> {
    /// Lets events and the list of policies show the key, as [`PerKey::of_logged`] does. A policy that machines share needs it. With
    /// [`settings`](KeyedLayer::settings), write it after them.
    pub fn log_key(self) -> KeyedLayer<P, F, E, Logged<L>, J> {
        let Self { policies, key, lookup, judge, .. } = self;
        KeyedLayer { policies, key, lookup: Logged(lookup), judge, errors: PhantomData }
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

/// The way in which the policy of a key judges outcomes.
pub trait KeyedJudge<'p, P> {
    /// The policy, made to judge so.
    type Policy: Policy;

    /// Returns it.
    fn judging(&self, policy: &'p P) -> Self::Policy;
}

/// By itself.
impl<'p, P: 'p> KeyedJudge<'p, P> for ByClass
where
    &'p P: Policy,
{
    type Policy = &'p P;

    fn judging(&self, policy: &'p P) -> &'p P {
        policy
    }
}

impl<'p, P: 'p, W: Clone, O> KeyedJudge<'p, P> for ByWhen<W, O>
where
    &'p P: JudgingPolicy<Self>,
{
    type Policy = Judged<&'p P, W, O>;

    fn judging(&self, policy: &'p P) -> Self::Policy {
        Judged { policy, judge: self.clone() }
    }
}

/// The service of a [`KeyedLayer`].
pub struct KeyedService<S, P: 'static, F, E = AsTyped, L = SharedSettings, J = ByClass> {
    service: S,
    layer: KeyedLayer<P, F, E, L, J>,
}

impl<P, F: Clone, E, L: Clone, J: Clone> Clone for KeyedLayer<P, F, E, L, J> {
    fn clone(&self) -> Self {
        Self {
            policies: self.policies,
            key: self.key.clone(),
            lookup: self.lookup.clone(),
            judge: self.judge.clone(),
            errors: PhantomData,
        }
    }
}

impl<S: Clone, P, F: Clone, E, L: Clone, J: Clone> Clone for KeyedService<S, P, F, E, L, J> {
    fn clone(&self) -> Self {
        Self { service: self.service.clone(), layer: self.layer.clone() }
    }
}

impl<P: fmt::Debug, F, E, L, J> fmt::Debug for KeyedLayer<P, F, E, L, J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedLayer").field("policies", &self.policies).finish_non_exhaustive()
    }
}

impl<S: fmt::Debug, P: fmt::Debug, F, E, L, J> fmt::Debug for KeyedService<S, P, F, E, L, J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedService").field("service", &self.service).field("layer", &self.layer).finish()
    }
}

impl<S, P: Keyed, F: Clone, E, L: Clone, J: Clone> Layer<S> for KeyedLayer<P, F, E, L, J> {
    type Service = KeyedService<S, P, F, E, L, J>;

    fn layer(&self, service: S) -> Self::Service {
        self.list();
        KeyedService { service, layer: self.clone() }
    }
}

impl<S, P, F, E, L, J, K, R> Service<R> for KeyedService<S, P, F, E, L, J>
where
    S: Service<R, Future: Send, Response: Send, Error: Send> + Clone + Send + 'static,
    E: Refusals<S::Error> + 'static,
    P: Keyed,
    J: for<'p> KeyedJudge<'p, P, Policy: Policy<Guard: Guard<Result<S::Response, S::Error>> + Send> + Send>
        + Clone
        + Send
        + 'static,
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
        let judge = self.layer.judge.clone();
        Box::pin(async move {
            match crate::run(judge.judging(&policy), Attempt::ready(ready, request)).await {
                Settled::Outcome(outcome) => outcome.map_err(E::of),
                Settled::Rejected(rejection) => Err(E::of_rejection(rejection)),
            }
        })
    }
}
