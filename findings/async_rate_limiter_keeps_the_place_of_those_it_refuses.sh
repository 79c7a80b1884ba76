#!/usr/bin/env bash
# `acquire_with_timeout` of async-rate-limiter takes the next free time for its caller before it looks whether that is soon enough, and does not give
# it back when it is not. So each call that it refuses, at once and for nothing, puts off all later ones by one more interval: with ten a second,
# thirty callers who would have waited for a millisecond make the next one wait for three seconds, and those who ask again more often than ten times a
# second keep everybody out.
#
# Seen with async-rate-limiter 1.1.0, tokio 1.54.1.
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
async-rate-limiter = { version = "=1.1.0", features = ["rt-tokio"] }
tokio = { version = "=1.54.1", features = ["macros", "rt", "time"] }

[workspace]
TOML
cat > src/main.rs <<'RUST'
use std::time::{Duration, Instant};

use async_rate_limiter::RateLimiter;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    for refused in [0, 30] {
        let limiter = RateLimiter::new(10);
        limiter.acquire().await;
        let start = Instant::now();
        let mut allowed = 0;
        for _ in 0..refused {
            if limiter.acquire_with_timeout(Duration::from_millis(1)).await {
                allowed += 1;
            }
        }
        limiter.acquire().await;
        let waited = start.elapsed().as_secs();
        println!("{allowed} of {refused} allowed, the next one after {waited} s");
    }
}
RUST

output=$(cargo run --quiet 2>/dev/null)
echo "$output"
grep -qx '0 of 0 allowed, the next one after 0 s' <<< "$output"
grep -qx '0 of 30 allowed, the next one after [34] s' <<< "$output"
echo 'as found'
