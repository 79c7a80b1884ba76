#!/usr/bin/env bash
# The crate exponential-backoff clamps a delay between `min` and `max` after its jitter. The first delay is `min` with a jitter to both sides, so that every second one is `min`
# itself. Once the delays have grown well above `max`, each is `max` itself, and the jitter is gone: those who failed together come back together from then on. In between,
# a jitter of 0.3 gives between -30 and 0 and between +15 and +29 per cent, in whole per cents, and nothing between 0 and +15.
#
# Seen with exponential-backoff 2.1.1.
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
exponential-backoff = "=2.1.1"

[workspace]
TOML
cat > src/main.rs <<'RUST'
use std::collections::BTreeMap;
use std::time::Duration;

use exponential_backoff::Backoff;

fn main() {
    // jitter 0.3, factor 2: about 1, 2, 4, 8, 10, 10, … seconds
    let backoff = Backoff::new(9, Duration::from_secs(1), Duration::from_secs(10));
    for nth in [0, 1, 6] {
        let mut delays = BTreeMap::new();
        for _ in 0..10_000 {
            let delay = backoff.iter().nth(nth).flatten().unwrap();
            *delays.entry(delay).or_insert(0) += 1;
        }
        let (most, times) = delays.iter().max_by_key(|(_, times)| **times).unwrap();
        let widest = delays.keys().zip(delays.keys().skip(1)).max_by_key(|(low, high)| **high - **low);
        println!("delay {}: {} kinds, {most:?} in {}%, widest gap {widest:?}", nth + 1, delays.len(), times / 100);
    }
}
RUST

output=$(cargo run --quiet 2>/dev/null)
echo "$output"
grep -Eqx 'delay 1: 16 kinds, 1s in (4[6-9]|5[0-4])%, widest gap Some\(\(1s, 1.15s\)\)' <<< "$output"
grep -Eqx 'delay 2: 45 kinds, .*, widest gap Some\(\(2s, 2.3s\)\)' <<< "$output"
grep -qx 'delay 7: 1 kinds, 10s in 100%, widest gap None' <<< "$output"
echo 'as found'
