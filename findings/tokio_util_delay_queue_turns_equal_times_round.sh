#!/usr/bin/env bash
# The `DelayQueue` of tokio-util gives out entries that expire at the same time in the reverse of the order in which they were put in: the last
# one first. Who queues retries or time-outs of equal length in it, and takes its order for theirs, serves the latest first.
#
# Seen with tokio-util 0.7.20, tokio 1.54.1.
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
tokio-util = { version = "=0.7.20", features = ["time"] }

[workspace]
TOML
cat > src/main.rs <<'RUST'
use std::future::poll_fn;
use std::time::Duration;

use tokio_util::time::DelayQueue;

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() {
    let mut queue = DelayQueue::new();
    for name in ["first", "second", "third"] {
        queue.insert(name, Duration::from_millis(10));
    }
    while let Some(expired) = poll_fn(|context| queue.poll_expired(context)).await {
        println!("{}", expired.into_inner());
    }
}
RUST

output=$(cargo run --quiet 2>/dev/null)
echo "$output"
test "$(tr '\n' ' ' <<< "$output")" = 'third second first '
echo 'as found'
