#!/usr/bin/env bash
# `stale-if-error` in the `Cache-Control` of an answer lets a cache serve it when the server fails later, and RFC 5861 counts the statuses 500, 502, 503 and 504 as
# failures. nginx, which heeds it since 1.11.10, does so where the connection fails, and not for those statuses: a client gets the 503 of a server that is overloaded,
# with a good answer in the cache that the server has allowed for a minute. `proxy_cache_use_stale` with each status by name serves it, for all answers then, whatever
# their headers say.
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
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

mode = "200"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        if mode == "closed":
            return
        self.send_response(int(mode))
        if mode == "200":
            self.send_header("Cache-Control", "max-age=1, stale-if-error=60")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def get(path):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        answer = opener.open(f"http://127.0.0.1:{port}/{path}")
    except urllib.error.HTTPError as error:
        answer = error
    return f"{answer.status} {answer.headers['Cache']}"


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
                    add_header Cache $upstream_cache_status always;
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
    modes = ["closed", "500", "502", "503", "504"]
    for path in modes:
        assert get(path) == "200 MISS"
    time.sleep(2.5)
    for mode in modes:
        print(f"{mode}: {get(mode)}")
finally:
    nginx.terminate()
    nginx.wait()
PYTHON

output=$(python3 finding.py)
echo "$output"
grep -qFx 'closed: 200 STALE' <<< "$output"
for status in 500 502 503 504; do
    grep -qFx "$status: $status EXPIRED" <<< "$output"
done
echo 'as found'
