#!/usr/bin/env bash
# To the types of mysql2, a query that goes past its `timeout` takes its connection with it: that is destroyed, and no more is done on it. In truth the connection goes back into the pool while the server is still at work on the
# query. The next query of the pool gets it and waits for the rest of the old one; with a few slow queries that have all been given up, the whole pool is busy with them, though it counts as free. And `timeout` does not run while a query
# waits for a connection: one of 300 milliseconds that comes then has its answer after two seconds, and no error.
#
# Seen with mysql2 3.24.6.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > /dev/null
npm install --silent --ignore-scripts --no-audit --no-fund mysql2@3.24.6 > /dev/null 2>&1
cat > finding.mjs <<'JAVASCRIPT'
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import mysql from 'mysql2';
import { createPool } from 'mysql2/promise';

// A server that answers the queries of a connection one after the other, the slow ones after two seconds, as MySQL does.
const column = { catalog: 'def', schema: '', table: '', orgTable: '', name: 'query', orgName: '', characterSet: 33, columnLength: 255, columnType: 253, flags: 0, decimals: 0 };
let connections = 0;
const server = mysql.createServer((connection) => {
  connections += 1;
  connection.serverHandshake({ protocolVersion: 10, serverVersion: '8.0.0', connectionId: connections, statusFlags: 2, characterSet: 33, capabilityFlags: 0xffffff ^ 2048, authCallback: (_, callback) => callback(null) });
  connection.on('error', () => {});
  let last = Promise.resolve();
  connection.on('query', (query) => {
    last = last.then(async () => {
      if (query === 'slow') await sleep(2000);
      connection.sequenceId = 1;
      connection.writeTextResult([{ query }], [column]);
    });
  });
});
server.listen(0, '127.0.0.1');
await once(server._server, 'listening');

const pool = createPool({ host: '127.0.0.1', port: server._server.address().port, user: 'user', connectionLimit: 1 });
async function run(name, sql, timeout) {
  const start = Date.now();
  const outcome = await pool.query({ sql, timeout }).then(([[row]]) => row.query, (error) => error.code);
  const time = Date.now() - start;
  return `${name}: ${outcome} ${time < 700 ? 'within 0.7 s' : time > 1300 ? 'after more than 1.3 s' : time}`;
}

console.log(await run('fast alone', 'fast'));
console.log(await run('slow, timeout 300', 'slow', 300));
console.log(await run('fast after it', 'fast'));
console.log((await Promise.all([run('slow', 'slow'), run('fast behind it, timeout 300', 'fast', 300)])).join('\n'));
console.log(`${connections} connection`);
process.exit();
JAVASCRIPT

output=$(node finding.mjs 2> /dev/null)
echo "$output"
grep -qx 'fast alone: fast within 0.7 s' <<< "$output"
grep -qx 'slow, timeout 300: PROTOCOL_SEQUENCE_TIMEOUT within 0.7 s' <<< "$output"
grep -qx 'fast after it: fast after more than 1.3 s' <<< "$output"
grep -qx 'slow: slow after more than 1.3 s' <<< "$output"
grep -qx 'fast behind it, timeout 300: fast after more than 1.3 s' <<< "$output"
grep -qx '1 connection' <<< "$output"
echo 'as found'
