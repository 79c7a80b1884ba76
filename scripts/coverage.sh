#!/usr/bin/env bash
# Measures how many lines of the runtime the tests run, and fails if that is less than it was.
#
#   scripts/coverage.sh [--install]          gets cargo-llvm-cov first, which takes some minutes
#   scripts/coverage.sh macros [--install]   lists the lines of the macros that report a mistake and that no test runs, and fails if there is one
#
# For the macros, their own tests run, which expand the cases of tests/ui as well, but for those that try any input: a line that only they reach has no
# message that somebody has read. That takes a minute.
#
# Builds all clients anew and takes a quarter of an hour, so it is for before a release. Left out are the classes of the clients that tests/clients tests in a
# workspace of its own, and the tests of sizes, since what counts the lines makes futures larger. A report for each file is in target/coverage/files.txt.
# `const fn`s that the compiler has run, as the builders of policies in a `static`, count as not run.
set -euo pipefail
cd "$(dirname "$0")/.."

# Lines that only the compiler leads to: what it refuses itself before a macro sees it, and what other attributes have made of an item. Messages of the latter are
# in tests/ui too, where the compiler runs the macros.
elsewhere='^((arguments|stack|entry/enforce/walk)\.rs:[0-9]+: errors\.push\(error\);|classify\.rs:[0-9]+: Err\(error\) => return error\.to_compile_error|stack\.rs:[0-9]+: .*late\(name\)|(companion|policies/coalesce/shared)\.rs:[0-9]+: errors\.at\()'

# Lists the lines of the macros that report a mistake and that no test with a reviewed message runs.
macros() {
    local dir=$target/coverage/macros tools binary missed
    tools=$(rustc --print sysroot)/lib/rustlib/$(rustc --print host-tuple)/bin
    if [[ ${1:-} == --install ]]; then
        rustup component add llvm-tools
    fi
    if [[ ! -x $tools/llvm-cov ]]; then
        echo "SKIPPED: llvm-tools is not installed; scripts/coverage.sh macros --install gets it"
        return
    fi
    rm -rf "$dir/raw"
    local cargo=(env CARGO_TARGET_DIR="$dir/build" RUSTFLAGS=-Cinstrument-coverage LLVM_PROFILE_FILE="$dir/raw/%p-%m.profraw" cargo test --locked -p resilient-macros --lib)
    "${cargo[@]}" -- --skip any_tokens --skip half_typed
    binary=$("${cargo[@]}" --no-run 2>&1 | sed -n 's/.*(\(.*resilient_macros-[0-9a-f]*\))$/\1/p')
    "$tools/llvm-profdata" merge -sparse "$dir"/raw/*.profraw -o "$dir/profile"
    "$tools/llvm-cov" export --format=lcov --instr-profile "$dir/profile" "$binary" --sources resilient-macros/src > "$dir/lines.lcov"
    # a line that is not run, and whose text makes or passes on an error
    missed=$(awk -F'[:,]' '/^SF:/ { file = substr($0, 4) } /^DA:/ && $3 == 0 && file !~ /\/tests/ { print file, $2 }' "$dir/lines.lcov" \
        | while read -r file line; do sed -n "${line}s|^ *|${file##*resilient-macros/src/}:$line: |p" "$file"; done \
        | grep -E 'errors\.(at|at_if|over|push)\(|Error::new|input\.error\(|to_compile_error|return Err\(' \
        | grep -vE "$elsewhere" || true)
    if [[ -n $missed ]]; then
        echo "No test runs these lines, which report a mistake:"
        echo "$missed"
        return 1
    fi
    echo "every line of the macros that reports a mistake is run by a test, but for those that only the compiler leads to"
}

version=0.9.1
lines=95
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
export PATH="$target/tools/bin:$PATH" CARGO_LLVM_COV_TARGET_DIR="$target/coverage/build"

if [[ ${1:-} == macros ]]; then
    macros "${@:2}"
    exit
fi

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
