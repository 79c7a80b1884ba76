#!/usr/bin/env bash
# `RateLimit(rps)` of async-sema takes calls per second, or per `timeUnit`. It makes one token for each whole or begun call and gives every token back after the whole unit. So a rate is rounded up to the next whole
# number: 0.1 calls per second, one in ten seconds, lets one through every second, ten times as many; 2.5 lets three through. With
# `uniformDistribution`, the same rates are kept to.
#
# Seen with async-sema 3.1.1.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > /dev/null
npm install --silent --ignore-scripts --no-audit --no-fund async-sema@3.1.1 > /dev/null 2>&1
cat > finding.mjs <<'JAVASCRIPT'
import { mock } from 'node:test';
import { RateLimit } from 'async-sema';

// The timers of Node are virtual here: an hour passes at once.
mock.timers.enable({ apis: ['setTimeout'] });
const turn = () => new Promise((resolve) => setImmediate(resolve));

for (const uniformDistribution of [false, true]) {
  for (const rate of [0.1, 0.5, 2, 2.5]) {
    const limit = RateLimit(rate, { uniformDistribution });
    let calls = 0;
    let stopped = false;
    (async () => {
      while (!stopped) {
        await limit();
        if (!stopped) calls += 1;
      }
    })();
    await turn();
    for (let time = 0; time < 100_000; time += 100) {
      mock.timers.tick(100);
      await turn();
    }
    stopped = true;
    console.log(`${rate} a second${uniformDistribution ? ', uniform' : ''}: ${Math.round(calls / 10) / 10}`);
  }
}
process.exit();
JAVASCRIPT

output=$(node finding.mjs 2> /dev/null)
echo "$output"
grep -qx '0.1 a second: 1' <<< "$output"
grep -qx '0.5 a second: 1' <<< "$output"
grep -qx '2 a second: 2' <<< "$output"
grep -qx '2.5 a second: 3' <<< "$output"
grep -qx '0.1 a second, uniform: 0.1' <<< "$output"
grep -qx '0.5 a second, uniform: 0.5' <<< "$output"
grep -qx '2.5 a second, uniform: 2.5' <<< "$output"
echo 'as found'
