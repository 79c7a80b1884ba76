#!/usr/bin/env bash
# `AsyncCache.get` of async-cache with a `batch_loader` loads the keys of callers that come together in one batch. When a caller of a batch has given up meanwhile, handing over the results raises an exception, which ends the task
# that sends the batches. The others of that batch get nothing. And the cache believes from then on that this task is still under way, so that it never begins another one: every later miss waits for ever, until a
# hundred of them have come. After one time-out, a service hangs for all keys that it does not have.
#
# Seen with async-cache 2.0.3.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --only-binary :all: async-cache==2.0.3 2> /dev/null
cat > finding.py <<'PYTHON'
import asyncio

from cache import AsyncCache


async def run(name, patience):
    cache = AsyncCache()
    batches = []

    async def load(keys):
        batches.append(len(keys))
        await asyncio.sleep(1)
        return [key * 10 for key in keys]

    async def caller(key, patience):
        try:
            return await asyncio.wait_for(cache.get(key, batch_loader=load), patience)
        except asyncio.TimeoutError:
            return "gave up" if patience < 1 else "nothing in 4 s"

    together = await asyncio.gather(*[caller(key, seconds) for key, seconds in enumerate(patience)])
    print(f"{name}: {', '.join(map(str, together))}")
    later = await asyncio.gather(*[caller(key, 4) for key in [10, 11]])
    print(f"{name}, others later: {', '.join(map(str, later))}; batches of {batches}")


asyncio.run(run("all patient", [4, 4, 4]))
asyncio.run(run("one impatient", [4, 0.5, 4]))
PYTHON

output=$(venv/bin/python finding.py 2> /dev/null)
echo "$output"
grep -qx 'all patient: 0, 10, 20' <<< "$output"
grep -qx 'all patient, others later: 100, 110; batches of \[3, 2\]' <<< "$output"
grep -qx 'one impatient: 0, gave up, nothing in 4 s' <<< "$output"
grep -qx 'one impatient, others later: nothing in 4 s, nothing in 4 s; batches of \[3\]' <<< "$output"
echo 'as found'
