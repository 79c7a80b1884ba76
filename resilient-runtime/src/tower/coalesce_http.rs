//! The layer of coalescing for HTTP: GET and HEAD requests for the same share one response.

mod body;
mod collect;
mod freshness;
mod key;
mod outcome;

use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use ::tower::{BoxError, Layer, Service};
use bytes::Bytes;
use http::header::{ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE};
use http::{HeaderName, Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;

pub use self::body::CoalescedBody;
use self::collect::{Collecting, Terms};
pub use self::key::{ByKey, ByUri, RequestKey};
use self::outcome::judge;
use super::attempt::Attempt;
use super::coalesce::{SharedErrors, next_number};
use super::policies::{AsBoxed, AsTyped};
use crate::Coalesce;
use crate::futures::CoalesceRenewing;
use crate::list::list_once;

/// Has GET and HEAD requests for the same share one response of an HTTP service, whose body is read once and given to all.
///
/// It stands around a router of axum or any other service of `http::Request<_>` and `http::Response<B>`, where `B` is an [`http_body::Body`] of
/// [`Bytes`].
///
/// ```
/// use axum::{Router, routing::get};
/// use resilient::Coalesce;
/// use resilient::tower::coalesce_http;
///
/// static PAGES: Coalesce = Coalesce::named("pages");
///
/// let app: Router = Router::new()
///     .route("/", get(|| async { "front page" }))
///     .layer(coalesce_http(&PAGES).vary(["accept", "accept-encoding", "x-tenant"]));
/// # let _ = app;
/// ```
///
/// # Requests that are joined
///
/// GET and HEAD, each with its like, whose URI and `Host` are equal, and the headers that [`vary`](CoalesceHttpLayer::vary) names: `Accept`,
/// `Accept-Encoding` and `Accept-Language`, unless it is set. **Name there every other header that a response depends on**, such as one with a
/// tenant, a key of an API or a forwarded host: nothing else tells the requests apart.
///
/// These are calls of their own, which reach the service as if the layer were not there:
///
/// * a request with another method, with a body, or with `Upgrade`;
/// * one with `Authorization`, `Proxy-Authorization`, `Cookie`, `Range` or a header that makes it conditional, unless `vary` names that header;
/// * one with `Cache-Control: no-store`.
///
/// [`key`](CoalesceHttpLayer::key) is for other rules.
///
/// Requests are joined over all services that one value of the layer, or a clone of it, is put around: axum makes the services of its routes anew for
/// each connection. Another value, made by another call of this function, joins its own, also under the same policy. With the feature `axum-0-8`, the URI
/// is the one that came, also inside of nested routers. **Without it, and beside a `key` of your own, give each nested router a value of its own**: it
/// sees paths without its prefix, and would take `/users/7` and `/orders/7` for the same.
///
/// # Responses that are given out
///
/// The head is cloned, with its extensions, and the body is read to its end first, its trailers too. A failure of the service is for all that wait,
/// and so is one of a body: each caller gets the head, the part that came, and the failure.
///
/// A response is for the leader alone, and those who wait send their own requests, all at once, if
///
/// * it has `Set-Cookie`, `Cache-Control: private` or `no-store`, `Vary: *`, or `Vary` with a header that is not in the key;
/// * its status is 1xx, or answers a condition or a range (206, 304, 412, 416, 417), or its body is an event stream or of several parts that replace
///   each other;
/// * its body is larger than the [limit](CoalesceHttpLayer::body_limit). The leader gets all of it, the part that was read and then the rest.
///
/// A body that trickles for hours within the limit reaches nobody before its end: have such paths outside the layer, or a `key` that returns `None`
/// for them.
///
/// # Old responses
///
/// With [`hold`](Coalesce::hold), a response is given out for so long after it came, with an `Age`. It is not held, and still goes to all that wait,
/// if
///
/// * it failed: a 5xx, 408, 425 or 429, a body that broke off, an error of the service;
/// * it says `no-cache`, or that it is fresh for a shorter time than `hold`;
/// * it says nothing of the kind, and its status is none of 200, 203, 204, 300, 301, 308, 404, 405, 410 and 414.
///
/// [`stale_while_revalidate`](Coalesce::stale_while_revalidate) works on such responses below 400, unless they say `must-revalidate`,
/// `proxy-revalidate` or `s-maxage`.
///
/// # Readiness, errors, modes
///
/// As with [`coalesce`](fn@super::coalesce#readiness). The error of a shared body is a [`BoxError`] with an `Arc<dyn Error + Send + Sync>` in it. In
/// [`Mode::Observe`](crate::Mode::Observe) nobody is given another's response, and bodies are read first all the same; with the mode off they are
/// not.
pub fn coalesce_http(policy: &'static Coalesce) -> CoalesceHttpLayer {
    let vary = Arc::new([ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE]);
    CoalesceHttpLayer { policy, number: next_number(), key: ByUri, vary, body_limit: BODY_LIMIT, errors: PhantomData }
}

/// The layer of [`coalesce_http`].
pub struct CoalesceHttpLayer<Q = ByUri, E = AsTyped> {
    policy: &'static Coalesce,
    /// Calls are joined with those of layers of the same number.
    number: usize,
    key: Q,
    vary: Arc<[HeaderName]>,
    body_limit: usize,
    errors: PhantomData<fn() -> E>,
}

impl<Q, E> CoalesceHttpLayer<Q, E> {
    /// Names the headers that are part of the key, in place of `accept`, `accept-encoding` and `accept-language`.
    ///
    /// A request without such a header is joined by requests without it. `authorization` or `cookie` among the names has requests with that header
    /// joined where it is equal.
    ///
    /// # Panics
    ///
    /// If one is not the name of a header.
    #[must_use]
    pub fn vary<'n>(self, names: impl IntoIterator<Item = &'n str>) -> Self {
        let name = |name: &str| {
            let header = HeaderName::from_bytes(name.as_bytes());
            header.unwrap_or_else(|_| panic!("`{name}` is not the name of a header"))
        };
        // a key of other headers is another key
        Self { vary: names.into_iter().map(name).collect(), number: next_number(), ..self }
    }

    /// Sets how many bytes of a body are collected at the most; 1 MiB unless set.
    ///
    /// A response with a larger body is the leader's alone. Each key in flight holds up to so many bytes, and twice as many while they come in
    /// pieces; with [`hold`](Coalesce::hold) each key that is held does too, of which there are up to [`MOST_KEYS`](Coalesce::MOST_KEYS). A page, a
    /// list or an image is below 1 MiB nearly always, and a thousand keys stay within the memory of a usual server. Set it lower to hold responses
    /// where strangers choose the URI, whose query is a part of the key.
    #[must_use]
    pub fn body_limit(self, bytes: usize) -> Self {
        Self { body_limit: bytes, ..self }
    }
}

