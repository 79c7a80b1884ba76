#!/usr/bin/env bash
# Bottleneck runs a job again when a listener of `failed` returns a wait, and runs it past its own limits: `minTime` and `reservoir` count the first
# attempt of a job and no other. With at most one call in 500 milliseconds and three in all, one job that fails and asks for a retry at once makes 21
# calls within a moment, and two of the three are still there afterwards. So a limiter that keeps a service from overload lets the retries through
# when that service fails. Jobs that are scheduled anew wait for their turn.
#
# Seen with bottleneck 2.19.5.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > /dev/null
npm install --silent --no-audit --no-fund bottleneck@2.19.5 > /dev/null 2>&1
cat > finding.mjs <<'JAVASCRIPT'
import Bottleneck from 'bottleneck';

const options = { minTime: 500, maxConcurrent: 1, reservoir: 3 };
let calls = 0;
const failing = async () => {
  calls += 1;
  throw new Error('down');
};
const took = (begin) => (performance.now() - begin < 400 ? 'less than 0.4' : 'more than 0.4');

const retrying = new Bottleneck(options);
retrying.on('failed', (error, { retryCount }) => (retryCount < 20 ? 0 : undefined));
let begin = performance.now();
await retrying.schedule(failing).catch(() => {});
console.log(`one job: ${calls} calls in ${took(begin)} seconds, ${await retrying.currentReservoir()} left`);

calls = 0;
const plain = new Bottleneck(options);
begin = performance.now();
await plain.schedule(failing).catch(() => {});
await plain.schedule(failing).catch(() => {});
console.log(`two jobs: ${calls} calls in ${took(begin)} seconds, ${await plain.currentReservoir()} left`);
JAVASCRIPT

output=$(node finding.mjs)
echo "$output"
grep -qx 'one job: 21 calls in less than 0.4 seconds, 2 left' <<< "$output"
grep -qx 'two jobs: 2 calls in more than 0.4 seconds, 1 left' <<< "$output"
echo 'as found'
