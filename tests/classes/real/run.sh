#!/usr/bin/env bash
# Installs the servers of the tests that need real ones, and runs those tests, and those of the clients that take long to compile. The
# servers are private: each test starts its own on a free port of loopback, in a folder of its own, and stops it.
#
#   tests/classes/real/run.sh [arguments of cargo test]
#
# On Debian and its like, as root, it installs what is missing; elsewhere it says what that is. A test without its server says that it is skipped.
set -euo pipefail
cd "$(dirname "$0")/../../.."

export PATH="$PATH:/usr/sbin:/sbin:$(echo /usr/lib/postgresql/*/bin | tr ' ' ':')"

declare -A packages=(
    [nginx]=nginx-light [haproxy]=haproxy [initdb]=postgresql [pgbouncer]=pgbouncer [mariadbd]=mariadb-server [redis-server]=redis-server
    [nats-server]=nats-server [/usr/lib/rabbitmq/bin/rabbitmq-server]=rabbitmq-server
)
missing=()
for program in "${!packages[@]}"; do
    command -v "$program" > /dev/null || missing+=("${packages[$program]}")
done
if ((${#missing[@]})) && [[ $(id -u) == 0 ]] && command -v apt-get > /dev/null; then
    # the packages would start servers for the whole machine
    printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d
    chmod +x /usr/sbin/policy-rc.d
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"; } > /dev/null ||
        echo "not all could be installed of: ${missing[*]}" >&2
    export PATH="$PATH:$(echo /usr/lib/postgresql/*/bin | tr ' ' ':')"
elif ((${#missing[@]})); then
    echo "for all of these tests, install the packages: ${missing[*]}" >&2
fi

# gRPC's server is a package of Python, and has a folder of its own beside the build
grpcio=$(realpath -m "${CARGO_TARGET_DIR:-target}/grpcio-1.85.3")
if [[ ! -e $grpcio/bin/python-with-grpcio ]]; then
    if { python3 -m venv --clear "$grpcio" && "$grpcio/bin/pip" install --only-binary :all: grpcio==1.85.3; } > /dev/null; then
        ln -s python3 "$grpcio/bin/python-with-grpcio"
    else
        echo 'grpcio could not be installed: it needs python3 with venv and pip' >&2
    fi
fi
export PATH="$PATH:$grpcio/bin"

export RESILIENT_REAL_SERVERS=1
cargo test -p resilient-class-tests --test real --locked "$@"

# large clients, most of whose servers are small ones of the tests' own
CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}" cargo test --manifest-path tests/clients/Cargo.toml --locked "$@"
