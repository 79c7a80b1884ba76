#!/usr/bin/env bash
# ofetch makes a signal for its `timeout` in the first attempt, leaves it among the options, and takes it in the next attempt for one that the caller gave, for which it sets no
# time-out. So a retry has none: with `timeout: 500`, an answer of 503 and a slow one after it keep the caller waiting for as long as the second takes. A retry after a time-out never
# leaves the house, because that signal has fired: a server that is slow once is asked once, with three retries. And whoever gives a `signal` has no time-out at all.
#
# Seen with ofetch 1.5.1.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > /dev/null
npm install --silent --no-audit --no-fund ofetch@1.5.1 > /dev/null 2>&1
cat > finding.mjs <<'JAVASCRIPT'
import http from 'node:http';
import { ofetch } from 'ofetch';

let answers = [];
let requests = 0;
const server = http.createServer((request, response) => {
  const [status, delay] = answers[requests] ?? [200, 0];
  requests += 1;
  setTimeout(() => {
    response.statusCode = status;
    response.end('answer');
  }, delay);
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const url = `http://127.0.0.1:${server.address().port}/`;

async function call(name, plan, options) {
  answers = plan;
  requests = 0;
  const start = Date.now();
  const outcome = await ofetch(url, { timeout: 500, retry: 3, ...options }).catch((error) => error.cause.name);
  const time = Date.now() - start > 2500 ? 'after three seconds' : 'soon';
  console.log(`${name}: ${outcome} ${time}, ${requests} of 4 requests`);
}

await call('fast 503, then slow', [[503, 0], [200, 3000]]);
await call('slow, then fast', [[200, 3000], [200, 0]]);
await call('slow, with a signal', [[200, 3000]], { signal: new AbortController().signal });
server.closeAllConnections();
server.close();
JAVASCRIPT

output=$(node finding.mjs)
echo "$output"
grep -qx 'fast 503, then slow: answer after three seconds, 2 of 4 requests' <<< "$output"
grep -qx 'slow, then fast: TimeoutError soon, 1 of 4 requests' <<< "$output"
grep -qx 'slow, with a signal: answer after three seconds, 1 of 4 requests' <<< "$output"
echo 'as found'
