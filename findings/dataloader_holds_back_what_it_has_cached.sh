#!/usr/bin/env bash
# A key that DataLoader has cached is given out at once when it is asked for alone, and when it is asked for in the same turn as a key that has to be
# loaded, only after that batch has come back. So the fast part of a page waits for the slow part, though the two have no key in common: a value that
# was put there with `prime` comes after half a second, for a batch of half a second beside it. With a batch that fails, it comes after the failure.
# Who asks for the cached key one turn earlier does not wait.
#
# Seen with dataloader 2.2.3.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > /dev/null
npm install --silent --no-audit --no-fund dataloader@2.2.3 > /dev/null 2>&1
cat > finding.mjs <<'JAVASCRIPT'
import DataLoader from 'dataloader';

const turn = () => new Promise((resolve) => setTimeout(resolve, 0));

async function run(name, fails, together) {
  const loader = new DataLoader(async (keys) => {
    await new Promise((resolve) => setTimeout(resolve, 500));
    if (fails) throw new Error('down');
    return keys;
  });
  loader.prime('cached', 'value');
  const begin = performance.now();
  const cached = loader.load('cached').then((value) => `${value} after ${performance.now() - begin > 400 ? 'the batch' : 'no time'}`);
  if (!together) await turn();
  const other = loader.load('other').catch((error) => error.message);
  console.log(`${name}: ${await cached}, other ${await other}`);
}

await run('one turn earlier', false, false);
await run('in the same turn', false, true);
await run('beside a failure', true, true);
JAVASCRIPT

output=$(node finding.mjs)
echo "$output"
grep -qx 'one turn earlier: value after no time, other other' <<< "$output"
grep -qx 'in the same turn: value after the batch, other other' <<< "$output"
grep -qx 'beside a failure: value after the batch, other down' <<< "$output"
echo 'as found'
