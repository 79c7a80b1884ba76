#!/usr/bin/env bash
# `RateLimiterMemory` of rate-limiter-flexible drops a key with a timer of its `duration`. Node's timers take at most 2,147,483,647 milliseconds, some
# 24.8 days, and fire after one millisecond when they are given more. So a quota for 24 days holds, and one for 30 days, a month, limits nothing: the
# count is gone a millisecond after each call. The constructor takes both; all that tells of the difference is a `TimeoutOverflowWarning` of Node with
# the first call.
#
# Seen with rate-limiter-flexible 11.4.0, Node.js 20.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > /dev/null
npm install --silent --no-audit --no-fund rate-limiter-flexible@11.4.0 > /dev/null 2>&1
cat > finding.mjs <<'JAVASCRIPT'
import { RateLimiterMemory } from 'rate-limiter-flexible';

const sleep = (millis) => new Promise((resolve) => setTimeout(resolve, millis));

async function allowed(limiter, key, calls) {
  let count = 0;
  for (let call = 0; call < calls; call += 1) {
    await limiter.consume(key).then(() => (count += 1), () => {});
    await sleep(50);
  }
  return count;
}

for (const days of [24, 30]) {
  const limiter = new RateLimiterMemory({ points: 5, duration: days * 24 * 60 * 60 });
  const quota = await allowed(limiter, 'caller', 20);
  console.log(`5 in ${days} days: ${quota} of 20`);
}
process.exit();
JAVASCRIPT

output=$(node finding.mjs 2> warnings)
echo "$output"
grep -qx '5 in 24 days: 5 of 20' <<< "$output"
grep -qx '5 in 30 days: 20 of 20' <<< "$output"
grep -q 'TimeoutOverflowWarning' warnings
echo 'as found'
