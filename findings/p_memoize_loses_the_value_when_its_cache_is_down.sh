#!/usr/bin/env bash
# p-memoize takes a `cache` whose methods may be asynchronous, as one in a database or in Redis. When such a cache cannot be written, the call is rejected with the error of the cache, after the function has done its
# work and has given a value, which is thrown away. As nothing was kept, the next call does the work again and loses it again. When the cache cannot be read, the function is not even called. So an outage of what is to
# spare work is an outage of all that is memoized; a retry outside repeats the work each time.
#
# Seen with p-memoize 9.0.0.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > /dev/null
npm install --silent --ignore-scripts --no-audit --no-fund p-memoize@9.0.0 > /dev/null 2>&1
cat > finding.mjs <<'JAVASCRIPT'
import pMemoize from 'p-memoize';

const down = async () => {
  throw new Error('the cache is down');
};

for (const [name, methods] of [['up', {}], ['cannot be written', { set: down }], ['cannot be read', { has: down }]]) {
  const cache = Object.assign(new Map(), methods);
  let calls = 0;
  const memoized = pMemoize(
    async () => {
      calls += 1;
      return 'value';
    },
    { cache },
  );
  const outcomes = [];
  for (let call = 0; call < 3; call += 1) outcomes.push(await memoized('key').catch((error) => error.message));
  console.log(`${name}: ${outcomes.join(', ')}; ${calls} calls of the function`);
}
JAVASCRIPT

output=$(node finding.mjs)
echo "$output"
grep -qx 'up: value, value, value; 1 calls of the function' <<< "$output"
grep -qx 'cannot be written: the cache is down, the cache is down, the cache is down; 3 calls of the function' <<< "$output"
grep -qx 'cannot be read: the cache is down, the cache is down, the cache is down; 0 calls of the function' <<< "$output"
echo 'as found'
