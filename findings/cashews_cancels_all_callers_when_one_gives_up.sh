#!/usr/bin/env bash
# The cache decorators of cashews give callers of one key that come together one call, unless that is switched off. They all await the task of that
# call itself and do not shield it. So when one of them is cancelled, by a time-out of its own, the task is cancelled, and every other caller gets a
# `CancelledError`, though nobody cancelled it. `except Exception` does not catch that: whoever runs the caller takes it for the end of the whole
# task. The patient callers have waited for nothing, and the value is not in the cache. With `protected=False`, only the impatient caller fails, and
# each has a call of its own.
#
# Seen with cashews 7.6.0.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --only-binary :all: cashews==7.6.0 2> /dev/null
cat > finding.py <<'PYTHON'
import asyncio

from cashews import cache

cache.setup("mem://")
calls = 0


async def load(number):
    global calls
    calls += 1
    await asyncio.sleep(0.5)
    return number


shared = cache(ttl="1m", key="shared:{number}")(load)
apart = cache(ttl="1m", key="apart:{number}", protected=False)(load)


async def caller(function, patience):
    try:
        return await asyncio.wait_for(function(1), patience)
    except asyncio.TimeoutError:
        return "time-out"
    except asyncio.CancelledError:
        return "cancelled"


async def main():
    global calls
    for name, function in [("shared", shared), ("apart", apart)]:
        calls = 0
        outcomes = await asyncio.gather(*[caller(function, patience) for patience in [0.1, 30, 30]])
        print(f"{name}: {', '.join(map(str, outcomes))}, {calls} calls")


asyncio.run(main())
PYTHON

output=$(venv/bin/python finding.py)
echo "$output"
grep -qx 'shared: time-out, cancelled, cancelled, 1 calls' <<< "$output"
grep -qx 'apart: time-out, 1, 1, 3 calls' <<< "$output"
echo 'as found'
