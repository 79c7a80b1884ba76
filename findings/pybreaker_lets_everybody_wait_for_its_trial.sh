#!/usr/bin/env bash
# A breaker of pybreaker holds a lock while the call that it guards runs. So threads that share one take turns: ten calls of 0.1 seconds take a second. It does not refuse at
# once either, for which breakers are there: as long as the one call runs with which an open breaker tries again, every other caller waits for its end, here 1 second
# for a service that does not answer, and is refused only then. "Thread-safe" is in the README's list of features; that it means one call at a time is not.
#
# Seen with pybreaker 1.4.1.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --only-binary :all: pybreaker==1.4.1 2> /dev/null
cat > finding.py <<'PYTHON'
import time
from concurrent.futures import ThreadPoolExecutor

from pybreaker import CircuitBreaker, CircuitBreakerError

breaker = CircuitBreaker(fail_max=1, reset_timeout=0.3)


def service(seconds, fails=False):
    time.sleep(seconds)
    if fails:
        raise OSError("down")


def timed(*args):
    begin = time.monotonic()
    try:
        breaker.call(service, *args)
        outcome = "done"
    except CircuitBreakerError as error:
        outcome = str(error)
    return f"{time.monotonic() - begin:.1f} s, {outcome}"


with ThreadPoolExecutor(10) as threads:
    begin = time.monotonic()
    list(threads.map(lambda _: timed(0.1), range(10)))
    print(f"ten calls of 0.1 s in ten threads: {time.monotonic() - begin:.0f} s")
    print(f"opens: {timed(0, True)}")
    print(f"open: {timed(0)}")
    time.sleep(0.4)
    trial = threads.submit(timed, 1, True)
    time.sleep(0.05)
    others = [threads.submit(timed, 0) for _ in range(2)]
    print(f"trial: {trial.result()}")
    for other in others:
        print(f"meanwhile: {other.result()}")
PYTHON

output=$(venv/bin/python finding.py)
echo "$output"
grep -qx 'ten calls of 0.1 s in ten threads: 1 s' <<< "$output"
grep -qx 'open: 0.[0-3] s, Timeout not elapsed yet, circuit breaker still open' <<< "$output"
grep -qx 'trial: 1.[0-3] s, Trial call failed, circuit breaker opened' <<< "$output"
[[ $(grep -cEx 'meanwhile: (0.9|1.[0-3]) s, Timeout not elapsed yet, circuit breaker still open' <<< "$output") == 2 ]]
echo 'as found'
