#!/usr/bin/env bash
# `blockDuration` of rate-limiter-flexible keeps a key out for longer once it has used more than its points. The limiter sets it with the one call
# that steps over the line, and knows that call by the sum: what is used is at most the points and the cost of the call. After `penalty` has taken a
# key beyond that, there is no such call. So a caller who uses six of five points is out for a minute, and one who was given a penalty of six
# beforehand is out for the rest of the window and never for more, however often he tries.
#
# Seen with rate-limiter-flexible 11.4.0.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > /dev/null
npm install --silent --no-audit --no-fund rate-limiter-flexible@11.4.0 > /dev/null 2>&1
cat > finding.mjs <<'JAVASCRIPT'
import { RateLimiterMemory } from 'rate-limiter-flexible';

const limiter = new RateLimiterMemory({ points: 5, duration: 3, blockDuration: 60 });
await limiter.penalty('punished', 6);
for (const key of ['plain', 'punished']) {
  let refused = 0;
  let longest = 0;
  for (let call = 0; call < 20; call += 1) {
    await limiter.consume(key).catch(({ msBeforeNext }) => {
      refused += 1;
      longest = Math.max(longest, msBeforeNext);
    });
  }
  console.log(`${key}: ${refused} of 20 refused, out for ${longest > 3000 ? 'a minute' : 'three seconds at most'}`);
}
process.exit();
JAVASCRIPT

output=$(node finding.mjs)
echo "$output"
grep -qx 'plain: 15 of 20 refused, out for a minute' <<< "$output"
grep -qx 'punished: 20 of 20 refused, out for three seconds at most' <<< "$output"
echo 'as found'
