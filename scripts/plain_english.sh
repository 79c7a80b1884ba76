#!/usr/bin/env bash
# Refuses a line of documentation that begins with a question word: a summary begins with its subject or with a verb in the third person.
# Left out is `tests/ui`: the compiler's messages quote its lines.
set -euo pipefail
cd "$(dirname "$0")/.."

words='What|Who|That|Where|How|Whether|Whoever|Those|One that'
folders='resilient-runtime/src resilient-macros/src resilient-ops resilient-redis tests examples benches simulations fuzz'
# shellcheck disable=SC2086
if grep -rnE "^\s*//[/!] ($words)\b" $folders --include='*.rs' --exclude-dir=ui --exclude-dir=target; then
    echo 'documentation begins with its subject or with a verb: "Returns", "Sets", "The number of"' >&2
    exit 1
fi
