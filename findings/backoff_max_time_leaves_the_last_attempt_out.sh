#!/usr/bin/env bash
# `max_time` of backoff is the maximum total time of all tries. The decorator looks at the clock before it calls the function, and compares that time after the call has
# failed: the attempt that has just ended is never counted. So with calls of 0.9 seconds that fail and a `max_time` of one second, a third attempt begins after 1.8
# seconds and the whole takes 2.7. The `elapsed` of the handlers is short by the same: it is 0 for a first call of one second. So it is no measure of
# how long calls take.
#
# Seen with backoff 2.2.1.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --only-binary :all: backoff==2.2.1 2> /dev/null
cat > finding.py <<'PYTHON'
import asyncio
import time

import backoff

options = dict(interval=0.01, jitter=None, max_time=1)
elapsed = []


def note(details):
    elapsed.append(details["elapsed"])


@backoff.on_exception(backoff.constant, OSError, on_giveup=note, **options)
def fails():
    begun.append(time.monotonic() - begin)
    time.sleep(0.9)
    raise OSError("down")


@backoff.on_exception(backoff.constant, OSError, on_giveup=note, **options)
async def fails_async():
    begun.append(time.monotonic() - begin)
    await asyncio.sleep(0.9)
    raise OSError("down")


@backoff.on_exception(backoff.constant, OSError, on_success=note)
def succeeds():
    time.sleep(1)


for name, call in [("sync", fails), ("async", lambda: asyncio.run(fails_async()))]:
    begun = []
    begin = time.monotonic()
    try:
        call()
    except OSError:
        total = time.monotonic() - begin
        print(f"{name}: {len(begun)} attempts, last begun after {begun[-1]:.1f} s, {total:.1f} s in all, elapsed {elapsed[-1]:.1f}")
succeeds()
print(f"success after 1 s: elapsed {elapsed[-1]:.1f}")
PYTHON

output=$(venv/bin/python finding.py)
echo "$output"
for name in sync async; do
  grep -qEx "$name: 3 attempts, last begun after (1.[89]|2.0) s, (2.[789]|3.0) s in all, elapsed (1.[89]|2.0)" <<< "$output"
done
grep -qx 'success after 1 s: elapsed 0.0' <<< "$output"
echo 'as found'
