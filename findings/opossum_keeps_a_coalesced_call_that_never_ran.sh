#!/usr/bin/env bash
# With `coalesce`, opossum gives calls with one key the outcome of the first of them. `coalesceResetOn` is to end that with the call, so that only what is under way is shared. For a call that is refused since the
# `capacity` is full, the entry is taken out before it has been put in, and so it stays: for `coalesceTTL`, by default the time-out of ten seconds, every call with that key gets the old "Semaphore locked", though all
# places are free again and the action has not run once. The same holds for an action that throws and does not return a promise.
#
# Seen with opossum 10.0.0.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > /dev/null
npm install --silent --ignore-scripts --no-audit --no-fund opossum@10.0.0 > /dev/null 2>&1
cat > finding.mjs <<'JAVASCRIPT'
import { setTimeout as sleep } from 'node:timers/promises';
import CircuitBreaker from 'opossum';

const options = { coalesce: true, coalesceTTL: 4000, coalesceResetOn: ['error', 'success', 'timeout'], volumeThreshold: 1000 };
const report = async (name, breaker, key) => console.log(`${name}: ${await breaker.fire(key).catch((error) => error.code ?? error.message)}`);

const ran = [];
const full = new CircuitBreaker(
  async (key) => {
    ran.push(key);
    await sleep(200);
    return `value of ${key}`;
  },
  { ...options, capacity: 1 },
);
const first = full.fire('a');
await report('b while a runs', full, 'b');
await first;
await sleep(1000);
await report('a, a second later', full, 'a');
await report('b, a second later', full, 'b');
console.log(`ran: ${ran}`);
await sleep(4500);
await report('b, after coalesceTTL', full, 'b');

let failures = 1;
const act = () => {
  if (failures > 0) {
    failures -= 1;
    throw new Error('down');
  }
  return Promise.resolve('value');
};
for (const [name, action] of [['rejects', async () => act()], ['throws', act]]) {
  failures = 1;
  const breaker = new CircuitBreaker(action, options);
  await report(`${name}, first`, breaker, 'key');
  await report(`${name}, again`, breaker, 'key');
}
process.exit();
JAVASCRIPT

output=$(node finding.mjs)
echo "$output"
grep -qx 'b while a runs: ESEMLOCKED' <<< "$output"
grep -qx 'a, a second later: value of a' <<< "$output"
grep -qx 'b, a second later: ESEMLOCKED' <<< "$output"
grep -qx 'ran: a,a' <<< "$output"
grep -qx 'b, after coalesceTTL: value of b' <<< "$output"
grep -qx 'rejects, first: down' <<< "$output"
grep -qx 'rejects, again: value' <<< "$output"
grep -qx 'throws, first: down' <<< "$output"
grep -qx 'throws, again: down' <<< "$output"
echo 'as found'