impl<E> CoalesceHttpLayer<ByUri, E> {
    /// Takes the key from a function of the request, in place of its URI and `Host`.
    ///
    /// A request for which it returns `None` is a call of its own. Method and [`vary`](CoalesceHttpLayer::vary) stay parts of the key. Requests with
    /// credentials, a range or a condition are joined too, so the function says what becomes of them:
    ///
    /// ```
    /// use axum::extract::Request;
    /// use http::header::AUTHORIZATION;
    /// use resilient::Coalesce;
    /// use resilient::tower::coalesce_http;
    ///
    /// static PAGES: Coalesce = Coalesce::named("pages");
    ///
    /// // parameters for statistics do not change the page
    /// let layer = coalesce_http(&PAGES).key(|request: &Request| {
    ///     let is_public = !request.headers().contains_key(AUTHORIZATION);
    ///     is_public.then(|| request.uri().path().to_owned())
    /// });
    /// # let _ = layer;
    /// ```
    pub fn key<F>(self, key: F) -> CoalesceHttpLayer<ByKey<F>, E> {
        let Self { policy, vary, body_limit, .. } = self;
        CoalesceHttpLayer { policy, number: next_number(), key: ByKey(key), vary, body_limit, errors: PhantomData }
    }
}

impl<Q> CoalesceHttpLayer<Q> {
    /// Boxes errors, as [`boxed`](super::CoalesceLayer::boxed) of `coalesce` does.
    pub fn boxed(self) -> CoalesceHttpLayer<Q, AsBoxed> {
        let Self { policy, number, key, vary, body_limit, .. } = self;
        CoalesceHttpLayer { policy, number, key, vary, body_limit, errors: PhantomData }
    }
}

impl<Q: Clone, E> Clone for CoalesceHttpLayer<Q, E> {
    fn clone(&self) -> Self {
        let Self { policy, number, ref key, ref vary, body_limit, .. } = *self;
        Self { policy, number, key: key.clone(), vary: vary.clone(), body_limit, errors: PhantomData }
    }
}

