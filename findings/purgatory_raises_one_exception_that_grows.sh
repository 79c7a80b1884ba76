#!/usr/bin/env bash
# A breaker of purgatory is an exception itself while it is open, and every refusal raises that one object. Python adds the frames of each raise to the traceback that the
# object has already. So the traceback grows with every refused call until the breaker tries again: the first refusal prints a few lines, the thousandth some hundred
# kilobytes, with the frames of callers that have nothing to do with each other. What those callers had in their local variables stays in memory as long:
# the thousand requests that were refused are all still alive, though nobody holds them.
#
# Seen with purgatory 3.0.1.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --only-binary :all: purgatory==3.0.1 2> /dev/null
cat > finding.py <<'PYTHON'
import gc
import traceback
import weakref

from purgatory import SyncCircuitBreakerFactory


class Request:
    pass


factory = SyncCircuitBreakerFactory(default_threshold=1, default_ttl=3600)
alive = weakref.WeakSet()


def call():
    request = Request()
    alive.add(request)
    with factory.get_breaker("shop"):
        raise OSError("down")


def refused():
    try:
        call()
    except Exception as error:
        return len("".join(traceback.format_exception(error)))


try:
    call()
except OSError:
    pass
gc.collect()
print(f"before: {len(alive)} requests alive")
sizes = [refused() for _ in range(1000)]
gc.collect()
print(f"traceback: {sizes[0] // 1000} kB at first, then {sizes[-1] // 1000} kB")
print(f"after: {len(alive)} requests alive")
PYTHON

output=$(venv/bin/python finding.py)
echo "$output"
grep -qx 'before: 0 requests alive' <<< "$output"
grep -Eqx 'traceback: [01] kB at first, then [0-9]{3} kB' <<< "$output"
grep -qx 'after: 1000 requests alive' <<< "$output"
echo 'as found'
