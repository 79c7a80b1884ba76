#!/usr/bin/env bash
# leaky-bucket takes any `interval` of at least a millisecond, and drops the part below one where it adds the tokens of the time that has passed. So a limiter of one token in
# 1.9 milliseconds, 526 a second, gives one a millisecond, nearly twice as many, to `try_acquire` and to every `acquire` that finds something to add. With 2.5
# milliseconds it gives a quarter more. A caller that has to wait in the queue waits for the interval as it is.
#
# Seen with leaky-bucket 1.1.2, tokio 1.54.1.
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
leaky-bucket = "=1.1.2"
tokio = { version = "=1.54.1", features = ["macros", "rt", "sync", "test-util", "time"] }

[workspace]
TOML
cat > src/main.rs <<'RUST'
use std::time::Duration;

use leaky_bucket::RateLimiter;

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() {
    for interval in [1000, 1500, 1900, 2500] {
        let interval = Duration::from_micros(interval);
        let limiter = RateLimiter::builder().initial(0).refill(1).max(10_000).interval(interval).build();
        tokio::time::advance(1000 * interval).await;
        let taken = (0..10_000).filter(|_| limiter.try_acquire(1)).count();
        println!("{taken} tokens in a thousand intervals of {interval:?}");
    }
}
RUST

output=$(cargo run --quiet 2>/dev/null)
echo "$output"
grep -qx '1000 tokens in a thousand intervals of 1ms' <<< "$output"
grep -qx '1499 tokens in a thousand intervals of 1.5ms' <<< "$output"
grep -qx '1899 tokens in a thousand intervals of 1.9ms' <<< "$output"
grep -qx '1249 tokens in a thousand intervals of 2.5ms' <<< "$output"
echo 'as found'
