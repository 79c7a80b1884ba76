#!/usr/bin/env bash
# `TimeToDeadlineTimeout` of google-api-core, which the Google Cloud libraries put around their calls, gives each attempt of a call the time that is
# left until its deadline. Where less than a second is left, or the deadline is over, it gives the whole time anew. So of a deadline of ten seconds,
# an attempt after eight seconds gets two, one after nine and a half gets ten, and one after an hour gets ten. A retry that begins just before the end
# lasts for nearly as long again: a call with three seconds, for the retry and for the deadline, ends after five. With a deadline of a second, each
# attempt gets all of it, and nothing is ever counted down.
#
# Seen with google-api-core 2.44.0.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --only-binary :all: google-api-core==2.44.0 2> /dev/null
cat > finding.py <<'PYTHON'
import datetime
import time

from google.api_core import exceptions, retry, timeout

begin = datetime.datetime(2030, 1, 1, tzinfo=datetime.timezone.utc)
now = begin


def at(deadline, moments):
    global now
    now = begin
    call = timeout.TimeToDeadlineTimeout(deadline, clock=lambda: now)(lambda timeout: timeout)
    given = []
    for seconds in moments:
        now = begin + datetime.timedelta(seconds=seconds)
        given.append(f"{call():g} at {seconds:g}")
    return ", ".join(given)


print(f"deadline 10: {at(10, [0, 4, 8, 9, 9.5, 11, 3600])}")
print(f"deadline 1: {at(1, [0, 0.5, 5])}")


@retry.Retry(initial=0.001, maximum=0.001, timeout=3)
@timeout.TimeToDeadlineTimeout(3)
def slow(timeout):
    time.sleep(min(timeout, 2.5))
    raise exceptions.ServiceUnavailable("down")


start = time.monotonic()
try:
    slow()
except exceptions.RetryError:
    print(f"3 s allowed: ended after {time.monotonic() - start:.0f} s")
PYTHON

output=$(venv/bin/python finding.py)
echo "$output"
grep -qx 'deadline 10: 10 at 0, 6 at 4, 2 at 8, 1 at 9, 10 at 9.5, 10 at 11, 10 at 3600' <<< "$output"
grep -qx 'deadline 1: 1 at 0, 1 at 0.5, 1 at 5' <<< "$output"
grep -qx '3 s allowed: ended after 5 s' <<< "$output"
echo 'as found'
