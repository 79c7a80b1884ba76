#!/usr/bin/env bash
# The README of circuitbreaker says that an open breaker "allows one test-execution" once its recovery time is over. It allows as many as come until the first of them
# has ended: of a hundred calls that come together, a hundred reach the service that was down. And the breaker does not ask when a call began that ends well.
# One that began before it opened closes it on its return, with a recovery time of a minute just begun. A slow service that fails most calls at once,
# and gives its few good answers late, is never left alone.
#
# Seen with circuitbreaker 2.1.3.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --only-binary :all: circuitbreaker==2.1.3 2> /dev/null
cat > finding.py <<'PYTHON'
import asyncio

from circuitbreaker import CircuitBreaker

calls = 0


async def service(fails, seconds):
    global calls
    calls += 1
    await asyncio.sleep(seconds)
    if fails:
        raise OSError("down")


async def together(call, number):
    await asyncio.gather(*[call(True, 0.05) for _ in range(number)], return_exceptions=True)


async def main():
    global calls
    breaker = CircuitBreaker(failure_threshold=5, recovery_timeout=1, name="tests")
    call = breaker(service)
    await together(call, 5)
    calls = 0
    await together(call, 100)
    print(f"{breaker.state}: {calls} of 100")
    await asyncio.sleep(1.1)
    print(breaker.state, end=": ")
    await together(call, 100)
    print(f"{calls} of 100")

    breaker = CircuitBreaker(failure_threshold=5, recovery_timeout=60, name="late")
    call = breaker(service)
    late = asyncio.create_task(call(False, 0.5))
    await asyncio.sleep(0.1)
    await together(call, 5)
    print(f"{breaker.state} for {breaker.open_remaining} s", end=", ")
    await late
    print(f"{breaker.state} after the late success")


asyncio.run(main())
PYTHON

output=$(venv/bin/python finding.py)
echo "$output"
grep -qx 'open: 0 of 100' <<< "$output"
grep -qx 'half_open: 100 of 100' <<< "$output"
grep -qx 'open for 60 s, closed after the late success' <<< "$output"
echo 'as found'
