//! Policies as middleware of [`reqwest-middleware`](::reqwest_middleware): for code that cannot be annotated, such as a client that another crate takes or
//! generates.
//!
//! The functions are those of [`resilient::tower`](crate::tower). Each value that they return is a middleware as well as a layer, so that a client, a service
//! and a function can share a breaker, a limit or a budget.
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
//! use resilient::reqwest_middleware::{deadline_to_header, keyed, policies, retry};
//! use resilient::{Bulkhead, CircuitBreaker, PerKey, Retry, Timeout};
//!
//! static TOTAL: Timeout = Timeout::named("catalogue", Duration::from_secs(2));
//! static RETRY: Retry = Retry::named("catalogue");
//! static HOSTS: PerKey<CircuitBreaker> = PerKey::new(CircuitBreaker::named("catalogue"));
//! static PLACES: Bulkhead = Bulkhead::named("catalogue").limit(16);
//!
//! fn client() -> ClientWithMiddleware {
//!     ClientBuilder::new(reqwest::Client::new())
//!         .with(policies((&TOTAL,)))
//!         .with(retry(&RETRY))
//!         .with(keyed(&HOSTS, |request: &reqwest::Request| request.url().host_str().map(str::to_owned)))
//!         .with(policies((&PLACES,)))
//!         .with(deadline_to_header())
//!         .build()
//! }
//!
//! # async fn ask() -> Result<(), reqwest_middleware::Error> {
//! let response = client().get("https://catalogue.example/words/tide").send().await?;
//! # drop(response);
//! # Ok(())
//! # }
//! ```
//!
//! The first middleware is the outermost, as the top attribute is.
//!
//! A tenant with another plan has [settings](KeyedLayer::settings) of its own, by `keyed(&TENANTS, tenant_of).settings(plan_of)`.
//!
//! # Responses
//!
//! Policies judge the response, by its status and headers as [`by_response`] does: a 503 is retried and counts as a failure of a breaker, and a
//! retry waits for as long as `Retry-After` says. A policy with a `when` of its own goes by that, also as `keyed(…).when(…)`. A rate limit also heeds the rate-limit headers of good responses. The caller gets
//! the last response as it is, whatever its status.
//!
//! A call ends with the head of the response. No policy sees the body, which the caller reads afterwards: it holds no permit, no time-out ends it, and a failure in it
//! is not retried. `reqwest::Client` has time-outs that include the body.
//!
//! # Requests that come again
//!
//! A request is sent again only where [`Request::try_clone`] can copy it, so not with a streamed body. It also has to be safe to carry out twice:
//!
//! | request | is sent again after |
//! |---|---|
//! | GET, HEAD, OPTIONS, TRACE, PUT, DELETE | each transient failure |
//! | any with the header `Idempotency-Key` | each transient failure |
//! | POST, PATCH and others | a connection that could not be made, a throttle such as a 429; the server has not carried it out |
//!
//! [`cloning(Request::try_clone)`](crate::tower::Retrying::cloning) takes all requests for safe. [`hedge`] sends only requests of the first two rows twice.
//!
//! # Errors
//!
//! A rejection is the error of a middleware, [`Error::Middleware`]. [`Classify::rejection`](crate::Classify::rejection) of that error finds it, also in a box.

mod judging;

use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};

use ::http::Extensions;
use ::reqwest_middleware::{Error, Middleware, Next};
use ::tower::{Layer, Service, ServiceExt};
use reqwest::{Request, Response};

use self::judging::Judging;
pub use self::judging::{Judgement, Judges, Repeats};
use crate::hedge::HedgeFuture;
#[cfg(doc)]
use crate::http::by_response;
use crate::keyed::Keyed;
use crate::list::list_once;
use crate::stack::{Guard, Policy};
use crate::tower::{
    AsTyped, Choose, DeadlineToHeader, Hedging, KeyedJudge, KeyedLayer, ListedFirst, Lookup, Policies, Retrying,
    attempts,
};
pub use crate::tower::{deadline_to_header, hedge, keyed, policies, policies_for, retry};
use crate::when::{ByWhen, Judge};

/// The outcome of a request.
pub type Outcome = Result<Response, Error>;

#[async_trait::async_trait]
impl<C> Middleware for Policies<C>
where
    C: Choose<Request, Policies: Judges<Judging: Policy<Guard: Guard<Outcome> + Send> + Send>>
        + ListedFirst
        + Send
        + Sync
        + 'static,
{
    async fn handle(&self, request: Request, extensions: &mut Extensions, next: Next<'_>) -> Outcome {
        self.choose.list();
        let policies = self.choose.choose(&request).judging();
        crate::finish(crate::run(policies, next.run(request, extensions)).await)
    }
}

