#!/usr/bin/env bash
# The `jitter` of APScheduler is the number of seconds by which a run is delayed at most. With an interval, each run is planned from the time of the one before, with the delay that it had, and so the delays add up: a job of
# every minute with a jitter of 30 runs every 75 seconds on average, 48 times an hour, and drifts away from the start date that it was given. A counter that is to be read every minute misses every fifth one. The cron
# trigger with the same jitter runs once in each minute.
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
import random
from datetime import datetime, timedelta, timezone

from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

START = datetime(2026, 1, 1, tzinfo=timezone.utc)
HOURS = 100


def run(name, trigger):
    random.seed(1)
    runs, previous, now = 0, None, START
    while True:
        # The scheduler asks like this after each run, on time.
        planned = trigger.get_next_fire_time(previous, now)
        if planned > START + timedelta(hours=HOURS):
            break
        runs, previous, now = runs + 1, planned, planned
    print(f"{name}: {round(runs / HOURS)} runs an hour")


for jitter in [None, 30]:
    run(f"interval, jitter {jitter}", IntervalTrigger(minutes=1, start_date=START, timezone="UTC", jitter=jitter))
    run(f"cron, jitter {jitter}", CronTrigger(second=0, timezone="UTC", jitter=jitter))
PYTHON

output=$(venv/bin/python finding.py)
echo "$output"
grep -qx 'interval, jitter None: 60 runs an hour' <<< "$output"
grep -qx 'cron, jitter None: 60 runs an hour' <<< "$output"
grep -qx 'interval, jitter 30: 48 runs an hour' <<< "$output"
grep -qx 'cron, jitter 30: 60 runs an hour' <<< "$output"
echo 'as found'