impl<Q, E> fmt::Debug for CoalesceHttpLayer<Q, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CoalesceHttpLayer")
            .field("policy", &self.policy)
            .field("vary", &self.vary)
            .field("body_limit", &self.body_limit)
            .finish_non_exhaustive()
    }
}

impl<S, Q: Clone, E> Layer<S> for CoalesceHttpLayer<Q, E> {
    type Service = CoalescedHttp<S, Q, E>;

    fn layer(&self, service: S) -> Self::Service {
        list_once(self.policy);
        CoalescedHttp { service, layer: self.clone() }
    }
}

/// The service of a [`CoalesceHttpLayer`].
pub struct CoalescedHttp<S, Q = ByUri, E = AsTyped> {
    service: S,
    layer: CoalesceHttpLayer<Q, E>,
}

impl<S: Clone, Q: Clone, E> Clone for CoalescedHttp<S, Q, E> {
    fn clone(&self) -> Self {
        Self { service: self.service.clone(), layer: self.layer.clone() }
    }
}

impl<S: fmt::Debug, Q, E> fmt::Debug for CoalescedHttp<S, Q, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CoalescedHttp")
            .field("service", &self.service)
            .field("layer", &self.layer)
            .finish_non_exhaustive()
    }
}

impl<S, Q, E, A, B> Service<Request<A>> for CoalescedHttp<S, Q, E>
where
    S: Service<Request<A>, Response = Response<B>, Future: Send> + Clone + Send + 'static,
    Q: RequestKey<A>,
    E: SharedErrors<S::Error> + 'static,
    A: Body + Send + 'static,
    B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    type Response = Response<CoalescedBody<B>>;
    type Error = E::Error;
    type Future = CoalescedHttpCall<S, A, B, E>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), E::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        let CoalesceHttpLayer { policy, number, key, vary, body_limit, .. } = &self.layer;
        let call = if policy.is_off() { None } else { key.call(policy, &request, vary) };
        let attempt = Attempt::fresh(self.service.clone(), request);
        let way = match call {
            None => Way::Alone { attempt },
            Some(call) => {
                let terms = Terms { policy, vary: vary.clone(), covers: Q::covers, body_limit: *body_limit };
                let call = call.of_service(*number);
                Way::Together { call: call.run_judged(Collecting::new(attempt, terms), judge::<B, S::Error, E>) }
            }
        };
        CoalescedHttpCall { way }
    }
}

pin_project! {
    /// A call of an HTTP service that is coalesced.
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the call of the service and the body that it reads, if it does so for all. One of those who wait sends its own request
    /// instead.
    #[must_use = "futures do nothing unless polled"]
    pub struct CoalescedHttpCall<S, A, B, E>
    where
        S: Service<Request<A>, Response = Response<B>>,
        B: Body<Data = Bytes>,
        B::Error: Into<BoxError>,
        E: SharedErrors<S::Error>,
    {
        #[pin]
        way: Way<S, A, B, E>,
    }
}

pin_project! {
    #[project = WayProjection]
    enum Way<S, A, B, E>
    where
        S: Service<Request<A>, Response = Response<B>>,
        B: Body<Data = Bytes>,
        B::Error: Into<BoxError>,
        E: SharedErrors<S::Error>,
    {
        Alone { #[pin] attempt: Attempt<S, Request<A>> },
        Together { #[pin] call: CoalesceRenewing<'static, Collecting<S, A, B, E>> },
    }
}

impl<S, A, B, E> Future for CoalescedHttpCall<S, A, B, E>
where
    S: Service<Request<A>, Response = Response<B>, Future: Send> + Send + 'static,
    E: SharedErrors<S::Error> + 'static,
    A: Send + 'static,
    B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    type Output = Result<Response<CoalescedBody<B>>, E::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(match self.project().way.project() {
            WayProjection::Alone { attempt } => {
                ready!(attempt.poll(cx)).map(|response| response.map(CoalescedBody::own)).map_err(E::of)
            }
            WayProjection::Together { call } => {
                ready!(call.poll(cx)).map(outcome::Answer::into_response).map_err(E::give)
            }
        })
    }
}

impl<S, A, B, E> fmt::Debug for CoalescedHttpCall<S, A, B, E>
where
    S: Service<Request<A>, Response = Response<B>>,
    B: Body<Data = Bytes, Error: Into<BoxError>>,
    E: SharedErrors<S::Error>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CoalescedHttpCall").finish_non_exhaustive()
    }
}

/// An error that several callers get.
type SharedError = Arc<dyn StdError + Send + Sync>;

const BODY_LIMIT: usize = 1 << 20;
