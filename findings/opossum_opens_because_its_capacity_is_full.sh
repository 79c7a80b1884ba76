#!/usr/bin/env bash
# The `capacity` of opossum's breaker is the number of calls that may run at once; those above it are rejected with "Semaphore locked". Each such rejection counts as a failure of the service, of which the service
# knows nothing. So a burst of calls to one that is well and answers all it gets opens the breaker, and for the whole `resetTimeout` nobody is let through, though all places are free a moment later. The limit that
# is to keep a burst off the service becomes an outage. Their number is in `semaphoreRejections` and in `failures`. An `errorFilter` that passes ESEMLOCKED makes successes of them.
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

for (const capacity of [100, 5]) {
  let served = 0;
  const breaker = new CircuitBreaker(
    async () => {
      await sleep(200);
      served += 1;
      return 'OK';
    },
    { capacity, resetTimeout: 30_000 },
  );
  const call = () => breaker.fire().catch((error) => error.code);
  const counts = {};
  for (const outcome of await Promise.all(Array.from({ length: 20 }, call))) counts[outcome] = (counts[outcome] ?? 0) + 1;
  const burst = Object.entries(counts).map(([outcome, count]) => `${count} ${outcome}`).join(', ');
  await sleep(1000);
  const { failures, semaphoreRejections } = breaker.stats;
  console.log(`capacity ${capacity}: ${burst}, ${failures} failures, ${semaphoreRejections} rejections, none by the service; a second later: ${await call()}`);
  breaker.shutdown();
}
JAVASCRIPT

output=$(node finding.mjs)
echo "$output"
grep -qx 'capacity 100: 20 OK, 0 failures, 0 rejections, none by the service; a second later: OK' <<< "$output"
grep -qx 'capacity 5: 5 OK, 6 ESEMLOCKED, 9 EOPENBREAKER, 6 failures, 6 rejections, none by the service; a second later: EOPENBREAKER' <<< "$output"
echo 'as found'
