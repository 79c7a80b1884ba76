#!/usr/bin/env bash
# To the README of axios, a request that takes longer than its `timeout` is aborted. On Node that holds until the headers are there. From then on, the number is the longest silence that is allowed: each piece of the
# body starts it anew. A server that sends a few bytes now and then keeps a request with `timeout: 1000` open for as long as it likes. When the body does fall silent, the code is ERR_BAD_RESPONSE
# and not the ECONNABORTED or ETIMEDOUT that the README tells to look for, so that a retry for time-outs passes it over. `AbortSignal.timeout` does end both in time.
#
# Seen with axios 1.21.1.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > /dev/null
npm install --silent --ignore-scripts --no-audit --no-fund axios@1.21.1 > /dev/null 2>&1
cat > finding.mjs <<'JAVASCRIPT'
import http from 'node:http';
import axios from 'axios';

const server = http.createServer((request, response) => {
  if (request.url === '/headers') return;
  response.writeHead(200, { 'content-type': 'text/plain' });
  response.write('begin');
  if (request.url === '/silent') return;
  let pieces = 0;
  const timer = setInterval(() => {
    pieces += 1;
    if (pieces < 20) response.write('.');
    else response.end();
  }, 200);
  response.on('close', () => clearInterval(timer));
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const base = `http://127.0.0.1:${server.address().port}`;

async function run(name, path, options) {
  const start = Date.now();
  const outcome = await axios.get(base + path, options).then(({ status }) => status, (error) => error.code);
  console.log(`${name}: ${outcome} ${Date.now() - start < 3000 ? 'in time' : 'after more than three times the time-out'}`);
}

await run('no headers, timeout 1000', '/headers', { timeout: 1000 });
await run('body in drops for 4 s, timeout 1000', '/drops', { timeout: 1000 });
await run('body that stops, timeout 1000', '/silent', { timeout: 1000 });
await run('body in drops for 4 s, signal', '/drops', { signal: AbortSignal.timeout(1000) });
await run('body that stops, signal', '/silent', { signal: AbortSignal.timeout(1000) });
process.exit();
JAVASCRIPT

output=$(node finding.mjs)
echo "$output"
grep -qx 'no headers, timeout 1000: ECONNABORTED in time' <<< "$output"
grep -qx 'body in drops for 4 s, timeout 1000: 200 after more than three times the time-out' <<< "$output"
grep -qx 'body that stops, timeout 1000: ERR_BAD_RESPONSE in time' <<< "$output"
grep -qx 'body in drops for 4 s, signal: ERR_CANCELED in time' <<< "$output"
grep -qx 'body that stops, signal: ERR_CANCELED in time' <<< "$output"
echo 'as found'
