#!/usr/bin/env bash
# syn 2 cannot parse `break 'label ::path`, which the compiler accepts: it takes the label and the first colon of the path for the
# beginning of a labelled loop. So a macro that writes a value with a leading `::` behind a label breaks every attribute macro over
# syn 2 that reads its output. A path without the leading `::` is fine, and so is syn 3.
#
# Seen with syn 2.0.119 (an error) and syn 3.0.10 (parsed), rustc 1.95.0 (compiles).
# Prints "as found" and exits with 0 while it is so; exits with 1 when one of the three has changed.
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
syn-2 = { package = "syn", version = "=2.0.119", features = ["full"] }
syn-3 = { package = "syn", version = "=3.0.10", features = ["full"] }

[workspace]
TOML
cat > src/main.rs <<'RUST'
const GLOBAL: &str = "fn f() -> i32 { 'call: { break 'call ::core::cmp::max(1, 2); } }";
const LOCAL: &str = "fn f() -> i32 { 'call: { break 'call core::cmp::max(1, 2); } }";

// the compiler reads the same code
fn f() -> i32 {
    'call: {
        break 'call ::core::cmp::max(1, 2);
    }
}

fn main() {
    println!("rustc: {}", f());
    match syn_2::parse_str::<syn_2::ItemFn>(GLOBAL) {
        Ok(_) => println!("syn 2, global path: parsed"),
        Err(error) => println!("syn 2, global path: {error}"),
    }
    println!("syn 2, local path: {}", if syn_2::parse_str::<syn_2::ItemFn>(LOCAL).is_ok() { "parsed" } else { "error" });
    println!("syn 3, global path: {}", if syn_3::parse_str::<syn_3::ItemFn>(GLOBAL).is_ok() { "parsed" } else { "error" });
}
RUST

output=$(cargo run --quiet 2>/dev/null)
echo "$output"
grep -qx 'rustc: 2' <<< "$output"
grep -q '^syn 2, global path: expected' <<< "$output"
grep -qx 'syn 2, local path: parsed' <<< "$output"
grep -qx 'syn 3, global path: parsed' <<< "$output"
echo 'as found'
