#!/usr/bin/env bash
# bb8 does not hand on why it could not connect. A server that refuses at once gives `TimedOut` after the whole `connection_timeout`, 30 s by
# default, and nothing says that it was refused. `retry_connection(false)` does not shorten it: after the only attempt has failed,
# `get` goes on waiting for the same 30 s, with nobody connecting any more. So neither a retry nor a breaker outside can tell a
# server that is down from a pool that is too small.
#
# Seen with bb8 0.9.1, tokio 1.54.1.
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
bb8 = "=0.9.1"
tokio = { version = "=1.54.1", features = ["macros", "rt", "test-util", "time"] }

[workspace]
TOML
cat > src/main.rs <<'RUST'
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use tokio::time::Instant;

static CONNECTS: AtomicU32 = AtomicU32::new(0);

struct Down;

impl bb8::ManageConnection for Down {
    type Connection = ();
    type Error = std::io::Error;

    async fn connect(&self) -> Result<(), std::io::Error> {
        CONNECTS.fetch_add(1, SeqCst);
        Err(std::io::ErrorKind::ConnectionRefused.into())
    }

    async fn is_valid(&self, (): &mut ()) -> Result<(), std::io::Error> {
        Ok(())
    }

    fn has_broken(&self, (): &mut ()) -> bool {
        false
    }
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() {
    for retries in [false, true] {
        let pool = bb8::Pool::builder().retry_connection(retries).build(Down).await.unwrap();
        CONNECTS.store(0, SeqCst);
        let start = Instant::now();
        let error = pool.get().await.unwrap_err();
        let connects = if CONNECTS.load(SeqCst) > 1 { "many connects" } else { "one connect" };
        println!("retry_connection({retries}): {error:?} after {:?} and {connects}", start.elapsed());
    }
}
RUST

output=$(cargo run --quiet 2>/dev/null)
echo "$output"
grep -qx 'retry_connection(true): TimedOut after 30s and many connects' <<< "$output"
grep -qx 'retry_connection(false): TimedOut after 30s and one connect' <<< "$output"
echo 'as found'
