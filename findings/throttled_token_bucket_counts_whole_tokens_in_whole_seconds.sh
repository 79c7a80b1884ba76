#!/usr/bin/env bash
# The token bucket of throttled-py, its default, looks at the clock in whole seconds and adds whole tokens, and drops the rest with every call that it allows. So once
# the burst is used up, every quota from 60 to 119 a minute is one of 60, and one of 59 is one of 30: a caller who asks all the time gets half of what the quota says.
# Its leaking bucket does the same. GCRA beside them keeps to the quota.
#
# Seen with throttled-py 3.5.0.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --only-binary :all: throttled-py==3.5.0 2> /dev/null
cat > finding.py <<'PYTHON'
from unittest import mock

from throttled import Throttled, store

BEGIN = 1_800_000_000.0
now = BEGIN


def calls_a_minute(using, quota):
    """Asks four times a second for an hour, and counts from the eleventh minute on."""
    global now
    throttle = Throttled(using=using, quota=f"{quota}/m", store=store.MemoryStore())
    calls = 0
    for quarter in range(4 * 3_600):
        now = BEGIN + quarter / 4
        if not throttle.limit("key").limited and quarter >= 4 * 600:
            calls += 1
    return calls / 50


with mock.patch("time.time", lambda: now), mock.patch("time.monotonic", lambda: now):
    for quota in [59, 60, 90, 119, 120]:
        for using in ["token_bucket", "leaking_bucket", "gcra"]:
            print(f"{quota} a minute, {using}: {calls_a_minute(using, quota):.0f}")
PYTHON

output=$(venv/bin/python finding.py)
echo "$output"
for using in token_bucket leaking_bucket; do
  grep -qx "59 a minute, $using: 30" <<< "$output"
  for quota in 60 90 119; do
    grep -qx "$quota a minute, $using: 60" <<< "$output"
  done
  grep -qx "120 a minute, $using: 120" <<< "$output"
done
for quota in 59 60 90 119 120; do
  grep -qx "$quota a minute, gcra: $quota" <<< "$output"
done
echo 'as found'
