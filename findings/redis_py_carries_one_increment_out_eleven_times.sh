#!/usr/bin/env bash
# A client of redis-py repeats any command that times out or loses its connection, ten times by default, and does not ask whether the command may be
# repeated. `retry_on_timeout`, which is off by default, has no say in it. A server that is only slow carries each of them out. So one call of `incr`
# with a `socket_timeout` adds eleven to the counter and then raises `TimeoutError`, after eleven time-outs and the pauses between them. With a
# `Retry` of no retries, the command is sent once.
#
# Seen with redis 8.1.0 (the client for Python), and a server of a few lines that carries a command out late.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --only-binary :all: redis==8.1.0 2> /dev/null
cat > finding.py <<'PYTHON'
import socketserver
import threading
import time

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

counter = 0


class Slow(socketserver.StreamRequestHandler):
    def handle(self):
        global counter
        while line := self.rfile.readline():
            command = []
            for _ in range(int(line[1:])):
                size = int(self.rfile.readline()[1:])
                command.append(self.rfile.read(size + 2)[:-2].decode())
            if command[0] == "INCRBY":
                counter += 1
                time.sleep(2)
            try:
                self.wfile.write(b":%d\r\n" % counter if command[0] == "INCRBY" else b"+OK\r\n")
            except OSError:
                return


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True


server = Server(("127.0.0.1", 0), Slow)
threading.Thread(target=server.serve_forever, daemon=True).start()
for name, options in [("default", {}), ("no retry", {"retry": Retry(NoBackoff(), 0)})]:
    counter = 0
    client = redis.Redis(port=server.server_address[1], protocol=2, socket_timeout=0.5, **options)
    try:
        outcome = client.incr("visits")
    except redis.RedisError as error:
        outcome = type(error).__name__
    print(f"{name}: {outcome}, the counter is at {counter}")
PYTHON

output=$(venv/bin/python finding.py 2>/dev/null)
echo "$output"
grep -qx 'default: TimeoutError, the counter is at 11' <<< "$output"
grep -qx 'no retry: TimeoutError, the counter is at 1' <<< "$output"
echo 'as found'
