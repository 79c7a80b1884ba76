#!/usr/bin/env bash
# The `DataLoader` of strawberry caches the futures of its keys, and takes none out when their batch fails. So one failure of the database, of a moment, is the answer to all keys
# of that batch for as long as the loader lives: the second load does not ask again. A retry around `load` gets the same error back each time, without a wait. The DataLoader
# of JavaScript, and aiodataloader, drop the keys of a failed batch.
#
# Seen with strawberry-graphql 0.341.2, aiodataloader 0.4.3.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --only-binary :all: strawberry-graphql==0.341.2 aiodataloader==0.4.3 2> /dev/null
cat > finding.py <<'PYTHON'
import asyncio

import aiodataloader
from strawberry import dataloader


async def report(name, loader_class):
    batches = 0

    async def load_batch(keys):
        nonlocal batches
        batches += 1
        if batches == 1:
            raise ConnectionError("down for a moment")
        return [f"value of {key}" for key in keys]

    loader = loader_class(load_batch)
    outcomes = []
    for _ in range(3):
        try:
            outcomes.append(await loader.load("a"))
        except ConnectionError as error:
            outcomes.append(str(error))
    print(f"{name}: {outcomes}, {batches} batches")


asyncio.run(report("strawberry", lambda load: dataloader.DataLoader(load_fn=load)))


async def compared():
    await report("aiodataloader", aiodataloader.DataLoader)


asyncio.run(compared())
PYTHON

output=$(venv/bin/python finding.py)
echo "$output"
grep -qx "strawberry: \['down for a moment', 'down for a moment', 'down for a moment'\], 1 batches" <<< "$output"
grep -qx "aiodataloader: \['down for a moment', 'value of a', 'value of a'\], 2 batches" <<< "$output"
echo 'as found'
