//! Policies as layers of [`tower`]: the same policies as those of attributes, so that a function and a service can share a breaker, a limit or
//! a budget.
//!
//! ```
//! use std::convert::Infallible;
//! use std::time::Duration;
//!
//! use resilient::tower::{policies, retry};
//! use resilient::{Bulkhead, CircuitBreaker, Retry, Timeout};
//! use tower::{Service, ServiceBuilder, ServiceExt, service_fn};
//!
//! static TOTAL: Timeout = Timeout::named("catalogue", Duration::from_secs(2));
//! static RETRY: Retry = Retry::named("catalogue");
//! static BREAKER: CircuitBreaker = CircuitBreaker::named("catalogue");
//! static PLACES: Bulkhead = Bulkhead::named("catalogue").limit(16);
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let catalogue = service_fn(|word: &'static str| async move { Ok::<_, Infallible>(word.len()) });
//! let mut service = ServiceBuilder::new()
//!     .layer(policies((&TOTAL,)))
//!     .layer(retry(&RETRY))
//!     .layer(policies((&BREAKER, &PLACES)).boxed())
//!     .service(catalogue);
//!
//! assert_eq!(service.ready().await.unwrap().call("tide").await.unwrap(), 4);
//! # }
//! ```
//!
//! # Errors
//!
//! The error is that of the service, which takes a rejection by `From<resilient::Error>`, as of an annotated function. A [`BoxError`](::tower::BoxError) has
//! that; for a service whose error has not, [`boxed`](Policies::boxed) makes it one. Policies above find in a box what this crate knows: a rejection, an I/O error, the errors of
//! the crates whose features are enabled. They do not find an error of your own that implements [`Classify`](crate::Classify), for its type has been erased: keep such an error
//! out of boxes, or a retry above will take it for permanent.
//!
//! # Readiness
//!
//! A service is called only after it was polled ready. The layers take the service that is ready, and leave a clone in its place, so what it
//! reserved when it became ready, a place in a buffer or a concurrency limit, belongs to that call. Permits are taken when the call's future is polled, in the order of
//! the policies, and the service is called once all of them are there. So a call that a policy refuses never reaches the service, and gives back what the service had
//! reserved. A service that fails in `poll_ready` has not been called, and no policy counts that. Services have to be `Clone`: put a `Buffer` around one that is not.
//!
//! The layers of coalescing are ready at once. The call that leads polls a clone of the service ready, so that those that follow reserve nothing in it.
//!
//! # Requests that come again
//!
//! [`retry`] and [`hedge`] clone the request for each attempt. Where it has no `Clone`, as with a streamed body, use
//! [`cloning`](Retrying::cloning) with a function that returns `None` for what cannot be sent again: such a request is sent once.
//!
//! # In axum
//!
//! A handler never fails, so errors of layers have to become responses there, which is axum's `HandleErrorLayer`. With the feature `axum-0-8`, [`respond`](fn@respond) is the function for it, or [`respond_after`], which adds a `Retry-After`:
//!
//! ```ignore
//! let layers = ServiceBuilder::new()
//!     .layer(HandleErrorLayer::new(resilient::tower::respond))
//!     .layer(policies((&TOTAL, &PLACES)).boxed());
//! let app = axum::Router::new().route("/search", get(search)).layer(layers);
//! ```
//!
//! # In tonic
//!
//! A server of tonic makes a status of an error in which it finds one, and resets the stream for any other. With the feature `tonic-0-14`, [`status`](fn@status) above the layers makes one
//! of a refusal:
//!
//! ```ignore
//! let layers = ServiceBuilder::new().map_err(resilient::tower::status).layer(policies((&TOTAL, &PLACES)).boxed());
//! let server = Server::builder().layer(layers).add_service(FreightServer::new(freight));
//! ```
//!
//! # The list of policies
//!
//! A layer lists its policies when it is put around a service, and those of [`policies_for`] when a request first chooses them: with their settings and states, and live settings find them.
//!
//! # Layers
//!
//! | layer | is |
//! |---|---|
//! | [`policies`] | a time-out, breaker, bulkhead, rate limit, throttle or measure, or a tuple of them, the outermost first |
//! | [`policies_for`] | the same, chosen for each request: with a priority, a weight, or by what it asks for |
//! | [`keyed`] | the policy of a key in the request: one breaker or limit for each tenant, also with [settings](KeyedLayer::settings) of its own |
//! | [`retry`] | a retry |
//! | [`hedge`] | a hedge |
//! | [`coalesce`](fn@coalesce) | coalescing: requests with an equal key share one call |
//! | [`coalesce_http`](fn@coalesce_http) | the same for GET and HEAD of HTTP, with the body; with the feature `http-1` |
//! | [`deadline_from_header`], [`deadline_to_header`] | the deadline of the caller, in `grpc-timeout` or another header; with the feature `http-1` |

mod again;
mod attempt;
mod coalesce;
#[cfg(feature = "http-1")]
mod coalesce_http;
#[cfg(feature = "http-1")]
mod header;
mod keyed;
mod policies;

#[cfg(feature = "reqwest-middleware-0-5")]
pub(crate) use self::again::attempts;
pub use self::again::{Cloning, Copying, Hedged, HedgedCall, Hedging, Retried, RetriedCall, Retrying, hedge, retry};
pub use self::attempt::Attempt;
pub use self::coalesce::{CoalesceLayer, Coalesced, CoalescedCall, SharedErrors, coalesce};
#[cfg(feature = "http-1")]
pub use self::coalesce_http::{
    ByKey, ByUri, CoalesceHttpLayer, CoalescedBody, CoalescedHttp, CoalescedHttpCall, RequestKey, coalesce_http,
};
#[cfg(feature = "http-1")]
pub use self::header::{
    DeadlineFromHeader, DeadlineToHeader, InTime, InTimeCall, deadline_from_header, deadline_to_header,
};
pub use self::keyed::{KeyedJudge, KeyedLayer, KeyedService, Logged, Lookup, OwnSettings, SharedSettings, keyed};
pub use self::policies::{
    AsBoxed, AsTyped, Choose, Chosen, Errors, Fixed, Guarded, GuardedCall, ListedFirst, Policies, Refusals, policies,
    policies_for,
};
#[cfg(feature = "tonic-0-14")]
pub use crate::ecosystem::status;
#[cfg(feature = "axum-0-8")]
pub use crate::ecosystem::{respond, respond_after};
