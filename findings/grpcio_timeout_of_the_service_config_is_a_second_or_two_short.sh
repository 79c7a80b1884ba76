#!/usr/bin/env bash
# A `timeout` that grpcio finds for a method in the service config of its channel is short by one to two seconds; by how much differs from process to
# process. A call with "1s" always ends at once with DEADLINE_EXCEEDED, and the server never hears of it. One with "4s" is cut off after two to three
# seconds. The server is not told of such a deadline either: to it, the call has none, and it works on for a caller that has gone. The `timeout` of a
# single call is exact, and the server sees it.
#
# Seen with grpcio 1.85.3.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --only-binary :all: grpcio==1.85.3 2> /dev/null
cat > finding.py <<'PYTHON'
import json
import time
from concurrent import futures

import grpc

arrived = []


class Service(grpc.GenericRpcHandler):
    def service(self, details):
        def handle(request, context):
            remaining = context.time_remaining()
            arrived.append("a deadline" if remaining is not None and remaining < 1000 else "no deadline")
            time.sleep(6)
            return b""

        return grpc.unary_unary_rpc_method_handler(handle)


server = grpc.server(futures.ThreadPoolExecutor(8))
server.add_generic_rpc_handlers((Service(),))
port = server.add_insecure_port("127.0.0.1:0")
server.start()


def call(name, config, timeout):
    arrived.clear()
    with grpc.insecure_channel(f"127.0.0.1:{port}", options=[("grpc.service_config", json.dumps(config))]) as channel:
        grpc.channel_ready_future(channel).result()
        begin = time.monotonic()
        try:
            channel.unary_unary("/shop/Pay")(b"", timeout=timeout)
            outcome = "OK"
        except grpc.RpcError as error:
            outcome = error.code().name
        tenths = int((time.monotonic() - begin) * 10)
    print(f"{name}: {outcome} after {tenths} tenths of a second, the server saw {', '.join(arrived) or 'nothing'}")


for seconds in [1, 4]:
    call(f"config {seconds}s", {"methodConfig": [{"name": [{}], "timeout": f"{seconds}s"}]}, None)
    call(f"call {seconds}s", {}, seconds)
server.stop(None)
PYTHON

output=$(venv/bin/python finding.py 2>/dev/null)
echo "$output"
grep -qxE 'config 1s: DEADLINE_EXCEEDED after [0-4] tenths of a second, the server saw nothing' <<< "$output"
grep -qxE 'call 1s: DEADLINE_EXCEEDED after (9|1[0-9]) tenths of a second, the server saw a deadline' <<< "$output"
grep -qxE 'config 4s: DEADLINE_EXCEEDED after (19|2[0-9]|3[0-4]) tenths of a second, the server saw no deadline' <<< "$output"
grep -qxE 'call 4s: DEADLINE_EXCEEDED after (39|4[0-9]) tenths of a second, the server saw a deadline' <<< "$output"
echo 'as found'
