#!/usr/bin/env bash
# `Retry` of httpx-retries takes three lists of what to retry: methods, statuses and exceptions. An empty list of exceptions means none. An empty list
# of methods or of statuses means the default ones: with `status_forcelist=[]` a 503 is sent again all the same, and with `allowed_methods=[]` a GET
# is. To name something that never comes, such as status 0, is what switches them off. And `total_timeout`, the most that all waits may last, does not
# end the retries when the server asks for more: it cuts the wait. Told by `Retry-After` to come back in 30 seconds, a client with `total_timeout=1`
# sends its request again after one.
#
# Seen with httpx-retries 0.6.0, httpx 0.28.1.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --only-binary :all: httpx-retries==0.6.0 httpx==0.28.1 2> /dev/null
cat > finding.py <<'PYTHON'
import time

import httpx
from httpx_retries import Retry, RetryTransport

seen = 0


def answer(request):
    global seen
    seen += 1
    if request.url.path == "/gone":
        raise httpx.ConnectError("refused")
    return httpx.Response(503, headers={"Retry-After": "30"} if request.url.path == "/busy" else {})


def run(name, path, **options):
    global seen
    seen = 0
    transport = RetryTransport(transport=httpx.MockTransport(answer), retry=Retry(total=3, **options))
    begin = time.monotonic()
    try:
        outcome = httpx.Client(transport=transport).get(f"http://shop.test{path}").status_code
    except httpx.ConnectError:
        outcome = "refused"
    print(f"{name}: {outcome}, sent {seen} times in {'more' if time.monotonic() - begin > 25 else 'less'} than 25 s")


run("no exceptions", "/gone", retry_on_exceptions=[])
run("no statuses", "/down", status_forcelist=[])
run("no methods", "/down", allowed_methods=[])
run("status 0", "/down", status_forcelist=[0])
run("30 s asked for, 1 s allowed", "/busy", total_timeout=1)
PYTHON

output=$(venv/bin/python finding.py)
echo "$output"
grep -qx 'no exceptions: refused, sent 1 times in less than 25 s' <<< "$output"
grep -qx 'no statuses: 503, sent 4 times in less than 25 s' <<< "$output"
grep -qx 'no methods: 503, sent 4 times in less than 25 s' <<< "$output"
grep -qx 'status 0: 503, sent 1 times in less than 25 s' <<< "$output"
grep -qx '30 s asked for, 1 s allowed: 503, sent 2 times in less than 25 s' <<< "$output"
echo 'as found'
