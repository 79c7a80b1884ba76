#!/usr/bin/env bash
# The grace of Varnish lets it give out an answer that is too old while it fetches a new one, and keeps it for servers in trouble. Where the connection to the server
# fails, it does so for the whole of the grace. A 503 or 500 of the server takes the place of the good answer: the first client still gets that, while the 503 is fetched
# behind its back, and all others get the 503, with an hour of grace left. So a server that is down is hidden, and one that says that it is overloaded is not, unless the
# VCL abandons such fetches itself.
#
# Seen with Debian's package varnish 7.1.1-2+deb12u1 and its built-in VCL.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
# installed, as it compiles its configuration with the files of the package
command -v varnishd > /dev/null || apt-get install -qq -y --no-install-recommends varnish=7.1.1-2+deb12u1 > /dev/null 2>&1 || { echo 'the package cannot be installed' >&2; exit 2; }
varnishd -V 2>&1 | sed -n 1p
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
            self.send_header("Cache-Control", "max-age=1")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def get(path):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        return opener.open(f"http://127.0.0.1:{port}/{path}").status
    except urllib.error.HTTPError as error:
        return error.code


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
with open("cache.vcl", "w") as file:
    file.write(f"""
vcl 4.1;
backend default {{
    .host = "127.0.0.1";
    .port = "{server.server_port}";
}}
sub vcl_backend_response {{
    set beresp.grace = 1h;
}}
""")
options = ["-F", "-j", "none", "-n", f"{os.getcwd()}/work", "-a", f"127.0.0.1:{port}", "-f", f"{os.getcwd()}/cache.vcl", "-s", "default,20m"]
varnish = subprocess.Popen(["varnishd", *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
try:
    for _ in range(150):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.1)
    modes = ["closed", "500", "503"]
    for path in modes:
        get(path)
    time.sleep(2.5)
    for mode in modes:
        seen = []
        for _ in range(4):
            seen.append(get(mode))
            time.sleep(0.5)
        print(f"{mode}:", *seen)
finally:
    varnish.terminate()
    varnish.wait()
PYTHON

output=$(python3 finding.py)
echo "$output"
grep -qx 'closed: 200 200 200 200' <<< "$output"
grep -qx '500: 200 500 500 500' <<< "$output"
grep -qx '503: 200 503 503 503' <<< "$output"
echo 'as found'
