#!/usr/bin/env bash
# The Fibonacci back-off of backon compares the delay before a step with `max_delay`, and does not cut the one after it. With the default maximum of a minute, the delays grow to 89 seconds and stay
# there, half as long again as they may; those of the exponential one, whose maximum is described in the same words, stop at 60. And its jitter is of the length of `min_delay`, and not of the
# current delay as its documentation says: on a delay of 34 seconds it adds less than one, so that those who failed together come back within a second.
#
# Seen with backon 1.6.0.
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
backon = { version = "=1.6.0", default-features = false, features = ["std"] }

[workspace]
TOML
cat > src/main.rs <<'RUST'
use backon::{BackoffBuilder, ExponentialBuilder, FibonacciBuilder};

fn main() {
    let fibonacci = FibonacciBuilder::default().with_max_times(13).build();
    let exponential = ExponentialBuilder::default().with_max_times(9).build();
    let seconds = |delays: &mut dyn Iterator<Item = std::time::Duration>| delays.map(|delay| delay.as_secs()).collect::<Vec<_>>();
    println!("fibonacci: {:?}", seconds(&mut { fibonacci }));
    println!("exponential: {:?}", seconds(&mut { exponential }));

    let greatest = (0..10_000)
        .map(|seed| FibonacciBuilder::default().with_jitter().with_jitter_seed(seed).with_max_times(9).build().last().unwrap())
        .max()
        .unwrap();
    println!("greatest jitter on 34 s in 10,000: {:.1} s", greatest.as_secs_f64() - 34.0);
}
RUST

output=$(cargo run --quiet 2>/dev/null)
echo "$output"
grep -qx 'fibonacci: \[1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 89, 89\]' <<< "$output"
grep -qx 'exponential: \[1, 2, 4, 8, 16, 32, 60, 60, 60\]' <<< "$output"
grep -qx 'greatest jitter on 34 s in 10,000: 1.0 s' <<< "$output"
echo 'as found'
