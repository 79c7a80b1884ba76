#!/usr/bin/env bash
# curl with `-T -` uploads its standard input as it comes. With `--retry`, it repeats an upload that was answered with 503, and the input has been read by then: the
# second attempt sends an empty body. The server takes it, curl exits with 0 and says nothing of it, and an empty object stands where the backup of a pipe was to be. With
# `--data-binary @-` curl keeps the input for the next attempt, and with the name of a file it reads it again.
#
# Seen with curl 7.88.1 of Debian 12.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
curl --version | sed -n 1p
cat > finding.py <<'PYTHON'
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

sizes = []


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def body(self):
        if "Content-Length" in self.headers:
            return self.rfile.read(int(self.headers["Content-Length"]))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def do_PUT(self):
        sizes.append(len(self.body()))
        self.send_response(503 if len(sizes) == 1 else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_POST = do_PUT

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
backup = b"a line of the backup\n" * 1000
with open("file", "wb") as file:
    file.write(backup)
for options in [["-T", "-"], ["-T", "file"], ["--data-binary", "@-"]]:
    sizes.clear()
    command = ["curl", "--silent", "--fail", "--noproxy", "*", "--retry", "3", "--retry-delay", "1", *options, f"http://127.0.0.1:{server.server_port}/backup"]
    done = subprocess.run(command, input=backup, capture_output=True)
    print(f"{' '.join(options)}: exit {done.returncode}, attempts with {' and '.join(map(str, sizes))} bytes")
PYTHON

output=$(python3 finding.py)
echo "$output"
grep -qFx -- '-T -: exit 0, attempts with 21000 and 0 bytes' <<< "$output"
grep -qFx -- '-T file: exit 0, attempts with 21000 and 21000 bytes' <<< "$output"
grep -qFx -- '--data-binary @-: exit 0, attempts with 21000 and 21000 bytes' <<< "$output"
echo 'as found'
