#!/usr/bin/env bash
# Installs the servers of the tests that need real ones, and runs those tests, and those of the clients that take long to compile. The
# servers are private: each test starts its own on a free port of loopback, in a folder of its own, and stops it.
#
#   tests/classes/real/run.sh [arguments of cargo test]
#
# On Debian and its like, as root, it installs what is missing; elsewhere it says what that is. A test without its server says that it is skipped,
# and with REQUIRE_SERVERS=1 it fails.
set -euo pipefail
cd "$(dirname "$0")/../../.."

source scripts/real_servers.sh
install_servers nginx=nginx-light haproxy=haproxy initdb=postgresql pgbouncer=pgbouncer mariadbd=mariadb-server redis-server=redis-server \
    nats-server=nats-server /usr/lib/rabbitmq/bin/rabbitmq-server=rabbitmq-server

# gRPC's server is a package of Python, and has a folder of its own beside the build
grpcio=$(realpath -m "${CARGO_TARGET_DIR:-target}/grpcio-1.85.3")
if [[ ! -e $grpcio/bin/python-with-grpcio ]]; then
    if { python3 -m venv --clear "$grpcio" && "$grpcio/bin/pip" install --only-binary :all: grpcio==1.85.3; } > /dev/null; then
        ln -s python3 "$grpcio/bin/python-with-grpcio"
    else
        echo 'grpcio could not be installed: it needs python3 with venv and pip' >&2
        required 'grpcio is not there'
    fi
fi
export PATH="$PATH:$grpcio/bin"

export RESILIENT_REAL_SERVERS=1
cargo test --workspace --test real_classes --locked "$@"

# large clients, most of whose servers are small ones of the tests' own
CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}" cargo test --manifest-path tests/clients/Cargo.toml --locked "$@"
