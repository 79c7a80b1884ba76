#!/usr/bin/env bash
# `proxy_cache_lock` of nginx lets one request fetch a new answer, and the others wait for it. They are not told when it has come: each looks again every half second. So an
# answer that takes 0.1 seconds takes 0.5 for all but the first. Where the answer turns out not to be cacheable, one of the waiters goes next at each look: six requests at the
# same time take 0.1, 0.6, 1.1, 1.6, 2.1 and 2.6 seconds, and of a hundred most would wait for the whole `proxy_cache_lock_timeout`, five seconds. Without the lock, each
# takes 0.1 seconds.
#
# Seen with nginx 1.22.1 of Debian 12.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
chmod 755 .
apt-get download -qq nginx=1.22.1-9+deb12u11 2> /dev/null
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
count = threading.Lock()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        global asked
        with count:
            asked += 1
        time.sleep(0.1)
        self.send_response(200)
        self.send_header("Cache-Control", "max-age=60" if self.path == "/cacheable" else "no-store")
        self.send_header("Content-Length", "6")
        self.end_headers()
        self.wfile.write(b"answer")

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 50


def duration(path):
    begin = time.monotonic()
    urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"http://127.0.0.1:{port}{path}").read()
    return time.monotonic() - begin


upstream = Server(("127.0.0.1", 0), Handler)
threading.Thread(target=upstream.serve_forever, daemon=True).start()
with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
for lock in ["on", "off"]:
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
                proxy_cache_path state/cache-{lock} keys_zone=zone:1m;
                server {{
                    listen 127.0.0.1:{port};
                    location / {{
                        proxy_pass http://127.0.0.1:{upstream.server_port};
                        proxy_cache zone;
                        proxy_cache_lock {lock};
                    }}
                }}
            }}
        """)
    nginx = subprocess.Popen(["package/usr/sbin/nginx", "-p", os.getcwd(), "-c", "nginx.conf"], stderr=subprocess.DEVNULL)
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.1)
    for path in ["/cacheable", "/no-store"]:
        asked = 0
        durations = []
        threads = [threading.Thread(target=lambda: durations.append(duration(path))) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        print(f"lock {lock}, {path}: asked {asked} times, {' '.join(f'{seconds:.1f}' for seconds in sorted(durations))}")
    nginx.terminate()
    nginx.wait()
PYTHON

output=$(python3 finding.py)
echo "$output"
grep -qEx 'lock on, /cacheable: asked 1 times, 0.[1-3]( 0.[5-8]){5}' <<< "$output"
grep -qEx 'lock on, /no-store: asked 6 times, 0.[1-3] 0.[6-9] 1.[1-4] 1.[6-9] 2.[1-5] (2.[6-9]|3.[0-3])' <<< "$output"
grep -qEx 'lock off, /cacheable: asked 6 times, 0.[1-4]( 0.[1-4]){5}' <<< "$output"
grep -qEx 'lock off, /no-store: asked 6 times, 0.[1-4]( 0.[1-4]){5}' <<< "$output"
echo 'as found'
