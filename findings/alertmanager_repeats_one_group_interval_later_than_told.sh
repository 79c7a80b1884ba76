#!/usr/bin/env bash
# `repeat_interval` of the Alertmanager looks at the clock only once in each `group_interval`, and counts from the moment at which the last notification was done, which
# is a little after such a look. A repeat interval that is a multiple of the group interval, as four hours are of the usual five minutes, is therefore not over at the
# look that is meant, and the notification waits for the next one. With a group interval of 2 seconds, a repeat interval of 2 gives one every 4, and of 4 one every 6; so
# does one of 5.
#
# Seen with Debian's package prometheus-alertmanager 0.25.0-1+b4.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
# installed, as it reads its templates from /usr/share
command -v prometheus-alertmanager > /dev/null || apt-get install -qq -y --no-install-recommends prometheus-alertmanager=0.25.0-1+b4 > /dev/null 2>&1 || { echo 'the package cannot be installed' >&2; exit 2; }
prometheus-alertmanager --version 2>&1 | sed -n 1p
cat > finding.py <<'PYTHON'
import json
import socket
import subprocess
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
came = {}


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        came.setdefault(body["groupLabels"]["repeat"], []).append(time.monotonic())
        time.sleep(0.05)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
repeats = ["2s", "4s", "5s"]
routes = "".join(f"\n  - {{matchers: ['repeat=\"{repeat}\"'], repeat_interval: {repeat}}}" for repeat in repeats)
with open("config.yml", "w") as file:
    file.write(f"""
route:
  receiver: hook
  group_by: [repeat]
  group_wait: 1s
  group_interval: 2s
  routes:{routes}
receivers:
- name: hook
  webhook_configs: [{{url: "http://127.0.0.1:{server.server_port}/"}}]
""")
options = ["--config.file=config.yml", "--storage.path=data", f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address="]
manager = subprocess.Popen(["prometheus-alertmanager", *options], stderr=open("log", "w"))
try:
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.1)
    end = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
    alerts = [{"labels": {"alertname": "Down", "repeat": repeat}, "endsAt": end} for repeat in repeats]
    request = urllib.request.Request(f"http://127.0.0.1:{port}/api/v2/alerts", json.dumps(alerts).encode(), {"Content-Type": "application/json"})
    opener.open(request).read()
    time.sleep(24)
finally:
    manager.terminate()
    manager.wait()
for repeat in repeats:
    times = came[repeat]
    print(f"repeat interval {repeat}:", *(round(later - earlier) for earlier, later in list(zip(times, times[1:]))[:3]))
PYTHON

output=$(python3 finding.py)
echo "$output"
grep -qx 'repeat interval 2s: 4 4 4' <<< "$output"
grep -qx 'repeat interval 4s: 6 6 6' <<< "$output"
grep -qx 'repeat interval 5s: 6 6 6' <<< "$output"
echo 'as found'
