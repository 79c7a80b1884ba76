#!/usr/bin/env bash
# The `shutdown` of APScheduler is not to interrupt the jobs that run, and with `wait=True`, the default, to wait for their end. That of the `AsyncIOScheduler` cancels them: a coroutine that is under way gets a
# `CancelledError` at its next `await`, whatever `wait` says, and stays half done. The same call on a scheduler with threads does wait. So what a program does in order to end in good order cuts off its transfers
# and writes.
#
# Seen with APScheduler 3.11.3.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --only-binary :all: APScheduler==3.11.3 2> /dev/null
cat > finding.py <<'PYTHON'
import asyncio
import logging
import time

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.schedulers.background import BackgroundScheduler

logging.disable(logging.CRITICAL)


async def coroutine(steps):
    steps.append("begun")
    try:
        await asyncio.sleep(1)
        steps.append("done")
    except asyncio.CancelledError:
        steps.append("cancelled")
        raise


def thread(steps):
    steps.append("begun")
    time.sleep(1)
    steps.append("done")


async def main():
    for wait in [True, False]:
        steps = []
        scheduler = AsyncIOScheduler(timezone="UTC")
        scheduler.add_job(coroutine, args=[steps])
        scheduler.start()
        while not steps:
            await asyncio.sleep(0.05)
        scheduler.shutdown(wait=wait)
        await asyncio.sleep(2)
        print(f"coroutine, wait={wait}: {', '.join(steps)}")

    steps = []
    scheduler = BackgroundScheduler(timezone="UTC")
    scheduler.add_job(thread, args=[steps])
    scheduler.start()
    while not steps:
        time.sleep(0.05)
    scheduler.shutdown(wait=True)
    print(f"thread, wait=True: {', '.join(steps)}")


asyncio.run(main())
PYTHON

output=$(venv/bin/python finding.py)
echo "$output"
grep -qx 'coroutine, wait=True: begun, cancelled' <<< "$output"
grep -qx 'coroutine, wait=False: begun, cancelled' <<< "$output"
grep -qx 'thread, wait=True: begun, done' <<< "$output"
echo 'as found'
