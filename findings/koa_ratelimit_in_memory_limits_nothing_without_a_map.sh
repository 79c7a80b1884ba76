#!/usr/bin/env bash
# koa-ratelimit with `driver: 'memory'` keeps its counts in the Map that is given as `db`, which its source calls optional. Without one, it makes a new Map for each request. So every request is the first of its client,
# none is ever refused, and the headers say each time that all but one are left, as they do in a test with one request. Nothing warns of it, and the service behind has no limit at all.
#
# Seen with koa-ratelimit 6.0.0, koa 3.3.0.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > /dev/null
npm install --silent --ignore-scripts --no-audit --no-fund koa-ratelimit@6.0.0 koa@3.3.0 > /dev/null 2>&1
cat > finding.cjs <<'JAVASCRIPT'
const { once } = require('node:events');
const Koa = require('koa');
const ratelimit = require('koa-ratelimit');

(async () => {
  for (const [name, db] of [['with a Map', new Map()], ['without', undefined]]) {
    const app = new Koa();
    app.use(ratelimit({ driver: 'memory', db, duration: 60_000, max: 2 }));
    app.use((context) => {
      context.body = 'OK';
    });
    const server = app.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const answers = [];
    for (let request = 0; request < 5; request += 1) {
      const { status, headers } = await fetch(`http://127.0.0.1:${server.address().port}`);
      answers.push(`${status}, ${headers.get('x-ratelimit-remaining')} left`);
    }
    console.log(`${name}: ${answers.join('; ')}`);
    server.close();
    server.closeAllConnections();
  }
})();
JAVASCRIPT

output=$(node finding.cjs)
echo "$output"
grep -qx 'with a Map: 200, 1 left; 200, 0 left; 429, 0 left; 429, 0 left; 429, 0 left' <<< "$output"
grep -qx 'without: 200, 1 left; 200, 1 left; 200, 1 left; 200, 1 left; 200, 1 left' <<< "$output"
echo 'as found'
