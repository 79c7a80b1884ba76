#!/usr/bin/env bash
# `get` of @isaacs/ttlcache with `updateAgeOnGet` gives a new age to a key that is not there too. Every miss leaves an entry without a value, for the whole time to live and beyond
# `max`: `has` and `size` know nothing of it, `keys()` and `entries()` list it, and `dispose` is called for it with `undefined`, which was never put in. So a cache of at most two
# that is asked for a thousand unknown keys holds a thousand of them, and a `dispose` that closes its value fails on the first.
#
# Seen with @isaacs/ttlcache 2.1.5.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > /dev/null
npm install --silent --no-audit --no-fund @isaacs/ttlcache@2.1.5 > /dev/null 2>&1
cat > finding.mjs <<'JAVASCRIPT'
import { TTLCache } from '@isaacs/ttlcache';

for (const updateAgeOnGet of [false, true]) {
  const disposed = [];
  const cache = new TTLCache({ max: 2, ttl: 60_000, updateAgeOnGet, dispose: (value) => disposed.push(value) });
  for (let key = 0; key < 1000; key += 1) cache.get(`unknown ${key}`);
  const keys = [...cache.keys()].length;
  for (const key of ['a', 'b', 'c']) cache.set(key, `value of ${key}`);

  const unknown = disposed.filter((value) => value === undefined).length;
  console.log(`updateAgeOnGet ${updateAgeOnGet}: ${keys} keys, has ${cache.has('unknown 999')}; disposed of ${disposed.length}, undefined ${unknown}`);
}
JAVASCRIPT

output=$(node finding.mjs)
echo "$output"
grep -qx 'updateAgeOnGet false: 0 keys, has false; disposed of 1, undefined 0' <<< "$output"
grep -qx 'updateAgeOnGet true: 1000 keys, has false; disposed of 1001, undefined 1000' <<< "$output"
echo 'as found'
