#!/usr/bin/env bash
# metrics-exporter-prometheus writes one label twice on a series when two keys of the facade differ only in a character that
# Prometheus does not allow in a label: `user.id` and `user_id` both become `user_id`. The text format wants the labels of a sample to differ, so
# a server may refuse the whole scrape. In the same way, the names `pool.waits` of a counter and `pool_waits` of a gauge become
# two families of one name, each with a `# TYPE` of its own. Nothing warns.
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
        metrics::counter!("pool.waits", "user.id" => "1", "user_id" => "2").increment(3);
        metrics::gauge!("pool_waits").set(2.0);
    });
    print!("{}", handle.render());
}
RUST

output=$(cargo run --quiet 2>/dev/null)
echo "$output"
grep -qx 'pool_waits{user_id="1",user_id="2"} 3' <<< "$output"
grep -qx '# TYPE pool_waits counter' <<< "$output"
grep -qx '# TYPE pool_waits gauge' <<< "$output"
echo 'as found'
