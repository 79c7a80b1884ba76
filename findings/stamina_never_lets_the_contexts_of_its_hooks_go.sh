#!/usr/bin/env bash
# A hook of stamina may give a context manager, which is entered before the wait and left before the next attempt: a span of a trace, say. stamina
# keeps all of them in one list for each decorated function, and never takes one out. Before every attempt of every call, also the first attempt, it
# leaves all that the function has ever entered. So a hundred calls with one retry each enter 100 contexts and leave them 10,000 times, and all 100
# stay in memory. And where two calls overlap, the span of the one that waits is ended by the other as soon as that begins: here, a wait of half a
# second is recorded as one of less.
#
# Seen with stamina 26.1.0, tenacity 9.2.1.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --only-binary :all: stamina==26.1.0 tenacity==9.2.1 2> /dev/null
cat > finding.py <<'PYTHON'
import asyncio
import contextlib
import gc
import time

import stamina
from stamina.instrumentation import set_on_retry_hooks

entered = left = calls = 0


class Span(contextlib.AbstractContextManager):
    def __enter__(self):
        global entered
        entered += 1

    def __exit__(self, *_):
        global left
        left += 1


@stamina.retry(on=OSError, attempts=3, wait_initial=0, wait_max=0, wait_jitter=0)
def every_other():
    global calls
    calls += 1
    if calls % 2:
        raise OSError("down")


set_on_retry_hooks([lambda details: Span()])
for _ in range(100):
    every_other()
gc.collect()
alive = sum(isinstance(thing, Span) for thing in gc.get_objects())
print(f"{entered} entered, left {left} times, {alive} alive")


@contextlib.contextmanager
def timed():
    begin = time.monotonic()
    yield
    print(f"a wait of {'half a second' if time.monotonic() - begin > 0.4 else 'less than that'}")


failing = {"alone", "first"}


@stamina.retry(on=OSError, attempts=3, wait_initial=0.5, wait_max=0.5, wait_jitter=0)
async def call(name):
    if name in failing:
        failing.remove(name)
        raise OSError("down")


async def overlap():
    first = asyncio.create_task(call("first"))
    await asyncio.sleep(0)
    await call("second")
    await first


set_on_retry_hooks([lambda details: timed()])
print("one call:", end=" ")
asyncio.run(call("alone"))
print("two calls:", end=" ")
asyncio.run(overlap())
PYTHON

output=$(venv/bin/python finding.py)
echo "$output"
grep -qx '100 entered, left 10000 times, 100 alive' <<< "$output"
grep -qx 'one call: a wait of half a second' <<< "$output"
grep -qx 'two calls: a wait of less than that' <<< "$output"
echo 'as found'
