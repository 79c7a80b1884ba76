#!/usr/bin/env bash
# `cached_stampede` of aiocache holds callers of one key back while the first computes its value. If that one raises an error, all the others are let go at the same time: each
# finds nothing in the cache and calls the function itself. So a service that fails under its load gets the whole stampede, from which the decorator is to keep
# it, as soon as the first call has failed; of ten callers all ten reach it, nine of them together. The documentation of the lock says the like of a lease that has
# run out, and nothing of an error; here the lease has ten seconds left.
#
# Seen with aiocache 0.12.3.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --only-binary :all: aiocache==0.12.3 2> /dev/null
cat > finding.py <<'PYTHON'
import asyncio

from aiocache import cached_stampede


async def ten_callers(errors):
    calls = running = together = 0

    @cached_stampede(lease=10, ttl=60, key=f"{errors} errors")
    async def load():
        nonlocal calls, running, together
        calls += 1
        number = calls
        running += 1
        together = max(together, running)
        await asyncio.sleep(0.1)
        running -= 1
        if number <= errors:
            raise OSError("overloaded")
        return "value"

    await asyncio.gather(*[load() for _ in range(10)], return_exceptions=True)
    print(f"{errors} errors: {calls} calls, up to {together} together")


async def main():
    await ten_callers(0)
    await ten_callers(1)


asyncio.run(main())
PYTHON

output=$(venv/bin/python finding.py)
echo "$output"
grep -qx '0 errors: 1 calls, up to 1 together' <<< "$output"
grep -qx '1 errors: 10 calls, up to 9 together' <<< "$output"
echo 'as found'
