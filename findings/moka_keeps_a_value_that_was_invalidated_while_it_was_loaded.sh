#!/usr/bin/env bash
# `invalidate` and `invalidate_all` of moka know what is in the cache, and nothing of what is on its way into it. A value that `get_with` or
# `try_get_with` is loading when its key is invalidated goes in when it is there, and stays for its whole time to live. So the usual order, to write
# to the database and invalidate then, leaves the old value in the cache if a reader had asked the database just before. The reader that comes after
# the invalidation is given the old load as well; the callers of one key share it.
#
# Seen with moka 0.12.16, tokio 1.54.1.
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
moka = { version = "=0.12.16", features = ["future"] }
tokio = { version = "=1.54.1", features = ["macros", "rt", "test-util", "time"] }

[workspace]
TOML
cat > src/main.rs <<'RUST'
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;
use tokio::time::sleep;

async fn load(database: Arc<AtomicU32>) -> u32 {
    let value = database.load(Ordering::SeqCst);
    sleep(Duration::from_millis(100)).await;
    value
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() {
    for all in [false, true] {
        let database = Arc::new(AtomicU32::new(1));
        let cache = Cache::new(10);
        let early = tokio::spawn({
            let (cache, database) = (cache.clone(), database.clone());
            async move { cache.get_with("price", load(database)).await }
        });
        sleep(Duration::from_millis(50)).await;

        database.store(2, Ordering::SeqCst);
        if all {
            cache.invalidate_all();
        } else {
            cache.invalidate("price").await;
        }
        let late = cache.get_with("price", load(database.clone())).await;
        let early = early.await.unwrap();
        sleep(Duration::from_secs(60)).await;
        let kept = cache.get("price").await;
        println!("all {all}: before {early}, after {late}, a minute later {kept:?}");
    }
}
RUST

output=$(cargo run --quiet 2>/dev/null)
echo "$output"
grep -qx 'all false: before 1, after 1, a minute later Some(1)' <<< "$output"
grep -qx 'all true: before 1, after 1, a minute later Some(1)' <<< "$output"
echo 'as found'
