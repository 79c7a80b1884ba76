#!/usr/bin/env bash
# `timeout` of the retry policy of azure-core is the time for a whole operation. The policy looks at it before an attempt, and not before a sleep: it sleeps through any
# `Retry-After`, however long, and finds out only then that the time is over. So with `timeout=1`, a 503 that says three seconds is reported after three seconds, as a response that
# timed out. There was one request, and the status and the hint are gone. With a hint of an hour the caller is held for an hour. The waits of the policy's own back-off are
# not cut either.
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
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from azure.core import PipelineClient
from azure.core.exceptions import AzureError
from azure.core.pipeline.policies import RetryPolicy
from azure.core.rest import HttpRequest

seen = 0


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        global seen
        seen += 1
        self.send_response(503)
        if self.path == "/hint":
            self.send_header("Retry-After", "3")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}"
client = PipelineClient(url, policies=[RetryPolicy(retry_backoff_factor=1.5)])
for path in ["/hint", "/none"]:
    seen = 0
    begin = time.monotonic()
    try:
        outcome = client.send_request(HttpRequest("GET", url + path), timeout=1).status_code
    except AzureError as error:
        outcome = f"{type(error).__name__}: {error}"
    print(f"{path}: {seen} requests, {time.monotonic() - begin:.1f} s, {outcome}")
PYTHON

output=$(NO_PROXY=127.0.0.1 venv/bin/python finding.py)
echo "$output"
grep -qEx '/hint: 1 requests, 3.[0-4] s, ServiceResponseTimeoutError: Response timeout' <<< "$output"
grep -qEx '/none: 2 requests, 3.[0-4] s, ServiceResponseTimeoutError: Response timeout' <<< "$output"
echo 'as found'
