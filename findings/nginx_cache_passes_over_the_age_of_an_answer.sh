#!/usr/bin/env bash
# The cache of nginx keeps an answer for the whole of its `max-age`, whatever its `Age` says. An answer that has come through another cache, and has 1 second of its 5
# left, is served for 5 seconds more, so each cache on the way adds the full time once again. nginx hands on the `Age` that it received and does not count it up, so the
# caches and clients behind it take the old answer for one that is 4 seconds old, and keep it for a second longer in their turn.
#
# Seen with nginx 1.22.1 of Debian 12.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
chmod 755 .
apt-get download -qq nginx=1.22.1-9+deb12u11 2> /dev/null || { echo 'the package cannot be had' >&2; exit 2; }
dpkg -x nginx_*.deb package
mkdir state
cat > finding.py <<'PYTHON'
import os
import socket
import subprocess
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

asked = 0


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        global asked
        asked += 1
        self.send_response(200)
        self.send_header("Cache-Control", "max-age=5")
        self.send_header("Age", "4")
        self.send_header("Content-Length", "6")
        self.end_headers()
        self.wfile.write(b"answer")

    def log_message(self, *_):
        pass


upstream = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=upstream.serve_forever, daemon=True).start()
with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
with open("nginx.conf", "w") as file:
    file.write(f"""
        daemon off;
        pid state/pid;
        error_log state/error.log;
        events {{}}
        http {{
            access_log off;
            client_body_temp_path state/body;
            proxy_temp_path state/proxy;
            fastcgi_temp_path state/fastcgi;
            uwsgi_temp_path state/uwsgi;
            scgi_temp_path state/scgi;
            proxy_cache_path state/cache keys_zone=zone:1m;
            server {{
                listen 127.0.0.1:{port};
                location / {{
                    proxy_pass http://127.0.0.1:{upstream.server_port};
                    proxy_cache zone;
                    add_header Cache $upstream_cache_status;
                }}
            }}
        }}
    """)
nginx = subprocess.Popen(["package/usr/sbin/nginx", "-p", os.getcwd(), "-c", "nginx.conf"], stderr=subprocess.DEVNULL)
try:
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.1)
    begin = time.monotonic()
    for second in [0, 3, 7]:
        time.sleep(max(0, begin + second - time.monotonic()))
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        headers = opener.open(f"http://127.0.0.1:{port}/").headers
        print(f"after {second} seconds: {headers['Cache']}, age {headers['Age']}, asked {asked}")
finally:
    nginx.terminate()
    nginx.wait()
PYTHON

output=$(python3 finding.py)
echo "$output"
grep -qFx 'after 0 seconds: MISS, age 4, asked 1' <<< "$output"
grep -qFx 'after 3 seconds: HIT, age 4, asked 1' <<< "$output"
grep -qFx 'after 7 seconds: EXPIRED, age 4, asked 2' <<< "$output"
echo 'as found'
