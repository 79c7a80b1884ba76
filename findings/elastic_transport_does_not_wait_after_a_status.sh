#!/usr/bin/env bash
# elastic-transport, the lower half of the clients of Elasticsearch, repeats a request after a failed connection and after the statuses 429, 502, 503 and 504. `retry_backoff_base`
# and `retry_backoff_cap` put delays between the attempts, but for connections only. A cluster that says 429, too many requests, gets all the attempts at once, whatever its
# `Retry-After` says: here five in well under a second, where the back-off would take two to four. The asynchronous transport does the same.
#
# Seen with elastic-transport 9.4.2, aiohttp 3.14.5.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --only-binary :all: elastic-transport==9.4.2 aiohttp==3.14.5 2> /dev/null
cat > finding.py <<'PYTHON'
import asyncio
import random
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from elastic_transport import AsyncTransport, ConnectionError, NodeConfig, Transport

random.seed(1)
seen = 0


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        global seen
        seen += 1
        self.send_response(429)
        self.send_header("Retry-After", "10")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
options = dict(max_retries=4, retry_backoff_base=0.5, retry_backoff_cap=4)
begin = time.monotonic()
Transport([NodeConfig("http", "127.0.0.1", server.server_port)], **options).perform_request("GET", "/")
print(f"429: {seen} requests within a second: {time.monotonic() - begin < 1}")


async def main():
    transport = AsyncTransport([NodeConfig("http", "127.0.0.1", server.server_port)], **options)
    await transport.perform_request("GET", "/")
    await transport.close()


seen = 0
begin = time.monotonic()
asyncio.run(main())
print(f"429, asynchronous: {seen} requests within a second: {time.monotonic() - begin < 1}")

with socket.socket() as unused:
    unused.bind(("127.0.0.1", 0))
    begin = time.monotonic()
    try:
        Transport([NodeConfig("http", "127.0.0.1", unused.getsockname()[1])], **options).perform_request("GET", "/")
    except ConnectionError as error:
        print(f"refused: {len(error.errors) + 1} attempts within a second: {time.monotonic() - begin < 1}")
PYTHON

output=$(venv/bin/python finding.py 2> /dev/null)
echo "$output"
grep -qx '429: 5 requests within a second: True' <<< "$output"
grep -qx '429, asynchronous: 5 requests within a second: True' <<< "$output"
grep -qx 'refused: 5 attempts within a second: False' <<< "$output"
echo 'as found'
