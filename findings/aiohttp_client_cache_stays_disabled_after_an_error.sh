#!/usr/bin/env bash
# `async with session.disabled()` of aiohttp-client-cache switches the cache off for the block. When the block ends with an exception, as it does when the request in it fails, the cache is not switched on again: all later
# requests of that task go to the server, and none is kept, without a word. The retry that follows such a failure is the first of them. Only a task that was begun before has its cache still.
#
# Seen with aiohttp-client-cache 0.15.0, aiohttp 3.14.5.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --only-binary :all: aiohttp-client-cache==0.15.0 aiohttp==3.14.5 2> /dev/null
cat > finding.py <<'PYTHON'
import asyncio

from aiohttp import ClientResponseError, web
from aiohttp_client_cache import CacheBackend, CachedSession

requests = 0
status = 200


async def answer(request):
    global requests
    requests += 1
    return web.Response(text="body", status=status)


async def main():
    global requests, status
    app = web.Application()
    app.router.add_get("/", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    for inside in [200, 503]:
        async with CachedSession(cache=CacheBackend(expire_after=3600), raise_for_status=True) as session:
            await session.get(url)
            status = inside
            try:
                async with session.disabled():
                    await session.get(url)
            except ClientResponseError:
                pass
            status = 200
            requests = 0
            for _ in range(5):
                await session.get(url)
        print(f"after a {inside} in the block: {requests} requests for five reads")
    await runner.cleanup()


asyncio.run(main())
PYTHON

output=$(venv/bin/python finding.py)
echo "$output"
grep -qx 'after a 200 in the block: 0 requests for five reads' <<< "$output"
grep -qx 'after a 503 in the block: 5 requests for five reads' <<< "$output"
echo 'as found'
