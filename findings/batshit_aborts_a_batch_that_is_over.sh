#!/usr/bin/env bash
# `abort()` of @yornaath/batshit is to end the batch that is on its way. When a batch comes back, batshit writes its state down at the batch that is being collected by then. So
# every second batch is on the list as one on its way for good, with all that it has brought, and the other half is on the list no more. From the second batch on, `abort()` ends one
# that is long over: its signal fires after the answer, the signal of the running batch does not, and its caller gets the whole answer in place of an `AbortError`.
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
import { setTimeout as sleep } from 'node:timers/promises';
import { create, keyResolver, windowScheduler } from '@yornaath/batshit';

const aborted = [];
const numbers = create({
  fetcher: async (ids, signal) => {
    signal.addEventListener('abort', () => aborted.push(...ids));
    await sleep(500);
    return ids.map((id) => ({ id }));
  },
  resolver: keyResolver('id'),
  scheduler: windowScheduler(10),
});

async function fetchAndAbort(id) {
  const answer = numbers.fetch(id).then(() => 'answered', (error) => error.name);
  await sleep(200);
  numbers.abort();
  console.log(`batch ${id}: ${await answer}, aborted by now: ${aborted}`);
}

if (process.argv[2] === 'alone') {
  await fetchAndAbort(1);
} else {
  console.log(`batch 1: ${(await numbers.fetch(1)).id === 1 ? 'answered' : 'lost'}`);
  await sleep(100);
  await fetchAndAbort(2);
}
JAVASCRIPT

output=$(node finding.mjs alone; echo 'after another:'; node finding.mjs)
echo "$output"
grep -qx 'batch 1: AbortError, aborted by now: 1' <<< "$output"
grep -qx 'batch 2: answered, aborted by now: 1' <<< "$output"
echo 'as found'
