#!/usr/bin/env bash
# CacheControl answers with any 301 or 308 from its cache without a look at its headers. A redirect with `max-age=0, must-revalidate` is one that the server may want to take
# back. It is followed without a question for as long as the cache lives, with a file cache also in the next process, and the server is never asked again. With `no-store` it is
# not kept. HTTP lets a cache keep a 301 where nothing else is said, and no longer than its `max-age` where there is one.
#
# Seen with CacheControl 0.14.4, requests 2.34.2.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --only-binary :all: 'CacheControl[filecache]==0.14.4' requests==2.34.2 2> /dev/null
cat > finding.py <<'PYTHON'
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests
from cachecontrol import CacheControl
from cachecontrol.caches.file_cache import FileCache

target = "old"
asked = []


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        asked.append(self.path)
        _, status, *_ = self.path.split("/")
        self.send_response(int(status))
        if status == "200":
            self.send_header("Cache-Control", "no-store")
        else:
            self.send_header("Location", f"/200/{target}")
            self.send_header("Cache-Control", "max-age=0, must-revalidate")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
for target in ["old", "new"]:
    session = CacheControl(requests.Session(), cache=FileCache("cache"))
    session.trust_env = False
    for status in [301, 302, 308]:
        asked.clear()
        answer = session.get(f"http://127.0.0.1:{server.server_port}/{status}/page")
        print(f"{status} to {target}: asked {asked}, came to {answer.url.rsplit('/', 1)[1]}")
PYTHON

output=$(venv/bin/python finding.py)
echo "$output"
for status in 301 302 308; do
  grep -qFx "$status to old: asked ['/$status/page', '/200/old'], came to old" <<< "$output"
done
for status in 301 308; do
  grep -qFx "$status to new: asked ['/200/old'], came to old" <<< "$output"
done
grep -qFx "302 to new: asked ['/302/page', '/200/new'], came to new" <<< "$output"
echo 'as found'
