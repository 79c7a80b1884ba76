#!/usr/bin/env bash
# `TpsBudget` of tower takes the share of calls that may be retried as a number, and counts with its inverse in whole calls, rounded down. So every
# share from 0.51 to 1 is one retry for each call, every one from 0.34 to 0.5 is one for two, and 0.3 is one for three: a budget of 60 per cent lets
# as many retries through as there are calls, and doubles the load that it is there to bound. Shares above 1 are counted in thousandths and come out
# as they are. The default of 0.2 and round parts such as 0.1 and 0.5 are right.
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
tower = { version = "=0.5.3", features = ["retry"] }

[workspace]
TOML
cat > src/main.rs <<'RUST'
use std::time::Duration;

use tower::retry::budget::{Budget, TpsBudget};

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() {
    for share in [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.9, 1.0, 1.5] {
        let budget = TpsBudget::new(Duration::from_secs(10), 0, share);
        let mut retries = 0;
        for _ in 0..1000 {
            budget.deposit();
        }
        while budget.withdraw() {
            retries += 1;
        }
        println!("{share:.1}: {retries} retries for 1000 calls");
    }
}
RUST

output=$(cargo run --quiet 2>/dev/null)
echo "$output"
for right in '0.1: 100' '0.2: 200' '0.5: 500' '1.0: 1000' '1.5: 1501'; do
    grep -qx "$right retries for 1000 calls" <<< "$output"
done
for wrong in '0.3: 333' '0.4: 500' '0.6: 1000' '0.9: 1000'; do
    grep -qx "$wrong retries for 1000 calls" <<< "$output"
done
echo 'as found'
