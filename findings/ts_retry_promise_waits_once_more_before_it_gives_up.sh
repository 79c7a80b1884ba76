#!/usr/bin/env bash
# ts-retry-promise waits after every failed attempt, also after the last one, and rejects only then. With two retries and a delay of a second, the caller hears after three seconds
# what was known after two. Its "EXPONENTIAL" back-off takes the delay in milliseconds for the base of a power: 100 ms, the default, gives 100 ms, then ten seconds, then
# five minutes, where the cut-off is. So with three retries and no time-out, the error of the last attempt comes five minutes after it.
#
# Seen with ts-retry-promise 0.8.1.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > /dev/null
npm install --silent --no-audit --no-fund ts-retry-promise@0.8.1 > /dev/null 2>&1
cat > finding.cjs <<'JAVASCRIPT'
const { retry } = require('ts-retry-promise');

const fail = async () => {
  throw new Error('down');
};

async function waits(options) {
  const setTimer = globalThis.setTimeout;
  const calls = [];
  globalThis.setTimeout = (callback, delay) => {
    calls.push(`${delay} ms`);
    return setTimer(callback, 0);
  };
  await retry(() => {
    calls.push('call');
    return fail();
  }, { timeout: 'INFINITELY', ...options }).catch(() => calls.push('error'));
  globalThis.setTimeout = setTimer;
  return calls.join(', ');
}

(async () => {
  console.log(`fixed: ${await waits({ retries: 2, delay: 1000 })}`);
  console.log(`exponential: ${await waits({ retries: 3, backoff: 'EXPONENTIAL' })}`);
})();
JAVASCRIPT

output=$(node finding.cjs)
echo "$output"
grep -qx 'fixed: call, 1000 ms, call, 1000 ms, call, 1000 ms, error' <<< "$output"
grep -qx 'exponential: call, 100 ms, call, 10000 ms, call, 300000 ms, call, 300000 ms, error' <<< "$output"
echo 'as found'
