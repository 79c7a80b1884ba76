#!/usr/bin/env bash
# The `timeout` of p-wait-for, after which it is to reject, is looked at between two calls of the condition and not during one. So with a time-out of 200 milliseconds, and a condition that asks a
# server that answers after two seconds, it waits for two seconds, and one that never answers is waited for without an end. If the late answer is yes, the
# wait has succeeded, ten times too late, as if there were no time-out; if it is no, the error says that it timed out after 200 milliseconds. An abort of the `signal` waits in the same way.
#
# Seen with p-wait-for 6.0.0.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > /dev/null
npm install --silent --no-audit --no-fund p-wait-for@6.0.0 > /dev/null 2>&1
cat > finding.mjs <<'JAVASCRIPT'
import { setTimeout as sleep } from 'node:timers/promises';
import pWaitFor from 'p-wait-for';

for (const [name, time, answer, options] of [
  ['fast no', 0, false, () => ({ timeout: 200 })],
  ['slow yes', 2000, true, () => ({ timeout: 200 })],
  ['slow no', 2000, false, () => ({ timeout: 200 })],
  ['slow yes, aborted', 2000, true, () => ({ signal: AbortSignal.timeout(200) })],
]) {
  const start = Date.now();
  const condition = async () => {
    await sleep(time);
    return answer;
  };
  const outcome = await pWaitFor(condition, options()).then(() => 'success', (error) => error.name);
  console.log(`${name}: ${outcome} ${Date.now() - start > 1500 ? 'after two seconds' : 'in time'}`);
}
JAVASCRIPT

output=$(node finding.mjs)
echo "$output"
grep -qx 'fast no: TimeoutError in time' <<< "$output"
grep -qx 'slow yes: success after two seconds' <<< "$output"
grep -qx 'slow no: TimeoutError after two seconds' <<< "$output"
echo 'as found'
