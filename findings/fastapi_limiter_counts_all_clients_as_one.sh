#!/usr/bin/env bash
# fastapi-limiter makes a key of the client's address, the path and the route for each request, and hands it to a `Limiter` of pyrate-limiter as the name of the item. A `Limiter` that is
# made from a `Rate`, as in all examples of the README, has one bucket for every name. So two requests in five seconds are two for all clients together: the first client to ask
# twice shuts the others out, and they are answered 429 to their first request. An `identifier` of one's own, by user say, changes nothing. A bucket for each client takes a
# `BucketFactory` of pyrate-limiter.
#
# Seen with fastapi-limiter 0.2.0, pyrate-limiter 4.5.1, fastapi 0.165.0.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --only-binary :all: fastapi-limiter==0.2.0 pyrate-limiter==4.5.1 fastapi==0.165.0 httpx==0.28.1 2> /dev/null
cat > finding.py <<'PYTHON'
import asyncio

import httpx
from fastapi import Depends, FastAPI
from fastapi_limiter.depends import RateLimiter
from pyrate_limiter import Duration, Limiter, Rate

app = FastAPI()


async def user(request):
    return request.headers["User"]


def limit(**options):
    return [Depends(RateLimiter(limiter=Limiter(Rate(2, Duration.MINUTE)), **options))]


@app.get("/by-address", dependencies=limit())
@app.get("/by-user", dependencies=limit(identifier=user))
async def page():
    return "page"


async def main():
    for path in ["/by-address", "/by-user"]:
        for number in [1, 2, 3]:
            transport = httpx.ASGITransport(app=app, client=(f"10.0.0.{number}", 1_000))
            async with httpx.AsyncClient(transport=transport, base_url="http://test", headers={"User": f"user {number}"}) as client:
                statuses = [(await client.get(path)).status_code for _ in range(3)]
            print(f"{path}, client {number}: {statuses}")


asyncio.run(main())
PYTHON

output=$(venv/bin/python finding.py)
echo "$output"
for path in /by-address /by-user; do
  grep -qx "$path, client 1: \[200, 200, 429\]" <<< "$output"
  for number in 2 3; do
    grep -qx "$path, client $number: \[429, 429, 429\]" <<< "$output"
  done
done
echo 'as found'
