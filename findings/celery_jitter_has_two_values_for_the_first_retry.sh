#!/usr/bin/env bash
# `retry_jitter` of Celery, on by default, is to spread retries so that they do not all run at the same time. It draws whole seconds. With `retry_backoff=True` the first
# retry waits zero seconds or one: of a thousand tasks that failed together, half are sent again at once and the rest all one second later. The back-off itself is cut to
# whole seconds too, and is one at least, so that `retry_backoff=0.2`, `1` and `1.9` are the same.
#
# Seen with celery 5.7.0.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --only-binary :all: celery==5.7.0 2> /dev/null
cat > finding.py <<'PYTHON'
import random
from collections import Counter

from celery import Celery
from celery.exceptions import Retry

random.seed(1)
app = Celery(broker="memory://")


def waits(tasks, retries, **options):
    @app.task(bind=True, autoretry_for=(OSError,), max_retries=10, name=f"task {random.random()}", **options)
    def task(self):
        raise OSError("down")

    counts = Counter()
    for number in range(tasks):
        task.push_request(id=str(number), retries=retries, called_directly=False)
        try:
            task.run()
        except Retry as retry:
            counts[retry.when] += 1
        task.pop_request()
    return counts


for retries in [0, 1]:
    counts = waits(1_000, retries, retry_backoff=True)
    print(f"retry {retries + 1}: waits {sorted(counts)}, at once {counts[0] / 10:.0f}%")
for backoff in [0.2, 1, 1.9]:
    series = [list(waits(1, retries, retry_backoff=backoff, retry_jitter=False))[0] for retries in range(4)]
    print(f"retry_backoff={backoff}: {series}")
PYTHON

output=$(venv/bin/python finding.py)
echo "$output"
grep -qEx 'retry 1: waits \[0, 1\], at once (4[5-9]|5[0-5])%' <<< "$output"
grep -qEx 'retry 2: waits \[0, 1, 2\], at once (2[89]|3[0-9])%' <<< "$output"
for backoff in 0.2 1 1.9; do
  grep -qx "retry_backoff=$backoff: \[1, 2, 4, 8\]" <<< "$output"
done
echo 'as found'
