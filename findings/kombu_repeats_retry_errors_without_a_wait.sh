#!/usr/bin/env bash
# A retry policy of kombu, which Celery hands on as `task_publish_retry_policy`, has `interval_start`, `interval_step` and `interval_max` for the waits, and `retry_errors` for
# further errors to retry. For those errors it does not wait at all: the intervals are for connecting anew and nothing else. With three retries that are to wait one, two
# and three seconds, a broker that says it is busy gets four calls within a few milliseconds, and the error is raised before the first wait would be over. The `errback` is
# not called either.
#
# Seen with kombu 5.7.0.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --only-binary :all: kombu==5.7.0 2> /dev/null
cat > finding.py <<'PYTHON'
import time

from kombu import Connection, Producer


class Busy(Exception):
    pass


class BusyProducer(Producer):
    def _publish(self, *args, **kwargs):
        calls.append(time.monotonic())
        raise Busy


calls = []
told = []
policy = dict(max_retries=3, interval_start=1, interval_step=1, interval_max=5, retry_errors=(Busy,), errback=lambda *_: told.append(_))
with Connection("memory://") as connection:
    producer = BusyProducer(connection.channel())
    try:
        producer.publish({"key": "value"}, routing_key="queue", retry=True, retry_policy=policy)
    except Busy:
        print(f"{len(calls)} calls in {calls[-1] - calls[0]:.1f} s, errback called {len(told)} times")
PYTHON

output=$(venv/bin/python finding.py)
echo "$output"
grep -qx '4 calls in 0.0 s, errback called 0 times' <<< "$output"
echo 'as found'
