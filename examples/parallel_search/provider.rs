//! The providers: eight HTTP servers on loopback that each search a part of the catalogue, in bad weather.

use std::collections::HashMap;
use std::io;
use std::net::TcpListener;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router, routing};
use serde::{Deserialize, Serialize};
use tokio::sync::{Semaphore, oneshot};

use crate::catalogue::{Catalogue, Entry, Match};
use crate::weather::{CLIMATES, Conditions, Fault, Weather};

/// The header with the number of the search; all attempts of one search carry the same.
pub(crate) const SEARCH_NUMBER: &str = "x-search-number";

/// All eight providers, on a runtime and a thread of their own, so that they and the client do not wait for each other's tasks.
pub(crate) struct Providers {
    servers: Vec<Arc<Server>>,
    shutdown: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// One provider.
pub(crate) struct Server {
    pub(crate) name: &'static str,
    pub(crate) url: String,
    number: usize,
    catalogue: Catalogue,
    workers: Arc<Semaphore>,
    weather: RwLock<Weather>,
    in_flight: AtomicU64,
    look_ups: AtomicU64,
    state: Mutex<Run>,
}

/// A provider's memory of the present run.
struct Run {
    began: Instant,
    /// The number for the next request that has none in its header.
    unnumbered: u64,
    searches: HashMap<u64, Attempts>,
    visits: Vec<Visit>,
}

#[derive(Default)]
struct Attempts {
    count: u64,
    /// The time until which the search must stay away.
    throttled_until: Option<Instant>,
}

/// One request, as the provider saw it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Visit {
    /// The time since the run began.
    pub(crate) at: Duration,
    pub(crate) end: End,
}

/// The end of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Answered,
    Failed,
    /// The client went away first.
    Abandoned,
}

#[derive(Deserialize)]
struct Params {
    q: String,
    #[serde(default = "default_limit")]
    limit: usize,
}

#[derive(Deserialize)]
struct LookUp {
    /// The code points of characters, between commas.
    codes: String,
}

#[derive(Serialize)]
struct Details {
    details: Vec<Described>,
}

#[derive(Serialize)]
struct Described {
    code: u32,
    kind: &'static str,
    counterpart: Option<u32>,
}

#[derive(Serialize)]
struct Answer<'a> {
    hits: Vec<Found<'a>>,
}

#[derive(Serialize)]
struct Found<'a> {
    code: u32,
    char: char,
    name: &'a str,
    block: &'static str,
    score: u32,
}

impl<'a> From<&Match<'a>> for Found<'a> {
    fn from(Match { char, name, block, score }: &Match<'a>) -> Self {
        Self { code: (*char).into(), char: *char, name, block, score: *score }
    }
}

impl Providers {
    /// Opens the ports, and answers until the value is dropped.
    ///
    /// # Errors
    ///
    /// If no port of the loopback interface, or no thread, is to be had.
    pub(crate) fn start(catalogue: &Catalogue, weather: Weather) -> io::Result<Self> {
        let mut servers = Vec::new();
        let mut listeners = Vec::new();
        for number in 0..CLIMATES.len() {
            let listener = TcpListener::bind(("127.0.0.1", 0))?;
            listener.set_nonblocking(true)?;
            servers.push(Arc::new(Server::new(number, &listener, catalogue, weather)?));
            listeners.push(listener);
        }

        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (shutdown, stopped) = oneshot::channel::<()>();
        let serving = servers.clone();
        let thread = std::thread::Builder::new().name("providers".into()).spawn(move || {
            runtime.block_on(async move {
                for (server, listener) in serving.into_iter().zip(listeners) {
                    tokio::spawn(serve(server, listener));
                }
                let _ = stopped.await;
            });
        })?;
        Ok(Self { servers, shutdown: Some(shutdown), thread: Some(thread) })
    }

    pub(crate) fn servers(&self) -> &[Arc<Server>] {
        &self.servers
    }

    /// Forgets the last run: the next request is the first.
    pub(crate) fn begin(&self, weather: Weather) {
        for server in &self.servers {
            *server.weather.write().unwrap_or_else(PoisonError::into_inner) = weather;
            server.look_ups.store(0, Ordering::Relaxed);
            *server.run() = Run::begin();
        }
    }

    /// Returns the number of requests that the providers are working on at this moment.
    pub(crate) fn in_flight(&self) -> u64 {
        self.servers.iter().map(|server| server.in_flight.load(Ordering::Relaxed)).sum()
    }
}

