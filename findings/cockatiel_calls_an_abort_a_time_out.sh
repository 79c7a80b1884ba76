#!/usr/bin/env bash
# The aggressive time-out of cockatiel passes on the signal of its caller. When the caller aborts, the call is rejected with "Operation timed out after 60000ms", though not a second has passed, and `onTimeout` fires. So a
# client that hangs up counts as a time-out of the service: the metrics show time-outs that never were, and a breaker around it opens after a few users have left a page, with the service in good health.
#
# Seen with cockatiel 4.0.0.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > /dev/null
npm install --silent --ignore-scripts --no-audit --no-fund cockatiel@4.0.0 > /dev/null 2>&1
cat > finding.mjs <<'JAVASCRIPT'
import { setTimeout as sleep } from 'node:timers/promises';
import { CircuitState, ConsecutiveBreaker, TimeoutStrategy, circuitBreaker, handleAll, timeout, wrap } from 'cockatiel';

const limit = timeout(60_000, TimeoutStrategy.Aggressive);
let timeouts = 0;
limit.onTimeout(() => {
  timeouts += 1;
});
const breaker = circuitBreaker(handleAll, { halfOpenAfter: 60_000, breaker: new ConsecutiveBreaker(3) });
const policy = wrap(breaker, limit);

for (let user = 1; user <= 3; user += 1) {
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 100);
  const start = Date.now();
  const outcome = await policy.execute(() => sleep(500, 'value'), controller.signal).catch((error) => error.message);
  console.log(`user ${user} leaves: ${outcome}, ${Date.now() - start < 5000 ? 'within 5 s' : 'later'}`);
}
console.log(`${timeouts} time-outs, breaker ${CircuitState[breaker.state]}`);
console.log(`user 4 stays: ${await policy.execute(() => sleep(500, 'value')).catch((error) => error.constructor.name)}`);
process.exit();
JAVASCRIPT

output=$(node finding.mjs)
echo "$output"
for user in 1 2 3; do grep -qx "user $user leaves: Operation timed out after 60000ms, within 5 s" <<< "$output"; done
grep -qx '3 time-outs, breaker Open' <<< "$output"
grep -qx 'user 4 stays: BrokenCircuitError' <<< "$output"
echo 'as found'
