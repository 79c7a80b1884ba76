#!/usr/bin/env bash
# Installs Prometheus and Grafana's types, and runs the tests that need them: the rules with promtool, an incident under a private
# Prometheus on loopback, and the dashboard as a value of Grafana's types. They take one to two minutes.
#
#   resilient-ops/real/run.sh [arguments of cargo test]
#
# On Debian and its like, as root, it installs what is missing; elsewhere it says what that is. A test without its program says that it
# is skipped, and with REQUIRE_SERVERS=1 it fails.
set -euo pipefail
cd "$(dirname "$0")/../.."
source scripts/real_servers.sh

if ! command -v prometheus > /dev/null || ! command -v promtool > /dev/null; then
    if [[ $(id -u) == 0 ]] && command -v apt-get > /dev/null; then
        # the package would start a server for the whole machine
        printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d
        chmod +x /usr/sbin/policy-rc.d
        trap 'rm -f /usr/sbin/policy-rc.d' EXIT
        { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends prometheus; } > /dev/null ||
            echo 'prometheus could not be installed' >&2
    else
        echo 'for all of these tests, install the package prometheus' >&2
    fi
fi

for program in prometheus promtool; do
    command -v "$program" > /dev/null || required "$program is not there"
done

# the types of Grafana and a compiler for them, which needs node
types="$(realpath -m "${CARGO_TARGET_DIR:-target}")/grafana"
if ! command -v npm > /dev/null; then
    echo 'for all of these tests, install node with npm' >&2
    required 'npm is not there'
elif npm install --prefix "$types" --no-save --silent --no-audit --no-fund @grafana/grafana-foundation-sdk@0.0.21 typescript@7.0.2; then
    export RESILIENT_GRAFANA_TYPES="$types"
else
    echo "the types of Grafana could not be installed" >&2
    required 'the types of Grafana are not there'
fi

cargo build --workspace --example incident --locked
RESILIENT_REAL_SERVERS=1 cargo test --workspace --test real_ops --locked "$@"
