#!/usr/bin/env bash
# The `throttlingCache` of wretch lets a second request to the same address go to the server when the first one takes longer than its `throttle`, a second by default. The two share one list of those who wait, and
# the first answer deletes it. The second answer then finds none, and the caller gets a TypeError about `forEach` in place of an answer that has arrived with status 200. So it is the slow server, which a cache is
# to protect, of which good answers are lost; a retry outside asks it again, and `retryOnNetworkError` takes the TypeError for a fault of the network.
#
# Seen with wretch 3.0.9.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > /dev/null
npm install --silent --ignore-scripts --no-audit --no-fund wretch@3.0.9 > /dev/null 2>&1
cat > finding.mjs <<'JAVASCRIPT'
import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import wretch from 'wretch';
import { throttlingCache } from 'wretch/middlewares';

for (const slow of [100, 2500]) {
  let sent = 0;
  const server = http.createServer(async (request, response) => {
    await sleep(slow);
    sent += 1;
    response.end('body');
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const api = wretch(`http://127.0.0.1:${server.address().port}`).middlewares([throttlingCache()]);
  const get = () => api.get().text().catch((error) => `${error.name}, ${/forEach/.test(error.message) ? 'forEach' : error.message}`);

  const first = get();
  await sleep(1500);
  const second = get();
  console.log(`${slow} ms: ${await first}, then ${await second}; ${sent} answers with 200`);
  server.close();
}
JAVASCRIPT

output=$(node finding.mjs)
echo "$output"
grep -qx '100 ms: body, then body; 2 answers with 200' <<< "$output"
grep -qx '2500 ms: body, then TypeError, forEach; 2 answers with 200' <<< "$output"
echo 'as found'
