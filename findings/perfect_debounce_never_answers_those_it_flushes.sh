#!/usr/bin/env bash
# `flush()` of perfect-debounce calls the function that is waiting, at once, and gives its result to whoever flushes. The callers whose call that was get nothing: their promises stay open for good, and
# what they await after it never runs. `cancel()` leaves them in the same way, without an error. So a save that is debounced, and flushed on the way out of a page or a process, is done,
# and none of those who asked for it hears of it.
#
# Seen with perfect-debounce 2.1.0.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > /dev/null
npm install --silent --no-audit --no-fund perfect-debounce@2.1.0 > /dev/null 2>&1
cat > finding.mjs <<'JAVASCRIPT'
import { setTimeout as sleep } from 'node:timers/promises';
import { debounce } from 'perfect-debounce';

for (const end of ['wait', 'flush', 'cancel']) {
  const saved = [];
  const save = debounce(async (text) => saved.push(text) && `saved ${text}`, 200);
  const caller = save('a');
  const result = end === 'wait' ? undefined : await save[end]();
  const heard = await Promise.race([caller, sleep(2000).then(() => 'nothing')]);
  console.log(`${end}: gives ${result}, saved ${saved.length}, the caller hears ${heard}`);
}
JAVASCRIPT

output=$(node finding.mjs)
echo "$output"
grep -qx 'wait: gives undefined, saved 1, the caller hears saved a' <<< "$output"
grep -qx 'flush: gives saved a, saved 1, the caller hears nothing' <<< "$output"
grep -qx 'cancel: gives undefined, saved 0, the caller hears nothing' <<< "$output"
echo 'as found'
