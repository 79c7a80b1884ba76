#!/usr/bin/env bash
# metrics-exporter-prometheus shows a summary whose median, and every quantile up to 0.999, lies below its minimum. Every value
# recorded is 1, yet only the quantiles 0 and 1 say so; those between are 0.9998999…, because the sketch gives the middle of a
# bucket and does not hold it between the least and the greatest value that it knows.
# 
# Seen with metrics-exporter-prometheus 0.18.3, metrics 0.24.6.
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
metrics = "=0.24.6"
metrics-exporter-prometheus = { version = "=0.18.3", default-features = false }

[workspace]
TOML
cat > src/main.rs <<'RUST'
fn main() {
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    metrics::with_local_recorder(&recorder, || {
        for _ in 0..100 {
            metrics::histogram!("wait").record(1.0);
        }
    });
    print!("{}", handle.render());
}
RUST

output=$(cargo run --quiet 2>/dev/null)
echo "$output"
grep -qx 'wait{quantile="0"} 1' <<< "$output"
grep -q '^wait{quantile="0.5"} 0\.9998' <<< "$output"
grep -q '^wait{quantile="0.999"} 0\.9998' <<< "$output"
grep -qx 'wait{quantile="1"} 1' <<< "$output"
grep -qx 'wait_sum 100' <<< "$output"
echo 'as found'
