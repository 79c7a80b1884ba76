#!/usr/bin/env bash
# nginx takes a server of an upstream out when `max_fails` attempts fail "in the duration set by the fail_timeout parameter". It does not count what happens in that time:
# a failure adds to the count if the last one is not longer ago than that, and the successes between the two take nothing off. So with `max_fails=3 fail_timeout=4s`,
# failures after 0, 3 and 6 seconds take out a server that has answered dozens of requests between them, although no more than two lie within any four seconds. Only where
# they are five seconds apart is the count begun anew. A busy server with one failure every nine seconds is taken out by `max_fails=3 fail_timeout=10s` again and again,
# and with `max_fails=100` as well, only later.
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

failing = False


def serve(name):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            if name == "first" and failing:
                return
            self.send_response(200)
            self.send_header("Server-Name", name)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_port


def answers(count):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    names = [opener.open(f"http://127.0.0.1:{port}/").headers["Server-Name"] for _ in range(count)]
    return names.count("first")


def every(seconds, duration):
    begin = time.monotonic()
    for number in range(round(duration / seconds)):
        time.sleep(max(0, begin + seconds * number - time.monotonic()))
        yield


first, second = serve("first"), serve("second")
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
            upstream servers {{
                server 127.0.0.1:{first} max_fails=3 fail_timeout=4s;
                server 127.0.0.1:{second};
            }}
            server {{
                listen 127.0.0.1:{port};
                location / {{
                    proxy_pass http://servers;
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
    for apart in [3, 5]:
        answered = []
        for _ in range(3):
            failing = True
            answers(2)
            failing = False
            answered.append(sum(answers(4) for _ in every(0.25, apart)))
        share = [f"{count / apart / 16:.1f}" for count in answered]
        print(f"failures {apart} seconds apart: the first server answers a share of {', '.join(share)} of the requests after each")
        time.sleep(6)
        answers(20)
finally:
    nginx.terminate()
    nginx.wait()
PYTHON

output=$(python3 finding.py)
echo "$output"
grep -qFx 'failures 3 seconds apart: the first server answers a share of 0.5, 0.5, 0.0 of the requests after each' <<< "$output"
grep -qFx 'failures 5 seconds apart: the first server answers a share of 0.5, 0.5, 0.5 of the requests after each' <<< "$output"
echo 'as found'
