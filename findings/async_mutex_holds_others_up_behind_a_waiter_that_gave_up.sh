#!/usr/bin/env bash
# `withTimeout` of async-mutex rejects a caller whose time is up, and leaves its place in the queue of the semaphore. Those who come later wait behind it until there is enough for
# it, though nobody wants that any more. So with two of three free, a caller that asked for three and gave up keeps one that asks for one waiting until the end of a third call.
# `tryAcquire`, which is refused at once, does the same. The semaphore says meanwhile that two are free and that it is not locked.
#
# Seen with async-mutex 0.5.0.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > /dev/null
npm install --silent --no-audit --no-fund async-mutex@0.5.0 > /dev/null 2>&1
cat > finding.mjs <<'JAVASCRIPT'
import { setTimeout as sleep } from 'node:timers/promises';
import { Semaphore, tryAcquire, withTimeout } from 'async-mutex';

async function waitForOne(name, giveUp) {
  const semaphore = new Semaphore(3);
  const [, release] = await semaphore.acquire(1);
  const refusal = await giveUp(semaphore).then(() => 'got all', (error) => error.message);

  const one = semaphore.acquire(1).then(() => 'got one');
  const first = await Promise.race([one, sleep(1000).then(() => 'waits for a second')]);
  console.log(`${name}: ${refusal}; ${semaphore.getValue()} left, locked ${semaphore.isLocked()}: ${first}`);
  release();
  console.log(`${name}, after the release: ${await one}`);
}

await waitForOne('nobody', async () => {});
await waitForOne('withTimeout', (semaphore) => withTimeout(semaphore, 100, new Error('gave up')).acquire(3));
await waitForOne('tryAcquire', (semaphore) => tryAcquire(semaphore, new Error('gave up')).acquire(3));
JAVASCRIPT

output=$(node finding.mjs)
echo "$output"
grep -qx 'nobody: got all; 1 left, locked false: got one' <<< "$output"
grep -qx 'withTimeout: gave up; 2 left, locked false: waits for a second' <<< "$output"
grep -qx 'tryAcquire: gave up; 2 left, locked false: waits for a second' <<< "$output"
grep -qx 'tryAcquire, after the release: got one' <<< "$output"
echo 'as found'
