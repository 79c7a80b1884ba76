//! The two upstreams of the shop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use reqwest::Url;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::sleep;

/// An upstream: its address, and what it has seen.
pub(crate) struct Upstream {
    pub(crate) url: Url,
    pub(crate) seen: Arc<Seen>,
}

/// The requests so far, and the state of the upstream.
pub(crate) struct Seen {
    pub(crate) requests: AtomicU32,
    pub(crate) throttled: AtomicU32,
    /// Set while it does not answer.
    pub(crate) is_down: AtomicBool,
    places: Semaphore,
    began: Instant,
    /// The second that its quota is counted in, and the requests in it.
    second: AtomicU32,
    taken: AtomicU32,
}

/// Starts the catalogue, which answers eight requests at once, in 15 ms each.
pub(crate) async fn catalogue() -> std::io::Result<Upstream> {
    start(get(article)).await
}

/// Starts the server of prices, which answers 40 requests a second, and the rest with 429 and the time until the next second.
pub(crate) async fn prices() -> std::io::Result<Upstream> {
    start(get(price)).await
}

async fn start(route: axum::routing::MethodRouter<Arc<Seen>>) -> std::io::Result<Upstream> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = Url::parse(&format!("http://{}/", listener.local_addr()?)).map_err(std::io::Error::other)?;
    let seen = Arc::new(Seen {
        requests: AtomicU32::new(0),
        throttled: AtomicU32::new(0),
        is_down: AtomicBool::new(false),
        places: Semaphore::new(8),
        began: Instant::now(),
        second: AtomicU32::new(0),
        taken: AtomicU32::new(0),
    });
    let router = Router::new().route("/{id}", route).with_state(seen.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(Upstream { url, seen })
}

async fn article(State(seen): State<Arc<Seen>>, Path(id): Path<u32>) -> String {
    seen.requests.fetch_add(1, Relaxed);
    if seen.is_down.load(Relaxed) {
        sleep(Duration::from_secs(60)).await;
    }
    let _place = seen.places.acquire().await;
    sleep(Duration::from_millis(15)).await;
    format!("article {id}")
}

async fn price(State(seen): State<Arc<Seen>>, Path(id): Path<u32>) -> Response {
    seen.requests.fetch_add(1, Relaxed);
    let elapsed = seen.began.elapsed();
    let second = elapsed.as_secs() as u32;
    if seen.second.swap(second, Relaxed) != second {
        seen.taken.store(0, Relaxed);
    }
    if seen.taken.fetch_add(1, Relaxed) >= 40 {
        seen.throttled.fetch_add(1, Relaxed);
        let wait = (1_000 - elapsed.subsec_millis()).to_string();
        return (StatusCode::TOO_MANY_REQUESTS, [("retry-after-ms", wait)]).into_response();
    }
    format!("{} cents", id * 7).into_response()
}
