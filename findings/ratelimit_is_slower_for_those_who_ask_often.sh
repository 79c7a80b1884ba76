#!/usr/bin/env bash
# A limiter of the crate ratelimit adds tokens whenever it is asked, in millionths of a token, drops what is left below a millionth, and counts from then on. So the oftener it
# is asked, the less it gives: with one an hour, the first call gets through after an hour when it asks every 3.6 milliseconds, after an hour and seven minutes when it asks every
# millisecond, and after nearly two hours when it asks every seven. A shared limiter is asked by everybody, and those who are refused slow down all others.
# The documentation has it accurate at any rate.
#
# Seen with ratelimit 2.0.0.
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
ratelimit = "=2.0.0"

[workspace]
TOML
cat > src/main.rs <<'RUST'
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::time::Duration;

use ratelimit::{Clock, Ratelimiter};

#[derive(Clone, Default)]
struct Hands(Arc<AtomicU64>);

impl Clock for Hands {
    fn elapsed(&self) -> Duration {
        Duration::from_micros(self.0.load(Ordering::Relaxed))
    }
}

fn main() {
    for every in [3_600_000, 3_600, 1_000, 7_000] {
        let hands = Hands::default();
        let limiter = Ratelimiter::with_clock(1, hands.clone());
        limiter.set_rate_per(1, Duration::from_secs(3600));
        while limiter.try_wait().is_err() {
            hands.0.fetch_add(every, Ordering::Relaxed);
        }
        let every = Duration::from_micros(every);
        println!("asked every {every:?}: the one of an hour after {:?}", hands.elapsed());
    }
}
RUST

output=$(cargo run --quiet 2>/dev/null)
echo "$output"
grep -qx 'asked every 3.6s: the one of an hour after 3600s' <<< "$output"
grep -qx 'asked every 3.6ms: the one of an hour after 3600s' <<< "$output"
grep -qx 'asked every 1ms: the one of an hour after 4000s' <<< "$output"
grep -qx 'asked every 7ms: the one of an hour after 7000s' <<< "$output"
echo 'as found'
