#!/usr/bin/env bash
# py-memoize lets callers of one key that come together share one call, so that a cache does not load in a herd. When one of them gives up, all fail. If it is the one whose call it is, it gets a `CachedMethodFailedException`
# in place of its cancellation, which so does not end it, and `asyncio.wait_for` raises that and no `TimeoutError`; the others get an `AttributeError` about 'CancelledError'. If it is one that waits, the caller that has loaded the
# value gets a `ValueError` that its key "is not being updated", and the others a `CancelledError`, though nobody has cancelled them. The value is in the cache then.
#
# Seen with py-memoize 3.1.1.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --only-binary :all: py-memoize==3.1.1 2> /dev/null
cat > finding.py <<'PYTHON'
import asyncio
from datetime import timedelta

from memoize.configuration import DefaultInMemoryCacheConfiguration
from memoize.wrapper import memoize


async def caller(read, patience):
    try:
        return await asyncio.wait_for(read("key"), patience)
    except asyncio.TimeoutError:
        return "time-out"
    except (asyncio.CancelledError, Exception) as error:
        return type(error).__name__


async def main():
    for name, patience in [("nobody", [9, 9, 9]), ("first", [0.5, 9, 9]), ("second", [9, 0.5, 9])]:
        calls = 0

        @memoize(configuration=DefaultInMemoryCacheConfiguration(method_timeout=timedelta(minutes=1)))
        async def read(key):
            nonlocal calls
            calls += 1
            await asyncio.sleep(1)
            return "value"

        outcomes = await asyncio.gather(*[caller(read, seconds) for seconds in patience])
        print(f"{name} gives up: {', '.join(outcomes)}; {calls} calls; later: {await caller(read, 9)}, {calls} calls")


asyncio.run(main())
PYTHON

output=$(venv/bin/python finding.py 2> /dev/null)
echo "$output"
grep -qx 'nobody gives up: value, value, value; 1 calls; later: value, 1 calls' <<< "$output"
grep -qx 'first gives up: CachedMethodFailedException, AttributeError, AttributeError; 1 calls; later: value, 2 calls' <<< "$output"
grep -qx 'second gives up: ValueError, time-out, CancelledError; 1 calls; later: value, 1 calls' <<< "$output"
echo 'as found'
