#!/usr/bin/env bash
# wget asks for the rest of a file when its connection ends too early, and does so by itself, up to twenty times. It sends a `Range` without `If-Range`, and looks neither
# at the `ETag` nor at the `Last-Modified` of what comes. If the file has been replaced meanwhile, the end of the new version is put behind the beginning of the old one:
# the length is right, wget says "saved", exits with 0, and the file is none that the server has ever had.
#
# Seen with GNU Wget 1.21.3 of Debian 12.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
command -v wget > /dev/null || apt-get install -qq -y --no-install-recommends wget > /dev/null 2>&1 || { echo 'the package cannot be installed' >&2; exit 2; }
wget --version | sed -n 1p
cat > finding.py <<'PYTHON'
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

versions = [b"old old old old old ", b"new new new new new "]
requests = []


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        requests.append(dict(self.headers))
        number = min(len(requests), 2)
        body = versions[number - 1]
        begin = 0
        if "Range" in self.headers and "If-Range" not in self.headers:
            begin = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-"))
        self.send_response(206 if begin else 200)
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{len(body) - 1}/{len(body)}")
        self.send_header("Content-Length", str(len(body) - begin))
        self.send_header("ETag", f'"version {number}"')
        self.send_header("Last-Modified", f"Tue, 0{number} Sep 2026 12:00:00 GMT")
        self.end_headers()
        self.wfile.write(body[begin:] if begin else body[:8])
        self.close_connection = True

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
done = subprocess.run(["wget", "--no-proxy", "--no-verbose", "-O", "file", f"http://127.0.0.1:{server.server_port}/"], capture_output=True)
print(f"exit {done.returncode}, file: {open('file').read()}")
print(f"{len(requests)} requests, the second with Range {requests[1].get('Range')} and If-Range {requests[1].get('If-Range')}")
PYTHON

output=$(python3 finding.py)
echo "$output"
grep -qFx 'exit 0, file: old old new new new ' <<< "$output"
grep -qFx '2 requests, the second with Range bytes=8- and If-Range None' <<< "$output"
echo 'as found'
