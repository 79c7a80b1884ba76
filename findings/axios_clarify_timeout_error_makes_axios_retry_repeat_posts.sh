#!/usr/bin/env bash
# `transitional.clarifyTimeoutError` of axios changes the code of a time-out from ECONNABORTED to ETIMEDOUT, for the sake of clarity. axios-retry
# knows a time-out by the first of the two and never repeats it; the second is a network error to it, which it repeats for every method. So with the
# flag, and a time-out for each attempt, a POST that the server has and answers late is sent four times. Without the flag, neither a POST nor a GET is
# sent again.
#
# Seen with axios-retry 4.5.0, axios 1.21.1.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > /dev/null
npm install --silent --no-audit --no-fund axios-retry@4.5.0 axios@1.21.1 > /dev/null 2>&1
cat > finding.mjs <<'JAVASCRIPT'
import { once } from 'node:events';
import http from 'node:http';

import axios from 'axios';
import axiosRetry from 'axios-retry';

let seen = 0;
const server = http.createServer((incoming, outgoing) => {
  seen += 1;
  setTimeout(() => outgoing.end(), 5000);
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
for (const clarifyTimeoutError of [false, true]) {
  for (const method of ['get', 'post']) {
    const client = axios.create({ timeout: 500, proxy: false, transitional: { clarifyTimeoutError } });
    axiosRetry(client, { retries: 3, shouldResetTimeout: true });
    seen = 0;
    const code = await client[method](`http://127.0.0.1:${server.address().port}`).catch((error) => error.code);
    console.log(`clarify ${clarifyTimeoutError}, ${method}: ${code}, sent ${seen} times`);
  }
}
process.exit();
JAVASCRIPT

output=$(node finding.mjs)
echo "$output"
grep -qx 'clarify false, get: ECONNABORTED, sent 1 times' <<< "$output"
grep -qx 'clarify false, post: ECONNABORTED, sent 1 times' <<< "$output"
grep -qx 'clarify true, get: ETIMEDOUT, sent 4 times' <<< "$output"
grep -qx 'clarify true, post: ETIMEDOUT, sent 4 times' <<< "$output"
echo 'as found'
