#!/usr/bin/env bash
# `cache_invalidate` of async-lru drops a key whose load is still running, and the load runs on. When it ends, it acts on whatever stands under its key by then. An invalidated load
# that fails throws out the value that a later call has loaded and cached. One that succeeds starts the time to live of the later one, also while that one is
# still loading: with a `ttl` of two seconds, a value may be gone half a second after it was loaded.
#
# Seen with async-lru 2.4.0.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --only-binary :all: async-lru==2.4.0 2> /dev/null
cat > finding.py <<'PYTHON'
import asyncio

from async_lru import alru_cache


async def invalidated(outcome, first_load, second_load, after, **options):
    """Whether the second load's value is there after both have ended and some seconds more, with the first invalidated in its course."""
    loads = [(first_load, outcome), (second_load, None)]

    @alru_cache(**options)
    async def load(key):
        seconds, error = loads.pop(0)
        await asyncio.sleep(seconds)
        if error:
            raise error
        return "value"

    first = asyncio.create_task(load("key"))
    await asyncio.sleep(0.01)
    load.cache_invalidate("key")
    await load("key")
    await asyncio.gather(first, return_exceptions=True)
    await asyncio.sleep(after)
    return load.cache_contains("key")


async def main():
    print(f"first fails after the second has ended: {await invalidated(OSError('down'), 0.4, 0.1, 0)}")
    print(f"first succeeds after the second has ended: {await invalidated(None, 0.4, 0.1, 0)}")
    print(f"ttl 2, first ends 1.5 s before the second, after 1 s: {await invalidated(None, 0.1, 1.6, 1, ttl=2)}")
    print(f"ttl 2, first ends with the second, after 1 s: {await invalidated(None, 1.6, 1.6, 1, ttl=2)}")


asyncio.run(main())
PYTHON

output=$(venv/bin/python finding.py)
echo "$output"
grep -qx 'first fails after the second has ended: False' <<< "$output"
grep -qx 'first succeeds after the second has ended: True' <<< "$output"
grep -qx 'ttl 2, first ends 1.5 s before the second, after 1 s: False' <<< "$output"
grep -qx 'ttl 2, first ends with the second, after 1 s: True' <<< "$output"
echo 'as found'
