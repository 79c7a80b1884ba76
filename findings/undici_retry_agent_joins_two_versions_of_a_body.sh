#!/usr/bin/env bash
# undici's `RetryAgent` goes on with a body that breaks off: it asks for the rest with `Range` and appends what comes. It compares the tags of the two
# answers only where the first one had a strong `ETag`. Where that was weak, or there was none, it takes the rest of whatever the server has by then:
# the caller gets a body of the right length with status 200, whose first half is of one version and the second half of another. The weak tags of the
# two answers differ, and it looks at neither. HTTP lets a client put parts together with a strong tag alone.
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

import { Agent, RetryAgent, request } from 'undici';

let version = 0;
const server = http.createServer((incoming, outgoing) => {
  version += 1;
  const tag = { '/strong': `"${version}"`, '/weak': `W/"${version}"` }[incoming.url];
  const headers = tag ? { etag: tag } : {};
  const body = String(version).repeat(20);
  if (version === 1) {
    outgoing.writeHead(200, { ...headers, 'content-length': 20 });
    outgoing.write(body.slice(0, 10));
    setTimeout(() => outgoing.socket.destroy(), 200);
  } else {
    outgoing.writeHead(206, { ...headers, 'content-range': 'bytes 10-19/20', 'content-length': 10 });
    outgoing.end(body.slice(10));
  }
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const dispatcher = new RetryAgent(new Agent());
for (const path of ['/strong', '/weak', '/none']) {
  version = 0;
  let outcome;
  try {
    const { statusCode, body } = await request(`http://127.0.0.1:${server.address().port}${path}`, { dispatcher });
    outcome = `${statusCode} ${await body.text()}`;
  } catch (error) {
    outcome = error.message;
  }
  console.log(`${path}: ${outcome}`);
}
process.exit();
JAVASCRIPT

output=$(node finding.mjs)
echo "$output"
grep -qx '/strong: ETag mismatch' <<< "$output"
grep -qx '/weak: 200 11111111112222222222' <<< "$output"
grep -qx '/none: 200 11111111112222222222' <<< "$output"
echo 'as found'
