#!/usr/bin/env bash
# The SDK of OpenTelemetry exports an attribute twice when a measurement names its key twice, though the specification wants
# each key once in what is exported: `k=a, k=b` is a series of its own beside `k=b`. And a gauge drops NaN and infinity without
# a word, so that a gauge that was 1 and is set to NaN or to infinity still says 1, and one that has only been infinite is not there.
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
use opentelemetry::KeyValue;
use opentelemetry::metrics::MeterProvider;
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, MetricData};
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, SdkMeterProvider};

fn main() {
    let exporter = InMemoryMetricExporter::default();
    let provider = SdkMeterProvider::builder().with_periodic_exporter(exporter.clone()).build();
    let meter = provider.meter("shop");
    let gauge = meter.f64_gauge("level").build();
    gauge.record(1.0, &[]);
    gauge.record(f64::NAN, &[]);
    gauge.record(f64::INFINITY, &[]);
    gauge.record(f64::INFINITY, &[KeyValue::new("k", "c")]);
    gauge.record(3.0, &[KeyValue::new("k", "b")]);
    gauge.record(2.0, &[KeyValue::new("k", "a"), KeyValue::new("k", "b")]);
    provider.force_flush().unwrap();
    for resource in exporter.get_finished_metrics().unwrap() {
        for metric in resource.scope_metrics().flat_map(|scope| scope.metrics()) {
            let AggregatedMetrics::F64(MetricData::Gauge(gauge)) = metric.data() else { panic!("a gauge of floats") };
            for point in gauge.data_points() {
                let labels: Vec<String> =
                    point.attributes().map(|label| format!("{}={}", label.key, label.value)).collect();
                println!("[{}] {}", labels.join(","), point.value());
            }
        }
    }
}
RUST

output=$(cargo run --quiet 2>/dev/null)
echo "$output"
test "$(wc -l <<< "$output")" = 3
grep -qx '\[\] 1' <<< "$output"
grep -qx '\[k=b\] 3' <<< "$output"
grep -qx '\[k=a,k=b\] 2' <<< "$output"
echo 'as found'
