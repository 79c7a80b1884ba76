#!/usr/bin/env bash
# The documentation of r2d2 says of `max_lifetime` that a connection that reaches it while it is in use is closed on its return. It is put back, and given to the next caller. The age of a connection is
# looked at every 30 seconds, and only of those that lie idle at that moment. So a connection that is busy then lives on, and one that is always busy never ends: under load, the
# pool keeps what the setting is there to end, such as connections to a server that has been replaced.
#
# Seen with r2d2 0.8.10.
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
r2d2 = "=0.8.10"

[workspace]
TOML
cat > src/main.rs <<'RUST'
use std::convert::Infallible;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use r2d2::{ManageConnection, Pool};

#[derive(Default)]
struct Counter(AtomicU32);

impl ManageConnection for Counter {
    type Connection = u32;
    type Error = Infallible;

    fn connect(&self) -> Result<u32, Infallible> {
        Ok(self.0.fetch_add(1, Ordering::Relaxed) + 1)
    }

    fn is_valid(&self, _: &mut u32) -> Result<(), Infallible> {
        Ok(())
    }

    fn has_broken(&self, _: &mut u32) -> bool {
        false
    }
}

fn main() {
    let lifetime = Duration::from_millis(100);
    let pool = Pool::builder().max_size(1).max_lifetime(Some(lifetime)).build(Counter::default()).unwrap();

    let start = Instant::now();
    for _ in 0..4 {
        let connection = pool.get().unwrap();
        sleep(5 * lifetime);
        let lifetimes = start.elapsed().as_millis() / lifetime.as_millis() / 5 * 5;
        println!("connection {} returned after {lifetimes} lifetimes", *connection);
    }
}
RUST

output=$(cargo run --quiet 2>/dev/null)
echo "$output"
grep -qx 'connection 1 returned after 20 lifetimes' <<< "$output"
echo 'as found'
