#!/usr/bin/env bash
# `wrap` of cache-manager copies a value that it finds in the second store into the first, with the whole time to live and not with what is left of
# it. So a value that Redis would drop in a moment lives as long again in the memory of each process that asks for it then: with four seconds to live,
# a value of six seconds' age is given out, while the second store has none any more. With a time to live of an hour, a value can be two hours old.
# With one store, or when the first one has it, the time is kept to.
#
# Seen with cache-manager 7.2.9, keyv 5.6.0.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > /dev/null
npm install --silent --no-audit --no-fund cache-manager@7.2.9 keyv@5.6.0 > /dev/null 2>&1
cat > finding.mjs <<'JAVASCRIPT'
import { createCache } from 'cache-manager';
import { Keyv } from 'keyv';

const sleep = (millis) => new Promise((resolve) => setTimeout(resolve, millis));

async function run(name, asked) {
  const memory = new Keyv();
  const shared = new Keyv();
  const cache = createCache({ stores: [memory, shared], ttl: 4000 });
  let calls = 0;
  const load = async () => `version ${(calls += 1)}`;
  await cache.wrap('price', load);
  await memory.clear();
  for (const pause of asked) {
    await sleep(pause);
    await cache.wrap('price', load);
  }
  console.log(`${name}: ${await cache.wrap('price', load)}, the second store has ${calls === 1 ? await shared.get('price') : 'a new one'}`);
}

await run('asked at 0 and 6 s', [0, 6000]);
await run('asked at 3 and 6 s', [3000, 3000]);
JAVASCRIPT

output=$(node finding.mjs)
echo "$output"
grep -qx 'asked at 0 and 6 s: version 2, the second store has a new one' <<< "$output"
grep -qx 'asked at 3 and 6 s: version 1, the second store has undefined' <<< "$output"
echo 'as found'
