#!/usr/bin/env bash
# A summary of prom-client with `maxAgeSeconds` shows every quantile as 0 once its observations are too old, as it does before the first one. Other clients of Prometheus
# show NaN, which no comparison and no graph takes for a value. So a service that nobody calls has a median and a 99th percentile of 0 seconds; an average
# over instances counts that in, and an alert on a quantile that is too low, or on a sudden change, fires for a pause. Sum and count stay as they were.
#
# Seen with prom-client 15.1.3.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > /dev/null
npm install --silent --no-audit --no-fund prom-client@15.1.3 > /dev/null 2>&1
cat > finding.mjs <<'JAVASCRIPT'
import { setTimeout as sleep } from 'node:timers/promises';
import { Registry, Summary } from 'prom-client';

const registry = new Registry();
const latency = new Summary({
  name: 'latency_seconds',
  help: 'Latency',
  percentiles: [0.5, 0.99],
  maxAgeSeconds: 1,
  ageBuckets: 2,
  registers: [registry],
});
const show = async (when) => {
  const lines = (await registry.metrics()).split('\n').filter((line) => line.startsWith('latency'));
  console.log(`${when}: ${lines.map((line) => line.replace('latency_seconds', '')).join(' ')}`);
};

await show('before');
for (let call = 0; call < 10; call += 1) latency.observe(4);
await show('after ten calls of 4 s');
await sleep(3000);
await show('after a pause');
JAVASCRIPT

output=$(node finding.mjs)
echo "$output"
grep -qx 'before: {quantile="0.5"} 0 {quantile="0.99"} 0 _sum 0 _count 0' <<< "$output"
grep -qx 'after ten calls of 4 s: {quantile="0.5"} 4 {quantile="0.99"} 4 _sum 40 _count 10' <<< "$output"
grep -qx 'after a pause: {quantile="0.5"} 0 {quantile="0.99"} 0 _sum 40 _count 10' <<< "$output"
echo 'as found'
