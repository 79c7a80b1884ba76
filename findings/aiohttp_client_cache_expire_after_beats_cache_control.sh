#!/usr/bin/env bash
# With `cache_control=True`, aiohttp-client-cache goes by the headers of the server, and its source ranks them above the `expire_after` of a session. It is the other way round: where both are there, the `max-age` of an answer is not
# looked at. So a session with an `expire_after` of an hour, meant for the servers that say nothing, keeps for an hour what a server has given out for a second, and cuts down to its own time what a server allows to
# keep for a day. `no-store` and `max-age=0` are heeded, so that a test with those shows nothing.
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

from aiohttp import web
from aiohttp_client_cache import CacheBackend, CachedSession

requests = 0


async def answer(request):
    global requests
    requests += 1
    return web.Response(text="body", headers={"Cache-Control": request.query["control"]})


async def main():
    global requests
    app = web.Application()
    app.router.add_get("/", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    for control, expire_after in [("max-age=1", None), ("max-age=1", 3600), ("max-age=86400", 1), ("no-store", 3600)]:
        requests = 0
        async with CachedSession(cache=CacheBackend(cache_control=True, expire_after=expire_after)) as session:
            for pause in [0, 2.5]:
                await asyncio.sleep(pause)
                await session.get(url, params={"control": control})
        print(f"{control}, expire_after={expire_after}: {requests} requests in 2.5 seconds")
    await runner.cleanup()


asyncio.run(main())
PYTHON

output=$(venv/bin/python finding.py)
echo "$output"
grep -qx 'max-age=1, expire_after=None: 2 requests in 2.5 seconds' <<< "$output"
grep -qx 'max-age=1, expire_after=3600: 1 requests in 2.5 seconds' <<< "$output"
grep -qx 'max-age=86400, expire_after=1: 2 requests in 2.5 seconds' <<< "$output"
grep -qx 'no-store, expire_after=3600: 2 requests in 2.5 seconds' <<< "$output"
echo 'as found'
