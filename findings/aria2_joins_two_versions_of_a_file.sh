#!/usr/bin/env bash
# aria2 asks for the rest of a file when its connection ends too early, and does so by itself, up to five times. It sends a `Range` with neither `If-Range` nor `If-Match`,
# and does not look at the `ETag` or the `Last-Modified` of what comes. If the file has been replaced by one of the same length meanwhile, such as a database or an image
# of fixed size, the end of the new version is put behind the beginning of the old one, and aria2 exits with 0. Its option for conditional requests is no help here.
#
# Seen with Debian's package aria2 1.36.0-1.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
command -v aria2c > /dev/null || apt-get install -qq -y --no-install-recommends aria2=1.36.0-1 > /dev/null 2>&1 || { echo 'the package cannot be installed' >&2; exit 2; }
aria2c --version | sed -n 1p
cat > finding.py <<'PYTHON'
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

length = 4 << 20
versions = [b"old " * (length // 4), b"new " * (length // 4)]
requests = []


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        requests.append(self.headers)
        number = min(len(requests), 2)
        body = versions[number - 1]
        begin, end = 0, length
        part = "Range" in self.headers and "If-Range" not in self.headers and "If-Match" not in self.headers
        if part:
            first, last = self.headers["Range"].removeprefix("bytes=").split("-")
            begin, end = int(first), int(last) + 1 if last else length
        self.send_response(206 if part else 200)
        if part:
            self.send_header("Content-Range", f"bytes {begin}-{end - 1}/{length}")
        self.send_header("Content-Length", str(end - begin))
        self.send_header("ETag", f'"version {number}"')
        self.send_header("Last-Modified", f"Tue, 0{number} Sep 2026 12:00:00 GMT")
        self.end_headers()
        # the first connection ends after the first half
        self.wfile.write(body[begin:end] if number == 2 else body[: length // 2])
        self.close_connection = True

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
for options in [[], ["--conditional-get=true", "--allow-overwrite=true"]]:
    requests.clear()
    command = ["aria2c", "--no-conf", "--quiet", "--all-proxy=", *options, "--out=file", f"http://127.0.0.1:{server.server_port}/"]
    done = subprocess.run(command, capture_output=True, timeout=25)
    with open("file", "rb") as file:
        content = file.read()
    is_a_version = content in versions
    print(f"{' '.join(options) or 'no options'}: exit {done.returncode}, {len(content)} bytes, {content.count(b'old ') * 4} old, {content.count(b'new ') * 4} new")
    second = requests[1]
    print(f"a version of the server: {is_a_version}; {len(requests)} requests, Range {second['Range']}, If-Range {second['If-Range']}, If-Match {second['If-Match']}")
    subprocess.run(["rm", "-f", "file", "file.aria2"], check=True)
PYTHON

output=$(python3 finding.py)
echo "$output"
grep -qFx 'no options: exit 0, 4194304 bytes, 2097152 old, 2097152 new' <<< "$output"
grep -qFx -e '--conditional-get=true --allow-overwrite=true: exit 0, 4194304 bytes, 2097152 old, 2097152 new' <<< "$output"
[ "$(grep -cFx 'a version of the server: False; 2 requests, Range bytes=2097152-4194303, If-Range None, If-Match None' <<< "$output")" = 2 ]
echo 'as found'
