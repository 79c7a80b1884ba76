#!/usr/bin/env bash
# `success_rate_over_time_window` of failsafe takes the time since the last call, in whole milliseconds, for the weight of a call. A call in the same
# millisecond as the one before has no weight. So of calls that come together the first decides: with one success before nine failures, 250 times,
# a breaker that asks for eight successes in ten sees a rate of nearly 1 and never opens. With the success after its nine failures, it opens.
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
    for success in [0, 9] {
        let wait = backoff::constant(Duration::from_secs(60));
        let policy = failure_policy::success_rate_over_time_window(0.8, 5, Duration::from_secs(1), wait);
        let breaker = Config::new().failure_policy(policy).build();
        let mut failures = 0;
        for _ in 0..250 {
            std::thread::sleep(Duration::from_millis(8));
            for call in 0..10 {
                if call == success {
                    let _ = breaker.call(|| Ok::<_, ()>(()));
                } else {
                    failures += u32::from(breaker.is_call_permitted());
                    let _ = breaker.call(|| Err::<(), _>(()));
                }
            }
        }
        let state = if breaker.is_call_permitted() { "closed" } else { "open" };
        let many = if failures == 2_250 { "all" } else { "fewer than all" };
        println!("success at place {success} of ten: {state} after {many} of the 2250 failures");
    }
}
RUST

output=$(cargo run --quiet --release 2>/dev/null)
echo "$output"
grep -qx 'success at place 0 of ten: closed after all of the 2250 failures' <<< "$output"
grep -qx 'success at place 9 of ten: open after fewer than all of the 2250 failures' <<< "$output"
echo 'as found'
