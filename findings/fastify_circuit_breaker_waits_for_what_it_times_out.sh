#!/usr/bin/env bash
# The `timeout` of @fastify/circuit-breaker ends nothing. The plug-in looks at the clock when the answer of a handler is on its way out; if it took
# too long, it throws the answer away and sends 503 with "Timeout" in its place. With a time-out of 100 milliseconds, a handler of two seconds keeps
# its caller waiting for two seconds, does all of its work, and is then said to have failed. So the caller is never answered earlier, and has nothing
# to show for the wait; one that tries again has the work done twice.
#
# Seen with @fastify/circuit-breaker 4.0.3, fastify 5.12.8.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > /dev/null
npm install --silent --no-audit --no-fund @fastify/circuit-breaker@4.0.3 fastify@5.12.8 > /dev/null 2>&1
cat > finding.mjs <<'JAVASCRIPT'
import breaker from '@fastify/circuit-breaker';
import Fastify from 'fastify';

const fastify = Fastify();
await fastify.register(breaker, { timeout: 100 });
let worked = 0;
fastify.get('/', { preHandler: fastify.circuitBreaker() }, async ({ query }) => {
  await new Promise((resolve) => setTimeout(resolve, query.millis));
  worked += 1;
  return { value: 'good' };
});
const url = await fastify.listen({ host: '127.0.0.1', port: 0 });
for (const millis of [1, 2000]) {
  const begin = performance.now();
  const answer = await fetch(`${url}/?millis=${millis}`);
  const { value, message } = await answer.json();
  console.log(`${millis} ms: ${answer.status} ${value ?? message} after ${Math.floor((performance.now() - begin) / 1000)} s, worked ${worked}`);
}
process.exit();
JAVASCRIPT

output=$(node finding.mjs)
echo "$output"
grep -qx '1 ms: 200 good after 0 s, worked 1' <<< "$output"
grep -qx '2000 ms: 503 Timeout after 2 s, worked 2' <<< "$output"
echo 'as found'
