#!/usr/bin/env bash
# @octokit/plugin-retry waits 1, 4 and 9 seconds before its retries, by the number of the attempt alone. It repeats a 429 and a 503 too, and does not read the `Retry-After` that
# these carry: a server that asks for an hour of rest gets four requests within a quarter of a minute. The option `retryAfterBaseValue`, by its name the place for it,
# multiplies the 1, 4 and 9. A POST is repeated like a GET, and after a 500 as well.
#
# Seen with @octokit/plugin-retry 8.1.1, @octokit/core 7.0.8.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > /dev/null
npm install --silent --no-audit --no-fund @octokit/plugin-retry@8.1.1 @octokit/core@7.0.8 > /dev/null 2>&1
cat > finding.mjs <<'JAVASCRIPT'
import { Octokit } from '@octokit/core';
import { retry } from '@octokit/plugin-retry';

const Client = Octokit.plugin(retry);

for (const [method, status] of [['GET', 429], ['POST', 503], ['POST', 500]]) {
  const times = [];
  const fetch = async () => {
    times.push(Date.now());
    return new Response('{"message":"later"}', {
      status,
      headers: { 'content-type': 'application/json', 'retry-after': '3600' },
    });
  };
  const client = new Client({ request: { fetch }, log: { debug() {}, info() {}, warn() {}, error() {} } });
  await client.request(`${method} /repos/owner/name/issues`, { request: { retries: 2 } }).catch(() => {});
  const waits = times.slice(1).map((time, index) => Math.round((time - times[index]) / 1000));
  console.log(`${method}, ${status} with a Retry-After of 3600: again after ${waits} s`);
}
JAVASCRIPT

output=$(node finding.mjs)
echo "$output"
grep -qx 'GET, 429 with a Retry-After of 3600: again after 1,4 s' <<< "$output"
grep -qx 'POST, 503 with a Retry-After of 3600: again after 1,4 s' <<< "$output"
grep -qx 'POST, 500 with a Retry-After of 3600: again after 1,4 s' <<< "$output"
echo 'as found'
