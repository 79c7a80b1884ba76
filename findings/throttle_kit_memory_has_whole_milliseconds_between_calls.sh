#!/usr/bin/env bash
# throttle-kit's in-memory backend counts the interval between calls in whole milliseconds, rounded down, and at least one. So every quota above 500 a second is one of 1,000 a second, once the burst is used up:
# `Quota::per_second(600)` lets two thirds more through than it says, and `Quota::per_second(3_000)` a third of it. (Its Redis backend rounds down to none at all, which is another finding.)
#
# Seen with throttle-kit 2.1.2 and tokio 1.54.1.
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
throttle-kit = "=2.1.2"
tokio = { version = "=1.54.1", features = ["macros", "rt"] }

[workspace]
TOML
cat > src/main.rs <<'RUST'
use std::time::{Duration, Instant};

use throttle_kit::{InMemoryBackend, Quota, RateLimiter};

/// So many that a pause of this process costs no call.
const BURST: u32 = 200;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    for rate in [500, 600, 3_000] {
        let limiter = RateLimiter::new(Quota::per_second(rate).allow_burst(BURST), InMemoryBackend::new());
        let begin = Instant::now();
        let mut allowed = 0_u32;
        while begin.elapsed() < Duration::from_secs(2) {
            allowed += u32::from(limiter.check("key").await.allowed);
        }
        let share = f64::from(allowed - BURST) / begin.elapsed().as_secs_f64() / f64::from(rate);
        println!("{rate} a second: {}", match share {
            ..0.5 => "less than half",
            0.9..1.1 => "kept",
            1.3.. => "a third more",
            _ => "other",
        });
    }
}
RUST
cargo build --quiet --release
seen=$(./target/release/finding 2> errors || true)
expected=$'500 a second: kept\n600 a second: a third more\n3000 a second: less than half'
if [[ $seen != "$expected" ]]; then
    printf 'changed:\n%s\n' "$seen" >&2
    exit 1
fi
echo 'as found'
