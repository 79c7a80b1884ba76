#!/usr/bin/env bash
# A policy of retry-policies that is built with a total duration looks at the time that has passed when it is asked, and not at the end of the wait that it then gives. With a
# total of ten seconds, and calls that take two seconds to fail, the third retry is sent after 13 seconds and ends after 15; where the calls fail at once, the
# fourth is sent after 15. The documentation of `build_with_total_retry_duration_and_limit_retries` promises that there is no retry after the total.
#
# Seen with retry-policies 0.5.2.
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
retry-policies = "=0.5.2"

[workspace]
TOML
cat > src/main.rs <<'RUST'
use std::time::{Duration, SystemTime};

use retry_policies::policies::ExponentialBackoff;
use retry_policies::{Jitter, RetryDecision, RetryPolicy};

fn main() {
    let builder = || {
        ExponentialBackoff::builder()
            .retry_bounds(Duration::from_secs(1), Duration::from_secs(60))
            .jitter(Jitter::None)
    };
    let total = Duration::from_secs(10);
    let policies = [
        ("total", builder().build_with_total_retry_duration(total)),
        ("total and limit", builder().build_with_total_retry_duration_and_limit_retries(total)),
    ];
    for (name, policy) in policies {
        for call in [0, 2] {
            let mut passed = Duration::ZERO;
            let mut retries = Vec::new();
            loop {
                passed += Duration::from_secs(call);
                let began = SystemTime::now() - passed;
                let decision = policy.should_retry(began, retries.len() as u32);
                let RetryDecision::Retry { execute_after } = decision else { break };
                passed = execute_after.duration_since(began).unwrap();
                retries.push(passed.as_secs());
            }
            println!("{name} of {total:?}, calls of {call} s: retries at {retries:?} s");
        }
    }
}
RUST

output=$(cargo run --quiet 2>/dev/null)
echo "$output"
grep -qx 'total of 10s, calls of 0 s: retries at \[1, 3, 7, 15\] s' <<< "$output"
grep -qx 'total of 10s, calls of 2 s: retries at \[3, 7, 13\] s' <<< "$output"
grep -qx 'total and limit of 10s, calls of 2 s: retries at \[3, 7, 13\] s' <<< "$output"
echo 'as found'
