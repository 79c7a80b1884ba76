#!/usr/bin/env bash
# The loader of the crate dataloader lets one of its callers load the keys of all, and takes them off its list before. If that caller is cancelled meanwhile, by a time-out of its own, the
# batch ends and the keys are gone. The others find neither a value nor a key to load, and get "could not lookup result for given key", the error for a
# key that the database does not have, at the moment in which somebody else gave up; `load` panics with it. Nobody tries the batch again.
#
# Seen with dataloader 0.18.0, tokio 1.54.1.
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
dataloader = "=0.18.0"
tokio = { version = "=1.54.1", features = ["macros", "rt", "sync", "test-util", "time"] }

[workspace]
TOML
cat > src/main.rs <<'RUST'
use std::collections::HashMap;
use std::time::Duration;

use dataloader::cached::Loader;
use dataloader::BatchFn;
use tokio::time::{sleep, timeout};

struct Table;

impl BatchFn<u32, String> for Table {
    async fn load(&mut self, keys: &[u32]) -> HashMap<u32, String> {
        println!("a batch of {} keys", keys.len());
        sleep(Duration::from_secs(1)).await;
        keys.iter().map(|key| (*key, format!("row {key}"))).collect()
    }
}

async fn load_two(patience: Duration) {
    let loader = Loader::new(Table);
    let (first, second) = (loader.clone(), loader);
    let first = tokio::spawn(async move { timeout(patience, first.try_load(1)).await });
    let second = tokio::spawn(async move { second.try_load(2).await });
    println!("first {:?}", first.await.unwrap().map(|row| row.unwrap()).map_err(|_| "gives up"));
    println!("second {:?}", second.await.unwrap().map_err(|error| error.to_string()));
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() {
    load_two(Duration::from_secs(2)).await;
    load_two(Duration::from_millis(500)).await;
}
RUST

output=$(cargo run --quiet 2>/dev/null)
echo "$output"
grep -qx 'first Ok("row 1")' <<< "$output"
grep -qx 'second Ok("row 2")' <<< "$output"
grep -qx 'first Err("gives up")' <<< "$output"
grep -qx 'second Err("could not lookup result for given key: 2")' <<< "$output"
echo 'as found'
