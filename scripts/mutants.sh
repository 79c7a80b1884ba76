#!/usr/bin/env bash
# Changes the runtime in one small way after another, and fails if there is a change that no test notices.
#
#   scripts/mutants.sh [--install] [PART...]   --install gets cargo-mutants first
#
# A PART is a module below resilient-runtime/src, as `backoff`, or one of its files, as `rate_limit/gcra.rs`; without any, those run that decide on calls. The unit tests of
# the module look at each change first: some seconds. At those that are left, all unit tests look and the tests of behaviour, settings and middleware: a minute. So a
# module takes from minutes to hours, and all of them a day: this is for a module that was written anew, or before a release. The changes that make no
# difference are left out by .cargo/mutants.toml, each with its reason. What was found is in target/mutants/PART/mutants.out.
set -euo pipefail
cd "$(dirname "$0")/.."

version=27.1.0
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
export PATH="$target/tools/bin:$PATH" CARGO_TARGET_DIR="$target/mutants/build" CARGO_PROFILE_DEV_DEBUG=0 RUST_BACKTRACE=0

if [[ ${1:-} == --install ]]; then
    shift
    cargo install cargo-mutants --version "$version" --locked --root "$target/tools"
fi
if ! command -v cargo-mutants > /dev/null; then
    echo "SKIPPED: cargo-mutants is not installed; scripts/mutants.sh --install gets it"
    exit 0
fi

(($#)) || set -- backoff budget circuit_breaker throttle histogram rate_limit bulkhead coalesce batch adaptive retry timeout deadline hedge fallback keyed shared
features=resilient-runtime/chaos,resilient-runtime/config,resilient-runtime/http,resilient-runtime/test-util,resilient-runtime/tower

# Runs the changes of a part before the tests that the remaining arguments select. Codes 2 and 3 say that some were missed, or ran for ever.
try() {
    local part=$1 log=$target/mutants/$1/log.txt code=0
    shift
    cargo mutants --package resilient-runtime --file "resilient-runtime/src/$part.rs" --file "resilient-runtime/src/$part/**" \
        --features "$features" --output "$target/mutants/$part" --no-times --colors never "$@" > "$log" 2>&1 || code=$?
    if ((code != 0 && code != 2 && code != 3)); then
        cat "$log" >&2
        exit 1
    fi
}

lines() { cat "$@" | wc -l; }

missed=0
for part in "${@%.rs}"; do
    out=$target/mutants/$part/mutants.out
    rm -rf "$out"
    mkdir -p "$target/mutants/$part"
    try "$part" --timeout-multiplier 3 --cargo-arg=--lib -- -- "${part%%/*}::"
    unviable=$(lines "$out/unviable.txt")
    caught=$(lines "$out"/{caught,timeout}.txt)
    if [[ -s $out/missed.txt ]]; then
        try "$part" --iterate --baseline=skip --timeout 300 --test-package resilient-runtime,resilient-tests \
            --cargo-arg=--{lib,test=behaviour,test=conformance,test=settings,test=tower,test=tower_coalesce,test=tower_coalesce_http}
        # what was caught or does not compile is left out the second time
        caught=$(($(lines "$out"/{caught,timeout,previously_caught}.txt) - unviable))
    fi
    echo "$part: $caught caught, $unviable do not compile, $(lines "$out/missed.txt") missed"
    cat "$out/missed.txt"
    missed=$((missed + $(lines "$out/missed.txt")))
done
((missed == 0))
