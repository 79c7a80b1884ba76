#!/usr/bin/env bash
# express-slow-down delays the requests after `delayAfter` and refuses none. It is built on a rate limiter whose limit it sets to zero. With `standardHeaders` or `legacyHeaders`, which its README offers,
# the answers speak of that limit: each of them, also the first one of a client that may send a hundred without a delay, is a 200 that says that zero requests are allowed, that zero are left, and to retry after the
# whole window. A client that heeds rate-limit headers sends one request in a window. `request.slowDown` has the right numbers.
#
# Seen with express-slow-down 3.1.1, express-rate-limit 8.7.5, express 5.3.0.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > /dev/null
npm install --silent --ignore-scripts --no-audit --no-fund express-slow-down@3.1.1 express-rate-limit@8.7.5 express@5.3.0 > /dev/null 2>&1
cat > finding.mjs <<'JAVASCRIPT'
import { once } from 'node:events';
import express from 'express';
import { slowDown } from 'express-slow-down';

const variants = [
  ['draft-6', { standardHeaders: 'draft-6' }, 'ratelimit-'],
  ['draft-7', { standardHeaders: 'draft-7' }, 'ratelimit'],
  ['legacy', { legacyHeaders: true }, 'x-ratelimit-'],
];
for (const [name, headers, prefix] of variants) {
  const app = express();
  app.use(slowDown({ windowMs: 60_000, delayAfter: 100, ...headers }));
  app.get('/', ({ slowDown: { limit, used, remaining, delay } }, response) => response.json({ limit, used, remaining, delay }));
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const answer = await fetch(`http://127.0.0.1:${server.address().port}`);
  const said = prefix === 'ratelimit' ? answer.headers.get(prefix) : `limit=${answer.headers.get(`${prefix}limit`)}, remaining=${answer.headers.get(`${prefix}remaining`)}`;
  console.log(`${name}: ${answer.status}, ${said}, retry-after=${answer.headers.get('retry-after')}; in truth ${await answer.text()}`);
  server.close();
  server.closeAllConnections();
}
process.exit();
JAVASCRIPT

output=$(node finding.mjs)
echo "$output"
truth='in truth {"limit":100,"used":1,"remaining":99,"delay":0}'
grep -qx "draft-6: 200, limit=0, remaining=0, retry-after=60; $truth" <<< "$output"
grep -qx "draft-7: 200, limit=0, remaining=0, reset=60, retry-after=60; $truth" <<< "$output"
grep -qx "legacy: 200, limit=0, remaining=0, retry-after=60; $truth" <<< "$output"
echo 'as found'
