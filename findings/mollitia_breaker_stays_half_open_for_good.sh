#!/usr/bin/env bash
# A breaker of mollitia that is half open closes or opens again when it has the results of its `permittedNumberOfCallsInHalfOpenState` test calls, no more and no fewer. A call that
# began before the breaker opened puts its result among them when it ends. So if it ends between the first test and the second, there are three results of two, and the breaker
# never decides: it stays half open and refuses every call from then on, though all three succeeded. `halfOpenStateMaxDelay`, which would end that, is off by default.
#
# Seen with mollitia 0.1.1.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > /dev/null
npm install --silent --no-audit --no-fund mollitia@0.1.1 > /dev/null 2>&1
cat > finding.mjs <<'JAVASCRIPT'
import { setTimeout as sleep } from 'node:timers/promises';
import { Circuit, SlidingCountBreaker } from 'mollitia';

async function recover(withLateCall) {
  const breaker = new SlidingCountBreaker({
    minimumNumberOfCalls: 2,
    slidingWindowSize: 2,
    openStateDelay: 500,
    permittedNumberOfCallsInHalfOpenState: 2,
  });
  const circuit = new Circuit({ options: { modules: [breaker] } });
  const call = (work) => circuit.fn(work).execute().then(() => 'ok', (error) => error.message);
  const succeed = async () => {};
  const fail = async () => {
    throw new Error('down');
  };

  const late = withLateCall ? call(() => sleep(1500)) : Promise.resolve('none');
  await call(fail);
  await call(fail);
  await sleep(1000);
  const answers = [breaker.state, await call(succeed), `late ${await late}`, await call(succeed)];
  await sleep(1500);
  answers.push(await call(succeed), breaker.state);
  console.log(answers.join(', '));
}

await recover(false);
await recover(true);
JAVASCRIPT

output=$(node finding.mjs)
echo "$output"
grep -qx 'half-opened, ok, late none, ok, ok, closed' <<< "$output"
grep -qx 'half-opened, ok, late ok, ok, Max allowed requests reached, half-opened' <<< "$output"
echo 'as found'
