#!/usr/bin/env bash
# Measures how much of the runtime and the macros the tests of the workspace run, and fails below the shares that are promised.
#
#   scripts/coverage.sh [--install]   gets cargo-llvm-cov first, which takes a minute
#
# The tests in front of real servers are left out. A report for each file is in target/coverage/files.txt.
set -euo pipefail
cd "$(dirname "$0")/.."

version=0.9.1
lines=95
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
cargo llvm-cov clean --workspace
cargo llvm-cov --no-report --package resilient-runtime --package resilient-words --all-features --locked --lib --tests
cargo llvm-cov --no-report --package resilient-tests --locked --test behaviour --test expand
# the macros run inside the compiler only where the tests of their own crate call them
cargo llvm-cov --no-report --package resilient-macros --locked --lib
cargo llvm-cov report --ignore-filename-regex '(^|/)(tests|benches|examples|simulations)/|/tests\.rs$|/tests/|loom_models' | tee target/coverage/files.txt | tail -1
for crate in resilient-runtime resilient-words; do
    cargo llvm-cov report --ignore-filename-regex "(^|/)(tests|benches|examples|simulations)/|/tests\.rs\$|/tests/|loom_models|(resilient-macros)/" --fail-under-lines "$lines" > /dev/null \
        || { echo "less than $lines % of the lines of $crate" >&2; exit 1; }
done
