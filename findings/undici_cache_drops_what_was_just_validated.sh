#!/usr/bin/env bash
# The cache interceptor of undici asks the server whether a stale answer is still good, and when the server says 304, it gives the answer out once
# more, with the warning that it is stale, and keeps nothing of it. If the 304 repeats the answer's `Cache-Control`, as HTTP wants it to, the entry is
# thrown away, and the next request fetches the whole body anew, without a condition: with `no-cache`, every second request is in full. If the 304 has
# no `Cache-Control`, the entry stays as stale as it was, and is asked for again at once. Either way the new lifetime that a 304 brings does not
# begin.
#
# Seen with undici 7.30.2.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > /dev/null
npm install --silent --no-audit --no-fund undici@7.30.2 > /dev/null 2>&1
cat > finding.mjs <<'JAVASCRIPT'
import { once } from 'node:events';
import http from 'node:http';

import { Agent, interceptors, request } from 'undici';

const sleep = (millis) => new Promise((resolve) => setTimeout(resolve, millis));
let answers = [];
const server = http.createServer((incoming, outgoing) => {
  const [, directive, repeats] = incoming.url.split('/');
  const status = incoming.headers['if-none-match'] === '"one"' ? 304 : 200;
  answers.push(status);
  const control = { 'cache-control': decodeURIComponent(directive) };
  outgoing.writeHead(status, { etag: '"one"', ...(status === 200 || repeats === 'repeated' ? control : {}) });
  outgoing.end(status === 200 ? 'body' : undefined);
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');

async function run(directive, repeats, pauses) {
  answers = [];
  const dispatcher = new Agent().compose(interceptors.cache());
  const url = `http://127.0.0.1:${server.address().port}/${encodeURIComponent(directive)}/${repeats}`;
  let stale = 0;
  for (const pause of pauses) {
    await sleep(pause);
    const { headers, body } = await request(url, { dispatcher });
    await body.text();
    if (headers.warning) stale += 1;
  }
  console.log(`${directive}, ${repeats}: ${answers.join(' ')}, called stale ${stale} times`);
}

await run('no-cache', 'repeated', [0, 0, 0, 0, 0, 0]);
await run('max-age=4', 'repeated', [0, 5500, 100]);
await run('max-age=4', 'left out', [0, 5500, 100]);
process.exit();
JAVASCRIPT

output=$(node finding.mjs)
echo "$output"
grep -qx 'no-cache, repeated: 200 304 200 304 200 304, called stale 3 times' <<< "$output"
grep -qx 'max-age=4, repeated: 200 304 200, called stale 1 times' <<< "$output"
grep -qx 'max-age=4, left out: 200 304 304, called stale 2 times' <<< "$output"
echo 'as found'
