//! The events of the policies as a stream to a few clients.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde_json::{Map, Value};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{OwnedSemaphorePermit, broadcast, watch};
use tracing::field::{Field, Visit};
use tracing::{Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::Shared;
use super::pages::{now, refuse};

/// The events of the policies, from `tracing` to the clients of `GET /events`.
///
/// Its [`layer`](Self::layer) goes into the program's subscriber, and it itself to [`Ops::events`](super::Ops::events). Nothing is kept: a client
/// has the events from its request on. It costs nothing else while nobody reads.
///
/// An event is sent as JSON: the time `at` in milliseconds since 1970, the `level`, the `message`, and the fields of
/// the [table of events](resilient::Event). Other fields, and events of other targets than `resilient`, are left out. A client that is too slow
/// misses events, and is told how many by an event `dropped`.
#[derive(Clone)]
pub struct Events {
    sender: broadcast::Sender<Arc<str>>,
    open: Arc<watch::Sender<bool>>,
}

impl Events {
    /// Events that nobody reads yet.
    pub fn new() -> Self {
        Self { sender: broadcast::Sender::new(ROOM), open: Arc::new(watch::Sender::new(true)) }
    }

    /// Returns the layer that hears the events above `DEBUG`, of which one policy has at most ten a minute.
    pub fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        self.layer_from(Level::INFO)
    }

    /// Returns the layer that hears the events of this level and above. From `DEBUG` on, there are events of single calls.
    pub fn layer_from<S>(&self, level: Level) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        Listener { events: self.clone() }.with_filter(Targets::new().with_target(TARGET, level))
    }

    /// Ends all streams, and each that is begun later. A server that waits for its clients when it shuts down would wait for them.
    pub fn close(&self) {
        self.open.send_replace(false);
    }
}

impl Default for Events {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").field("readers", &self.sender.receiver_count()).finish_non_exhaustive()
    }
}

/// The layer.
struct Listener {
    events: Events,
}

impl<S: Subscriber> Layer<S> for Listener {
    fn on_event(&self, event: &tracing::Event<'_>, _context: Context<'_, S>) {
        let sender = &self.events.sender;
        if sender.receiver_count() == 0 || event.metadata().target() != TARGET {
            return;
        }
        let mut fields = Fields(Map::new());
        fields.0.insert("at".to_owned(), now().into());
        fields.0.insert("level".to_owned(), event.metadata().level().as_str().to_ascii_lowercase().into());
        event.record(&mut fields);
        // it fails if the last reader has just gone
        let _ = sender.send(Value::Object(fields.0).to_string().into());
    }
}

/// The fields of one event that may be seen.
struct Fields(Map<String, Value>);

impl Fields {
    fn add(&mut self, field: &Field, value: impl Into<Value>) {
        if SEEN.contains(&field.name()) {
            self.0.insert(field.name().to_owned(), value.into());
        }
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if SEEN.contains(&field.name()) {
            self.add(field, format!("{value:?}"));
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, value);
    }
}

/// A client's stream.
struct Reader {
    receiver: broadcast::Receiver<Arc<str>>,
    open: watch::Receiver<bool>,
    _permit: OwnedSemaphorePermit,
}

pub(super) async fn stream(State(shared): State<Arc<Shared>>) -> Response {
    let Some(events) = &shared.events else {
        return refuse(StatusCode::NOT_FOUND, "the program gives these pages no events: see `Ops::events`");
    };
    let Ok(permit) = Arc::clone(&shared.streams).try_acquire_owned() else {
        let mut response = refuse(StatusCode::SERVICE_UNAVAILABLE, "as many clients as may read the events at once");
        response.headers_mut().insert("retry-after", 30.into());
        return response;
    };
    let reader = Reader { receiver: events.sender.subscribe(), open: events.open.subscribe(), _permit: permit };
    let events = stream::unfold(reader, async |mut reader| Some((Ok::<_, Infallible>(reader.next().await?), reader)));
    Sse::new(events).keep_alive(KeepAlive::new().interval(ALIVE)).into_response()
}

impl Reader {
    async fn next(&mut self) -> Option<Event> {
        tokio::select! {
            biased;
            _ = self.open.wait_for(|open| !open) => None,
            received = self.receiver.recv() => match received {
                Ok(text) => Some(Event::default().event("policy").data(text)),
                Err(RecvError::Lagged(dropped)) => Some(Event::default().event("dropped").data(dropped.to_string())),
                Err(RecvError::Closed) => None,
            },
        }
    }
}

/// The target of the runtime's events.
const TARGET: &str = "resilient";

/// The events that one slow client may be behind.
const ROOM: usize = 256;

/// The time after which a stream without events says that it is alive.
const ALIVE: Duration = Duration::from_secs(15);

/// The fields of the runtime's events: names, places, numbers and words. A key is not among them.
const SEEN: [&str; 32] = [
    "message",
    "policy",
    "function",
    "retry",
    "delay",
    "class",
    "retries",
    "why",
    "from",
    "to",
    "failures",
    "calls",
    "open_for",
    "kind",
    "first",
    "second",
    "limit",
    "capacity",
    "overflowed",
    "keys",
    "callers",
    "called",
    "instead",
    "answer",
    "time",
    "share",
    "source",
    "policies",
    "waiting",
    "mistakes",
    "line",
    "column",
];
