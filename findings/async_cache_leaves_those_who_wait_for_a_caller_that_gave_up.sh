#!/usr/bin/env bash
# The `AsyncLRU` and `AsyncTTL` of async-cache let callers of one key that come together wait for the load of the first. When the first one gives up, by a time-out or a cancellation, nobody tells the others: they get
# neither a value nor an error, and wait for ever. When one that waits gives up, the first one gets an `InvalidStateError` for the value that it has loaded, and the others a `CancelledError`, though nobody has cancelled
# them. That is what the README calls protection from a thundering herd.
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

from cache import AsyncLRU, AsyncTTL


async def caller(read, patience):
    try:
        return await asyncio.wait_for(read("key"), patience)
    except asyncio.TimeoutError:
        return "gave up" if patience < 1 else "nothing in 5 s"
    except (asyncio.CancelledError, Exception) as error:
        return type(error).__name__


async def main():
    for cache in [AsyncLRU, AsyncTTL]:
        for name, patience in [("nobody", [5, 5, 5]), ("first", [0.5, 5, 5]), ("second", [5, 0.5, 5])]:

            @cache(maxsize=10)
            async def read(key):
                await asyncio.sleep(1)
                return "value"

            outcomes = await asyncio.gather(*[caller(read, seconds) for seconds in patience])
            print(f"{cache.__name__}, {name} gives up: {', '.join(outcomes)}")


asyncio.run(main())
PYTHON

output=$(venv/bin/python finding.py 2> /dev/null)
echo "$output"
for cache in AsyncLRU AsyncTTL; do
    grep -qx "$cache, nobody gives up: value, value, value" <<< "$output"
    grep -qx "$cache, first gives up: gave up, nothing in 5 s, nothing in 5 s" <<< "$output"
    grep -qx "$cache, second gives up: InvalidStateError, gave up, CancelledError" <<< "$output"
done
echo 'as found'
