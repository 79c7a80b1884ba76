#!/usr/bin/env bash
# The `maxKeys` of node-cache is compared with the number of keys in its statistics, before `set` asks whether the key is there. So a full cache does not take a new value for a key
# that it has, and keeps the old one. Keys whose time is over count until they are asked for or swept, every ten minutes by default: with all of them expired, nothing goes in. And
# `flushStats`, which is for the hits and misses, sets that number to 0: a cache of two takes two more after it.
#
# Seen with node-cache 5.1.2.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > /dev/null
npm install --silent --no-audit --no-fund node-cache@5.1.2 > /dev/null 2>&1
cat > finding.mjs <<'JAVASCRIPT'
import { setTimeout as sleep } from 'node:timers/promises';
import NodeCache from 'node-cache';

const set = (cache, key, value) => {
  try {
    return cache.set(key, value) && 'taken';
  } catch (error) {
    return error.message;
  }
};

const full = new NodeCache({ maxKeys: 2 });
full.set('a', 'old');
full.set('b', 'old');
console.log(`new value for a key of a full cache: ${set(full, 'a', 'new')}, it is ${full.get('a')}`);
full.flushStats();
console.log(`after flushStats: ${set(full, 'c', 'new')}, ${set(full, 'd', 'new')}, ${full.keys().length} keys`);

const expired = new NodeCache({ maxKeys: 2, stdTTL: 1 });
expired.set('a', 'old');
expired.set('b', 'old');
await sleep(2000);
console.log(`all expired: ${set(expired, 'c', 'new')}`);
JAVASCRIPT

output=$(node finding.mjs)
echo "$output"
grep -qx 'new value for a key of a full cache: Cache max keys amount exceeded, it is old' <<< "$output"
grep -qx 'after flushStats: taken, taken, 4 keys' <<< "$output"
grep -qx 'all expired: Cache max keys amount exceeded' <<< "$output"
echo 'as found'
