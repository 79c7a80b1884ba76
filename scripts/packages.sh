#!/usr/bin/env bash
# Packages the published crates, and builds and tests them outside the workspace, as their users get them: the crates themselves, and a program that
# depends on `resilient-runtime` alone.
#
# Left out are the tests that compare a crate with the other files of the repository.
set -euo pipefail
cd "$(dirname "$0")/.."

target=$(realpath -m "${CARGO_TARGET_DIR:-target}/packaged")
crates=(resilient-words resilient-macros resilient-runtime resilient-ops resilient-redis)
export CARGO_TARGET_DIR=$target

rm -rf "$target/package"
# shellcheck disable=SC2046
cargo package $(printf -- '-p %s ' "${crates[@]}") --locked --no-verify --quiet

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for crate in "${crates[@]}"; do
    mkdir "$folder/$crate"
    tar xzf "$target/package/$crate-"*.crate -C "$folder/$crate" --strip-components 1
    for file in LICENSE-APACHE LICENSE-MIT README.md CHANGELOG.md; do
        [[ -s $folder/$crate/$file ]] || { echo "the package of $crate has no $file" >&2; exit 1; }
    done
done

mkdir -p "$folder/program/src/bin"
cp examples/{quickstart,methods,expanded}.rs "$folder/program/src/bin"
cat > "$folder/program/Cargo.toml" << 'EOF'
[package]
name = "program"
edition = "2024"

[dependencies]
# the form with the name of the library; the tests of the workspace have the other
resilient = { package = "resilient-runtime", version = "0.1" }
tokio = { version = "1", features = ["full"] }
EOF
{
    printf '[workspace]\nresolver = "3"\nmembers = ["program", "resilient-*"]\n\n[patch.crates-io]\n'
    printf '%s = { path = "%s" }\n' resilient-{words,words} resilient-{macros,macros} resilient-{runtime,runtime}
    # nobody looks for a line here
    printf '\n[profile.dev]\ndebug = false\n'
} > "$folder/Cargo.toml"
cp Cargo.lock rust-toolchain.toml "$folder"
cd "$folder"

cargo test -p resilient-words -p resilient-runtime -- --skip the_page_
cargo test -p resilient-macros --lib -- --skip coverage:: --skip messages:: --skip pages:: --skip snapshots::
cargo test -p resilient-ops -p resilient-redis
for example in quickstart methods expanded; do cargo run --quiet -p program --bin "$example"; done
