#!/usr/bin/env bash
# A plain `@cache()` of fastapi-cache2 has no `expire`, which reads as "for ever" and is so with Redis. With the `InMemoryBackend`, the value is kept until the end of the current second: an endpoint that is asked
# every second runs every time, as if it had no decorator. The header of a fresh answer is `Cache-Control: max-age=None`, which is no number, and that of a cached one is `max-age=0`. With `expire=60`, both are right.
#
# Seen with fastapi-cache2 0.2.2, fastapi 0.165.0, httpx 0.28.1, jinja2 3.1.6.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --only-binary :all: fastapi-cache2==0.2.2 fastapi==0.165.0 httpx==0.28.1 jinja2==3.1.6 2> /dev/null
cat > finding.py <<'PYTHON'
import asyncio
import time

import httpx
from fastapi import FastAPI
from fastapi_cache import FastAPICache
from fastapi_cache.backends.inmemory import InMemoryBackend
from fastapi_cache.decorator import cache

app = FastAPI()
FastAPICache.init(InMemoryBackend())
runs = {"plain": 0, "minute": 0}


@app.get("/plain")
@cache()
async def plain():
    runs["plain"] += 1
    return "value"


@app.get("/minute")
@cache(expire=60)
async def minute():
    runs["minute"] += 1
    return "value"


async def main():
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://server") as client:
        for name in runs:
            # At the beginning of a second, so that the next two requests are in the same one.
            await asyncio.sleep(1 - time.time() % 1 + 0.01)
            headers = [(await client.get(f"/{name}")).headers["cache-control"] for _ in range(2)]
            for _ in range(2):
                await asyncio.sleep(2.1)
                await client.get(f"/{name}")
            print(f"{name}: {', then '.join(headers)}; {runs[name]} runs for four requests")


asyncio.run(main())
PYTHON

output=$(venv/bin/python finding.py)
echo "$output"
grep -qx 'plain: max-age=None, then max-age=0; 3 runs for four requests' <<< "$output"
grep -qx 'minute: max-age=60, then max-age=60; 1 runs for four requests' <<< "$output"
echo 'as found'
