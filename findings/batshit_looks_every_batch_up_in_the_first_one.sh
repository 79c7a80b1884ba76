#!/usr/bin/env bash
# `keyResolver("id", { indexed: true })` of @yornaath/batshit builds an index of the items of a batch, to find them faster where batches are large. It keeps the
# index of the first batch for good and looks the keys of all later batches up in it. So a key of the second batch gives `undefined`, though the fetcher has
# answered it, and a key of the first one gives the item of that time, though the fetcher has answered a newer one. Without `indexed` both are right.
#
# Seen with @yornaath/batshit 0.14.0.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > /dev/null
npm install --silent --no-audit --no-fund @yornaath/batshit@0.14.0 > /dev/null 2>&1
cat > finding.mjs <<'JAVASCRIPT'
import { create, keyResolver, windowScheduler } from '@yornaath/batshit';

for (const indexed of [false, true]) {
  let version = 0;
  const users = create({
    fetcher: async (ids) => {
      version += 1;
      return ids.map((id) => ({ id, version }));
    },
    resolver: keyResolver('id', { indexed }),
    scheduler: windowScheduler(10),
  });
  const fetch = async (...ids) => (await Promise.all(ids.map(users.fetch))).map((user) => user?.version);

  const first = await fetch(1, 2);
  const second = await fetch(1, 3);

  console.log(`indexed ${indexed}: keys 1 and 2 give ${first}, then keys 1 and 3 give ${second.map(String)}`);
}
JAVASCRIPT

output=$(node finding.mjs)
echo "$output"
grep -qx 'indexed false: keys 1 and 2 give 1,1, then keys 1 and 3 give 2,2' <<< "$output"
grep -qx 'indexed true: keys 1 and 2 give 1,1, then keys 1 and 3 give 1,undefined' <<< "$output"
echo 'as found'
