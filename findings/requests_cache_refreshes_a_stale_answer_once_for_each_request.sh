#!/usr/bin/env bash
# With `stale_while_revalidate`, requests-cache answers from a stale entry and refreshes it in the background. It does not note that a refresh is on its way: every request that
# finds the entry stale starts a thread of its own and sends one more. So while a slow server works on the first refresh, it gets as many requests as without a cache, and all
# at once, since no caller waits any more: twenty reads in a row, twenty refreshes.
#
# Seen with requests-cache 1.3.3, requests 2.34.2.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --only-binary :all: requests-cache==1.3.3 requests==2.34.2 2> /dev/null
cat > finding.py <<'PYTHON'
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from requests_cache import CachedSession

seen = 0
slow = threading.Event()
released = threading.Event()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        global seen
        seen += 1
        number = seen
        if slow.is_set():
            released.wait(20)
        body = f"answer {number}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}/"
session = CachedSession(backend="memory", expire_after=1, stale_while_revalidate=True)
session.trust_env = False
session.get(url)
time.sleep(1.2)
slow.set()
answers = {session.get(url).text for _ in range(20)}
deadline = time.monotonic() + 5
while seen < 21 and time.monotonic() < deadline:
    time.sleep(0.05)
print(f"20 reads of a stale entry: {answers}, {seen - 1} refreshes under way")
released.set()
PYTHON

output=$(venv/bin/python finding.py)
echo "$output"
grep -qx "20 reads of a stale entry: {'answer 1'}, 20 refreshes under way" <<< "$output"
echo 'as found'
