#!/usr/bin/env bash
# The documentation of `HTTPAdapter(max_retries=3)` in requests says that the number is for failed look-ups, connections and connection time-outs alone, and never for
# a request whose data has reached the server. But a DELETE whose answer does not come within the time-out is sent four times. So is one that is answered with 503
# and a `Retry-After`, with a sleep of that length before each repetition, which `timeout` does not cut short. The same 503 without that header comes back at
# once. A POST is not repeated, nor is anything with the default of 0.
#
# Seen with requests 2.34.2, urllib3 2.8.0.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --only-binary :all: requests==2.34.2 urllib3==2.8.0 2> /dev/null
cat > finding.py <<'PYTHON'
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests

seen = 0


class Handler(BaseHTTPRequestHandler):
    def answer(self):
        global seen
        seen += 1
        if self.path == "/slow":
            time.sleep(1)
            return
        self.send_response(503)
        if self.path == "/busy":
            self.send_header("Retry-After", "1")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_DELETE = do_POST = answer

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
for retries in [0, 3]:
    session = requests.Session()
    session.trust_env = False
    session.mount("http://", requests.adapters.HTTPAdapter(max_retries=retries))
    for method, path in [("DELETE", "/slow"), ("DELETE", "/busy"), ("DELETE", "/down"), ("POST", "/slow"), ("POST", "/busy")]:
        seen = 0
        begin = time.monotonic()
        try:
            outcome = session.request(method, f"http://127.0.0.1:{server.server_port}{path}", timeout=0.3).status_code
        except requests.RequestException as error:
            outcome = type(error).__name__
        print(f"{retries} retries, {method} {path}: sent {seen} times in {time.monotonic() - begin:.0f} s, {outcome}")
PYTHON

output=$(venv/bin/python finding.py 2>/dev/null)
echo "$output"
grep -qx '0 retries, DELETE /slow: sent 1 times in [01] s, ReadTimeout' <<< "$output"
grep -qx '0 retries, DELETE /busy: sent 1 times in [01] s, 503' <<< "$output"
grep -qx '3 retries, DELETE /slow: sent 4 times in [12] s, ConnectionError' <<< "$output"
grep -qx '3 retries, DELETE /busy: sent 4 times in [34] s, 503' <<< "$output"
grep -qx '3 retries, DELETE /down: sent 1 times in [01] s, 503' <<< "$output"
grep -qx '3 retries, POST /slow: sent 1 times in [01] s, ReadTimeout' <<< "$output"
grep -qx '3 retries, POST /busy: sent 1 times in [01] s, 503' <<< "$output"
echo 'as found'
