#!/usr/bin/env bash
# The three strategies of limits disagree on whether a call that is refused is charged. `hit` of the fixed window adds the cost first and compares
# then, and does not take it back: with ten in a minute and five of them used, one call of cost eight is refused and leaves nothing, so that the next
# five calls of cost one are refused as well. With the moving window and the sliding counter, the refused call costs nothing and the five go through.
# The interface of the three is one. `test` before `hit` keeps what is left.
#
# Seen with limits 5.8.0.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --only-binary :all: limits==5.8.0 2> /dev/null
cat > finding.py <<'PYTHON'
import time

from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter, MovingWindowRateLimiter, SlidingWindowCounterRateLimiter

limit = parse("10 per minute")
time.sleep(10 if time.time() % 60 > 50 else 0)
for strategy in [FixedWindowRateLimiter, MovingWindowRateLimiter, SlidingWindowCounterRateLimiter]:
    limiter = strategy(MemoryStorage())
    before = sum(limiter.hit(limit, "caller") for _ in range(5))
    large = limiter.hit(limit, "caller", cost=8)
    left = limiter.get_window_stats(limit, "caller").remaining
    after = sum(limiter.hit(limit, "caller") for _ in range(5))
    print(f"{strategy.__name__}: {before} of 5, cost 8 {'allowed' if large else 'refused'}, {left} left, {after} of 5")
PYTHON

output=$(venv/bin/python finding.py)
echo "$output"
grep -qx 'FixedWindowRateLimiter: 5 of 5, cost 8 refused, 0 left, 0 of 5' <<< "$output"
grep -qx 'MovingWindowRateLimiter: 5 of 5, cost 8 refused, 5 left, 5 of 5' <<< "$output"
grep -qx 'SlidingWindowCounterRateLimiter: 5 of 5, cost 8 refused, 5 left, 5 of 5' <<< "$output"
echo 'as found'
