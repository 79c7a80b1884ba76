#!/usr/bin/env bash
# The retry policy of azure-core repeats a POST or a PATCH up to three times after 500, 503 and 504, and with each of them the first may have been carried out. After 408, 429 and
# 502 it does not, unless there is a `Retry-After`, though a 429 means that nothing was done. So creating an order may make four, and a client that is told to slow down
# fails at once. `retry_on_methods` does not help: with `["GET"]`, a POST is still sent four times.
#
# Seen with azure-core 1.41.0, requests 2.34.2.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --only-binary :all: azure-core==1.41.0 requests==2.34.2 2> /dev/null
cat > finding.py <<'PYTHON'
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from azure.core import PipelineClient
from azure.core.pipeline.policies import RetryPolicy
from azure.core.rest import HttpRequest

seen = 0


class Handler(BaseHTTPRequestHandler):
    def answer(self):
        global seen
        seen += 1
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(int(self.path[1:]))
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST = answer

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}"
client = PipelineClient(url, policies=[RetryPolicy(retry_backoff_factor=0.01)])
for method, options in [("GET", {}), ("POST", {}), ("POST", dict(retry_on_methods=["GET"]))]:
    counts = {}
    for status in [408, 429, 500, 502, 503, 504]:
        seen = 0
        client.send_request(HttpRequest(method, f"{url}/{status}"), **options)
        counts[status] = seen
    print(f"{method} {options}: {counts}")
PYTHON

output=$(NO_PROXY=127.0.0.1 venv/bin/python finding.py)
echo "$output"
grep -qFx 'GET {}: {408: 4, 429: 4, 500: 4, 502: 4, 503: 4, 504: 4}' <<< "$output"
grep -qFx 'POST {}: {408: 1, 429: 1, 500: 4, 502: 1, 503: 4, 504: 4}' <<< "$output"
grep -qFx "POST {'retry_on_methods': ['GET']}: {408: 1, 429: 1, 500: 4, 502: 1, 503: 4, 504: 4}" <<< "$output"
echo 'as found'
