#!/usr/bin/env bash
# `fetch` of lru-cache gives callers of one key that come together one call of the `fetchMethod`, and takes a `signal` from each. Only that of the caller that came first counts. When it gives up, the call is cut off
# and all the others are rejected with its AbortError, though none of them gave up. When another one gives up, nothing happens: it waits on until the value is there. So a time-out on one caller is a time-out for
# all, or for none, by who came first.
#
# Seen with lru-cache 11.5.3.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > /dev/null
npm install --silent --ignore-scripts --no-audit --no-fund lru-cache@11.5.3 > /dev/null 2>&1
cat > finding.mjs <<'JAVASCRIPT'
import { setTimeout as sleep } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';

for (const impatient of ['none', 'first', 'second']) {
  let loads = 0;
  const cache = new LRUCache({
    max: 10,
    fetchMethod: async (key, stale, { signal }) => {
      loads += 1;
      await sleep(1500, undefined, { signal });
      return 'value';
    },
  });
  const caller = async (name) => {
    const start = Date.now();
    const controller = new AbortController();
    if (name === impatient) setTimeout(() => controller.abort(), 300);
    const outcome = await cache.fetch('key', { signal: controller.signal }).catch((error) => error.name);
    return `${outcome} ${Date.now() - start < 1000 ? 'early' : 'in full time'}`;
  };
  const outcomes = await Promise.all(['first', 'second', 'third'].map(caller));
  console.log(`impatient: ${impatient}: ${outcomes.join(', ')}; ${loads} load`);
}
JAVASCRIPT

output=$(node finding.mjs)
echo "$output"
grep -qx 'impatient: none: value in full time, value in full time, value in full time; 1 load' <<< "$output"
grep -qx 'impatient: first: AbortError early, AbortError early, AbortError early; 1 load' <<< "$output"
grep -qx 'impatient: second: value in full time, value in full time, value in full time; 1 load' <<< "$output"
echo 'as found'
