#!/usr/bin/env bash
# Runs the examples against the real thing: it installs and starts the servers that they need, each private and on loopback, and stops them.
#
#   examples/real/run.sh [shop|grpc|sql|redis_cache]…
#
# An example whose server cannot be had says that it is skipped, and with REQUIRE_SERVERS=1 it fails.
set -euo pipefail
cd "$(dirname "$0")/../.."
source scripts/real_servers.sh

install_servers initdb=postgresql redis-server=redis-server
cargo build --workspace --example shop --example grpc --example sql --example redis_cache --locked
folder=$(mktemp -d)
trap 'stop_servers "$folder"; rm -rf "$folder"' EXIT
if command -v initdb > /dev/null; then DATABASE_URL=$(start_postgres "$folder"); export DATABASE_URL; fi
if command -v redis-server > /dev/null; then REDIS_URL=$(start_redis "$folder"); export REDIS_URL; fi

(($#)) || set -- shop grpc sql redis_cache
for example in "$@"; do
    "${CARGO_TARGET_DIR:-target}/debug/examples/$example"
done
