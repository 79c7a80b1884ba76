//! A client of an HTTP API that waits for as long as the API asks.
//!
//! To copy it, take the part above the line, and these dependencies:
//!
//! ```toml
//! resilient-runtime = { git = "…", features = ["reqwest"] }
//! reqwest = { version = "0.13", features = ["json"] }
//! serde = { version = "1", features = ["derive"] }
//! tokio = { version = "1", features = ["full"] }
//! ```

use std::sync::LazyLock;

use resilient::http::{CallError, check};
use resilient::{circuit_breaker, rate_limit, retry, timeout};
use serde::Deserialize;

static CLIENT: LazyLock<reqwest::Client> = LazyLock::new(|| reqwest::Client::builder().no_proxy().build().unwrap());

#[derive(Debug, Deserialize)]
struct Tide {
    place: String,
    metres: f32,
}

#[timeout(total = "20s", attempt = "2s")]
#[retry(max = 3)] // waits for as long as `Retry-After` says, also of a 502
#[circuit_breaker] // counts a 502 as a failure, and a 429 as a success
#[rate_limit("50/s", max_wait = "5s")] // a 429 for one caller holds back all of them
async fn tide(server: &str, place: &str) -> Result<Tide, CallError> {
    let response = check(CLIENT.get(format!("{server}/tides/{place}")).send().await?)?;
    Ok(response.json().await?)
}

// ------------------------------------------------------------------------------------------------

#[tokio::main]
async fn main() {
    let server = server::start().await;
    let start = std::time::Instant::now();

    match tide(&server, "brest").await {
        Ok(tide) => println!("{}: {} m, after {:.1?}", tide.place, tide.metres, start.elapsed()),
        Err(error) => println!("{error}"),
    }
    match tide(&server, "atlantis").await {
        Ok(tide) => println!("{tide:?}"),
        Err(error) => println!("{error}"),
    }
}

/// A server on this machine that refuses the first request, and fails at the second.
mod server {
    use std::sync::atomic::{AtomicU32, Ordering};

    use axum::extract::Path;
    use axum::http::StatusCode;
    use axum::response::{IntoResponse, Response};
    use axum::routing::get;
    use axum::{Json, Router};

    pub(super) async fn start() -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let router = Router::new().route("/tides/{place}", get(tides));
        tokio::spawn(async move { axum::serve(listener, router).await });
        format!("http://{address}")
    }

    async fn tides(Path(place): Path<String>) -> Response {
        static REQUESTS: AtomicU32 = AtomicU32::new(0);
        let answer = match REQUESTS.fetch_add(1, Ordering::Relaxed) {
            0 => (StatusCode::TOO_MANY_REQUESTS, [("retry-after-ms", "1500")], "slow down").into_response(),
            1 => (StatusCode::BAD_GATEWAY, [("retry-after", "1")], "restarting").into_response(),
            _ if place == "atlantis" => StatusCode::NOT_FOUND.into_response(),
            _ => Json(serde_json::json!({ "place": place, "metres": 6.25 })).into_response(),
        };
        println!("{place}: {}", answer.status());
        answer
    }
}
