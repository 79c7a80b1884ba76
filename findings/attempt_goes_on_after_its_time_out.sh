#!/usr/bin/env bash
# The README of @lifeomic/attempt says of its `timeout` that it aborts all further attempts. It rejects the promise of the caller, and the attempt runs on. When that one fails, attempt
# waits and begins the next, up to `maxAttempts`, for nobody: a caller that is told of a time-out after 200 milliseconds, in its first attempt of four, causes three more. With
# retry-as-promised, the retry of Sequelize, it is the same. A caller that then tries again itself doubles the load on a server that is too slow.
#
# Seen with @lifeomic/attempt 3.1.0, retry-as-promised 7.1.1.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > /dev/null
npm install --silent --no-audit --no-fund @lifeomic/attempt@3.1.0 retry-as-promised@7.1.1 > /dev/null 2>&1
cat > finding.mjs <<'JAVASCRIPT'
import { setTimeout as sleep } from 'node:timers/promises';
import attempt from '@lifeomic/attempt';
import retryAsPromised from 'retry-as-promised';

async function count(name, retry) {
  let calls = 0;
  const call = async () => {
    calls += 1;
    await sleep(500);
    throw new Error('too slow and down');
  };
  await retry(call).catch(() => {});
  const then = calls;
  await sleep(4000);
  console.log(`${name}: ${then} call at the time-out, ${calls} in the end`);
}

await Promise.all([
  count('attempt', (call) => attempt.retry(call, { maxAttempts: 4, timeout: 200, delay: 100 })),
  count('retry-as-promised', (call) => retryAsPromised.retryAsPromised(call, { max: 4, timeout: 200, backoffBase: 100 })),
]);
JAVASCRIPT

output=$(node finding.mjs)
echo "$output"
grep -qx 'attempt: 1 call at the time-out, 4 in the end' <<< "$output"
grep -qx 'retry-as-promised: 1 call at the time-out, 4 in the end' <<< "$output"
echo 'as found'
