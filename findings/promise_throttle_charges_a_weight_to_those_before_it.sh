#!/usr/bin/env bash
# The README of promise-throttle says that an action of weight 2 is throttled as two. The weight is the wait before the action, and none comes after it: one of weight 6, at two a second, starts at once when nothing
# was before it, and the next action of weight 1 half a second later, where six actions would have taken three seconds. The same two the other way round take
# three seconds. So a server that counts by weight gets seven units within half a second, of two a second.
#
# Seen with promise-throttle 1.1.2.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > /dev/null
npm install --silent --no-audit --no-fund promise-throttle@1.1.2 > /dev/null 2>&1
cat > finding.mjs <<'JAVASCRIPT'
import PromiseThrottle from 'promise-throttle';

async function untilTheLast(weights) {
  const throttle = new PromiseThrottle({ requestsPerSecond: 2 });
  const start = Date.now();
  const times = await Promise.all(weights.map((weight) => throttle.add(async () => Date.now() - start, { weight })));
  return times.at(-1) >= 2900 ? 'three seconds or more' : times.at(-1) < 2000 ? 'less than two seconds' : times.at(-1);
}

for (const weights of [[1, 1, 1, 1, 1, 1, 1], [1, 6], [6, 1]]) {
  console.log(`weights ${weights}: the last starts after ${await untilTheLast(weights)}`);
}
JAVASCRIPT

output=$(node finding.mjs)
echo "$output"
grep -qx 'weights 1,1,1,1,1,1,1: the last starts after three seconds or more' <<< "$output"
grep -qx 'weights 1,6: the last starts after three seconds or more' <<< "$output"
grep -qx 'weights 6,1: the last starts after less than two seconds' <<< "$output"
echo 'as found'
