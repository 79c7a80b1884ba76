#!/usr/bin/env bash
# `exponentialBackoff` of @fastify/rate-limit doubles the time for which a client is locked out with each call that it makes meanwhile. The store in memory, which is the default, doubles what it says and not
# what it does: it asks for the age of the last call and the plain `timeWindow`. A client that is told by `retry-after` to come back in 64 seconds is let in after two, with a window of
# one second. So those who keep to the header wait thirty times as long as they have to. The limit itself, without the back-off, holds.
#
# Seen with @fastify/rate-limit 11.2.0, fastify 5.12.8.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > /dev/null
npm install --silent --no-audit --no-fund @fastify/rate-limit@11.2.0 fastify@5.12.8 > /dev/null 2>&1
cat > finding.mjs <<'JAVASCRIPT'
import { setTimeout as sleep } from 'node:timers/promises';
import rateLimit from '@fastify/rate-limit';
import Fastify from 'fastify';

const app = Fastify();
await app.register(rateLimit, { max: 1, timeWindow: 1000, exponentialBackoff: true });
app.get('/', async () => 'answer');

const told = [];
for (let call = 0; call < 8; call += 1) told.push((await app.inject('/')).headers['retry-after'] ?? 'let in');
await sleep(2000);
const { statusCode } = await app.inject('/');

console.log(`told: ${told}`);
console.log(`after two seconds: ${statusCode}`);
await app.close();
JAVASCRIPT

output=$(node finding.mjs)
echo "$output"
grep -qx 'told: let in,1,2,4,8,16,32,64' <<< "$output"
grep -qx 'after two seconds: 200' <<< "$output"
echo 'as found'
