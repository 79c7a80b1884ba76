#!/usr/bin/env bash
# Measures how many lines of the runtime the tests run, and fails if that is less than it was.
#
#   scripts/coverage.sh [--install]   gets cargo-llvm-cov first, which takes some minutes
#
# Builds all clients anew and takes a quarter of an hour, so it is for before a release. Left out are the classes of the clients that tests/clients tests in a
# workspace of its own, and the tests of sizes, since what counts the lines makes futures larger. A report for each file is in target/coverage/files.txt.
# `const fn`s that the compiler has run, as the builders of policies in a `static`, count as not run.
set -euo pipefail
cd "$(dirname "$0")/.."

version=0.9.1
lines=95
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
export PATH="$target/tools/bin:$PATH" CARGO_LLVM_COV_TARGET_DIR="$target/coverage/build"

if [[ ${1:-} == --install ]]; then
    cargo install cargo-llvm-cov --version "$version" --locked --root "$target/tools"
    rustup component add llvm-tools
fi
if ! command -v cargo-llvm-cov > /dev/null; then
    echo "SKIPPED: cargo-llvm-cov is not installed; scripts/coverage.sh --install gets it"
    exit 0
fi

packages=(resilient-runtime resilient-words resilient-tests resilient-class-tests resilient-server-tests resilient-chaos)
tests=(by_response chaos made_faults tower debug behaviour conformance exporters settings forms allocations reset classes middleware real_server)
mkdir -p "$target/coverage"
# shellcheck disable=SC2046
cargo llvm-cov --no-report --all-features --locked $(printf -- '-p %s ' "${packages[@]}") --lib $(printf -- '--test %s ' "${tests[@]}") -- --skip sizes::
cargo llvm-cov report --summary-only --fail-under-lines "$lines" \
    --ignore-filename-regex '(^|/)(tests|benches|examples|simulations)/|/tests\.rs|/tests/|loom_models|resilient-(macros|ops|redis)|adaptive/(conformance|simulation)|circuit_breaker/model|shared/orders|ecosystem/(aws_sdk|kube|mongodb|object_store|opendal|sea_orm)' \
    | tee "$target/coverage/files.txt" | tail -1
