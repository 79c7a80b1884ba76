#!/usr/bin/env bash
# Each back-off that the `ExponentialBackoffMaker` of tower makes gets a copy of the maker's random numbers, in the state in which the maker is, and
# the maker never draws one itself. So all requests that share a maker, as those of one policy do, wait the same: the first retries of all as long as
# each other, and so the second. Those who failed together come back together, which is what the jitter is there to prevent. The waits differ from
# retry to retry of one request, and from process to process; one request alone looks right.
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
tower = { version = "=0.5.3", features = ["retry", "util"] }

[workspace]
TOML
cat > src/main.rs <<'RUST'
use std::collections::HashSet;
use std::time::Duration;

use tokio::time::Instant;
use tower::retry::backoff::{Backoff, ExponentialBackoffMaker, MakeBackoff};
use tower::util::rng::HasherRng;

fn maker() -> ExponentialBackoffMaker {
    ExponentialBackoffMaker::new(Duration::from_secs(100), Duration::from_secs(3600), 1.0, HasherRng::default()).unwrap()
}

async fn waits(maker: &mut ExponentialBackoffMaker) -> Vec<u128> {
    let mut backoff = maker.make_backoff();
    let mut waits = Vec::new();
    for _ in 0..3 {
        let start = Instant::now();
        backoff.next_backoff().await;
        waits.push(start.elapsed().as_millis());
    }
    waits
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() {
    let mut shared = maker();
    let mut of_one = HashSet::new();
    let mut of_many = HashSet::new();
    for _ in 0..100 {
        of_one.insert(waits(&mut shared).await);
        of_many.insert(waits(&mut maker()).await);
    }
    println!("100 requests of one maker: {} kinds of waits", of_one.len());
    println!("100 makers: {} kinds of waits", of_many.len());
}
RUST

output=$(cargo run --quiet 2>/dev/null)
echo "$output"
grep -qx '100 requests of one maker: 1 kinds of waits' <<< "$output"
grep -qxE '100 makers: (9[0-9]|100) kinds of waits' <<< "$output"
echo 'as found'
