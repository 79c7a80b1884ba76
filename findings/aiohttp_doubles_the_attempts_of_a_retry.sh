#!/usr/bin/env bash
# A client of aiohttp sends a request a second time when the server closes the connection without an answer, without a word of it to the caller: every
# request whose method is idempotent, as GET, PUT and DELETE are, also on a connection that was made for it and has carried nothing before. So a
# server that dies of a request, or drops it under load, gets it twice, and with a retry of three attempts around it, six times. A POST comes three
# times. The session has no public option for it.
#
# Seen with aiohttp 3.14.5, stamina 26.1.0.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --only-binary :all: aiohttp==3.14.5 stamina==26.1.0 2> /dev/null
cat > finding.py <<'PYTHON'
import asyncio

import aiohttp
import stamina

seen = 0
connections = 0


async def drop(reader, writer):
    global seen, connections
    connections += 1
    await reader.readuntil(b"\r\n\r\n")
    seen += 1
    writer.close()


async def main():
    global seen, connections
    server = await asyncio.start_server(drop, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    for method in ["GET", "PUT", "DELETE", "POST"]:
        for attempts in [1, 3]:
            seen = connections = 0
            try:
                async for attempt in stamina.retry_context(on=aiohttp.ClientError, attempts=attempts, wait_initial=0, wait_max=0, wait_jitter=0):
                    with attempt:
                        async with aiohttp.ClientSession() as session, session.request(method, f"http://127.0.0.1:{port}"):
                            pass
                outcome = "OK"
            except aiohttp.ClientError as error:
                outcome = type(error).__name__
            print(f"{method}, attempts {attempts}: {outcome}, sent {seen} times, {connections} connections")


asyncio.run(main())
PYTHON

output=$(venv/bin/python finding.py 2> /dev/null)
echo "$output"
for method in GET PUT DELETE; do
    grep -qx "$method, attempts 1: ServerDisconnectedError, sent 2 times, 2 connections" <<< "$output"
    grep -qx "$method, attempts 3: ServerDisconnectedError, sent 6 times, 6 connections" <<< "$output"
done
grep -qx 'POST, attempts 1: ServerDisconnectedError, sent 1 times, 1 connections' <<< "$output"
grep -qx 'POST, attempts 3: ServerDisconnectedError, sent 3 times, 3 connections' <<< "$output"
echo 'as found'
