#!/usr/bin/env bash
# With `before`, p-debounce calls the function at once for the first caller, and gives its result to those who come within the wait. It does so when the wait is over, and does not look whether the
# call is. So with a function that takes longer than the wait, such as a request, the first caller gets the answer and all others `undefined`, as a success.
# When the call fails, the first caller gets the error and the others `undefined` too. With a call shorter than the wait, all get the answer.
#
# Seen with p-debounce 5.1.1.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > /dev/null
npm install --silent --no-audit --no-fund p-debounce@5.1.1 > /dev/null 2>&1
cat > finding.mjs <<'JAVASCRIPT'
import { setTimeout as sleep } from 'node:timers/promises';
import pDebounce from 'p-debounce';

for (const [time, fails] of [[0, false], [1500, false], [1500, true]]) {
  const load = pDebounce(async () => {
    await sleep(time);
    if (fails) throw new Error('down');
    return 'answer';
  }, 500, { before: true });
  const first = load();
  await sleep(100);
  const second = load();
  const [one, other] = await Promise.allSettled([first, second]);
  console.log(`call of ${time} ms: first ${one.value ?? one.reason.message}, second ${other.status} with ${other.value}`);
}
JAVASCRIPT

output=$(node finding.mjs)
echo "$output"
grep -qx 'call of 0 ms: first answer, second fulfilled with answer' <<< "$output"
grep -qx 'call of 1500 ms: first answer, second fulfilled with undefined' <<< "$output"
grep -qx 'call of 1500 ms: first down, second fulfilled with undefined' <<< "$output"
echo 'as found'
