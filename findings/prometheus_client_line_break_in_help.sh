#!/usr/bin/env bash
# prometheus-client writes the help of a metric as it is, where OpenMetrics wants `\n` for a line break and `\\` for a backslash.
# So a help of two lines ends its comment at the first, and the second stands in the scrape as a line that is neither a comment nor a sample.
# The values of labels are escaped.
# 
# Seen with prometheus-client 0.26.0.
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
prometheus-client = "=0.26.0"

[workspace]
TOML
cat > src/main.rs <<'RUST'
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

fn main() {
    let family = Family::<Vec<(String, String)>, Gauge>::default();
    family.get_or_create(&vec![("path".to_owned(), "one\ntwo".to_owned())]).set(1);
    let mut registry = Registry::default();
    registry.register("open", "Files that are open\nby the path", family);
    let mut text = String::new();
    encode(&mut text, &registry).unwrap();
    print!("{text}");
}
RUST

output=$(cargo run --quiet 2>/dev/null)
echo "$output"
grep -qx '# HELP open Files that are open' <<< "$output"
grep -qx 'by the path\.' <<< "$output"
grep -qxF 'open{path="one\ntwo"} 1' <<< "$output"
echo 'as found'
