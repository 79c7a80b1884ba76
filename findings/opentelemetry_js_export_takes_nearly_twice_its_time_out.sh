#!/usr/bin/env bash
# The `timeoutMillis` of the OTLP exporters of OpenTelemetry for JavaScript is the most that an export waits, with its retries. When a collector answers 503 with a `Retry-After`, the exporter works out how much of the time is left,
# waits as it was told, and then gives the second request what was left before the wait. So the wait is not counted: with three seconds and a `Retry-After` of two, a collector that then says nothing holds the
# export for five; with the ten of the default and a `Retry-After` of nine, for nineteen. A flush before a process ends is planned for ten.
#
# Seen with @opentelemetry/exporter-trace-otlp-http 0.301.0, @opentelemetry/sdk-trace 3.1.0, @opentelemetry/api 1.10.0.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > /dev/null
npm install --silent --ignore-scripts --no-audit --no-fund @opentelemetry/exporter-trace-otlp-http@0.301.0 @opentelemetry/sdk-trace@3.1.0 @opentelemetry/api@1.10.0 > /dev/null 2>&1
cat > finding.mjs <<'JAVASCRIPT'
import http from 'node:http';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { TracerProvider } from '@opentelemetry/sdk-trace';

async function run(name, retryAfter) {
  let requests = 0;
  const server = http.createServer((request, response) => {
    requests += 1;
    request.resume();
    // The first request is put off where there is a `Retry-After`; all others are never answered.
    if (retryAfter !== undefined && requests === 1) response.writeHead(503, { 'retry-after': retryAfter }).end();
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const exporter = new OTLPTraceExporter({ url: `http://127.0.0.1:${server.address().port}/v1/traces`, timeoutMillis: 3000 });
  const span = new TracerProvider().getTracer('finding').startSpan('span');
  span.end();

  const start = Date.now();
  const { code } = await new Promise((resolve) => exporter.export([span], resolve));
  const seconds = (Date.now() - start) / 1000;
  console.log(`${name}: ${requests} requests, ${code === 1 ? 'failed' : 'exported'} after ${seconds < 1 ? 'less than 1 s' : seconds > 2.5 && seconds < 4 ? 'about 3 s' : seconds > 4.5 ? 'more than 4.5 s' : `${seconds} s`}`);
  server.closeAllConnections();
  server.close();
}

await run('no answer', undefined);
await run('Retry-After of 2 s, then no answer', '2');
await run('Retry-After of 4 s', '4');
process.exit();
JAVASCRIPT

output=$(node finding.mjs)
echo "$output"
grep -qx 'no answer: 1 requests, failed after about 3 s' <<< "$output"
grep -qx 'Retry-After of 2 s, then no answer: 2 requests, failed after more than 4.5 s' <<< "$output"
grep -qx 'Retry-After of 4 s: 1 requests, failed after less than 1 s' <<< "$output"
echo 'as found'
