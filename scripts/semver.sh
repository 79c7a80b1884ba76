#!/usr/bin/env bash
# Shows what has changed in the API since a commit: in all published libraries, or in those that are named.
#
#   scripts/semver.sh COMMIT [PACKAGE…]   the runtime takes some minutes, for it is documented twice with all features
#
# A library that was not there at that commit is left out: the tool stops at it, and compares none of those that follow.
set -euo pipefail
cd "$(dirname "$0")/.."

commit=$(git rev-parse --verify "${1:?which commit? write scripts/semver.sh COMMIT [PACKAGE…]}^{commit}")
shift
[[ $# -gt 0 ]] || set -- resilient-words resilient-runtime resilient-redis resilient-ops

compared=()
for package in "$@"; do
    if git cat-file -e "$commit:$package/Cargo.toml" 2> /dev/null; then
        compared+=(-p "$package")
    else
        echo "$package is not in $commit: all of it is new"
    fi
done
[[ ${#compared[@]} -gt 0 ]] || exit 0

checks=0.51.0
tools=$(realpath -m "${CARGO_TARGET_DIR:-target}/semver/tools")
export PATH="$PATH:$tools/bin"
[[ $(cargo semver-checks --version 2> /dev/null) == "cargo-semver-checks $checks" ]] || cargo install "cargo-semver-checks@$checks" --locked --quiet --root "$tools"
cargo semver-checks "${compared[@]}" --baseline-rev "$commit"
