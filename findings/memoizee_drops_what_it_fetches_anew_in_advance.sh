#!/usr/bin/env bash
# The `preFetch` of memoizee is to renew a value shortly before its end, so that nobody has to wait for it. It deletes the old value first. So whoever asks while the new one is on its way
# waits for it, and when it fails, gets the error, though the old value has most of its time left: with a `maxAge` of ten seconds, a value of two seconds' age that was given out a moment ago is
# gone. The caller that sets this off gets the old value and hears nothing of it.
#
# Seen with memoizee 0.4.17.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > /dev/null
npm install --silent --no-audit --no-fund memoizee@0.4.17 > /dev/null 2>&1
cat > finding.mjs <<'JAVASCRIPT'
import { setTimeout as sleep } from 'node:timers/promises';
import memoize from 'memoizee';

for (const preFetch of [undefined, 0.9]) {
  let calls = 0;
  const load = memoize(async () => {
    calls += 1;
    if (calls === 1) return 'value';
    await sleep(1000);
    throw new Error('down');
  }, { promise: true, maxAge: 10_000, preFetch });

  const answers = [await load()];
  await sleep(2000);
  answers.push(await load());
  await sleep(100);
  const start = Date.now();
  answers.push(await load().catch((error) => error.message));
  console.log(`preFetch ${preFetch}: ${answers}, the last ${Date.now() - start > 500 ? 'waits' : 'at once'}`);
}
JAVASCRIPT

output=$(node finding.mjs)
echo "$output"
grep -qx 'preFetch undefined: value,value,value, the last at once' <<< "$output"
grep -qx 'preFetch 0.9: value,value,down, the last waits' <<< "$output"
echo 'as found'
