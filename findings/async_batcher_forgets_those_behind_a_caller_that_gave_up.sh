#!/usr/bin/env bash
# async-batcher hands the results of a batch to its callers one after the other. When one of them has given up meanwhile, by a time-out or a cancellation, handing over to it raises an `InvalidStateError`, and that ends the round:
# all callers behind it in the batch get neither their result nor an error, and wait for ever, though the batch has been done and their results are there. The exception goes to the log of asyncio at some later time.
# One impatient caller is enough for a batch of a hundred.
#
# Seen with async-batcher 0.2.2.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --only-binary :all: async-batcher==0.2.2 2> /dev/null
cat > finding.py <<'PYTHON'
import asyncio

from async_batcher.batcher import AsyncBatcher


class Batcher(AsyncBatcher):
    async def process_batch(self, batch):
        print(f"batch of {len(batch)}", end=", ")
        await asyncio.sleep(1)
        return [item * 10 for item in batch]


async def caller(batcher, item, patience):
    try:
        return await asyncio.wait_for(batcher.process(item), patience)
    except asyncio.TimeoutError:
        return "gave up" if patience < 1 else "no result in 5 s"


async def main():
    for name, patience in [("all patient", [5, 5, 5]), ("first impatient", [0.5, 5, 5]), ("last impatient", [5, 5, 0.5])]:
        batcher = Batcher(max_batch_size=10, max_queue_time=0.1)
        print(name, end=": ")
        outcomes = await asyncio.gather(*[caller(batcher, item, seconds) for item, seconds in enumerate(patience)])
        print(", ".join(map(str, outcomes)))


asyncio.run(main())
PYTHON

output=$(venv/bin/python finding.py 2> /dev/null)
echo "$output"
grep -qx 'all patient: batch of 3, 0, 10, 20' <<< "$output"
grep -qx 'first impatient: batch of 3, gave up, no result in 5 s, no result in 5 s' <<< "$output"
grep -qx 'last impatient: batch of 3, 0, 10, gave up' <<< "$output"
echo 'as found'
