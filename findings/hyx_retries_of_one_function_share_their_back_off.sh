#!/usr/bin/env bash
# A back-off that is given to `retry` of hyx, such as `expo(...)`, is one object for all calls of the decorated function, and keeps the place of the next wait in itself. Each failure of any
# call moves all of them one step on, and each call that begins sets all of them back. So of four calls that begin a quarter of a second apart and fail at once, the last
# waits for 0.1, 0.4, 3.2 and 12.8 seconds in place of 0.1, 0.2, 0.4 and 0.8, and the first for 0.2 seconds three times, since others had just begun. Under load, no
# call keeps to its back-off: it is the longer, the more calls fail, and starts anew with each new one. One call alone waits as it should.
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
import heapq
from contextvars import ContextVar
from unittest import mock

from hyx.retry import retry
from hyx.retry.backoffs import expo

caller = ContextVar("caller")
waits = {}


async def main(calls, apart):
    """Runs calls that begin `apart` seconds after each other on a clock that stands still while anything runs."""
    now = 0.0
    sleepers = []

    async def sleep(seconds):
        future = asyncio.get_running_loop().create_future()
        heapq.heappush(sleepers, (now + seconds, len(waits), id(future), future))
        waits.setdefault(caller.get(None), []).append(round(seconds, 2))
        await future

    @retry(on=OSError, attempts=4, backoff=expo(min_delay_secs=0.1))
    async def fails():
        raise OSError("down")

    async def call(number):
        await sleep(number * apart)
        caller.set(number)
        try:
            await fails()
        except Exception:
            pass

    with mock.patch("asyncio.sleep", sleep):
        tasks = [asyncio.create_task(call(number)) for number in range(calls)]
        while not all(task.done() for task in tasks):
            for _ in range(20):
                await real_sleep(0)
            if sleepers:
                now, *_, future = heapq.heappop(sleepers)
                future.set_result(None)


real_sleep = asyncio.sleep
for calls, apart in [(1, 0), (4, 0.25)]:
    waits.clear()
    asyncio.run(main(calls, apart))
    for number in range(calls):
        print(f"{number + 1} of {calls}: {waits[number]}")
PYTHON

output=$(venv/bin/python finding.py)
echo "$output"
grep -qx '1 of 1: \[0.1, 0.2, 0.4, 0.8\]' <<< "$output"
grep -qx '1 of 4: \[0.1, 0.2, 0.2, 0.2\]' <<< "$output"
grep -qx '4 of 4: \[0.1, 0.4, 3.2, 12.8\]' <<< "$output"
echo 'as found'
