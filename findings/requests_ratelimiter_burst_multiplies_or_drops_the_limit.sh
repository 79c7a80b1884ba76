#!/usr/bin/env bash
# `burst` of requests-ratelimiter is to be how many requests may follow each other before the limit of `per_second` holds. It is a factor: `per_second=5` with `burst=10` is fifty
# in ten seconds, and lets fifty through at once. And the limits stand in a table with their lengths for keys. With `burst=60` the seconds have the length of a minute, and
# `per_minute`, whether set or not, takes their place: beside `per_hour=1000` no limit by the second is left, and 300 requests go through at once.
#
# Seen with requests-ratelimiter 0.10.0, pyrate-limiter 4.5.1.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --only-binary :all: requests-ratelimiter==0.10.0 pyrate-limiter==4.5.1 requests==2.34.2 2> /dev/null
cat > finding.py <<'PYTHON'
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests
from requests_ratelimiter import LimiterSession


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
for limits in [dict(per_second=5), dict(per_second=5, burst=10), dict(per_second=5, burst=30, per_hour=1_000), dict(per_second=5, burst=60, per_hour=1_000)]:
    session = LimiterSession(**limits, max_delay=0)
    session.trust_env = False
    sent = 0
    try:
        for sent in range(300):
            session.get(f"http://127.0.0.1:{server.server_port}/")
        sent += 1
    except requests.Timeout:
        pass
    print(f"{limits}: {sent} at once")
    session.close()
PYTHON

output=$(venv/bin/python finding.py)
echo "$output"
grep -qEx "\{'per_second': 5\}: [5-9] at once" <<< "$output"
grep -qEx "\{'per_second': 5, 'burst': 10\}: 5[0-5] at once" <<< "$output"
grep -qEx "\{'per_second': 5, 'burst': 30, 'per_hour': 1000\}: 1[56][0-9] at once" <<< "$output"
grep -qEx "\{'per_second': 5, 'burst': 60, 'per_hour': 1000\}: 300 at once" <<< "$output"
echo 'as found'
