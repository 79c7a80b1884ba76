#!/usr/bin/env bash
# ratelimit-header-parser turns the headers of a rate limit into numbers and the time at which the limit begins anew. Where no header names that time,
# it takes `Retry-After`, and reads its seconds as seconds since 1970: with "60", the limit is open again since a minute past midnight of New Year
# 1970, and whoever waits until then does not wait. And of the draft of the IETF it knows the forms up to the seventh. Those of the eighth, which
# express-rate-limit of the same project sends with `standardHeaders: 'draft-8'`, give NaN for each number and an invalid date; no comparison with
# them is true, so a client that slows down when little remains never does.
#
# Seen with ratelimit-header-parser 0.1.0, express-rate-limit 8.7.5, express 5.3.0.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > /dev/null
npm install --silent --no-audit --no-fund ratelimit-header-parser@0.1.0 express-rate-limit@8.7.5 express@5.3.0 > /dev/null 2>&1
cat > finding.mjs <<'JAVASCRIPT'
import { once } from 'node:events';

import express from 'express';
import { rateLimit } from 'express-rate-limit';
import { parseRateLimit } from 'ratelimit-header-parser';

const headers = { 'x-ratelimit-limit': '10', 'x-ratelimit-remaining': '0', 'retry-after': '60' };
console.log(`Retry-After: ${parseRateLimit(headers).reset.toISOString()}`);

for (const standardHeaders of ['draft-7', 'draft-8']) {
  const server = express()
    .use(rateLimit({ windowMs: 60_000, limit: 5, standardHeaders, legacyHeaders: false }))
    .get('/', (incoming, outgoing) => outgoing.send('good'))
    .listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { limit, remaining, reset } = parseRateLimit(await fetch(`http://127.0.0.1:${server.address().port}`));
  console.log(`${standardHeaders}: limit ${limit}, remaining ${remaining}, reset ${Number.isNaN(reset.getTime()) ? 'invalid' : 'valid'}`);
}
process.exit();
JAVASCRIPT

output=$(node finding.mjs)
echo "$output"
grep -qx 'Retry-After: 1970-01-01T00:01:00.000Z' <<< "$output"
grep -qx 'draft-7: limit 5, remaining 4, reset valid' <<< "$output"
grep -qx 'draft-8: limit NaN, remaining NaN, reset invalid' <<< "$output"
echo 'as found'
