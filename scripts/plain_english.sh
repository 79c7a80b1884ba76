#!/usr/bin/env bash
# Refuses a line of documentation that begins with a question word: a summary begins with its subject or with a verb in the third person.
set -euo pipefail
cd "$(dirname "$0")/.."

words='What|Who|That|Where|How|Whether|Whoever|Those|One that'
if grep -rnE "^\s*//[/!] ($words)\b" resilient-runtime/src resilient-macros/src --include='*.rs'; then
    echo 'documentation begins with its subject or with a verb: "Returns", "Sets", "The number of"' >&2
    exit 1
fi
