#!/usr/bin/env bash
# Checks the dependencies: those of the default features against docs/dependencies.md, and all of them by the rules of deny.toml.
#
#   scripts/supply_chain.sh [--install]   gets cargo-deny first, which takes some minutes
#
# Without cargo-deny, it says that its part is skipped.
set -euo pipefail
cd "$(dirname "$0")/.."

version=0.20.2
tools=$(realpath -m "${CARGO_TARGET_DIR:-target}/tools")
export PATH="$tools/bin:$PATH"

own='^(resilient-runtime|resilient-macros|resilient-words)$'
tree=$(cargo tree --package resilient-runtime --edges normal,build --prefix none --format '{p}' --locked | cut -d ' ' -f 1 | sort -u | grep -Ev "$own")
table=$(sed -n 's/^| \(`.*\)/\1/p' docs/dependencies.md | cut -d '|' -f 1 | grep -o '`[a-z0-9_-]*`' | tr -d '`' | grep -vxE 'rt|sync|time' | sort -u)
if ! diff <(echo "$table") <(echo "$tree"); then
    echo "docs/dependencies.md (<) is not what the default features need (>)" >&2
    exit 1
fi
echo "$(wc -l <<< "$tree") crates with the default features, all of them in docs/dependencies.md"

if [[ ${1:-} == --install ]]; then
    cargo install cargo-deny --version "$version" --locked --root "$tools"
fi
if ! command -v cargo-deny > /dev/null; then
    echo "SKIPPED: cargo-deny is not installed; scripts/supply_chain.sh --install gets it"
    exit 0
fi
cargo deny check --hide-inclusion-graph licenses bans sources
if cargo deny fetch db > /dev/null 2>&1; then
    cargo deny check --hide-inclusion-graph advisories
else
    echo "SKIPPED: the database of advisories could not be had"
fi
