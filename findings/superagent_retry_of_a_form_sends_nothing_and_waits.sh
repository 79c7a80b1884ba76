#!/usr/bin/env bash
# superagent repeats a request as often as `.retry()` says. One with a form, made by `.field()` or `.attach()`, is not repeated: after the first failure, the form has been read to its end, nothing more goes to the
# server, and the call neither succeeds nor fails. Without a time-out it waits for ever, with one it ends with that after its whole time, and the status that the server gave is lost. A body of JSON is repeated as it should be.
# Without `.retry()`, the form's caller hears of the 503 at once.
#
# Seen with superagent 10.4.2.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > /dev/null
npm install --silent --ignore-scripts --no-audit --no-fund superagent@10.4.2 > /dev/null 2>&1
cat > finding.mjs <<'JAVASCRIPT'
import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import superagent from 'superagent';

let requests = 0;
const server = http.createServer((request, response) => {
  requests += 1;
  const status = requests < 3 ? 503 : 200;
  request.resume().on('end', () => response.writeHead(status).end());
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const put = () => superagent.put(`http://127.0.0.1:${server.address().port}`);

async function run(name, request) {
  requests = 0;
  const outcome = await Promise.race([
    request.then(({ status }) => status, (error) => error.status ?? error.message),
    sleep(5000, 'neither success nor failure'),
  ]);
  console.log(`${name}: ${requests} requests, ${outcome}`);
}

await run('JSON, retry(3)', put().send({ key: 'value' }).retry(3));
await run('form, no retry', put().field('key', 'value'));
await run('form, retry(3)', put().field('key', 'value').retry(3));
await run('form, retry(3), time-out', put().field('key', 'value').retry(3).timeout(1000));
process.exit();
JAVASCRIPT

output=$(node finding.mjs)
echo "$output"
grep -qx 'JSON, retry(3): 3 requests, 200' <<< "$output"
grep -qx 'form, no retry: 1 requests, 503' <<< "$output"
grep -qx 'form, retry(3): 1 requests, neither success nor failure' <<< "$output"
grep -qx 'form, retry(3), time-out: 1 requests, Timeout of 1000ms exceeded' <<< "$output"
echo 'as found'
