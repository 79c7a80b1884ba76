#!/usr/bin/env bash
# time compares its `SignedDuration` with std's `Duration` in both directions. A program with that crate anywhere among its dependencies, named in the program or not, has two types to which a
# `Duration` compares. So `(a..b).contains(at)`, where `at` is a reference to a reference, does not compile any more: with one type the compiler takes the second reference off. It is enough that
# another crate of the tree switches a feature on that brings time in.
#
# Seen with time 0.3.55, which the first build leaves out.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir -p src middle/src
cat > Cargo.toml <<'TOML'
[package]
name = "finding"
version = "0.1.0"
edition = "2024"

[dependencies]
middle = { path = "middle" }

[features]
dated = ["middle/dated"]

[workspace]
TOML
cat > middle/Cargo.toml <<'TOML'
[package]
name = "middle"
version = "0.1.0"
edition = "2024"

[dependencies]
time = { version = "=0.3.55", default-features = false, optional = true }

[features]
dated = ["dep:time"]
TOML
cat > middle/src/lib.rs <<'RUST'
#[cfg(feature = "dated")]
pub use time::Date;

pub fn nothing() {}
RUST
cat > src/main.rs <<'RUST'
use std::time::Duration;

fn main() {
    middle::nothing();
    let times = [Duration::from_secs(1), Duration::from_secs(3)];
    let early = Duration::ZERO..Duration::from_secs(2);
    println!("{}", times.iter().filter(|at| early.contains(at)).count());
}
RUST
without=$(cargo run --quiet 2> errors || echo "does not compile")
with=$(cargo run --quiet --features dated 2> errors || grep -o '^error\[E[0-9]*\]' errors | sort -u)
expected="without time: 1
with time: error[E0277]"
seen="without time: $without
with time: $with"
if [[ $seen != "$expected" ]]; then
    printf 'changed:\n%s\n' "$seen" >&2
    exit 1
fi
echo 'as found'
