#!/usr/bin/env bash
# fetch-retry takes the `AbortError` of a request that its caller has aborted for a failure of the network. It waits, and calls `fetch` again with the same signal, which rejects at
# once, and so on to the last retry. So a caller that aborts after 200 milliseconds is answered after three seconds, with the default of three retries a second apart, and one with
# `AbortSignal.timeout(200)` too. A time-out around a retry, as short as it may be, lasts as long as all the waits.
#
# Seen with fetch-retry 6.0.0.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > /dev/null
npm install --silent --no-audit --no-fund fetch-retry@6.0.0 > /dev/null 2>&1
cat > finding.mjs <<'JAVASCRIPT'
import http from 'node:http';
import fetchRetry from 'fetch-retry';

let requests = 0;
const server = http.createServer(() => {
  requests += 1;
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const url = `http://127.0.0.1:${server.address().port}/`;

for (const [name, call] of [['fetch', fetch], ['fetch-retry', fetchRetry(fetch)]]) {
  requests = 0;
  const start = Date.now();
  const error = await call(url, { signal: AbortSignal.timeout(200) }).catch((reason) => reason.name);
  const time = Date.now() - start;
  console.log(`${name}: ${error}, ${time < 1500 ? 'soon' : time > 2900 ? 'after three seconds' : time}, ${requests} request`);
}
server.closeAllConnections();
server.close();
JAVASCRIPT

output=$(node finding.mjs)
echo "$output"
grep -qx 'fetch: TimeoutError, soon, 1 request' <<< "$output"
grep -qx 'fetch-retry: TimeoutError, after three seconds, 1 request' <<< "$output"
echo 'as found'
