#!/usr/bin/env bash
# RQ takes a `Retry` with a list of waits from the caller, for a job that raises, and as the result of the job itself. With more retries than waits, its documentation says of both that
# the first wait is used more than once. It is for a job that raises: `Retry(max=5, interval=[10, 30, 60])` waits 10, 10, 10, 30 and 60 seconds, three times the
# shortest. The same object returned by the job waits 10, 30, 60, 60 and 60, as most would expect of both.
#
# Seen with rq 3.0.0, fakeredis 2.41.0.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --only-binary :all: rq==3.0.0 fakeredis==2.41.0 2> /dev/null
cat > jobs.py <<'PYTHON'
from rq import Retry

retry = Retry(max=5, interval=[10, 30, 60])


def raises():
    raise OSError("down")


def returns():
    return retry
PYTHON
cat > finding.py <<'PYTHON'
import logging
from datetime import datetime, timezone

import fakeredis
import jobs
from rq import Queue, SimpleWorker
from rq.job import Job
from rq.registry import ScheduledJobRegistry

logging.disable(logging.CRITICAL)
for function, options in [(jobs.raises, dict(retry=jobs.retry)), (jobs.returns, {})]:
    connection = fakeredis.FakeStrictRedis()
    queue = Queue(connection=connection)
    registry = ScheduledJobRegistry(queue=queue)
    job = queue.enqueue(function, **options)
    waits = []
    while True:
        SimpleWorker([queue], connection=connection).work(burst=True)
        job = Job.fetch(job.id, connection=connection)
        if job not in registry:
            break
        wait = registry.get_scheduled_time(job) - datetime.now(timezone.utc)
        waits.append(round(wait.total_seconds() / 10) * 10)
        registry.remove(job)
        queue._enqueue_job(job)
    print(f"{function.__name__}: waits {waits}, then {job.get_status().name}")
PYTHON

output=$(venv/bin/python finding.py)
echo "$output"
grep -qx 'raises: waits \[10, 10, 10, 30, 60\], then FAILED' <<< "$output"
grep -qx 'returns: waits \[10, 30, 60, 60, 60\], then FAILED' <<< "$output"
echo 'as found'
