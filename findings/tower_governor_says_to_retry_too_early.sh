#!/usr/bin/env bash
# tower_governor cuts the wait until the next request is allowed to whole seconds for its `Retry-After`, and does not round it up. So a client that
# comes back after exactly that time is refused again, every time: with one request in four seconds, the answer to a client's second request says 3,
# and three seconds later it says 0, with nearly a second to go. With more than one a second it always says 0, and a client that goes by it sends
# without a pause. `x-ratelimit-after` has the same number.
#
# Seen with tower_governor 0.8.0, governor 0.10.4, axum 0.8.9, tower 0.5.3.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir src
cat > Cargo.toml <<'TOML'
[package]
name = "finding"
version = "0.1.0"
edition = "2021"

[dependencies]
axum = { version = "=0.8.9", default-features = false }
governor = "=0.10.4"
tokio = { version = "=1.54.1", features = ["macros", "rt", "time"] }
tower = { version = "=0.5.3", features = ["util"] }
tower_governor = { version = "=0.8.0", default-features = false, features = ["axum"] }

[profile.dev]
debug = false

[workspace]
TOML
cat > src/main.rs <<'RUST'
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, Response};
use axum::routing::get;
use axum::Router;
use tokio::time::sleep;
use tower::ServiceExt;
use tower_governor::governor::GovernorConfigBuilder;
use tower_governor::key_extractor::GlobalKeyExtractor;
use tower_governor::GovernorLayer;

fn router(every: Duration) -> Router {
    let config = GovernorConfigBuilder::default()
        .period(every)
        .burst_size(1)
        .key_extractor(GlobalKeyExtractor)
        .finish()
        .unwrap();
    Router::new().route("/", get(|| async { "good" })).layer(GovernorLayer::new(config))
}

async fn ask(router: &Router) -> (u16, u64) {
    let answer: Response<Body> = router.clone().oneshot(Request::get("/").body(Body::empty()).unwrap()).await.unwrap();
    let wait = answer.headers().get("retry-after").map_or(0, |value| value.to_str().unwrap().parse().unwrap());
    (answer.status().as_u16(), wait)
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    for every in [Duration::from_secs(4), Duration::from_millis(900)] {
        let router = router(every);
        let mut answers = Vec::new();
        for _ in 0..3 {
            let (status, wait) = ask(&router).await;
            answers.push(if status == 200 { "good".to_owned() } else { format!("{status} in {wait} s") });
            sleep(Duration::from_secs(wait)).await;
        }
        println!("one in {every:?}: {}", answers.join(", "));
    }
}
RUST

output=$(cargo run --quiet 2>/dev/null)
echo "$output"
grep -qx 'one in 4s: good, 429 in 3 s, 429 in 0 s' <<< "$output"
grep -qx 'one in 900ms: good, 429 in 0 s, 429 in 0 s' <<< "$output"
echo 'as found'
