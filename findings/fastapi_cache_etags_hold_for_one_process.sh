#!/usr/bin/env bash
# The `@cache` of fastapi-cache2 gives each answer an ETag, made by `hash()` of its body, and answers 304 to a client that has the same one. Python's `hash` of bytes differs from process to process. So two workers
# that share one cache give the same answer two ETags, and so does one worker after a restart. A client whose request goes to another worker than its last one gets the whole body with a new ETag, and with four workers
# three of four validations are in vain. An ETag must also be in quotation marks, and this one is not.
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
import sys

import httpx
from fastapi import FastAPI
from fastapi_cache import FastAPICache
from fastapi_cache.backends.inmemory import InMemoryBackend
from fastapi_cache.decorator import cache

app = FastAPI()
FastAPICache.init(InMemoryBackend())


@app.get("/")
@cache(expire=600)
async def read():
    return {"key": "value"}


async def main():
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://worker") as client:
        # The first request fills the cache; it stands for one that another worker has filled.
        etag = (await client.get("/")).headers["etag"]
        known = sys.argv[1] if len(sys.argv) > 1 else etag
        answer = await client.get("/", headers={"if-none-match": known})
        print(answer.status_code, answer.text or "empty", etag)


asyncio.run(main())
PYTHON

read -r status body etag <<< "$(venv/bin/python finding.py)"
echo "own ETag: $status, $body"
[[ "$status $body" == '304 empty' ]]
read -r status body other <<< "$(venv/bin/python finding.py "$etag")"
echo "ETag of another process: $status, $body"
[[ "$status $body" == '200 {"key":"value"}' ]]
echo "$etag is $([[ "$etag" == "$other" ]] && echo the same || echo another one) than $other"
[[ "$etag" != "$other" && "$etag" != *'"'* ]]
echo 'as found'
