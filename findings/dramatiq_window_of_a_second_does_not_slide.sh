#!/usr/bin/env bash
# dramatiq warns that its `BucketRateLimiter` lets twice the limit through around the end of a bucket, and points to `WindowRateLimiter` with its sliding window. That one counts in
# whole seconds of the clock. With a window of one second, its default, there is a single count to sum up, and nothing slides: with ten a second, ten calls go through at
# the end of one second and ten more a tenth of a second later, as with the bucket. A window of 60 seconds is one of 59 to 60.
#
# Seen with dramatiq 2.2.1.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --only-binary :all: dramatiq==2.2.1 2> /dev/null
cat > finding.py <<'PYTHON'
from unittest import mock

from dramatiq.rate_limits import BucketRateLimiter, WindowRateLimiter
from dramatiq.rate_limits.backends import StubBackend

now = 0


def allowed(limiter, *times):
    global now
    counts = []
    for now in times:
        calls = 0
        for _ in range(30):
            with limiter.acquire(raise_on_failure=False) as acquired:
                calls += acquired
        counts.append(calls)
    return counts


with mock.patch("time.time", lambda: now), mock.patch("time.monotonic", lambda: now):
    end = 1_800_000_000
    print(f"window of 1 s: {allowed(WindowRateLimiter(StubBackend(), 'key', limit=10), end - 0.05, end + 0.05)}")
    print(f"bucket of 1 s: {allowed(BucketRateLimiter(StubBackend(), 'key', limit=10), end - 0.05, end + 0.05)}")
    print(f"window of 2 s: {allowed(WindowRateLimiter(StubBackend(), 'key', limit=10, window=2), end - 0.05, end + 0.05)}")
    print(f"window of 2 s, 1.1 s apart: {allowed(WindowRateLimiter(StubBackend(), 'key', limit=10, window=2), end - 0.05, end + 1.05)}")
PYTHON

output=$(venv/bin/python finding.py)
echo "$output"
grep -qx 'window of 1 s: \[10, 10\]' <<< "$output"
grep -qx 'bucket of 1 s: \[10, 10\]' <<< "$output"
grep -qx 'window of 2 s: \[10, 0\]' <<< "$output"
grep -qx 'window of 2 s, 1.1 s apart: \[10, 10\]' <<< "$output"
echo 'as found'
