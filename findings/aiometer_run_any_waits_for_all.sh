#!/usr/bin/env bash
# The README of aiometer likens `run_any` to `Promise.any()`: it runs functions until the first one completes. It runs all of them to their end, and returns the result of the
# first only then. So of three copies of a request that take 0.1, 0.6 and 1.2 seconds, the answer comes after 1.2: a hedge that is as slow as its slowest request. None is
# cancelled. An error of a later one takes the place of the result that was already there. With `max_at_once=1` every function is called, one after the other.
#
# Seen with aiometer 1.0.0, anyio 4.16.0.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --only-binary :all: aiometer==1.0.0 anyio==4.16.0 2> /dev/null
cat > finding.py <<'PYTHON'
import asyncio
import time
from functools import partial

import aiometer

ended = []


async def request(seconds, error=None):
    await asyncio.sleep(seconds)
    ended.append(seconds)
    if error:
        raise error
    return f"answer after {seconds}"


async def report(name, *requests, **limits):
    ended.clear()
    begin = time.monotonic()
    try:
        outcome = await aiometer.run_any([partial(request, *arguments) for arguments in requests], **limits)
    except OSError as error:
        outcome = f"OSError: {error}"
    print(f"{name}: {outcome}, returned after {time.monotonic() - begin:.1f} s, ended {ended}")


async def main():
    await report("together", (0.1,), (0.6,), (1.2,))
    await report("one at a time", (0.1,), (0.6,), max_at_once=1)
    await report("later error", (0.1,), (0.6, OSError("late")))


asyncio.run(main())
PYTHON

output=$(venv/bin/python finding.py)
echo "$output"
grep -qEx 'together: answer after 0.1, returned after 1.[2-4] s, ended \[0.1, 0.6, 1.2\]' <<< "$output"
grep -qEx 'one at a time: answer after 0.1, returned after 0.[7-9] s, ended \[0.1, 0.6\]' <<< "$output"
grep -qEx 'later error: OSError: late, returned after 0.[6-8] s, ended \[0.1, 0.6\]' <<< "$output"
echo 'as found'
