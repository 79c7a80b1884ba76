#!/usr/bin/env bash
# Checks what the manifests promise: each feature alone, and none, with the oldest Rust and the oldest versions of the dependencies that they name.
#
#   scripts/oldest.sh [features]…   only these features, joined by commas, one set after the other
#
# Features whose client needs a newer Rust are checked together with all others, by the oldest Rust that all of them take. A compiler that rustup cannot
# install is replaced by the pinned one, and the script says so.
set -euo pipefail
cd "$(dirname "$0")/.."

oldest=1.88.0
newer=1.94.0
needs_newer=async-nats-0-51,kube-5,opendal-0-59,sea-orm-2,sqlx-0-9
hack=0.6.46
# each is another name of the feature with the version, as in `reqwest = ["reqwest-0-13"]`
other_names=$(sed -nE 's/^([a-z0-9_-]+) = \["\1-[0-9-]+"\]$/\1/p' resilient-runtime/Cargo.toml | paste -sd,)

target=$(realpath -m "${CARGO_TARGET_DIR:-target}/oldest")
pinned=$(sed -n 's/^channel = "\(.*\)"/\1/p' rust-toolchain.toml)
export PATH="$target/tools/bin:$PATH"
export CARGO_TARGET_DIR=$target
# Prints the version if rustup has it or gets it, else the pinned one.
rust() {
    if rustup toolchain list 2> /dev/null | grep -q "^$1" || rustup toolchain install "$1" --profile minimal > /dev/null 2>&1; then
        echo "$1"
    else
        echo "SKIPPED: Rust $1 could not be had; $pinned checks in its place" >&2
        echo "$pinned"
    fi
}

# only the published crates, for the tests of the others may ask for newer dependencies
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cp -rL resilient-words resilient-macros resilient-runtime resilient-ops resilient-redis .cargo README.md "$folder"
sed 's/^members = .*/members = ["resilient-words", "resilient-macros", "resilient-runtime", "resilient-ops", "resilient-redis"]/; /^exclude = /d' Cargo.toml > "$folder/Cargo.toml"
cd "$folder"
# the flag is not stable, and only the file that it writes is used
RUSTC_BOOTSTRAP=1 cargo "+$pinned" -Z direct-minimal-versions generate-lockfile --quiet

export RUSTFLAGS="-D warnings"
if (($#)); then
    for feature in "$@"; do
        RUSTUP_TOOLCHAIN=$(rust $oldest) cargo check --quiet -p resilient-runtime --no-default-features --features "$feature" --locked
    done
    exit
fi
[[ $(cargo hack --version 2> /dev/null) == "cargo-hack $hack" ]] || cargo install "cargo-hack@$hack" --locked --quiet --root "$target/tools"
RUSTUP_TOOLCHAIN=$(rust $oldest) cargo hack check -p resilient-words -p resilient-macros -p resilient-runtime -p resilient-redis --each-feature \
    --exclude-features "$needs_newer,$other_names" --exclude-all-features --locked --quiet
RUSTUP_TOOLCHAIN=$(rust $newer) cargo check -p resilient-runtime -p resilient-ops -p resilient-redis --all-features --locked --quiet
RUSTUP_TOOLCHAIN=$(rust 1.89.0) cargo check -p resilient-ops --all-features --locked --quiet
