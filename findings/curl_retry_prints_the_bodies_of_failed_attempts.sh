#!/usr/bin/env bash
# curl with `--retry` writes the body of every attempt to its standard output, those that it repeats included. After two answers of 503 and one of 200, a program behind the pipe
# reads the two error pages with the JSON after them, and the exit code is 0. With `-o` the file is cut back before each attempt and has the last body alone. `--fail`
# keeps the pages out of both.
#
# Seen with curl 7.88.1 of Debian 12.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat > finding.py <<'PYTHON'
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

seen = 0


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        global seen
        seen += 1
        body = b"try later. " if seen < 3 else b'{"id": 1}'
        self.send_response(503 if seen < 3 else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
for options in [[], ["-o", "file"], ["--fail"]]:
    seen = 0
    command = ["curl", "--silent", "--noproxy", "*", "--retry", "3", "--retry-delay", "1", *options, f"http://127.0.0.1:{server.server_port}/"]
    done = subprocess.run(command, capture_output=True, text=True)
    body = open("file").read() if "-o" in options else done.stdout
    print(f"{' '.join(options) or 'pipe'}: exit {done.returncode}, {seen} requests, {body}")
PYTHON

output=$(python3 finding.py)
echo "$output"
grep -qFx 'pipe: exit 0, 3 requests, try later. try later. {"id": 1}' <<< "$output"
grep -qFx -- '-o file: exit 0, 3 requests, {"id": 1}' <<< "$output"
grep -qFx -- '--fail: exit 0, 3 requests, {"id": 1}' <<< "$output"
echo 'as found'
