#!/usr/bin/env bash
# Measures how many lines of the runtime its own tests run, and fails if that is less than it was.
#
#   scripts/coverage.sh [--install]   gets cargo-llvm-cov first, which takes a minute
#
# The tests of annotated functions, of classes and of real servers are in other packages, and not counted. A report for each file is in target/coverage/files.txt.
set -euo pipefail
cd "$(dirname "$0")/.."

version=0.9.1
lines=84
tools=$(realpath -m "${CARGO_TARGET_DIR:-target}/tools")
export PATH="$tools/bin:$PATH"

if [[ ${1:-} == --install ]]; then
    cargo install cargo-llvm-cov --version "$version" --locked --root "$tools"
    rustup component add llvm-tools
fi
if ! command -v cargo-llvm-cov > /dev/null; then
    echo "SKIPPED: cargo-llvm-cov is not installed; scripts/coverage.sh --install gets it"
    exit 0
fi

mkdir -p target/coverage
cargo llvm-cov --package resilient-runtime --package resilient-words --all-features --locked --lib --tests \
    --ignore-filename-regex '(^|/)(tests|benches|examples|simulations)/|/tests\.rs|/tests/|loom_models|resilient-macros' \
    --summary-only --fail-under-lines "$lines" | tee target/coverage/files.txt | tail -1
