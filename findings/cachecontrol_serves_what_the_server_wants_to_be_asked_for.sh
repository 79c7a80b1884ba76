#!/usr/bin/env bash
# CacheControl takes the `max-age` of a request for the life of the entry, in place of the server's, where HTTP has it as one more condition. So a caller who asks for an answer of
# at most a minute, to be on the safe side, gets one that the server gave for a second only, long after that second. And CacheControl does not look at the `no-cache` of an
# answer. One with `no-cache, max-age=60` is to be asked for each time, and is served for a minute without a question.
#
# Seen with CacheControl 0.14.4, requests 2.34.2.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --only-binary :all: CacheControl==0.14.4 requests==2.34.2 2> /dev/null
cat > finding.py <<'PYTHON'
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

import requests
from cachecontrol import CacheControl

number = 0


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        global number
        number += 1
        body = f"answer {number}".encode()
        self.send_response(200)
        self.send_header("Cache-Control", unquote(self.path[1:]))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
for request, answer in [("", "max-age=1"), ("max-age=60", "max-age=1"), ("", "no-cache"), ("", "no-cache, max-age=60")]:
    session = CacheControl(requests.Session())
    session.trust_env = False
    number = 0
    for pause in [0, 3]:
        time.sleep(pause)
        session.get(f"http://127.0.0.1:{server.server_port}/{answer}", headers={"Cache-Control": request})
    print(f"request '{request}', answer '{answer}': asked {number} times")
PYTHON

output=$(venv/bin/python finding.py)
echo "$output"
grep -qx "request '', answer 'max-age=1': asked 2 times" <<< "$output"
grep -qx "request 'max-age=60', answer 'max-age=1': asked 1 times" <<< "$output"
grep -qx "request '', answer 'no-cache': asked 2 times" <<< "$output"
grep -qx "request '', answer 'no-cache, max-age=60': asked 1 times" <<< "$output"
echo 'as found'
