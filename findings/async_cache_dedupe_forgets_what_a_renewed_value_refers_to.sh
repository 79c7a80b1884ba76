#!/usr/bin/env bash
# async-cache-dedupe keeps for each value what it refers to, and `invalidateAll` takes out all values that refer to something. When a value that is still there is renewed, as the option `stale` does
# in the background, the store in memory compares its old references with the new ones, and takes some for gone that are in both. So a team of one user, to which another is added, is
# renewed and refers to the other alone from then on: it goes when that one is changed, and stays when the first one is, for its whole time to live.
#
# Seen with async-cache-dedupe 3.4.0.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > /dev/null
npm install --silent --no-audit --no-fund async-cache-dedupe@3.4.0 > /dev/null 2>&1
cat > finding.mjs <<'JAVASCRIPT'
import { setTimeout as sleep } from 'node:timers/promises';
import { createCache } from 'async-cache-dedupe';

async function renewAndChange(first, added, changed) {
  let members = [first];
  let loads = 0;
  const cache = createCache({
    ttl: 1,
    stale: 600,
    storage: { type: 'memory', options: { invalidation: true } },
  });
  cache.define('team', { references: (key, hash, team) => team.members }, async () => {
    loads += 1;
    return { members: [...members] };
  });

  await cache.team('blue');
  members = [first, added].sort();
  await sleep(2500);
  await cache.team('blue');
  await sleep(500);
  const renewed = (await cache.team('blue')).members;
  const before = loads;
  await cache.invalidateAll([changed]);
  await cache.team('blue');
  console.log(`${first}, then ${renewed}; after a change of ${changed}: ${loads > before ? 'loaded anew' : 'kept'}`);
}

await Promise.all([
  renewAndChange('user 1', 'user 2', 'user 1'),
  renewAndChange('user 1', 'user 2', 'user 2'),
  renewAndChange('user 2', 'user 1', 'user 1'),
  renewAndChange('user 2', 'user 1', 'user 2'),
]);
JAVASCRIPT

output=$(node finding.mjs)
echo "$output"
grep -qx 'user 1, then user 1,user 2; after a change of user 1: kept' <<< "$output"
grep -qx 'user 1, then user 1,user 2; after a change of user 2: loaded anew' <<< "$output"
grep -qx 'user 2, then user 1,user 2; after a change of user 1: loaded anew' <<< "$output"
grep -qx 'user 2, then user 1,user 2; after a change of user 2: kept' <<< "$output"
echo 'as found'