impl Drop for Providers {
    fn drop(&mut self) {
        drop(self.shutdown.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Server {
    fn new(number: usize, listener: &TcpListener, catalogue: &Catalogue, weather: Weather) -> io::Result<Self> {
        Ok(Self {
            name: CLIMATES[number].name,
            url: format!("http://{}", listener.local_addr()?),
            number,
            catalogue: catalogue.part(|entry| is_held(number, entry)),
            workers: Arc::new(Semaphore::new(WORKERS)),
            weather: RwLock::new(weather),
            in_flight: AtomicU64::new(0),
            look_ups: AtomicU64::new(0),
            state: Mutex::new(Run::begin()),
        })
    }

    /// Returns every request of the present run so far, in the order in which they ended.
    pub(crate) fn visits(&self) -> Vec<Visit> {
        self.run().visits.clone()
    }

    /// Returns the number of requests for details in the present run so far.
    pub(crate) fn look_ups(&self) -> u64 {
        self.look_ups.load(Ordering::Relaxed)
    }

    /// Returns the conditions of this request, which depend on how often the same search has been here before.
    fn conditions(&self, headers: &HeaderMap) -> Conditions {
        let weather = *self.weather.read().unwrap_or_else(PoisonError::into_inner);
        let mut run = self.run();
        let number = headers.get(SEARCH_NUMBER).and_then(|value| value.to_str().ok()?.parse().ok());
        let number = number.unwrap_or_else(|| {
            run.unnumbered += 1;
            run.unnumbered - 1
        });
        if run.searches.len() >= REMEMBERED {
            run.searches.clear();
        }

        let now = Instant::now();
        let attempts = run.searches.entry(number).or_default();
        if let Some(pause) = attempts.throttled_until.and_then(|until| until.checked_duration_since(now)) {
            return Conditions { latency: Duration::ZERO, fault: Some(Fault::Throttled { pause }) };
        }
        let conditions = weather.conditions(self.number, number, attempts.count);
        attempts.count += 1;
        if let Some(Fault::Throttled { pause }) = conditions.fault {
            attempts.throttled_until = Some(now + pause);
        }
        conditions
    }

    fn run(&self) -> MutexGuard<'_, Run> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Run {
    fn begin() -> Self {
        Self { began: Instant::now(), unnumbered: 0, searches: HashMap::new(), visits: Vec::new() }
    }
}

/// Returns whether the provider holds the character. Two providers hold each block, so that any one of them can be missed.
fn is_held(number: usize, entry: &Entry) -> bool {
    let home = entry.block_number % CLIMATES.len();
    let copy = (entry.block_number + 3) % CLIMATES.len();
    number == home || number == copy
}

async fn serve(server: Arc<Server>, listener: TcpListener) {
    let name = server.name;
    let app = Router::new()
        .route("/search", routing::get(search))
        .route("/details", routing::get(details))
        .with_state(server);
    let stopped = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => axum::serve(listener, app).await,
        Err(error) => Err(error),
    };
    if let Err(error) = stopped {
        eprintln!("provider {name} stopped: {error}");
    }
}

async fn search(State(server): State<Arc<Server>>, Query(params): Query<Params>, headers: HeaderMap) -> Response {
    let conditions = server.conditions(&headers);
    let mut visit = Recorder::arrive(&server);
    if let Some(Fault::Throttled { pause }) = conditions.fault {
        visit.end = End::Failed;
        return throttled(pause);
    }

    let work = work(Arc::clone(&server), params, conditions);
    let (end, response) = if CLIMATES[server.number].detached {
        tokio::spawn(work).await.unwrap_or_else(|_| (End::Failed, StatusCode::INTERNAL_SERVER_ERROR.into_response()))
    } else {
        work.await
    };
    visit.end = end;
    response
}

/// Queues for a worker, keeps it busy for as long as the weather says, and then really searches.
async fn work(server: Arc<Server>, params: Params, conditions: Conditions) -> (End, Response) {
    let _present = InFlight::enter(&server);
    let arrived = Instant::now();
    let Ok(_worker) = server.workers.acquire().await else {
        return (End::Failed, StatusCode::SERVICE_UNAVAILABLE.into_response());
    };
    let queued = arrived.elapsed();
    let began = Instant::now();
    tokio::time::sleep(conditions.latency).await;
    let (end, mut response) = match conditions.fault {
        None => (End::Answered, answer(&server.catalogue.search(&params.q, params.limit.min(MOST_HITS)))),
        Some(Fault::Dropped) => (End::Failed, dropped()),
        Some(Fault::Unavailable | Fault::Throttled { .. }) => {
            (End::Failed, StatusCode::SERVICE_UNAVAILABLE.into_response())
        }
    };

    let timing = format!("queue;dur={:.2}, work;dur={:.2}", millis(queued), millis(began.elapsed()));
    if let Ok(timing) = timing.parse() {
        response.headers_mut().insert("server-timing", timing);
    }
    (end, response)
}

/// Returns the details of each character that the provider holds. It takes a while, however many characters they are, and the
/// weather and the workers have no part in it.
async fn details(State(server): State<Arc<Server>>, Query(LookUp { codes }): Query<LookUp>) -> Response {
    server.look_ups.fetch_add(1, Ordering::Relaxed);
    tokio::time::sleep(LOOK_UP).await;
    let chars = codes.split(',').filter_map(|code| char::from_u32(code.parse().ok()?)).take(MOST_HITS);
    let details = chars.filter(|char| server.catalogue.has(*char)).map(Described::of).collect();
    Json(Details { details }).into_response()
}

impl Described {
    fn of(char: char) -> Self {
        Self { code: char.into(), kind: kind(char), counterpart: counterpart(char).map(u32::from) }
    }
}

/// Returns the sort of the character, in a word or two.
fn kind(char: char) -> &'static str {
    match char {
        _ if char.is_uppercase() => "capital letter",
        _ if char.is_lowercase() => "small letter",
        _ if char.is_alphabetic() => "letter",
        _ if char.is_numeric() => "number",
        _ if char.is_whitespace() => "space",
        _ if char.is_ascii_punctuation() => "punctuation",
        _ => "symbol",
    }
}

/// Returns the same letter in the other case, if there is just one.
fn counterpart(char: char) -> Option<char> {
    let other = |mut mapped: [Option<char>; 2]| mapped[0].take().filter(|other| mapped[1].is_none() && *other != char);
    let (mut lower, mut upper) = (char.to_lowercase(), char.to_uppercase());
    other([lower.next(), lower.next()]).or_else(|| other([upper.next(), upper.next()]))
}

fn answer(matches: &[Match<'_>]) -> Response {
    Json(Answer { hits: matches.iter().map(Found::from).collect() }).into_response()
}

/// Returns a 429 with the pause in both spellings: whole seconds as in the standard, and the milliseconds that some
/// services add because a second is a long time.
fn throttled(pause: Duration) -> Response {
    let headers = [
        ("retry-after", pause.as_secs().max(1).to_string()),
        ("retry-after-ms", pause.as_micros().div_ceil(1000).to_string()),
    ];
    (StatusCode::TOO_MANY_REQUESTS, headers).into_response()
}

/// Returns an answer that breaks off, and takes the connection with it.
fn dropped() -> Response {
    let broken = futures_util::stream::iter([
        Ok(Bytes::from_static(b"{\"hits\":[")),
        Err(io::Error::from(io::ErrorKind::ConnectionReset)),
    ]);
    Body::from_stream(broken).into_response()
}

/// Records the visit when the request ends, in any way.
struct Recorder<'a> {
    server: &'a Server,
    at: Instant,
    end: End,
}

impl<'a> Recorder<'a> {
    fn arrive(server: &'a Server) -> Self {
        Self { server, at: Instant::now(), end: End::Abandoned }
    }
}

impl Drop for Recorder<'_> {
    fn drop(&mut self) {
        let mut run = self.server.run();
        // A request that began before the run belongs to the run before.
        if let Some(at) = self.at.checked_duration_since(run.began) {
            if run.visits.len() >= REMEMBERED {
                run.visits.clear();
            }
            run.visits.push(Visit { at, end: self.end });
        }
    }
}

