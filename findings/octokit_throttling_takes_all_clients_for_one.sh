#!/usr/bin/env bash
# @octokit/plugin-throttling holds back a client so that it keeps to the limits of the server: one write a second, and one at a time. The README says that clustering makes this hold across clients. It holds across
# all clients of a process without that too: those of different tokens, and those of different servers, wait for each other, though each has limits of its own. Four clients for
# four servers that write once each take three seconds. The options of the first one that makes a request, such as `timeout`, are those of all. An `id` for each makes them independent.
#
# Seen with @octokit/plugin-throttling 11.0.5, @octokit/core 7.0.8.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > /dev/null
npm install --silent --no-audit --no-fund @octokit/plugin-throttling@11.0.5 @octokit/core@7.0.8 > /dev/null 2>&1
cat > finding.mjs <<'JAVASCRIPT'
import { Octokit } from '@octokit/core';
import { throttling } from '@octokit/plugin-throttling';

const Client = Octokit.plugin(throttling);
const fetch = async () => new Response('{}', { status: 201, headers: { 'content-type': 'application/json' } });

async function writeOnceEach(name, idOf) {
  const start = Date.now();
  await Promise.all([1, 2, 3, 4].map((server) => {
    const client = new Client({
      auth: `token ${server}`,
      baseUrl: `https://server-${server}.example`,
      request: { fetch },
      throttle: { ...idOf(server), onRateLimit: () => false, onSecondaryRateLimit: () => false },
    });
    return client.request('POST /repos/owner/name/labels');
  }));
  console.log(`${name}: four clients write once each in ${Math.round((Date.now() - start) / 1000)} s`);
}

await writeOnceEach('own ids', (server) => ({ id: `server ${server}` }));
await writeOnceEach('no ids', () => ({}));
process.exit(0);
JAVASCRIPT

output=$(node finding.mjs)
echo "$output"
grep -qx 'own ids: four clients write once each in 0 s' <<< "$output"
grep -qx 'no ids: four clients write once each in 3 s' <<< "$output"
echo 'as found'
