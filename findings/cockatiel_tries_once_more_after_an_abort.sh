#!/usr/bin/env bash
# The retry of cockatiel is to end with the last error when its signal is aborted. It looks at the signal only right after a failure. An abort that comes during the wait before a retry, where a retry spends most of its time,
# shortens nothing: the caller waits on to the end of that time, and then the function is called once more. So a client that has gone, or a process that is to end, has a back-off of a minute to wait for, and sends one
# more request that nobody wants.
#
# Seen with cockatiel 4.0.0.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > /dev/null
npm install --silent --ignore-scripts --no-audit --no-fund cockatiel@4.0.0 > /dev/null 2>&1
cat > finding.mjs <<'JAVASCRIPT'
import { setTimeout as sleep } from 'node:timers/promises';
import { ConstantBackoff, handleAll, retry } from 'cockatiel';

// A call takes half a second and fails; the wait before a retry takes three seconds.
for (const [name, delay] of [['during the first call', 200], ['during the wait after it', 1500]]) {
  const controller = new AbortController();
  const start = Date.now();
  let calls = 0;
  let aborted;
  setTimeout(() => {
    aborted = Date.now();
    controller.abort();
  }, delay);
  const outcome = await retry(handleAll, { maxAttempts: 5, backoff: new ConstantBackoff(3000) })
    .execute(async () => {
      calls += 1;
      await sleep(500);
      throw new Error('down');
    }, controller.signal)
    .catch((error) => error.message);
  const late = Date.now() - aborted;
  console.log(`abort ${name}: ${calls} calls, then ${outcome} ${late < 1000 ? 'at once' : late > 1800 ? 'after more than 1.8 s' : late}`);
}
JAVASCRIPT

output=$(node finding.mjs)
echo "$output"
grep -qx 'abort during the first call: 1 calls, then down at once' <<< "$output"
grep -qx 'abort during the wait after it: 2 calls, then down after more than 1.8 s' <<< "$output"
echo 'as found'