/// Counts a request as in flight until it ends or is dropped.
struct InFlight<'a>(&'a Server);

impl<'a> InFlight<'a> {
    fn enter(server: &'a Server) -> Self {
        server.in_flight.fetch_add(1, Ordering::Relaxed);
        Self(server)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

fn default_limit() -> usize {
    10
}

/// Requests that one provider works on at a time; the others queue. At the usual 21 ms a request it keeps up with 760 a
/// second, in a brown-out with less than 100.
const WORKERS: usize = 16;
/// The time that a look-up of details takes.
const LOOK_UP: Duration = Duration::from_millis(4);
/// The most hits in one answer, and the most characters in one look-up.
const MOST_HITS: usize = 100;
/// The most searches and visits that a provider keeps in memory. It is more than any run has, and bounds one that lasts for days.
const REMEMBERED: usize = 1_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_character_is_held_by_two() {
        for entry in Catalogue::load().entries() {
            let holders = (0..CLIMATES.len()).filter(|number| is_held(*number, entry)).count();

            assert_eq!(holders, 2, "{}", entry.name);
        }
    }

    #[test]
    fn tells_letters_and_their_counterparts() {
        for (char, sort, other) in [
            ('A', "capital letter", Some('a')),
            ('ß', "small letter", None),
            ('7', "number", None),
            ('☃', "symbol", None),
        ] {
            assert_eq!((kind(char), counterpart(char)), (sort, other), "{char}");
        }
    }
}
