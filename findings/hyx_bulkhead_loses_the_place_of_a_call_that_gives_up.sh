#!/usr/bin/env bash
# `async with` on a bulkhead of hyx takes a place of `max_capacity` first and waits for one of `max_concurrency` then. A call that is cancelled in that wait, by a time-out
# of its caller, never gives the first back. So each caller who gives up waiting takes a place out of the queue for ever: with one at a time and three in all, two
# time-outs leave no queue, and from then on every call that comes while another runs is refused with `BulkheadFull`. Slow times, for which the queue is there, use it up.
# The decorator form gives both places back.
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

from hyx.bulkhead import bulkhead
from hyx.bulkhead.exceptions import BulkheadFull


def with_block(limit):
    async def call(seconds):
        async with limit:
            await asyncio.sleep(seconds)

    return call


def with_decorator(limit):
    return limit(asyncio.sleep)


async def outcome(call, seconds):
    try:
        await asyncio.wait_for(call(seconds), 0.2)
        return "done"
    except asyncio.TimeoutError:
        return "timed out"
    except BulkheadFull:
        return "full"


async def main():
    for form in [with_block, with_decorator]:
        call = form(bulkhead(max_concurrency=1, max_capacity=3))
        running = asyncio.create_task(call(1))
        await asyncio.sleep(0)
        for name in ["first", "second"]:
            print(f"{form.__name__}, {name}: {await outcome(call, 0)}")
        await running
        print(f"{form.__name__}, nothing runs: {await outcome(call, 0)}")
        running = asyncio.create_task(call(1))
        await asyncio.sleep(0)
        print(f"{form.__name__}, one runs: {await outcome(call, 0)}")
        await running


asyncio.run(main())
PYTHON

output=$(venv/bin/python finding.py)
echo "$output"
for form in with_block with_decorator; do
  grep -qx "$form, first: timed out" <<< "$output"
  grep -qx "$form, second: timed out" <<< "$output"
  grep -qx "$form, nothing runs: done" <<< "$output"
done
grep -qx 'with_block, one runs: full' <<< "$output"
grep -qx 'with_decorator, one runs: timed out' <<< "$output"
echo 'as found'
