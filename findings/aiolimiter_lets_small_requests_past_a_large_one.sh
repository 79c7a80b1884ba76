#!/usr/bin/env bash
# `AsyncLimiter.acquire(amount)` of aiolimiter takes more than one unit for a call that costs more. Those who wait are served by amount, the smallest first, and not in the order in
# which they came. So a call for three units waits for as long as calls for one come often enough to use the rate up: all of the sixty that come after it in three seconds go
# first, and under a steady load it would never have its turn. With equal amounts the order is kept.
#
# Seen with aiolimiter 1.3.0.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --only-binary :all: aiolimiter==1.3.0 2> /dev/null
cat > finding.py <<'PYTHON'
import asyncio

from aiolimiter import AsyncLimiter


async def place(first_amount):
    """The place of the first of sixty-one calls, the others of one unit each."""
    limiter = AsyncLimiter(5, 0.5)
    served = []

    async def call(name, amount):
        await limiter.acquire(amount)
        served.append(name)

    await limiter.acquire(5)
    calls = [asyncio.create_task(call("first", first_amount))]
    for number in range(60):
        await asyncio.sleep(0.05)
        calls.append(asyncio.create_task(call(number, 1)))
    await asyncio.gather(*calls)
    return served.index("first") + 1


for amount in [1, 3]:
    print(f"{amount} at first, then 60 times 1: served as number {asyncio.run(place(amount))}")
PYTHON

output=$(venv/bin/python finding.py)
echo "$output"
grep -qx '1 at first, then 60 times 1: served as number 1' <<< "$output"
grep -qx '3 at first, then 60 times 1: served as number 61' <<< "$output"
echo 'as found'
