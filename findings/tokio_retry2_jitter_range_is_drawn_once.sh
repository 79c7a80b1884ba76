#!/usr/bin/env bash
# The `jitter_range` of tokio-retry2 draws its factor when it is made, and not for each delay: all retries of all calls that share it wait
# the same, and those who failed together come back together. `jitter` and `jitter_with_bounds` beside it draw anew each time.
#
# Seen with tokio-retry2 0.9.1.
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
tokio-retry2 = { version = "=0.9.1", features = ["jitter"] }

[workspace]
TOML
cat > src/main.rs <<'RUST'
use std::collections::BTreeSet;
use std::time::Duration;

use tokio_retry2::strategy::{jitter_range, jitter_with_bounds, FixedInterval};

fn main() {
    let waits = FixedInterval::from_millis(10).map(jitter_range(1..1_000_000)).take(100);
    println!("jitter_range: {} different", waits.collect::<BTreeSet<Duration>>().len());
    let waits = FixedInterval::from_millis(10).map(jitter_with_bounds(1.0, 1_000_000.0)).take(100);
    println!("jitter_with_bounds: {} different", waits.collect::<BTreeSet<Duration>>().len());
}
RUST

output=$(cargo run --quiet 2>/dev/null)
echo "$output"
grep -qx 'jitter_range: 1 different' <<< "$output"
grep -qE '^jitter_with_bounds: (9[0-9]|100) different$' <<< "$output"
echo 'as found'
