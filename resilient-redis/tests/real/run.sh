#!/usr/bin/env bash
# Installs redis-server, and runs the tests of shared limits before it: each starts its own on a free port of loopback, and stops it.
#
#   resilient-redis/tests/real/run.sh [part of a test's name]
#
# On Debian and its like, as root, it installs what is missing; elsewhere it says what that is. With REQUIRE_SERVERS=1, a missing server ends it.
set -euo pipefail
cd "$(dirname "$0")/../../.."

source scripts/real_servers.sh
install_servers redis-server=redis-server

RESILIENT_REAL_SERVERS=1 timeout 300 cargo test --workspace --test real_redis --locked -- "$@"
