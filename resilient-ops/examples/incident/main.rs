//! Three functions with the same policies call three servers, of which one stays well, one becomes slow and one fails for some seconds.
//!
//! `cargo run -p resilient-ops --example incident -- 127.0.0.1:9000` shows the metrics at `/metrics` and the policies at `/policies`, for
//! `resilient-ops` and for Prometheus. The faults begin after twenty seconds and last for ten.

mod calls;
mod server;

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::{Json, Router, routing};
use clap::Parser;
use prometheus_client::encoding::prometheus_text;
use prometheus_client::registry::Registry;
use resilient::snapshot::Policies;
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep_until};

use crate::server::{Fault, Server};

/// Calls three servers, one of which becomes slow and one fails, and shows the policies' metrics.
#[derive(Debug, Parser)]
#[command(name = "incident", disable_version_flag = true)]
struct Args {
    /// Serve /metrics and /policies on this address
    address: SocketAddr,
    /// The seconds before the faults
    #[arg(long, default_value_t = 20)]
    before: u64,
    /// The seconds that they last
    #[arg(long, default_value_t = 10)]
    lasting: u64,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let Args { address, before, lasting } = Args::parse();
    let listener = TcpListener::bind(address).await?;
    println!("http://{}/metrics and /policies", listener.local_addr()?);

    let start = Instant::now();
    let from = start + Duration::from_secs(before);
    let until = from + Duration::from_secs(lasting);
    tokio::spawn(load(start, Server::new(Fault::None, from, until), async |server| calls::calm(&server).await));
    tokio::spawn(load(start, Server::new(Fault::Slow, from, until), async |server| calls::brown_out(&server).await));
    tokio::spawn(load(start, Server::new(Fault::Fails, from, until), async |server| calls::outage(&server).await));

    let mut registry = Registry::default();
    resilient::metrics::prometheus::register(&mut registry);
    let router = Router::new()
        .route("/metrics", routing::get(metrics))
        .route("/policies", routing::get(policies))
        .with_state(Arc::new(registry));
    axum::serve(listener, router).await?;
    Ok(())
}

/// Calls without end, at random times.
async fn load<C, R>(start: Instant, server: Server, call: C)
where
    C: Fn(Arc<Server>) -> R + Clone + Send + 'static,
    R: Future<Output = Result<(), calls::CallError>> + Send + 'static,
{
    let server = Arc::new(server);
    let mut next = start;
    loop {
        // the time between two calls of a Poisson process; `1 − x`, since `x` may be zero
        let gap = -(1.0 - rand::random::<f64>()).ln() / CALLS_PER_SECOND;
        next += Duration::from_secs_f64(gap);
        sleep_until(next).await;
        tokio::spawn(call.clone()(Arc::clone(&server)));
    }
}

async fn metrics(State(registry): State<Arc<Registry>>) -> Response {
    let mut text = String::new();
    match prometheus_text::encode(&mut text, &registry) {
        Ok(()) => ([(CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn policies() -> Json<Policies> {
    Json(resilient::policies())
}

/// Four tenths of the servers' capacity.
const CALLS_PER_SECOND: f64 = 100.0;
