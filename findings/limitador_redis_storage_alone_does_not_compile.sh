#!/usr/bin/env bash
# limitador's feature `redis_storage` does not compile without `disk_storage`: the module of keys calls functions of a module that only `disk_storage` and what
# brings it have. The README offers the storages as features to choose from, and the one that is left out brings RocksDB, a database in C++.
#
# Seen with limitador 0.14.0.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir src
touch src/lib.rs
cat > Cargo.toml <<'TOML'
[package]
name = "finding"
version = "0.1.0"
edition = "2021"

[dependencies]
limitador = { version = "=0.14.0", default-features = false, features = ["redis_storage"] }

[workspace]
TOML
if cargo check --quiet 2> log; then
    echo 'changed: it compiles' >&2
    exit 1
fi
grep -q 'cannot find module or crate `bin`\|use of unresolved module or unlinked crate `bin`\|use of undeclared crate or module `bin`' log || { tail -20 log >&2; exit 1; }
echo 'as found'
