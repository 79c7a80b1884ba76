#!/usr/bin/env bash
# `throttle` of diskcache keeps the tokens of a decorated function in the cache, so that all processes share one limit. The decorator writes a full bucket there when it is
# applied, whatever the cache holds. So each process fills the bucket up again for all when it imports the module. With ten calls in a thousand seconds, a script that is started
# by a timer is never throttled, and four starts of a worker are forty calls at once.
#
# Seen with diskcache 5.6.3.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --only-binary :all: diskcache==5.6.3 2> /dev/null
cat > finding.py <<'PYTHON'
import sys

import diskcache


class Throttled(Exception):
    pass


def give_up(seconds):
    raise Throttled


@diskcache.throttle(diskcache.Cache("cache"), 10, 1_000, name="limit", sleep_func=give_up)
def call():
    global calls
    calls += 1


calls = 0
try:
    while True:
        call()
except Throttled:
    print(f"process {sys.argv[1]}: {calls} calls")
PYTHON

output=$(for process in 1 2 3 4; do venv/bin/python finding.py $process; done)
echo "$output"
for process in 1 2 3 4; do
  grep -qx "process $process: 10 calls" <<< "$output"
done
echo 'as found'
