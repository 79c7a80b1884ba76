#!/usr/bin/env bash
# dogpile.cache lets one thread make a value while the others wait for it. `get_or_create_multi` reads all keys before it waits, and does not look again after it. So each thread that has waited for a key that was missing makes
# it once more, and as they hold the lock meanwhile, they do so one after the other: five threads that ask for one key at once, where a value takes half a second, call the creator five times, and the last one waits for
# two and a half seconds. `get_or_create` calls it once, and all have it after half a second.
#
# Seen with dogpile.cache 1.5.0.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --only-binary :all: dogpile.cache==1.5.0 2> /dev/null
cat > finding.py <<'PYTHON'
import threading
import time

from dogpile.cache import make_region

SLOW = 0.5


def run(name, read):
    region = make_region().configure("dogpile.cache.memory", expiration_time=3600)
    calls = []

    def create(*keys):
        calls.append(keys)
        time.sleep(SLOW)
        return [f"value of {key}" for key in keys] or "value of key"

    start = time.monotonic()
    threads = [threading.Thread(target=read, args=(region, create)) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rounds = (time.monotonic() - start) / SLOW
    print(f"{name}: {len(calls)} calls of the creator, {'one after the other' if rounds >= 5 else 'in the time of one' if rounds < 2 else rounds}")


run("get_or_create", lambda region, create: region.get_or_create("key", create))
run("get_or_create_multi", lambda region, create: region.get_or_create_multi(["key"], create))
PYTHON

output=$(venv/bin/python finding.py)
echo "$output"
grep -qx 'get_or_create: 1 calls of the creator, in the time of one' <<< "$output"
grep -qx 'get_or_create_multi: 5 calls of the creator, one after the other' <<< "$output"
echo 'as found'
