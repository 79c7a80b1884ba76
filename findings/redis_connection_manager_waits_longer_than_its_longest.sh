#!/usr/bin/env bash
# The documentation of `ConnectionManager` in the crate redis says that errors of the first connection are returned directly. `new` tries seven times, with the back-off of a reconnection between, and returns after six
# to thirteen seconds what it knew at once. The waits are given as a random part of a delay that grows, and as never longer than `max_delay`. They are
# that delay and a random part on top: with a longest of 200 milliseconds, ten waits, which may be two seconds together, are always more. The crate takes them from
# backon, which adds its jitter behind the maximum.
#
# Seen with redis 1.8.1, backon 1.6.0, tokio 1.54.1.
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
backon = "=1.6.0"
redis = { version = "=1.8.1", default-features = false, features = ["connection-manager", "tokio-comp"] }
tokio = { version = "=1.54.1", features = ["macros", "net", "rt", "time"] }

[workspace]
TOML
cat > src/main.rs <<'RUST'
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use tokio::net::TcpListener;

async fn refuse(listener: TcpListener, attempts: Arc<AtomicUsize>) {
    loop {
        drop(listener.accept().await.unwrap());
        attempts.fetch_add(1, Ordering::Relaxed);
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("redis://{}/", listener.local_addr().unwrap());
    let attempts = Arc::new(AtomicUsize::new(0));
    tokio::spawn(refuse(listener, attempts.clone()));

    let longest = Duration::from_millis(200);
    let short = ConnectionManagerConfig::new().set_min_delay(longest).set_max_delay(longest).set_number_of_retries(10);
    for (name, config, most) in [
        ("default, should return at once", ConnectionManagerConfig::new(), Duration::from_secs(6)),
        ("ten waits of at most 200 ms", short, 10 * longest),
    ] {
        attempts.store(0, Ordering::Relaxed);
        let start = Instant::now();
        let client = redis::Client::open(address.as_str()).unwrap();
        assert!(ConnectionManager::new_with_config(client, config).await.is_err());
        let longer = start.elapsed() > most;
        let attempts = attempts.load(Ordering::Relaxed);
        println!("{name}: {attempts} attempts, more than {most:?} {longer}");
    }
}
RUST

output=$(cargo run --quiet 2>/dev/null)
echo "$output"
grep -qx 'default, should return at once: 7 attempts, more than 6s true' <<< "$output"
grep -qx 'ten waits of at most 200 ms: 11 attempts, more than 2s true' <<< "$output"
echo 'as found'
