#!/usr/bin/env bash
# The SDK of OpenTelemetry takes two observable counters of one meter whose names differ only in case for one instrument, as the
# specification says, and keeps both callbacks. Both report to one series, and the later callback replaces the value of the
# earlier: 4 and 10 come out as 10. Two plain counters of such names, which are one in the same way, come out as the sum, 14.
# 
# Seen with opentelemetry and opentelemetry_sdk 0.33.1.
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
opentelemetry = "=0.33.1"
opentelemetry_sdk = { version = "=0.33.1", features = ["metrics", "testing"] }

[workspace]
TOML
cat > src/main.rs <<'RUST'
use opentelemetry::metrics::MeterProvider;
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, MetricData};
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, SdkMeterProvider};

fn main() {
    let exporter = InMemoryMetricExporter::default();
    let provider = SdkMeterProvider::builder().with_periodic_exporter(exporter.clone()).build();
    let meter = provider.meter("shop");
    let _one = meter.u64_observable_counter("seen").with_callback(|seen| seen.observe(4, &[])).build();
    let _two = meter.u64_observable_counter("Seen").with_callback(|seen| seen.observe(10, &[])).build();
    meter.u64_counter("added").build().add(4, &[]);
    meter.u64_counter("Added").build().add(10, &[]);
    provider.force_flush().unwrap();
    for resource in exporter.get_finished_metrics().unwrap() {
        for metric in resource.scope_metrics().flat_map(|scope| scope.metrics()) {
            let AggregatedMetrics::U64(MetricData::Sum(sum)) = metric.data() else { panic!("a sum of whole numbers") };
            let values: Vec<u64> = sum.data_points().map(|point| point.value()).collect();
            println!("{}: {values:?}", metric.name());
        }
    }
}
RUST

output=$(cargo run --quiet 2>/dev/null)
echo "$output"
test "$(wc -l <<< "$output")" = 2
grep -qx 'seen: \[10\]' <<< "$output"
grep -qx 'added: \[14\]' <<< "$output"
echo 'as found'
