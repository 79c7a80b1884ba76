#!/usr/bin/env bash
# The README of cockatiel explains `maxAttempts` of a retry as the number of attempts before it gives up. With `maxAttempts: 3` there are four calls, and with `maxAttempts: 1`
# two. The `attempt` that the function is given counts from 0, so that its last one is equal to `maxAttempts`; that of `onRetry` counts the retries.
#
# Seen with cockatiel 4.0.0.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > /dev/null
npm install --silent --no-audit --no-fund cockatiel@4.0.0 > /dev/null 2>&1
cat > finding.mjs <<'JAVASCRIPT'
import { ConstantBackoff, handleAll, retry } from 'cockatiel';

for (const maxAttempts of [0, 1, 3]) {
  const policy = retry(handleAll, { maxAttempts, backoff: new ConstantBackoff(1) });
  const attempts = [];
  const retries = [];
  policy.onRetry(({ attempt }) => retries.push(attempt));
  await policy.execute(({ attempt }) => {
    attempts.push(attempt);
    throw new Error('down');
  }).catch(() => {});
  console.log(`maxAttempts ${maxAttempts}: ${attempts.length} calls, attempts ${attempts}, retries ${retries}`);
}
JAVASCRIPT

output=$(node finding.mjs)
echo "$output"
grep -qx 'maxAttempts 1: 2 calls, attempts 0,1, retries 1' <<< "$output"
grep -qx 'maxAttempts 3: 4 calls, attempts 0,1,2,3, retries 1,2,3' <<< "$output"
echo 'as found'
