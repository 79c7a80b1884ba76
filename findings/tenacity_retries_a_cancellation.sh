#!/usr/bin/env bash
# A retry of tenacity with `retry_if_not_exception_type(ValueError)` retries every other exception, and that takes in those that are not errors:
# `CancelledError`, `KeyboardInterrupt` and `SystemExit`. So a task that is cancelled begins its next attempt in place of its end. `asyncio.wait_for`
# with half a second waits for the whole next attempt, of two seconds, and then gives its value, as if there had been no time-out. An interrupt by
# Ctrl-C is one more failed attempt, and so is a `sys.exit()` in the function. The default of `retry`, and `retry_if_exception_type`, have `Exception`
# as their widest type and let all three through.
#
# Seen with tenacity 9.2.1.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --only-binary :all: tenacity==9.2.1 2> /dev/null
cat > finding.py <<'PYTHON'
import asyncio
import sys
import time

from tenacity import retry, retry_if_exception_type, retry_if_not_exception_type, stop_after_attempt

calls = 0


async def slow():
    global calls
    calls += 1
    await asyncio.sleep(2)
    return "a value"


def interrupted():
    global calls
    calls += 1
    if calls == 1:
        raise KeyboardInterrupt
    return "a value"


def leaving():
    global calls
    calls += 1
    if calls == 1:
        sys.exit(3)
    return "a value"


for name, condition in [("not", retry_if_not_exception_type(ValueError)), ("only", retry_if_exception_type())]:
    policy = retry(stop=stop_after_attempt(3), retry=condition, reraise=True)
    for kind, run in [
        ("time-out", lambda: asyncio.run(asyncio.wait_for(policy(slow)(), 0.5))),
        ("interrupt", policy(interrupted)),
        ("exit", policy(leaving)),
    ]:
        calls = 0
        begin = time.monotonic()
        try:
            outcome = run()
        except BaseException as error:
            outcome = type(error).__name__
        print(f"{name}, {kind}: {outcome}, {calls} calls, {time.monotonic() - begin:.0f} s")
PYTHON

output=$(venv/bin/python finding.py)
echo "$output"
grep -qxE 'not, time-out: a value, 2 calls, [23] s' <<< "$output"
grep -qx 'not, interrupt: a value, 2 calls, 0 s' <<< "$output"
grep -qx 'not, exit: a value, 2 calls, 0 s' <<< "$output"
grep -qxE 'only, time-out: TimeoutError, 1 calls, [01] s' <<< "$output"
grep -qx 'only, interrupt: KeyboardInterrupt, 1 calls, 0 s' <<< "$output"
grep -qx 'only, exit: SystemExit, 1 calls, 0 s' <<< "$output"
echo 'as found'
