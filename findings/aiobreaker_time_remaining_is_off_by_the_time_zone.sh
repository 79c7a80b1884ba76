#!/usr/bin/env bash
# aiobreaker writes down in UTC when a breaker opened, and takes the local time from it to say how long it stays open. West of Greenwich, `time_remaining` of the
# error and `time_until_open` of the breaker are hours too long: a breaker that is open for 30 seconds gives five hours and 30 seconds in New York, and
# `sleep_until_open`, which is there to wait for the next try, sleeps as long. East of it, both raise a `TypeError` while the breaker is open. The breaker itself
# tries again after 30 seconds everywhere. A test in a container, whose time zone is UTC, sees nothing of it.
#
# Seen with aiobreaker 1.2.0.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --only-binary :all: aiobreaker==1.2.0 2> /dev/null
cat > finding.py <<'PYTHON'
import asyncio
import sys
from datetime import timedelta

from aiobreaker import CircuitBreaker, CircuitBreakerError


async def fail():
    raise OSError("down")


def shown(remaining):
    try:
        return f"{round(remaining().total_seconds())} s"
    except TypeError:
        return "TypeError"


async def main():
    breaker = CircuitBreaker(fail_max=1, timeout_duration=timedelta(seconds=30))
    try:
        await breaker.call_async(fail)
    except CircuitBreakerError as error:
        of_error = shown(lambda: error.time_remaining)
        print(f"{sys.argv[1]}: error {of_error}, breaker {shown(lambda: breaker.time_until_open)}")


asyncio.run(main())
PYTHON

# a zone by its distance from UTC, so that neither a list of zones nor a season plays a part
output=$(for zone in UTC0 EST5 CET-1; do TZ=$zone venv/bin/python -W ignore finding.py $zone; done)
echo "$output"
grep -qx 'UTC0: error 30 s, breaker 30 s' <<< "$output"
grep -qx 'EST5: error 18030 s, breaker 18030 s' <<< "$output"
grep -qx 'CET-1: error TypeError, breaker TypeError' <<< "$output"
echo 'as found'
