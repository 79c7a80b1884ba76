#!/usr/bin/env bash
# With `query_timeout`, pg (node-postgres) rejects a query whose answer is late, and leaves it on its connection: the server works on, and the next
# query of that connection is not sent before the answer has come. A client that was taken from the pool and is given back with `release()`, as a
# transaction does it in its `finally`, goes to the next caller like that. So one slow query fails those that come after it: behind one of three
# seconds, and with a time-out of half a second, three quick queries time out that the server has never seen. `pool.query` throws the connection away
# in the same case, and so the quick ones go through.
#
# Seen with pg 8.23.1, and a server of a few lines that answers a query late.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > /dev/null
npm install --silent --no-audit --no-fund pg@8.23.1 > /dev/null 2>&1
cat > server.mjs <<'JAVASCRIPT'
import { once } from 'node:events';
import net from 'node:net';

const message = (kind, body) => {
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length + 4);
  return Buffer.concat([Buffer.from(kind), length, body]);
};
const ready = message('Z', Buffer.from('I'));

// Takes the first message of a connection for its start, and answers each simple query in turn; one that is called "slow" after three seconds.
export async function serve(seen) {
  const server = net.createServer((socket) => {
    let left = Buffer.alloc(0);
    let started = false;
    let answers = Promise.resolve();
    socket.on('error', () => {});
    socket.on('data', (data) => {
      left = Buffer.concat([left, data]);
      for (;;) {
        const head = started ? 1 : 0;
        if (left.length < head + 4 || left.length < head + left.readInt32BE(head)) return;
        const whole = left.subarray(0, head + left.readInt32BE(head));
        left = left.subarray(whole.length);
        if (!started) {
          started = true;
          socket.write(Buffer.concat([message('R', Buffer.alloc(4)), ready]));
        } else if (whole[0] === 'Q'.charCodeAt(0)) {
          const query = whole.subarray(5, -1).toString();
          seen.push(query);
          answers = answers
            .then(() => query === 'slow' && new Promise((resolve) => setTimeout(resolve, 3000)))
            .then(() => socket.destroyed || socket.write(Buffer.concat([message('C', Buffer.from('SELECT 0\0')), ready])));
        }
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server.address().port;
}
JAVASCRIPT
cat > finding.mjs <<'JAVASCRIPT'
import pg from 'pg';

import { serve } from './server.mjs';

const seen = [];
const port = await serve(seen);
const options = { host: '127.0.0.1', port, user: 'shop', database: 'shop', max: 1, query_timeout: 500 };

async function run(name, query) {
  seen.length = 0;
  const pool = new pg.Pool(options);
  pool.on('error', () => {});
  const slow = await query(pool, 'slow').catch((error) => error.message);
  let failed = 0;
  for (let call = 0; call < 3; call += 1) await query(pool, 'quick').catch(() => (failed += 1));
  console.log(`${name}: ${slow}, then ${failed} of 3 quick ones fail, the server saw ${seen.join(', ')}`);
}

async function client(pool, query) {
  const connection = await pool.connect();
  try {
    return await connection.query(query);
  } finally {
    connection.release();
  }
}

await run('pool.query', (pool, query) => pool.query(query));
await run('release', client);
process.exit();
JAVASCRIPT

output=$(node finding.mjs)
echo "$output"
grep -qx 'pool.query: Query read timeout, then 0 of 3 quick ones fail, the server saw slow, quick, quick, quick' <<< "$output"
grep -qx 'release: Query read timeout, then 3 of 3 quick ones fail, the server saw slow' <<< "$output"
echo 'as found'
