#!/usr/bin/env bash
# A call that p-ratelimit has queued is started when another one ends, or by a timer. The timer runs only while no call does. So one slow call holds the whole queue up, though
# the rate has room again: with two calls in 200 milliseconds, and one of three seconds among them, the third waits for three seconds where it could run after one fifth of
# one. No `concurrency` is set here. With a `maxDelay` of a second, it is rejected for its long wait.
#
# Seen with p-ratelimit 1.0.1.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > /dev/null
npm install --silent --no-audit --no-fund p-ratelimit@1.0.1 > /dev/null 2>&1
cat > finding.mjs <<'JAVASCRIPT'
import { setTimeout as sleep } from 'node:timers/promises';
import { pRateLimit } from 'p-ratelimit';

for (const slow of [0, 3000]) {
  for (const maxDelay of [0, 1000]) {
    const limit = pRateLimit({ interval: 200, rate: 2, maxDelay });
    const start = Date.now();
    const first = limit(() => sleep(slow));
    const later = [1, 2].map(() => limit(async () => Date.now() - start).catch((error) => error.constructor.name));
    await first;
    const waits = (await Promise.all(later)).map((wait) => (wait > 2900 ? 'late' : wait < 900 ? 'soon' : wait));
    console.log(`first call of ${slow} ms, maxDelay ${maxDelay}: ${waits}`);
  }
}
JAVASCRIPT

output=$(node finding.mjs)
echo "$output"
grep -qx 'first call of 0 ms, maxDelay 0: soon,soon' <<< "$output"
grep -qx 'first call of 0 ms, maxDelay 1000: soon,soon' <<< "$output"
grep -qx 'first call of 3000 ms, maxDelay 0: soon,late' <<< "$output"
grep -qx 'first call of 3000 ms, maxDelay 1000: soon,RateLimitTimeoutError' <<< "$output"
echo 'as found'
