//! The upstreams: two HTTP servers on loopback, and the weather that they have.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Json, Router, routing};
use serde::Deserialize;
use tokio::net::TcpListener;

use crate::client::Article;

/// A running upstream.
pub(crate) struct Upstream {
    pub(crate) name: &'static str,
    pub(crate) url: String,
    server: Arc<Server>,
}

struct Server {
    /// The answer to the request with that number.
    answers: fn(Weather, u64) -> Answer,
    state: Mutex<Run>,
}

#[derive(Default)]
struct Run {
    weather: Weather,
    /// The requests so far, by the answer.
    log: BTreeMap<Answer, u64>,
}

/// The conditions at an upstream.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Weather {
    /// A slow or failed request now and then.
    #[default]
    Fair,
    /// No good answer.
    Outage,
    /// No answer at all.
    Still,
}

/// The answer to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Answer {
    Good,
    /// The same after a while.
    Slow,
    /// 503.
    Failed,
    /// 429 with `Retry-After`.
    Busy,
    /// None before the caller has given up.
    Hangs,
}

#[derive(Deserialize)]
struct Search {
    q: String,
    shard: u64,
}

#[derive(Deserialize)]
struct Prices {
    /// The ids of articles, between commas.
    ids: String,
}

impl Upstream {
    /// Starts the catalogue, which fails or hangs in an outage.
    pub(crate) async fn catalogue() -> io::Result<Self> {
        Self::start(
            "catalogue",
            Router::new().route("/search", routing::get(search)),
            |weather, number| match weather {
                Weather::Fair if number % 20 == 7 => Answer::Slow,
                Weather::Fair if number % 31 == 11 => Answer::Failed,
                Weather::Fair => Answer::Good,
                Weather::Outage if number % 3 > 0 => Answer::Failed,
                Weather::Outage | Weather::Still => Answer::Hangs,
            },
        )
        .await
    }

    /// Starts the prices, which fail or turn callers away in an outage.
    pub(crate) async fn prices() -> io::Result<Self> {
        Self::start("prices", Router::new().route("/prices", routing::get(prices)), |weather, number| match weather {
            Weather::Fair if number % 29 == 13 => Answer::Failed,
            Weather::Fair => Answer::Good,
            Weather::Outage if number % 4 > 0 => Answer::Failed,
            Weather::Outage => Answer::Busy,
            Weather::Still => Answer::Hangs,
        })
        .await
    }

    async fn start(
        name: &'static str,
        router: Router<Arc<Server>>,
        answers: fn(Weather, u64) -> Answer,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let server = Arc::new(Server { answers, state: Mutex::default() });
        let app = router.route("/weather/{weather}", routing::put(change)).with_state(server.clone());
        tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, app).await {
                eprintln!("{name} stopped: {error}");
            }
        });
        Ok(Self { name, url, server })
    }

    pub(crate) fn set(&self, weather: Weather) {
        self.server.run().weather = weather;
    }

    /// Returns the number of requests that have arrived.
    pub(crate) fn seen(&self) -> u64 {
        self.server.run().log.values().sum()
    }

    /// Returns the log in a line.
    pub(crate) fn log(&self) -> String {
        let run = self.server.run();
        let counts = run.log.iter().map(|(answer, count)| format!("{count} {answer:?}").to_lowercase());
        counts.collect::<Vec<String>>().join(", ")
    }
}

impl Server {
    fn run(&self) -> MutexGuard<'_, Run> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Logs a request and does as the weather says; `good` makes the good answer.
    async fn answer(&self, good: impl IntoResponse) -> Response {
        let answer = {
            let mut run = self.run();
            let answer = (self.answers)(run.weather, run.log.values().sum());
            *run.log.entry(answer).or_default() += 1;
            answer
        };
        tokio::time::sleep(match answer {
            Answer::Slow => SLOW,
            Answer::Hangs => HANGS,
            Answer::Good | Answer::Failed | Answer::Busy => USUAL,
        })
        .await;
        match answer {
            Answer::Good | Answer::Slow => good.into_response(),
            Answer::Busy => (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "1")]).into_response(),
            Answer::Failed | Answer::Hangs => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        }
    }
}

async fn search(State(server): State<Arc<Server>>, Query(Search { q, shard }): Query<Search>) -> Response {
    let articles =
        (1..=2).map(|number| Article { id: 2 * shard + number, title: format!("{q} {}", 2 * shard + number) });
    server.answer(Json(articles.collect::<Vec<Article>>())).await
}

async fn prices(State(server): State<Arc<Server>>, Query(Prices { ids }): Query<Prices>) -> Response {
    let ids = ids.split(',').filter_map(|id| id.parse().ok());
    let prices: BTreeMap<u64, u64> = ids.map(|id: u64| (id, 100 + id % 7)).collect();
    server.answer(Json(prices)).await
}

async fn change(State(server): State<Arc<Server>>, Path(weather): Path<Weather>) {
    server.run().weather = weather;
}

const USUAL: Duration = Duration::from_millis(3);
const SLOW: Duration = Duration::from_millis(80);
/// Longer than any attempt may take.
const HANGS: Duration = Duration::from_millis(300);
