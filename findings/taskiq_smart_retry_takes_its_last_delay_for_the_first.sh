#!/usr/bin/env bash
# The `SmartRetryMiddleware` of taskiq hands the delay of a retry to the broker as the label `delay` of the task. For the next retry it reads the label `delay` of the task, which is meant to be that of the user, and begins from
# it. So the delays build on each other: with `use_delay_exponent` and a delay of two seconds, the retries wait 2, 4, 12, 48 and 240 seconds, where the formula gives 2, 4, 6, 8 and 10; and with `use_jitter`, the jitter of
# at most a second is added to that of all retries before. With a `schedule_source`, the label stays away and the delays are those of the formula.
#
# Seen with taskiq 0.13.0.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --only-binary :all: taskiq==0.13.0 2> /dev/null
cat > finding.py <<'PYTHON'
import asyncio
import logging
import random

from taskiq import Context, InMemoryBroker, SmartRetryMiddleware, TaskiqDepends

logging.disable(logging.CRITICAL)


async def run(name, label=None, **options):
    # This broker runs each task at once and leaves the label for us to read.
    broker = InMemoryBroker().with_middlewares(SmartRetryMiddleware(default_retry_count=6, default_delay=2, max_delay_exponent=3600, **options))
    delays = []

    async def fail(context: Context = TaskiqDepends()):
        if "_retries" in context.message.labels:
            delays.append(float(context.message.labels["delay"]))
        raise ValueError

    task = broker.task(task_name=f"fail {name}", retry_on_error=True)(fail)
    await broker.startup()
    await task.kiq()
    while len(delays) < 5:
        await asyncio.sleep(0.05)
    await broker.shutdown()
    return delays


async def main():
    random.seed(1)
    print(f"plain: {await run('plain')}")
    print(f"use_delay_exponent: {await run('exponent', use_delay_exponent=True)}")
    jittered = await run("jitter", use_jitter=True)
    print(f"use_jitter: {'each longer than the last' if jittered == sorted(jittered) else jittered}, the fifth {'more' if jittered[4] > 3 else 'not more'} than a second above the delay")


asyncio.run(asyncio.wait_for(main(), 30))
PYTHON

output=$(venv/bin/python finding.py)
echo "$output"
grep -qx 'plain: \[2.0, 2.0, 2.0, 2.0, 2.0\]' <<< "$output"
grep -qx 'use_delay_exponent: \[2.0, 4.0, 12.0, 48.0, 240.0\]' <<< "$output"
grep -qx 'use_jitter: each longer than the last, the fifth more than a second above the delay' <<< "$output"
echo 'as found'
