#!/usr/bin/env bash
# The sliding window of throttled-py in memory charges the first call of each window, also when it refuses it. The window before weighs most just then, so that the first call is
# the likeliest to be refused. So a job of more than half its quota runs once and never again: with ten a minute and a cost of six, a caller who waits for each `retry_after`
# runs once in an hour, and by the fixed window, the token bucket and GCRA 60 times or more. Jobs of a cost of two lose a fifth of the quota.
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


def runs_in_an_hour(using, cost, pause=None):
    global now
    now = BEGIN
    throttle = Throttled(using=using, quota="10/m", store=store.MemoryStore())
    runs = 0
    while now < BEGIN + 3_600:
        result = throttle.limit("job", cost)
        runs += not result.limited
        now += pause or (result.state.retry_after if result.limited else 1)
    return runs


with mock.patch("time.time", lambda: now), mock.patch("time.monotonic", lambda: now):
    for using in ["sliding_window", "fixed_window", "token_bucket", "gcra"]:
        print(f"{using}, cost 6, asks after retry_after: {runs_in_an_hour(using, 6)} runs")
    for using in ["sliding_window", "fixed_window"]:
        print(f"{using}, cost 2, asks every 10 s: {runs_in_an_hour(using, 2, 10)} runs")
PYTHON

output=$(venv/bin/python finding.py)
echo "$output"
grep -qx 'sliding_window, cost 6, asks after retry_after: 1 runs' <<< "$output"
grep -qx 'fixed_window, cost 6, asks after retry_after: 60 runs' <<< "$output"
grep -qEx 'token_bucket, cost 6, asks after retry_after: 9[0-9] runs' <<< "$output"
grep -qEx 'gcra, cost 6, asks after retry_after: 10[0-9] runs' <<< "$output"
grep -qx 'sliding_window, cost 2, asks every 10 s: 240 runs' <<< "$output"
grep -qx 'fixed_window, cost 2, asks every 10 s: 300 runs' <<< "$output"
echo 'as found'
