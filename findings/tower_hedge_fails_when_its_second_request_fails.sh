#!/usr/bin/env bash
# The `Hedge` of tower sends a second request when the first is slow, and takes what comes first, also when that is an error. So a second request that
# is refused at once, because the service is full or the second server is down, ends the call with its error, while the first is on its way to a good
# answer: here a call that succeeds after 500 milliseconds without hedging fails after 100 with it. The slower a service is, the more calls get a
# second request, and where it refuses what is too much, the more of them fail.
#
# Seen with tower 0.5.3, tokio 1.54.1.
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
tokio = { version = "=1.54.1", features = ["macros", "rt", "test-util", "time"] }
tower = { version = "=0.5.3", features = ["hedge", "util"] }

[workspace]
TOML
cat > src/main.rs <<'RUST'
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, Instant};
use tower::hedge::{Hedge, Policy};
use tower::{service_fn, ServiceExt};

#[derive(Clone)]
struct Always(bool);

impl Policy<()> for Always {
    fn clone_request(&self, (): &()) -> Option<()> {
        self.0.then_some(())
    }

    fn can_retry(&self, (): &()) -> bool {
        self.0
    }
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() {
    for hedged in [false, true] {
        let running = Arc::new(AtomicU32::new(0));
        let service = service_fn(move |()| {
            let running = running.clone();
            async move {
                if running.fetch_add(1, Ordering::SeqCst) > 0 {
                    running.fetch_sub(1, Ordering::SeqCst);
                    return Err("full");
                }
                sleep(Duration::from_millis(500)).await;
                running.fetch_sub(1, Ordering::SeqCst);
                Ok("good")
            }
        });
        let hedge = Hedge::new_with_mock_latencies(service, Always(hedged), 1, 0.9, Duration::from_secs(3600), &[100; 10]);
        let start = Instant::now();
        let outcome = match hedge.oneshot(()).await {
            Ok(answer) => answer.to_owned(),
            Err(error) => format!("error: {error}"),
        };
        println!("hedged {hedged}: {outcome} after {:?}", start.elapsed());
    }
}
RUST

output=$(cargo run --quiet 2>/dev/null)
echo "$output"
grep -qx 'hedged false: good after 500ms' <<< "$output"
grep -qxE 'hedged true: error: full after 10[0-9]ms' <<< "$output"
echo 'as found'
