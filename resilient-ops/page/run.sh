#!/usr/bin/env bash
# Looks at the status page in a real browser: Chromium, headless, by Playwright, with the accessibility rules of axe. It takes about a minute.
#
#   resilient-ops/page/run.sh [folder for the screenshots]
#
# On Debian and its like, as root, it installs chromium where that is missing. Without chromium or npm it says that it is skipped, and with
# REQUIRE_SERVERS=1 it fails.
set -euo pipefail
cd "$(dirname "$0")/../.."
source scripts/real_servers.sh

skipped() {
    required "$1"
    echo "SKIPPED: the status page was not looked at: $1" >&2
    exit 0
}

if ! command -v chromium > /dev/null && [[ $(id -u) == 0 ]] && command -v apt-get > /dev/null; then
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium; } > /dev/null ||
        echo 'chromium could not be installed' >&2
fi
command -v chromium > /dev/null || skipped 'there is no chromium'
command -v npm > /dev/null || skipped 'there is no npm'

target="$(realpath -m "${CARGO_TARGET_DIR:-target}")"
programs="$target/page"
npm install --prefix "$programs" --no-save --silent --no-audit --no-fund playwright-core@1.65.1 axe-core@4.14.1 ||
    skipped 'playwright-core and axe-core could not be installed'

cargo build --workspace --example page --locked
export NODE_PATH="$programs/node_modules" CHROMIUM="$(command -v chromium)"
node resilient-ops/page/look.cjs "$target/debug/examples/page" "${1:-$target/page/screenshots}"
