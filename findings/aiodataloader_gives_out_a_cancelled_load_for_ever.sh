#!/usr/bin/env bash
# All callers of one key of aiodataloader await the same future, and it stays in the cache whatever becomes of it. When one of them is cancelled, by a time-out of its own, the
# future is cancelled. The others get a `CancelledError`, though nobody cancelled them, while the batch runs on and finds the value. And each later load of that
# key gets it too, at once, until `clear`: the task that asks ends as if it had been cancelled, without an error in the log. The other keys of the batch are
# not touched.
#
# Seen with aiodataloader 0.4.3.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --only-binary :all: aiodataloader==0.4.3 2> /dev/null
cat > finding.py <<'PYTHON'
import asyncio

from aiodataloader import DataLoader

batches = []


async def load_batch(keys):
    batches.append(keys)
    await asyncio.sleep(0.5)
    return [f"value of {key}" for key in keys]


async def outcome(loader, key, seconds=10):
    try:
        return await asyncio.wait_for(loader.load(key), seconds)
    except (asyncio.TimeoutError, asyncio.CancelledError) as error:
        return type(error).__name__


async def main():
    loader = DataLoader(load_batch)
    hasty, patient, other = await asyncio.gather(outcome(loader, "a", 0.1), outcome(loader, "a"), outcome(loader, "b"))
    print(f"hasty caller of a: {hasty}")
    print(f"patient caller of a: {patient}")
    print(f"caller of b: {other}")
    await asyncio.sleep(1)
    print(f"later caller of a: {await outcome(loader, 'a')}, {len(batches)} batch")
    loader.clear("a")
    print(f"after clear: {await outcome(loader, 'a')}, {len(batches)} batches")


asyncio.run(main())
PYTHON

output=$(venv/bin/python finding.py)
echo "$output"
grep -qx 'hasty caller of a: TimeoutError' <<< "$output"
grep -qx 'patient caller of a: CancelledError' <<< "$output"
grep -qx 'caller of b: value of b' <<< "$output"
grep -qx 'later caller of a: CancelledError, 1 batch' <<< "$output"
grep -qx 'after clear: value of a, 2 batches' <<< "$output"
echo 'as found'
