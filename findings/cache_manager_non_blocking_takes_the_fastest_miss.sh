#!/usr/bin/env bash
# With `nonBlocking`, `get` and `mget` of cache-manager ask all stores at once and take the first answer, also when it is that there is nothing. A
# memory store is always first. So a value that is in Redis alone, put there by another process or left by the memory store, is never found: the
# second store is written and never of use. Only `wrap` asks one store after the other, and finds it. Without `nonBlocking`, `get` does too.
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

class Remote extends Map {
  async get(key) {
    await sleep(20);
    return super.get(key);
  }
}

for (const nonBlocking of [false, true]) {
  const memory = new Keyv();
  const remote = new Keyv({ store: new Remote() });
  await remote.set('price', 'of the other process');
  const cache = createCache({ stores: [memory, remote], nonBlocking });
  const got = await cache.get('price');
  const [many] = await cache.mget(['price']);
  const wrapped = await cache.wrap('price', async () => 'loaded');
  console.log(`nonBlocking ${nonBlocking}: get ${got}, mget ${many}, wrap ${wrapped}`);
}
JAVASCRIPT

output=$(node finding.mjs)
echo "$output"
grep -qx 'nonBlocking false: get of the other process, mget of the other process, wrap of the other process' <<< "$output"
grep -qx 'nonBlocking true: get undefined, mget undefined, wrap of the other process' <<< "$output"
echo 'as found'
