#!/usr/bin/env bash
# The cache of HAProxy keeps an answer for the whole of its `max-age`, counted from when it came, however much of that was over by then. An answer with `max-age=5` that
# another cache has had for four seconds is given out until it is nine seconds old, with an `Age` beyond its `max-age`. The first client is told nothing of those four
# seconds, as HAProxy takes the `Age` out of the answer that it stores, and keeps it for nine seconds too. So the time that a value may be old grows with each cache.
#
# Seen with Debian's package haproxy 2.6.12-1+deb12u4.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
command -v haproxy > /dev/null || apt-get install -qq -y --no-install-recommends haproxy > /dev/null 2>&1 || { echo 'the package cannot be installed' >&2; exit 2; }
dpkg-query -W haproxy
cat > finding.py <<'PYTHON'
import socket
import subprocess
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

requests = {}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        requests[self.path] = requests.get(self.path, 0) + 1
        self.send_response(200)
        self.send_header("Cache-Control", "max-age=5")
        if self.path == "/aged":
            self.send_header("Age", "4")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    def handle_error(self, *_):
        pass


server = Server(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
with open("haproxy.cfg", "w") as file:
    file.write(f"""
defaults
    mode http
    timeout connect 5s
    timeout client 5s
    timeout server 5s
cache answers
    total-max-size 4
    max-age 60
frontend clients
    bind 127.0.0.1:{port}
    http-request cache-use answers
    http-response cache-store answers
    default_backend servers
backend servers
    server one 127.0.0.1:{server.server_port}
""")
haproxy = subprocess.Popen(["haproxy", "-f", "haproxy.cfg"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
try:
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.1)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for path in ["/direct", "/fresh", "/aged"]:
        via = server.server_port if path == "/direct" else port
        path = "/aged" if path == "/direct" else path
        ages = []
        requests.clear()
        for wait in [0] if via != port else [0, 1.5, 2]:
            time.sleep(wait)
            with opener.open(f"http://127.0.0.1:{via}{path}") as answer:
                ages.append(answer.headers["Age"])
        beyond = sum(int(age or 0) > 5 for age in ages)
        print(f"{path} {'of HAProxy' if via == port else 'of the server'}: first Age {ages[0]}, {beyond} of {len(ages)} beyond max-age, {requests[path]} requests to the server")
finally:
    haproxy.terminate()
    haproxy.wait()
PYTHON

output=$(timeout 50 python3 finding.py)
echo "$output"
grep -qx '/aged of the server: first Age 4, 0 of 1 beyond max-age, 1 requests to the server' <<< "$output"
grep -qx '/fresh of HAProxy: first Age None, 0 of 3 beyond max-age, 1 requests to the server' <<< "$output"
grep -qx '/aged of HAProxy: first Age None, [12] of 3 beyond max-age, 1 requests to the server' <<< "$output"
echo 'as found'
