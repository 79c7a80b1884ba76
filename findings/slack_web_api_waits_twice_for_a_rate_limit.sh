#!/usr/bin/env bash
# A call of @slack/web-api that is answered with 429 waits for the time of its `Retry-After`, and fails then into the retry around it, which waits once more by its own back-off. The log says "Will retry in 1
# seconds" for what takes two, five and sixteen with the policy `fiveRetriesInFiveMinutes`, and up to a quarter of an hour more with the default one, by its tenth
# attempt. The limit is that of one method. The client holds back the calls of all methods meanwhile, and counts each wait as a failed attempt.
#
# Seen with @slack/web-api 8.2.0.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > /dev/null
npm install --silent --no-audit --no-fund @slack/web-api@8.2.0 > /dev/null 2>&1
cat > finding.mjs <<'JAVASCRIPT'
import slack from '@slack/web-api';

const { retryPolicies, WebClient } = slack;
const start = Date.now();
const seconds = () => Math.round((Date.now() - start) / 1000);
const times = { 'chat.postMessage': [], 'users.list': [] };
const told = [];
let limited = 3;

const fetch = async (url) => {
  const method = String(url).split('/').at(-1);
  times[method].push(seconds());
  if (method === 'chat.postMessage' && limited > 0) {
    limited -= 1;
    return new Response('', { status: 429, headers: { 'retry-after': '1' } });
  }
  return new Response('{"ok":true}', { headers: { 'content-type': 'application/json' } });
};
const note = (message) => told.push(...(String(message).match(/Will retry in .*/) ?? []));
const logger = { debug() {}, info: note, warn() {}, error() {}, setLevel() {}, getLevel() {}, setName() {} };
const client = new WebClient('token', { fetch, logger, retryConfig: retryPolicies.fiveRetriesInFiveMinutes });

const limitedCall = client.chat.postMessage({ channel: 'C1', text: 'hello' });
await new Promise((resolve) => setTimeout(resolve, 100));
await client.users.list({});
await limitedCall;
console.log(`told: ${told.join(' ')}`);
console.log(`chat.postMessage sent after ${times['chat.postMessage']} s`);
console.log(`users.list, called at once, sent after ${times['users.list']} s`);
JAVASCRIPT

output=$(node finding.mjs)
echo "$output"
grep -qx 'told: Will retry in 1 seconds. Will retry in 1 seconds. Will retry in 1 seconds.' <<< "$output"
grep -qx 'chat.postMessage sent after 0,2,7,23 s' <<< "$output"
grep -qx 'users.list, called at once, sent after 1 s' <<< "$output"
echo 'as found'
