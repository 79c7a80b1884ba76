#!/usr/bin/env bash
# tower-resilience-circuitbreaker sets its gauge `circuitbreaker_state` to 1 for the state that a breaker comes into, and never to 0 for the one that it leaves. After one trip and
# one recovery the gauge is 1 for Open, HalfOpen and Closed at the same time, for the rest of the process. An alert on `circuitbreaker_state{state="Open"} == 1`
# fires with the first trip and never ends. Before the first trip there is no series at all, for the state that the breaker begins in has none.
#
# Seen with tower-resilience-circuitbreaker 0.13.0, metrics-exporter-prometheus 0.18.3, tower 0.5.3, tokio 1.54.1.
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
edition = "2024"

[dependencies]
metrics-exporter-prometheus = { version = "=0.18.3", default-features = false }
tokio = { version = "=1.54.1", features = ["macros", "rt", "time"] }
tower = { version = "=0.5.3", features = ["util"] }
tower-resilience-circuitbreaker = { version = "=0.13.0", features = ["metrics"] }

[workspace]
TOML
cat > src/main.rs <<'RUST'
use std::time::Duration;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_resilience_circuitbreaker::CircuitBreakerLayer;

fn show(when: &str, handle: &PrometheusHandle) {
    let scrape = handle.render();
    let mut states: Vec<_> = scrape.lines().filter(|line| line.starts_with("circuitbreaker_state{")).collect();
    states.sort();
    println!("{when}: {}", states.join(" "));
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let handle = PrometheusBuilder::new().install_recorder().unwrap();
    let layer = CircuitBreakerLayer::builder()
        .name("shop")
        .sliding_window_size(2)
        .minimum_number_of_calls(2)
        .failure_rate_threshold(0.5)
        .wait_duration_in_open(Duration::from_millis(50))
        .permitted_calls_in_half_open(1)
        .build()
        .unwrap();
    let mut service = layer.layer(service_fn(|fails| async move { if fails { Err("down") } else { Ok(()) } }));
    show("at first", &handle);
    for _ in 0..2 {
        let _ = service.ready().await.unwrap().call(true).await;
    }
    show("after two failures", &handle);
    tokio::time::sleep(Duration::from_millis(100)).await;
    for _ in 0..10 {
        service.ready().await.unwrap().call(false).await.unwrap();
    }
    show("after ten successes", &handle);
}
RUST

output=$(cargo run --quiet 2>/dev/null)
echo "$output"
series() { echo "circuitbreaker_state{circuitbreaker=\"shop\",state=\"$1\"} 1"; }
grep -qx 'at first: ' <<< "$output"
grep -qxF "after two failures: $(series Open)" <<< "$output"
grep -qxF "after ten successes: $(series Closed) $(series HalfOpen) $(series Open)" <<< "$output"
echo 'as found'
