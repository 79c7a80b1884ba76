#!/usr/bin/env bash
# `resize` of a pool of deadpool takes places away only while more objects are open than the new maximum allows. So a pool of ten that has none open, or few, keeps its ten places when it is lowered to two: it
# gives ten out at the same time, of two by its own status. Raising it again adds the difference to what was never taken away. So a pool that is lowered to two and raised to ten
# again gives out 18, after a second time 26, and after every further one eight more.
#
# Seen with deadpool 0.13.1, tokio 1.54.1.
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
deadpool = { version = "=0.13.1", default-features = false, features = ["managed"] }
tokio = { version = "=1.54.1", features = ["macros", "rt", "sync", "test-util", "time"] }

[workspace]
TOML
cat > src/main.rs <<'RUST'
use std::convert::Infallible;
use std::time::Duration;

use deadpool::managed::{Manager, Metrics, Pool, RecycleResult, Timeouts};

struct Nothing;

impl Manager for Nothing {
    type Type = ();
    type Error = Infallible;

    async fn create(&self) -> Result<(), Infallible> {
        Ok(())
    }

    async fn recycle(&self, _: &mut (), _: &Metrics) -> RecycleResult<Infallible> {
        Ok(())
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let at_once = Timeouts { wait: Some(Duration::ZERO), ..Timeouts::new() };
    for sizes in [vec![], vec![2], vec![2, 10], vec![2, 10, 2, 10]] {
        let pool: Pool<Nothing> = Pool::builder(Nothing).max_size(10).build().unwrap();
        sizes.iter().for_each(|size| pool.resize(*size));
        let mut objects = Vec::new();
        while let Ok(object) = pool.timeout_get(&at_once).await {
            objects.push(object);
        }
        println!("10, then {sizes:?}: {} given out of {}", objects.len(), pool.status().max_size);
    }
}
RUST

output=$(cargo run --quiet 2>/dev/null)
echo "$output"
grep -qx '10, then \[\]: 10 given out of 10' <<< "$output"
grep -qx '10, then \[2\]: 10 given out of 2' <<< "$output"
grep -qx '10, then \[2, 10\]: 18 given out of 10' <<< "$output"
grep -qx '10, then \[2, 10, 2, 10\]: 26 given out of 10' <<< "$output"
echo 'as found'