#[async_trait::async_trait]
impl<P, F, K, L> Middleware for KeyedLayer<P, F, AsTyped, L>
where
    P: Keyed + Send + Sync,
    for<'p> &'p P: Judges<Judging: Policy<Guard: Guard<Outcome> + Send> + Send>,
    F: Fn(&Request) -> K + Send + Sync + 'static,
    L: Lookup<K, P> + Send + Sync + 'static,
{
    async fn handle(&self, request: Request, extensions: &mut Extensions, next: Next<'_>) -> Outcome {
        self.list();
        let policy = self.policy(&request);
        crate::finish(crate::run((&*policy).judging(), next.run(request, extensions)).await)
    }
}

#[async_trait::async_trait]
impl<P, F, K, L, W, O> Middleware for KeyedLayer<P, F, AsTyped, L, ByWhen<W, O>>
where
    P: Keyed + Send + Sync,
    ByWhen<W, O>:
        for<'p> KeyedJudge<'p, P, Policy: Policy<Guard: Guard<Outcome> + Send> + Send> + Send + Sync + 'static,
    F: Fn(&Request) -> K + Send + Sync + 'static,
    L: Lookup<K, P> + Send + Sync + 'static,
{
    async fn handle(&self, request: Request, extensions: &mut Extensions, next: Next<'_>) -> Outcome {
        self.list();
        let policy = self.policy(&request);
        crate::finish(crate::run(KeyedJudge::judging(&self.judge, &*policy), next.run(request, extensions)).await)
    }
}

#[async_trait::async_trait]
impl<J, C> Middleware for Retrying<J, C>
where
    J: Judges<Judging: Judge<Outcome> + Clone + Send + Sync> + Clone + Send + Sync + 'static,
    C: Repeats + Send + Sync + 'static,
{
    async fn handle(&self, request: Request, extensions: &mut Extensions, next: Next<'_>) -> Outcome {
        let judge = Judging { judge: self.judge.clone().judging(), is_safe: self.cloning.is_safe(&request) };
        let layer = Retrying { policy: self.policy, judge, cloning: self.cloning.cloning() };
        let shared = Mutex::new(extensions.clone());
        let outcome = layer.layer(Chain { next, extensions: &shared }).oneshot(request).await;
        *extensions = shared.into_inner().unwrap_or_else(PoisonError::into_inner);
        outcome
    }
}

#[async_trait::async_trait]
impl<J, C> Middleware for Hedging<J, C>
where
    J: Judges<Judging: Judge<Outcome> + Send + Sync> + Clone + Send + Sync + 'static,
    C: Repeats + Send + Sync + 'static,
{
    async fn handle(&self, request: Request, extensions: &mut Extensions, next: Next<'_>) -> Outcome {
        list_once(self.policy);
        let cloning = self.cloning.cloning();
        let Some(again) = self.cloning.is_safe(&request).then(|| cloning(&request)).flatten() else {
            return next.run(request, extensions).await;
        };
        let shared = Mutex::new(extensions.clone());
        let chain = Chain { next, extensions: &shared };
        let attempts = attempts(chain.clone(), chain, request, again, cloning);
        let outcome =
            HedgeFuture::new(crate::call::Hedging::of(self.policy), attempts, self.judge.clone().judging()).await;
        *extensions = shared.into_inner().unwrap_or_else(PoisonError::into_inner);
        outcome
    }
}

#[async_trait::async_trait]
impl Middleware for DeadlineToHeader {
    async fn handle(&self, mut request: Request, extensions: &mut Extensions, next: Next<'_>) -> Outcome {
        self.write(request.headers_mut());
        next.run(request, extensions).await
    }
}

/// The middleware further in, as a service that a retry or a hedge can call several times.
#[derive(Clone)]
struct Chain<'c> {
    next: Next<'c>,
    /// The extensions as the attempt that ended last has left them.
    extensions: &'c Mutex<Extensions>,
}

impl<'c> Service<Request> for Chain<'c> {
    type Response = Response;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Outcome> + Send + 'c>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let Self { next, extensions } = self.clone();
        Box::pin(async move {
            let mut own = extensions.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let outcome = next.run(request, &mut own).await;
            *extensions.lock().unwrap_or_else(PoisonError::into_inner) = own;
            outcome
        })
    }
}
