#!/usr/bin/env bash
# The `throttlingCache` of wretch is to keep an answer for the milliseconds of its `throttle` and then to delete it. It never deletes one. A request after that time does go to the server, but it also begins a
# new time in which whatever is in the cache is given out: the requests that come while it is under way get the old answer, of any age, and do not wait for the new one. When the server answers with an error,
# the one caller sees it, and those of the next `throttle` get the old answer as a 200. So a cache of half a second hands out, after a night without requests, what was true in the evening.
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

let requests = 0;
let status = 200;
const server = http.createServer(async (request, response) => {
  requests += 1;
  const version = requests;
  await sleep(300);
  response.writeHead(status).end(`version ${version}`);
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const api = wretch(`http://127.0.0.1:${server.address().port}`).middlewares([throttlingCache({ throttle: 1500 })]);
const get = () => api.get().res(async (response) => `${response.status} ${await response.text()}`).catch((error) => error.status);

console.log(`first: ${await get()}`);
await sleep(4000);
const renewal = get();
await sleep(50);
console.log(`while it is renewed, 4 s later: ${await get()}`);
console.log(`the renewal: ${await renewal}`);
await sleep(4000);
status = 503;
console.log(`from a server in trouble, 4 s later: ${await get()}`);
console.log(`right after it: ${await get()}`);
console.log(`${requests} requests`);
server.close();
JAVASCRIPT

output=$(node finding.mjs)
echo "$output"
grep -qx 'first: 200 version 1' <<< "$output"
grep -qx 'while it is renewed, 4 s later: 200 version 1' <<< "$output"
grep -qx 'the renewal: 200 version 2' <<< "$output"
grep -qx 'from a server in trouble, 4 s later: 503' <<< "$output"
grep -qx 'right after it: 200 version 2' <<< "$output"
grep -qx '3 requests' <<< "$output"
echo 'as found'
