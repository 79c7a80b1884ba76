#!/usr/bin/env bash
# circuitbreaker counts what raises one of its `expected_exception`s as a failure, by default any `Exception`, and everything else as a success. A call that is cut off by a time-out of its caller raises a `CancelledError`, which is none. So
# a service that hangs, with `asyncio.wait_for` or `asyncio.timeout` around the calls, is in the best of health to the breaker: it never opens, each call that is cut off sets the count of real failures back to zero, and as the one
# test of an open breaker, it closes it. aiocircuitbreaker does the same. A time-out inside the decorated function counts as it should.
#
# Seen with circuitbreaker 2.1.3, aiocircuitbreaker 2.0.0.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --only-binary :all: circuitbreaker==2.1.3 aiocircuitbreaker==2.0.0 2> /dev/null
cat > finding.py <<'PYTHON'
import asyncio
import warnings

import aiocircuitbreaker
import circuitbreaker

warnings.simplefilter("ignore")


def breaker_of(library):
    return library.CircuitBreaker(failure_threshold=3, recovery_timeout=1)


async def run(name, library):
    async def call(breaker, seconds, error, inside=None):
        @breaker
        async def service():
            await asyncio.wait_for(asyncio.sleep(seconds), inside)
            if error:
                raise ConnectionError

        try:
            await asyncio.wait_for(service(), 0.05)
        except (asyncio.TimeoutError, ConnectionError):
            pass

    states = []
    for kind, options in [("fail", (0, True)), ("hang, inner time-out", (60, False, 0.01)), ("hang, outer time-out", (60, False))]:
        breaker = breaker_of(library)
        for _ in range(3):
            await call(breaker, *options)
        states.append(f"three {kind}: {'open' if breaker.opened else 'closed'}")
    breaker = breaker_of(library)
    for options in [(0, True), (0, True), (60, False), (0, True)]:
        await call(breaker, *options)
    states.append(f"fail, fail, hang, fail: {breaker.failure_count} counted")
    breaker = breaker_of(library)
    for _ in range(3):
        await call(breaker, 0, True)
    await asyncio.sleep(1.1)
    await call(breaker, 60, False)
    states.append(f"test that hangs: {'closed' if breaker.closed else 'not closed'}")
    print(f"{name}: {'; '.join(states)}")


async def main():
    for library in [circuitbreaker, aiocircuitbreaker]:
        await run(library.__name__, library)


asyncio.run(main())
PYTHON

output=$(venv/bin/python finding.py)
echo "$output"
for library in circuitbreaker aiocircuitbreaker; do
    grep -qx "$library: three fail: open; three hang, inner time-out: open; three hang, outer time-out: closed; fail, fail, hang, fail: 1 counted; test that hangs: closed" <<< "$output"
done
echo 'as found'
