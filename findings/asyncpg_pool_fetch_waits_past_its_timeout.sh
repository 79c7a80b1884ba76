#!/usr/bin/env bash
# `Pool.fetch(…, timeout=…)` of asyncpg, and `execute`, `fetchrow` and `fetchval` beside it, give the time-out to the query and none to the wait for a connection before it. So when all
# connections are in use, a call with a time-out of half a second waits for as long as they are, and no setting of the pool puts an end to it: `command_timeout` is for the query too.
# Just when the database is slow, callers pile up without a bound. `Pool.acquire(timeout=…)` alone has a time-out for the wait.
#
# Seen with asyncpg 0.32.0, and a server of a few lines that lets a client in.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --only-binary :all: asyncpg==0.32.0 2> /dev/null
cat > finding.py <<'PYTHON'
import asyncio
import struct
import time

import asyncpg


def message(kind, body):
    return kind + struct.pack(">I", len(body) + 4) + body


READY = message(b"Z", b"I")


async def serve(reader, writer):
    """Lets a client in, and says to each simple query that it is done."""
    (length,) = struct.unpack(">I", await reader.readexactly(4))
    await reader.readexactly(length - 4)
    settings = {b"server_version": b"15.0", b"client_encoding": b"UTF8"}
    greeting = message(b"R", struct.pack(">I", 0))
    greeting += b"".join(message(b"S", name + b"\0" + value + b"\0") for name, value in settings.items())
    writer.write(greeting + message(b"K", struct.pack(">II", 1, 1)) + READY)
    try:
        while True:
            kind = await reader.readexactly(1)
            (length,) = struct.unpack(">I", await reader.readexactly(4))
            await reader.readexactly(length - 4)
            if kind == b"Q":
                writer.write(message(b"C", b"SELECT 0\0") + READY)
    except (asyncio.IncompleteReadError, asyncio.CancelledError):
        writer.close()


async def report(name, call):
    begin = time.monotonic()
    try:
        await asyncio.wait_for(call, 3)
    except asyncio.TimeoutError:
        print(f"{name}: ended after {time.monotonic() - begin:.1f} s")


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    pool = await asyncpg.create_pool(
        host="127.0.0.1", port=port, user="user", database="database", ssl=False, min_size=1, max_size=1, command_timeout=0.5
    )
    await pool.acquire()
    await report("fetch(timeout=0.5)", pool.fetch("SELECT 1", timeout=0.5))
    await report("execute(timeout=0.5)", pool.execute("SELECT 1", timeout=0.5))
    await report("acquire(timeout=0.5)", pool.acquire(timeout=0.5))
    pool.terminate()


asyncio.run(main())
PYTHON

output=$(venv/bin/python finding.py)
echo "$output"
grep -qEx 'fetch\(timeout=0.5\): ended after 3.[0-3] s' <<< "$output"
grep -qEx 'execute\(timeout=0.5\): ended after 3.[0-3] s' <<< "$output"
grep -qEx 'acquire\(timeout=0.5\): ended after 0.[5-8] s' <<< "$output"
echo 'as found'
