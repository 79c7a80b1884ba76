#!/usr/bin/env bash
# With `commandTimeout`, ioredis rejects a command that has no answer in time with "Command timed out". While there is no connection, commands wait in its offline queue, and the time-out does not take them out of it.
# So an INCR whose caller was told long ago that it failed is sent when the server is back, and is carried out. A caller that tried again meanwhile, as one does after a time-out, has it counted once for each try;
# after an outage of some seconds, the server gets all that was given up in them, in one burst, and nobody reads the answers.
#
# Seen with ioredis 6.0.0.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > /dev/null
npm install --silent --ignore-scripts --no-audit --no-fund ioredis@6.0.0 > /dev/null 2>&1
cat > finding.mjs <<'JAVASCRIPT'
import { once } from 'node:events';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';

// A port that nobody listens at until the server is back.
const probe = net.createServer().listen(0, '127.0.0.1');
await once(probe, 'listening');
const { port } = probe.address();
probe.close();
await once(probe, 'close');

const redis = new Redis({ host: '127.0.0.1', port, commandTimeout: 300, retryStrategy: () => 100, enableReadyCheck: false });
redis.on('error', () => {});
const outcomes = [];
for (let attempt = 1; attempt <= 3; attempt += 1) outcomes.push(await redis.incr('counter').catch((error) => error.message));
console.log(`caller: ${outcomes.join(', ')}`);

let counter = 0;
const server = net.createServer((socket) => {
  socket.on('error', () => {});
  socket.on('data', (data) => {
    // One answer for each command; a command is an array, which begins with an asterisk at the start of a line.
    for (const command of data.toString().split(/^\*/m).slice(1)) {
      if (/^incr\r$/im.test(command)) counter += 1;
      socket.write(`:${counter}\r\n`);
    }
  });
});
server.listen(port, '127.0.0.1');
await sleep(2000);
console.log(`server: the counter is ${counter}`);
process.exit();
JAVASCRIPT

output=$(node finding.mjs)
echo "$output"
grep -qx 'caller: Command timed out, Command timed out, Command timed out' <<< "$output"
grep -qx 'server: the counter is 3' <<< "$output"
echo 'as found'
