#!/usr/bin/env bash
# lru-memoizer lets callers of one key wait for the load that is under way, but for a second only: the next caller after that begins a load of its own, whatever the first one does, and so does one in every further
# second. The README does not speak of it; the option is `queueTTL`. So where a load takes six seconds, since the service behind it is slow under its load, six of them run at once for one key, and the slower it
# gets, the more.
#
# Seen with lru-memoizer 3.0.0.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > /dev/null
npm install --silent --ignore-scripts --no-audit --no-fund lru-memoizer@3.0.0 > /dev/null 2>&1
cat > finding.cjs <<'JAVASCRIPT'
const { setTimeout: sleep } = require('node:timers/promises');
const memoizer = require('lru-memoizer');

async function run(name, slow, options) {
  let loads = 0;
  let running = 0;
  let most = 0;
  const read = memoizer({
    max: 10,
    hash: (key) => key,
    load: async (key, callback) => {
      loads += 1;
      running += 1;
      most = Math.max(most, running);
      await sleep(slow);
      running -= 1;
      callback(null, 'value');
    },
    ...options,
  });
  const answers = [];
  // Callers come at intervals of 0.4 and 0.7 seconds, for 3.7 seconds.
  for (let call = 0; call < 8; call += 1) {
    answers.push(new Promise((resolve) => read('key', resolve)));
    await sleep(call % 2 === 0 ? 400 : 700);
  }
  await Promise.all(answers);
  console.log(`${name}, ${slow} ms: ${loads} loads, ${most} at once, for ${answers.length} callers`);
}

(async () => {
  await Promise.all([
    run('default', 500, {}),
    run('default', 6000, {}),
    run('queueTTL of a minute', 6000, { queueTTL: 60_000 }),
  ]);
})();
JAVASCRIPT

output=$(node finding.cjs)
echo "$output"
grep -qx 'default, 500 ms: 1 loads, 1 at once, for 8 callers' <<< "$output"
grep -qx 'default, 6000 ms: 4 loads, 4 at once, for 8 callers' <<< "$output"
grep -qx 'queueTTL of a minute, 6000 ms: 1 loads, 1 at once, for 8 callers' <<< "$output"
echo 'as found'
