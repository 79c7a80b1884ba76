#!/usr/bin/env bash
# Runs tests where a nightly compiler watches them: the runtime's by Miri, for undefined behaviour, and the runtime's and those of chaos by the thread
# sanitizer, for data races. The project has no `unsafe` code, so this watches its use of what has some.
#
#   scripts/nightly.sh [--install] [miri] [threads]   both unless one is named; --install gets the compiler and its parts
#
# The sanitizer takes a quarter of an hour, so this is for before a release. Miri runs code some thousand times slower, so that it gets the tests of wakers, lines, names, threads that
# park and deadlines: those of the policies count to thousands, and end in hours.
set -euo pipefail
cd "$(dirname "$0")/.."

target=$(realpath -m "${CARGO_TARGET_DIR:-target}/nightly")
if [[ ${1:-} == --install ]]; then
    shift
    rustup toolchain install nightly --profile minimal --component miri,rust-src
fi
if ! rustup toolchain list | grep -q ^nightly; then
    echo "SKIPPED: there is no nightly compiler; scripts/nightly.sh --install gets it"
    exit 0
fi
# `line::` stands in `deadline::` too
miri_tests=(wake:: line:: naming:: parked)
# Miri takes minutes to find the lines of one backtrace
export RUST_BACKTRACE=0

watched_by_miri() {
    # the list of functions is made by the linker, which Miri is not
    CARGO_TARGET_DIR=$target/miri MIRIFLAGS=-Zmiri-disable-isolation PROPTEST_CASES=1 PROPTEST_DISABLE_FAILURE_PERSISTENCE=true \
        cargo +nightly miri test -p resilient-runtime --no-default-features --lib --locked -- "${miri_tests[@]}"
}

watched_for_races() {
    CARGO_TARGET_DIR=$target/threads RUSTFLAGS=-Zsanitizer=thread \
        cargo +nightly test -Zbuild-std --target "$(rustc -vV | sed -n 's/^host: //p')" --locked "$@"
}

(($#)) || set -- miri threads
for what in "$@"; do
    case $what in
        miri) watched_by_miri ;;
        threads)
            watched_for_races -p resilient-runtime --lib
            watched_for_races -p resilient-chaos -- threads
            ;;
        *) echo "$what is neither miri nor threads" >&2; exit 1 ;;
    esac
done
