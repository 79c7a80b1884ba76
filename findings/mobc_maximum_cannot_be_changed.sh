#!/usr/bin/env bash
# `set_max_open_conns` of a pool of mobc sets the most connections that it may have open. The pool counts them with a semaphore that gets its size when the pool is built, and never again. So a pool that is
# lowered from ten to two gives out ten connections, and one that is raised from two to ten gives out two and lets the third caller wait. `state()` shows the new maximum in both
# cases, with ten connections in use of two.
#
# Seen with mobc 0.9.0, tokio 1.54.1.
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
mobc = "=0.9.0"
tokio = { version = "=1.54.1", features = ["macros", "rt", "sync", "test-util", "time"] }

[workspace]
TOML
cat > src/main.rs <<'RUST'
use std::convert::Infallible;
use std::time::Duration;

use mobc::{async_trait, Manager, Pool};

struct Nothing;

#[async_trait]
impl Manager for Nothing {
    type Connection = ();
    type Error = Infallible;

    async fn connect(&self) -> Result<(), Infallible> {
        Ok(())
    }

    async fn check(&self, _: ()) -> Result<(), Infallible> {
        Ok(())
    }
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() {
    for (built, set) in [(10, 2), (2, 10)] {
        let pool = Pool::builder().max_open(built).build(Nothing);
        pool.set_max_open_conns(set).await;
        let mut connections = Vec::new();
        while let Ok(connection) = pool.get_timeout(Duration::from_secs(1)).await {
            connections.push(connection);
        }
        let state = pool.state().await;
        println!("built with {built}, set to {set}: {} given out, state: {} in use of {}", connections.len(), state.in_use, state.max_open);
    }
}
RUST

output=$(cargo run --quiet 2>/dev/null)
echo "$output"
grep -qx 'built with 10, set to 2: 10 given out, state: 10 in use of 2' <<< "$output"
grep -qx 'built with 2, set to 10: 2 given out, state: 2 in use of 10' <<< "$output"
echo 'as found'
