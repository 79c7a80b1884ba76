#!/usr/bin/env bash
# retry-axios waits before a retry for as long as a `Retry-After` says. When the header says "0", or a date that has just passed, which is to say that the request may be sent again at once, it does not retry at all:
# the call fails after its first attempt. So a server that is ready again, or whose clock is a few seconds behind that of the client, gets no retry, and one that sends no header gets all three. The docs speak of
# a rejection for a `Retry-After` above `maxRetryAfter` alone.
#
# Seen with retry-axios 4.0.3, axios 1.21.1.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > /dev/null
npm install --silent --ignore-scripts --no-audit --no-fund retry-axios@4.0.3 axios@1.21.1 > /dev/null 2>&1
cat > finding.mjs <<'JAVASCRIPT'
import http from 'node:http';
import axios from 'axios';
import * as rax from 'retry-axios';

const headers = {
  none: {},
  1: { 'retry-after': '1' },
  0: { 'retry-after': '0' },
  'a date five seconds ago': { 'retry-after': new Date(Date.now() - 5000).toUTCString() },
};
for (const [name, header] of Object.entries(headers)) {
  let requests = 0;
  const server = http.createServer((request, response) => {
    requests += 1;
    response.writeHead(503, header).end();
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = axios.create();
  client.defaults.raxConfig = { retry: 3, retryDelay: 10 };
  rax.attach(client);

  const { status } = await client.get(`http://127.0.0.1:${server.address().port}`).catch((error) => error.response);
  console.log(`Retry-After: ${name}: ${requests} requests, then ${status}`);
  server.close();
  server.closeAllConnections();
}
JAVASCRIPT

output=$(node finding.mjs)
echo "$output"
grep -qx 'Retry-After: none: 4 requests, then 503' <<< "$output"
grep -qx 'Retry-After: 1: 4 requests, then 503' <<< "$output"
grep -qx 'Retry-After: 0: 1 requests, then 503' <<< "$output"
grep -qx 'Retry-After: a date five seconds ago: 1 requests, then 503' <<< "$output"
echo 'as found'
