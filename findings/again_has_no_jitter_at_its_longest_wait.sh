#!/usr/bin/env bash
# `with_jitter` of again is there against clients that all retry at the same time. The jitter is drawn first, of a wait that goes on doubling, and `with_max_delay` cuts it
# off after that. So a few attempts after the longest wait has been reached, the waits are exactly that, and all clients of a long outage come back in step: here each wait
# from the 21st on is the longest. `with_max_retries` "limits the maximum number of attempts", it says; there is one attempt more.
#
# Seen with again 0.1.2, tokio 1.54.1.
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
again = "=0.1.2"
tokio = { version = "=1.54.1", features = ["macros", "rt"] }

[workspace]
TOML
cat > src/main.rs <<'RUST'
use std::sync::Mutex;
use std::time::{Duration, Instant};

use again::RetryPolicy;

async fn waits(delay: u64, jitter: bool, retries: usize) -> Vec<Duration> {
    let attempts = Mutex::new(Vec::new());
    let policy = RetryPolicy::exponential(Duration::from_millis(delay))
        .with_jitter(jitter)
        .with_max_delay(Duration::from_millis(40))
        .with_max_retries(retries);
    let call = || async {
        attempts.lock().unwrap().push(Instant::now());
        Err::<(), ()>(())
    };
    policy.retry(call).await.unwrap_err();
    let attempts = attempts.into_inner().unwrap();
    attempts.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let longest = Duration::from_millis(40);
    let waits_of_one = waits(1, true, 40).await;
    let late = &waits_of_one[20..];
    let full = late.iter().filter(|wait| **wait >= longest).count();
    println!("jitter, waits 21 to 40: {full} of {} are the longest wait", late.len());
    println!("a maximum of 5: {} attempts", waits(1, false, 5).await.len() + 1);
}
RUST

output=$(cargo run --quiet 2>/dev/null)
echo "$output"
grep -qx 'jitter, waits 21 to 40: 20 of 20 are the longest wait' <<< "$output"
grep -qx 'a maximum of 5: 6 attempts' <<< "$output"
echo 'as found'
