//! Pages for operators inside the program itself: the policies, the metrics, the events and a status page, as an axum `Router`.
//!
//! | request | answer |
//! |---|---|
//! | `GET /` | the status page, one document that asks nothing but the rows below |
//! | `GET /policies` | the JSON of [`resilient::policies()`], and whether changes and events are to be had |
//! | `GET /metrics` | the metrics for Prometheus: text 0.0.4, or `OpenMetrics` for a client that prefers it |
//! | `GET /events` | the events as a stream, after [`Ops::events`] |
//! | `POST /policies/{name}` | a change of settings, after [`Ops::authorise`] |
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let app = axum::Router::new().nest("/ops", resilient_ops::router());
//!
//! // on a port that only operators reach
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! let server = axum::serve(listener, app);
//! # drop(server);
//! # Ok(())
//! # }
//! ```
//!
//! # Changes
//!
//! Nothing that changes anything is there until the program says which requests may: by [`Ops::authorise`]. The body names one part of a
//! policy by its kind, or by its layer where a function has two of the kind, and what to do:
//!
//! ```json
//! {"kind": "circuit_breaker", "force": "open"}
//! {"kind": "retry", "set": {"max": 1, "base": "200ms"}, "unset": ["cap"]}
//! {"mode": "observe"}
//! {"kind": "bulkhead", "reset": true}
//! ```
//!
//! `mode` and `force` take `null` to take back what was said. They and `set` and `unset` go together or not at all, as
//! [`Changes`](resilient::config::Changes) do; a reset is a request of its own.
//!
//! | status | reason |
//! |---|---|
//! | 200 | `changed` has each setting, mode and state that is another now, before and after; `reset` is the number of policies that are as new |
//! | 400 | the body is no such JSON |
//! | 401, 403 | the program does not allow it, or a browser sent it from another site |
//! | 404 | no policy has that name, and no function that path |
//! | 408, 413 | the body takes longer than ten seconds, or is longer than 16 KiB |
//! | 415 | the content type is not `application/json` |
//! | 422 | the settings are refused: `mistakes` has all of them, and nothing has changed |
//!
//! # Security
//!
//! The names of policies and functions, their settings and their counts are there for every client that reaches the port. Keys have their text only
//! after `log_key`; no argument and no text of an error is anywhere. Every answer says `Cache-Control: no-store`, and the page runs no script but its own.
//! Limit the hosts by [`Ops::hosts`] where browsers reach the port, so that no other site can be resolved to its address and read the pages.

mod access;
mod change;
mod events;
mod metrics;
mod origin;
mod pages;

use std::fmt;
use std::sync::Arc;

use axum::Router;
use axum::http::request::Parts;
use axum::routing::{get, post};
use tokio::sync::Semaphore;

pub use self::access::Access;
use self::access::Guard;
pub use self::events::Events;

/// Returns the pages that change nothing: the status page, the policies and the metrics.
///
/// It is [`Ops::new`] without further ado.
pub fn router() -> Router {
    Ops::new().router()
}

/// Builder of the pages for operators.
///
/// ```
/// use resilient_ops::Ops;
/// use resilient_ops::router::{Access, Events};
/// use tracing_subscriber::layer::SubscriberExt;
///
/// let events = Events::new();
/// let subscriber = tracing_subscriber::registry().with(events.layer());
/// // tracing::subscriber::set_global_default(subscriber)
///
/// let token = "Bearer 5f1c…"; // from the environment, and not from the source
/// let router = Ops::new()
///     .events(&events)
///     .hosts(["ops.shop.internal:9000", "127.0.0.1:9000"])
///     .authorise(move |request| match request.headers.get("authorization") {
///         None => Access::identify("Bearer"),
///         Some(said) => Access::from(said == token),
///     })
///     .router();
/// # drop((subscriber, router));
/// ```
#[derive(Clone, Default)]
#[must_use = "nothing is served before `router` is called"]
pub struct Ops {
    guard: Option<Guard>,
    events: Option<Events>,
    streams: Option<usize>,
    hosts: Option<Arc<[String]>>,
}

impl Ops {
    /// The pages that change nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds changes of settings, for the requests that `allows` says.
    ///
    /// It sees the head of each request, after a request from another site was refused. It returns an [`Access`], or `true` and `false` for
    /// allowed and forbidden.
    pub fn authorise<F, A>(self, allows: F) -> Self
    where
        F: Fn(&Parts) -> A + Send + Sync + 'static,
        A: Into<Access>,
    {
        Self { guard: Some(Guard::new(allows)), ..self }
    }

    /// Adds changes of settings, as [`authorise`](Self::authorise) does, where the answer takes time: that of a server for tokens, say.
    pub fn authorise_async<F, R>(self, allows: F) -> Self
    where
        F: Fn(Parts) -> R + Send + Sync + 'static,
        R: Future<Output: Into<Access>> + Send + 'static,
    {
        Self { guard: Some(Guard::new_async(allows)), ..self }
    }

    /// Adds `GET /events`, the stream of what [`Events`] hears.
    pub fn events(self, events: &Events) -> Self {
        Self { events: Some(events.clone()), ..self }
    }

    /// Sets the number of clients that may read events at once; 16 if nothing is said.
    ///
    /// A client that does not read holds up to four megabytes in the sockets of the system, so further clients are answered with 503.
    pub fn max_streams(self, max: usize) -> Self {
        Self { streams: Some(max), ..self }
    }

    /// Refuses requests that were sent to another host than these, with 403. Each is written as in the address of the page, with the port unless it is 80 or 443.
    pub fn hosts(self, hosts: impl IntoIterator<Item: Into<String>>) -> Self {
        Self { hosts: Some(hosts.into_iter().map(|host| host.into().to_ascii_lowercase()).collect()), ..self }
    }

    /// Returns the router. It may be nested under a path, or merged into one with other paths.
    pub fn router(self) -> Router {
        let mut router = Router::new()
            .route("/", get(pages::page))
            .route("/metrics", get(metrics::metrics))
            .route("/policies", get(pages::policies))
            .route("/events", get(events::stream));
        if self.guard.is_some() {
            router = router.route("/policies/{name}", post(change::change));
        }
        let most = self.streams.unwrap_or(MOST_STREAMS).min(Semaphore::MAX_PERMITS);
        let shared = Shared {
            guard: self.guard,
            events: self.events,
            streams: Arc::new(Semaphore::new(most)),
            hosts: self.hosts,
            registry: metrics::registry(),
        };
        let shared = Arc::new(shared);
        router.layer(axum::middleware::from_fn_with_state(Arc::clone(&shared), pages::protect)).with_state(shared)
    }
}

impl fmt::Debug for Ops {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ops")
            .field("changes", &self.guard.is_some())
            .field("events", &self.events.is_some())
            .field("max_streams", &self.streams)
            .field("hosts", &self.hosts)
            .finish()
    }
}

/// All that the answers need.
struct Shared {
    guard: Option<Guard>,
    events: Option<Events>,
    streams: Arc<Semaphore>,
    hosts: Option<Arc<[String]>>,
    registry: prometheus_client::registry::Registry,
}

/// The number of clients that may read events at once, if nothing is said.
const MOST_STREAMS: usize = 16;
