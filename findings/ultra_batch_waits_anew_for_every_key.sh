#!/usr/bin/env bash
# `delay_duration` of ultra-batch is documented as the most that a batch waits for further keys. It is the time since the last key: each one that comes begins the wait anew. So with ten
# milliseconds, and a key every eight, the first key waits for as long as keys keep coming, or until there are a hundred of them: 0.8 seconds for a hundred, and
# with `eager_batch_size(None)`, which by its documentation always waits for that time, for as long as the load lasts. The busier a service, the later it sends.
#
# Seen with ultra-batch 0.3.0, tokio 1.54.1.
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
ultra-batch = "=0.3.0"
tokio = { version = "=1.54.1", features = ["macros", "rt", "sync", "test-util", "time"] }

[workspace]
TOML
cat > src/main.rs <<'RUST'
use std::convert::Infallible;
use std::time::Duration;

use tokio::time::{sleep, Instant};
use ultra_batch::{BatchFetcher, Cache, Fetcher};

struct Table(Instant);

impl Fetcher for Table {
    type Key = u32;
    type Value = u32;
    type Error = Infallible;

    async fn fetch(&self, keys: &[u32], values: &mut Cache<'_, u32, u32>) -> Result<(), Infallible> {
        println!("{} keys after {} ms", keys.len(), self.0.elapsed().as_millis());
        keys.iter().for_each(|key| values.insert(*key, *key));
        Ok(())
    }
}

async fn load(keys: u32, eager: Option<usize>) {
    println!("a key every 8 ms, delay of 10 ms, eager {eager:?}:");
    let fetcher = BatchFetcher::build(Table(Instant::now()))
        .delay_duration(Duration::from_millis(10))
        .eager_batch_size(eager)
        .finish();
    let mut loads = Vec::new();
    for key in 0..keys {
        let fetcher = fetcher.clone();
        loads.push(tokio::spawn(async move { fetcher.load(key).await.unwrap() }));
        sleep(Duration::from_millis(8)).await;
    }
    for load in loads {
        load.await.unwrap();
    }
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() {
    load(100, Some(100)).await;
    load(1000, None).await;
}
RUST

output=$(cargo run --quiet 2>/dev/null)
echo "$output"
grep -qx '100 keys after 79[0-9] ms' <<< "$output"
grep -qx '1000 keys after 80[0-9][0-9] ms' <<< "$output"
echo 'as found'
