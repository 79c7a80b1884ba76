#!/usr/bin/env bash
# slowapi goes through several limits of a route in their written order, and charges each before it looks at the next. So "20/day;5/minute" charges the day for every request that the
# minute refuses: a client with 20 requests in one minute gets five answers, and then none for the rest of the day. "5/minute;20/day", the same limits, leaves the day
# alone. Flask-Limiter, the model of slowapi, gives the same answers in both orders.
#
# Seen with slowapi 0.1.10, limits 5.8.0, Flask-Limiter 4.1.1.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --only-binary :all: slowapi==0.1.10 limits==5.8.0 starlette==1.10.0 httpx==0.28.1 Flask-Limiter==4.1.1 2> /dev/null
cat > finding.py <<'PYTHON'
import asyncio
import time
from collections import Counter
from unittest import mock

import flask
import flask_limiter
import httpx
import slowapi
from slowapi.errors import RateLimitExceeded
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

now = time.time() // 86_400 * 86_400 + 43_200


async def by_slowapi(limits):
    limiter = slowapi.Limiter(key_func=lambda: "client")

    @limiter.limit(limits)
    async def page(request):
        return PlainTextResponse("page")

    app = Starlette(routes=[Route("/", page)])
    app.state.limiter = limiter
    app.add_exception_handler(RateLimitExceeded, slowapi._rate_limit_exceeded_handler)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test") as client:
        return await two_minutes(client.get)


async def by_flask_limiter(limits):
    app = flask.Flask("test")
    limiter = flask_limiter.Limiter(lambda: "client", app=app, storage_uri="memory://")

    @app.route("/")
    @limiter.limit(limits)
    def page():
        return "page"

    client = app.test_client()

    async def get(path):
        return client.get(path)

    return await two_minutes(get)


async def two_minutes(get):
    global now
    counts = []
    for requests in [20, 5]:
        statuses = Counter([(await get("/")).status_code for _ in range(requests)])
        counts.append(f"{statuses[200]} of {requests}")
        now += 61
    return ", a minute later ".join(counts)


with mock.patch("time.time", lambda: now):
    for limits in ["20/day;5/minute", "5/minute;20/day"]:
        for framework in [by_slowapi, by_flask_limiter]:
            print(f"{framework.__name__}, {limits}: {asyncio.run(framework(limits))}")
PYTHON

output=$(venv/bin/python finding.py)
echo "$output"
grep -qx 'by_slowapi, 20/day;5/minute: 5 of 20, a minute later 0 of 5' <<< "$output"
grep -qx 'by_slowapi, 5/minute;20/day: 5 of 20, a minute later 5 of 5' <<< "$output"
grep -qx 'by_flask_limiter, 20/day;5/minute: 5 of 20, a minute later 5 of 5' <<< "$output"
grep -qx 'by_flask_limiter, 5/minute;20/day: 5 of 20, a minute later 5 of 5' <<< "$output"
echo 'as found'
