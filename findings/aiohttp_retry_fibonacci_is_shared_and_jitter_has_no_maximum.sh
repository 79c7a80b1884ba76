#!/usr/bin/env bash
# `FibonacciRetry` of aiohttp-retry keeps its place in the sequence in the options, which all requests of a client share. Only the first request of a client begins at the
# beginning; the next goes on where that one stopped, and soon every first retry waits for `max_timeout`, until the program ends.
# `JitterRetry` adds its random part after `max_timeout` has been applied, and raises it to the power of `factor`: with `max_timeout=1`, `random_interval_size=3`
# and `factor=4`, a wait is up to 82 seconds. The comment at the parameter says "Max possible timeout between tries".
#
# Seen with aiohttp-retry 2.9.1, aiohttp 3.14.5.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --only-binary :all: aiohttp-retry==2.9.1 aiohttp==3.14.5 2> /dev/null
cat > finding.py <<'PYTHON'
import asyncio
import random
import time

from aiohttp import web
from aiohttp_retry import FibonacciRetry, JitterRetry, RetryClient


async def main():
    came = []

    async def busy(_):
        came.append(time.monotonic())
        return web.Response(status=503)

    app = web.Application()
    app.router.add_get("/", busy)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/"

    options = FibonacciRetry(attempts=4, multiplier=0.05, max_timeout=1.0)
    async with RetryClient(retry_options=options) as client:
        for name in ["first", "second", "third"]:
            came.clear()
            async with client.get(url):
                pass
            waits = [round(later - earlier, 1) for earlier, later in zip(came, came[1:])]
            print(f"{name} request waits {waits}")
    await runner.cleanup()

    random.seed(1)
    options = JitterRetry(max_timeout=1.0, random_interval_size=3.0, factor=4.0)
    waits = [options.get_timeout(attempt=1) for _ in range(10_000)]
    print(f"jitter: {sum(wait > 1 for wait in waits) / len(waits):.0%} above the maximum, up to {max(waits):.0f} s")


asyncio.run(main())
PYTHON

output=$(venv/bin/python finding.py)
echo "$output"
grep -qx 'first request waits \[0.1, 0.2, 0.[23]\]' <<< "$output"
grep -qx 'second request waits \[0.4, 0.[67], 1.[01]\]' <<< "$output"
grep -qx 'third request waits \[1.0, 1.0, 1.0\]' <<< "$output"
grep -qx 'jitter: [5-9][0-9]% above the maximum, up to 8[0-9] s' <<< "$output"
echo 'as found'
