#!/usr/bin/env bash
# When async-retry gives up, it does not reject with the error of the last attempt, but with the one whose message came most often. So a call that is
# refused twice and then answered "not found" is reported as refused, by an error of an attempt that is long over, and `onRetry` has never been given
# the error that ended it. The choice is by the text alone: with messages that differ in a number, each is the only one of its kind, and the last is
# taken. promise-retry, which is made on the same package, rejects with the last error in both cases.
#
# Seen with async-retry 1.3.3, promise-retry 2.0.1, retry 0.13.1 and 0.12.0.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > /dev/null
npm install --silent --no-audit --no-fund async-retry@1.3.3 promise-retry@2.0.1 > /dev/null 2>&1
cat > finding.mjs <<'JAVASCRIPT'
import asyncRetry from 'async-retry';
import promiseRetry from 'promise-retry';

const options = { retries: 2, minTimeout: 1, maxTimeout: 1 };

async function run(name, messages) {
  let calls = 0;
  const call = async () => {
    throw new Error(messages[(calls += 1) - 1]);
  };
  const told = [];
  const one = await asyncRetry(call, { ...options, onRetry: ({ message }) => told.push(message) }).catch(({ message }) => message);
  calls = 0;
  const other = await promiseRetry((again) => call().catch(again), options).catch(({ message }) => message);
  console.log(`${name}: async-retry ${one}, onRetry ${told.join(' and ')}, promise-retry ${other}`);
}

await run('the same twice', ['refused', 'refused', 'not found']);
await run('with numbers', ['refused 1', 'refused 2', 'not found']);
JAVASCRIPT

output=$(node finding.mjs)
echo "$output"
grep -qx 'the same twice: async-retry refused, onRetry refused and refused, promise-retry not found' <<< "$output"
grep -qx 'with numbers: async-retry not found, onRetry refused 1 and refused 2, promise-retry not found' <<< "$output"
echo 'as found'
