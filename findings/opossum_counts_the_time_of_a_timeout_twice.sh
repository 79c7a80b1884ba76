#!/usr/bin/env bash
# opossum emits `timeout` and `failure` for a call that takes too long, and its statistics take the latency of both. So such a call is two in `latencyMean` and in the
# percentiles, and one in `fires`: of 16 calls, ten that end after some 20 milliseconds and six that are cut off after 200, the mean is 120 and not 90, and the median
# is 200 and not 20. From one call in three on, a graph of the median shows nothing but the time-out.
#
# Seen with opossum 10.0.0.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > /dev/null
npm install --silent --no-audit --no-fund opossum@10.0.0 > /dev/null 2>&1
cat > finding.mjs <<'JAVASCRIPT'
import CircuitBreaker from 'opossum';

const sleep = (millis) => new Promise((resolve) => setTimeout(resolve, millis));
const breaker = new CircuitBreaker(sleep, { timeout: 200, errorThresholdPercentage: 100 });
for (let call = 0; call < 10; call += 1) await breaker.fire(20);
for (let call = 0; call < 6; call += 1) await breaker.fire(400).catch(() => {});
const { fires, successes, failures, timeouts, latencyTimes, latencyMean, percentiles } = breaker.stats;
console.log(`${fires} fired: ${successes} succeeded, ${failures} failed, ${timeouts} of them timed out`);
const tens = (millis) => Math.round(millis / 10) * 10;
console.log(`${latencyTimes.length} latencies, mean ${tens(latencyMean)}, median ${tens(percentiles[0.5])}`);
breaker.shutdown();
JAVASCRIPT

output=$(node finding.mjs)
echo "$output"
grep -qx '16 fired: 10 succeeded, 6 failed, 6 of them timed out' <<< "$output"
grep -qx '22 latencies, mean 1[12]0, median 2[01]0' <<< "$output"
echo 'as found'
