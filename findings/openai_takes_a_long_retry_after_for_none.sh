#!/usr/bin/env bash
# The client of openai waits before a retry for as long as the `Retry-After` of the answer says, if that is at most a minute. A longer one is to it as if there were none: it waits for its own half a second,
# then for one, and gives up. So a server that asks for sixty seconds of rest gets them, and one that asks for sixty-one, or for an hour because it is in real trouble, gets all three
# requests within two seconds. The README speaks of a short exponential back-off, and neither of the header nor of the minute.
#
# Seen with openai 7.59.0.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > /dev/null
npm install --silent --no-audit --no-fund openai@7.59.0 > /dev/null 2>&1
cat > finding.mjs <<'JAVASCRIPT'
import http from 'node:http';
import OpenAI from 'openai';

for (const seconds of ['2', '61', '3600']) {
  const times = [];
  const server = http.createServer((request, response) => {
    times.push(Date.now());
    response.writeHead(429, { 'content-type': 'application/json', 'retry-after': seconds });
    response.end('{"error":{"message":"later"}}');
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = new OpenAI({ apiKey: 'none', baseURL: `http://127.0.0.1:${server.address().port}/v1` });

  const { status } = await client.models.list().catch((error) => error);
  const total = (times.at(-1) - times[0]) / 1000;
  const waits = total >= 4 ? 'at least 4 s' : total < 3 ? 'less than 3 s' : `${total} s`;
  console.log(`Retry-After of ${seconds} s: ${times.length} requests in ${waits}, then ${status}`);
  server.close();
}
process.exit(0);
JAVASCRIPT

output=$(node finding.mjs)
echo "$output"
grep -qx 'Retry-After of 2 s: 3 requests in at least 4 s, then 429' <<< "$output"
grep -qx 'Retry-After of 61 s: 3 requests in less than 3 s, then 429' <<< "$output"
grep -qx 'Retry-After of 3600 s: 3 requests in less than 3 s, then 429' <<< "$output"
echo 'as found'
