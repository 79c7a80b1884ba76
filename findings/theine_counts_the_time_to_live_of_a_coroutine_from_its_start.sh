#!/usr/bin/env bash
# `Memoize` of theine puts the call of an async function into the cache before it is awaited, and its time to live begins then. What the function takes is taken off what the
# result lives. With a time to live of one second and loads of two, each result is too old when it comes: four calls in a row are four loads, and the cache never has a hit. And a call
# that comes after one second starts a second load beside the first, from which the decorator is to keep a slow service. For a function without `async`, the time
# begins when the result is there.
#
# Seen with theine 2.0.0.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --only-binary :all: theine==2.0.0 2> /dev/null
cat > finding.py <<'PYTHON'
import asyncio
import time
from datetime import timedelta

from theine import Memoize

loads = {"async": 0, "sync": 0}


@Memoize(100, timedelta(seconds=1))
async def load_async(key):
    loads["async"] += 1
    await asyncio.sleep(2)
    return "value"


@Memoize(100, timedelta(seconds=1))
def load_sync(key):
    loads["sync"] += 1
    time.sleep(2)
    return "value"


load_async.key(lambda key: key)
load_sync.key(lambda key: key)


async def late(seconds):
    await asyncio.sleep(seconds)
    return await load_async("shared")


async def main():
    for _ in range(4):
        await load_async("own")
    print(f"async, four calls in a row: {loads['async']} loads")
    loads["async"] = 0
    await asyncio.gather(late(0), late(0.1), late(1.5))
    print(f"async, a third call after 1.5 s: {loads['async']} loads")


asyncio.run(main())
for _ in range(4):
    load_sync("own")
print(f"sync, four calls in a row: {loads['sync']} loads")
PYTHON

output=$(venv/bin/python finding.py)
echo "$output"
grep -qx 'async, four calls in a row: 4 loads' <<< "$output"
grep -qx 'async, a third call after 1.5 s: 2 loads' <<< "$output"
grep -qx 'sync, four calls in a row: 1 loads' <<< "$output"
echo 'as found'
