#!/usr/bin/env bash
# Makes a book of the guide in target/guide. Its examples are compiled by the tests of the documentation, not here.
#
#   scripts/guide.sh [--install]   installs mdbook into target/tools first, if it is not there
set -euo pipefail
cd "$(dirname "$0")/.."

version=0.5.4
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
export PATH="$target/tools/bin:$PATH"
if [[ ${1:-} == --install && $(mdbook --version 2> /dev/null) != "mdbook v$version" ]]; then
    cargo install "mdbook@$version" --locked --quiet --root "$target/tools"
fi
if ! command -v mdbook > /dev/null; then
    echo "SKIPPED: mdbook is not there; scripts/guide.sh --install gets it" >&2
    exit
fi
guide=resilient-runtime/guide
find "$guide" -name '*.md' ! -name SUMMARY.md | sort | while read -r page; do
    name=${page#"$guide/"}
    if ! grep -qF "($name)" "$guide/SUMMARY.md"; then
        echo "$page is not in SUMMARY.md" >&2
        exit 1
    fi
    if ! grep -qF "include_str!(\"../guide/$name\")" resilient-runtime/src/lib.rs; then
        echo "$page is not in the documentation" >&2
        exit 1
    fi
done
mdbook build "$guide" --dest-dir "$target/guide"
