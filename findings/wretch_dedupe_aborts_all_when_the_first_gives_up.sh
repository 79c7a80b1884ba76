#!/usr/bin/env bash
# The `dedupe` of wretch sends one request for all equal ones that come while it is under way. It is sent with the signal of the caller that was first, and an error goes to all. So when the first caller gives up, by
# its own signal or its own time-out, the request is cut off and every other caller gets an `AbortError`, though none of them gave up. The signals of the others do nothing: such a caller waits on until the answer
# comes. Who has which patience depends on who came first.
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
import AbortAddon from 'wretch/addons/abort';
import { dedupe } from 'wretch/middlewares';

let requests = 0;
const server = http.createServer(async (request, response) => {
  requests += 1;
  await sleep(1500);
  response.end('body');
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));

for (const impatient of ['none', 'first', 'second']) {
  requests = 0;
  const api = wretch(`http://127.0.0.1:${server.address().port}`).addon(AbortAddon()).middlewares([dedupe()]);
  const get = async (name) => {
    const start = Date.now();
    const controller = new AbortController();
    if (name === impatient) setTimeout(() => controller.abort(), 300);
    const outcome = await api.signal(controller).get().text().catch((error) => error.name);
    return `${outcome} ${Date.now() - start < 1000 ? 'early' : 'in full time'}`;
  };
  const outcomes = await Promise.all(['first', 'second', 'third'].map(get));
  console.log(`impatient: ${impatient}: ${outcomes.join(', ')}; ${requests} request`);
}
server.closeAllConnections();
server.close();
JAVASCRIPT

output=$(node finding.mjs)
echo "$output"
grep -qx 'impatient: none: body in full time, body in full time, body in full time; 1 request' <<< "$output"
grep -qx 'impatient: first: AbortError early, AbortError early, AbortError early; 1 request' <<< "$output"
grep -qx 'impatient: second: body in full time, body in full time, body in full time; 1 request' <<< "$output"
echo 'as found'
