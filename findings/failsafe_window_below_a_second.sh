#!/usr/bin/env bash
# failsafe counts the window of `success_rate_over_time_window` in whole seconds. One of 900 ms is none at all: the success rate is
# then that of the last call alone, so that a single failure after two thousand successes opens a breaker that asks for one success in
# ten. With a window of a second, the same calls leave it closed. Nothing warns.
#
# Seen with failsafe 1.3.0.
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
failsafe = "=1.3.0"

[workspace]
TOML
cat > src/main.rs <<'RUST'
use std::time::Duration;

use failsafe::{backoff, failure_policy, CircuitBreaker, Config};

fn main() {
    for millis in [900, 1_000] {
        let window = Duration::from_millis(millis);
        let wait = backoff::constant(Duration::from_secs(10));
        let policy = failure_policy::success_rate_over_time_window(0.1, 5, window, wait);
        let breaker = Config::new().failure_policy(policy).build();
        let succeed = || breaker.call(|| Ok::<_, ()>(()));
        for _ in 0..1_000 {
            succeed().unwrap();
        }
        std::thread::sleep(window);
        for _ in 0..1_000 {
            succeed().unwrap();
        }
        let _ = breaker.call(|| Err::<(), _>(()));
        println!("{window:?}: {:?}", succeed());
    }
}
RUST

output=$(cargo run --quiet 2>/dev/null)
echo "$output"
grep -qx '900ms: Err(Rejected)' <<< "$output"
grep -qx '1s: Ok(())' <<< "$output"
echo 'as found'
