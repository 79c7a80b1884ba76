#!/usr/bin/env bash
# Checks that the runtime's features build together: each alone, and each pair of those that change its own code, without a warning.
#
#   scripts/features.sh   takes some ten minutes, so it is for before a release; the features of clients are checked alone by scripts/oldest.sh
set -euo pipefail
cd "$(dirname "$0")/.."

hack=0.6.46
target=$(realpath -m "${CARGO_TARGET_DIR:-target}/features")
export PATH="$target/tools/bin:$PATH" CARGO_TARGET_DIR=$target RUSTFLAGS="-D warnings"

[[ $(cargo hack --version 2> /dev/null) == "cargo-hack $hack" ]] || cargo install "cargo-hack@$hack" --locked --quiet --root "$target/tools"
cargo hack check -p resilient-runtime --feature-powerset --depth 2 --locked --quiet \
    --include-features macros,tracing,listed,config,serde,metrics-0-24,opentelemetry-0-33,prometheus-client-0-26,test-util,chaos,http-1,tower-0-5,axum-0-8,tonic-0-14
