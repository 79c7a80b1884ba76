#!/usr/bin/env bash
# The rate limit of tower counts in windows that begin with the first call after the last one. Whoever makes few calls early and the rest
# late gets the next window at once: with ten calls a second, nineteen go through within five milliseconds. A server that counts over any
# second refuses nearly half of them.
#
# Seen with tower 0.5.3, tokio 1.54.1.
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
tokio = { version = "=1.54.1", features = ["macros", "rt", "test-util", "time"] }
tower = { version = "=0.5.3", features = ["limit", "util"] }

[workspace]
TOML
cat > src/main.rs <<'RUST'
use std::convert::Infallible;
use std::time::Duration;

use tokio::time::{sleep, Instant};
use tower::{service_fn, Service, ServiceBuilder, ServiceExt};

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() {
    let answer = service_fn(|()| async { Ok::<(), Infallible>(()) });
    let mut service = ServiceBuilder::new().rate_limit(10, Duration::from_secs(1)).service(answer);
    service.ready().await.unwrap().call(()).await.unwrap();
    sleep(Duration::from_millis(995)).await;

    let start = Instant::now();
    for _ in 0..19 {
        service.ready().await.unwrap().call(()).await.unwrap();
    }
    println!("19 calls in {:?}", start.elapsed());
}
RUST

output=$(cargo run --quiet 2>/dev/null)
echo "$output"
grep -qx '19 calls in 5ms' <<< "$output"
echo 'as found'
