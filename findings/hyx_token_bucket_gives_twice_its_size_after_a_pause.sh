#!/usr/bin/env bash
# `bucket_size` of `tokenbucket` in hyx is the most calls of a burst, and equals `max_executions` unless it is set. The bucket is filled only when a call finds it empty, and
# then for the whole time since the last filling. So after a pause it is full, is emptied, and is filled once more on the spot: with ten a second, twenty calls go through at
# once after two seconds. With a bucket of one, which is to prevent bursts, two do.
#
# Seen with hyx 0.0.2.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --only-binary :all: hyx==0.0.2 2> /dev/null
cat > finding.py <<'PYTHON'
import asyncio
from unittest import mock

from hyx.ratelimit import tokenbucket
from hyx.ratelimit.exceptions import RateLimitExceeded

now = 1_000.0


async def burst(bucket):
    calls = 0
    try:
        while True:
            async with bucket:
                calls += 1
    except RateLimitExceeded:
        return calls


async def main():
    global now
    with mock.patch.object(asyncio.get_running_loop(), "time", lambda: now):
        for size in [None, 1]:
            bucket = tokenbucket(max_executions=10, per_time_secs=1, bucket_size=size)
            print(f"bucket {size}: {await burst(bucket)} at first")
            bucket = tokenbucket(max_executions=10, per_time_secs=1, bucket_size=size)
            now += 2.05
            print(f"bucket {size}: {await burst(bucket)} after two seconds")


asyncio.run(main())
PYTHON

output=$(venv/bin/python finding.py)
echo "$output"
grep -qx 'bucket None: 10 at first' <<< "$output"
grep -qx 'bucket None: 20 after two seconds' <<< "$output"
grep -qx 'bucket 1: 1 at first' <<< "$output"
grep -qx 'bucket 1: 2 after two seconds' <<< "$output"
echo 'as found'
