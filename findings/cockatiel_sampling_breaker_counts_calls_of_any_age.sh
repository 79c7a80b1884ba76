#!/usr/bin/env bash
# The `SamplingBreaker` of cockatiel is to judge by the calls of its last `duration`. It has at least five windows in a ring, and steps one window on
# with a call that comes later than the last window is long, however late that is. The others keep what they have, of any age. So after a pause, old
# calls count as those of now: four failures and a fifth after a pause of three times the duration open a breaker that asks for five calls within it;
# and behind a thousand successes of that age, a service that has gone down is called 1,001 times before the breaker opens, where five calls would do.
#
# Seen with cockatiel 4.0.0.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > /dev/null
npm install --silent --no-audit --no-fund cockatiel@4.0.0 > /dev/null 2>&1
cat > finding.mjs <<'JAVASCRIPT'
import { CircuitState, SamplingBreaker, circuitBreaker, handleAll } from 'cockatiel';

const succeed = async () => {};
const fail = async () => {
  throw new Error('down');
};

async function failuresUntilOpen(name, before, calls) {
  const sampling = new SamplingBreaker({ threshold: 0.5, duration: 1000, minimumRps: 5 });
  const breaker = circuitBreaker(handleAll, { halfOpenAfter: 60_000, breaker: sampling });
  for (let call = 0; call < calls; call += 1) await breaker.execute(before).catch(() => {});
  if (calls > 0) await new Promise((resolve) => setTimeout(resolve, 3000));
  let failures = 0;
  while (breaker.state === CircuitState.Closed && failures < 5000) {
    await breaker.execute(fail).catch(() => {});
    failures += 1;
  }
  console.log(`${name}: open after ${failures}`);
}

await failuresUntilOpen('nothing before', succeed, 0);
await failuresUntilOpen('four failures before the pause', fail, 4);
await failuresUntilOpen('a thousand successes before the pause', succeed, 1000);
JAVASCRIPT

output=$(node finding.mjs)
echo "$output"
grep -qx 'nothing before: open after 5' <<< "$output"
grep -qx 'four failures before the pause: open after 1' <<< "$output"
grep -qx 'a thousand successes before the pause: open after 1001' <<< "$output"
echo 'as found'
