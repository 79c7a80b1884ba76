#!/usr/bin/env bash
# A server of grpcio with `compression=Gzip`, or with `context.set_compression(Gzip)` in a handler, compresses the answers to every client, also to
# one whose `grpc-accept-encoding` does not list gzip, or that sends none. Such a client cannot read the answer: tonic without its feature `gzip` ends
# the call with `Unimplemented`, "Content is compressed with `gzip` which isn't supported".
#
# Seen with grpcio 1.85.3, httpx 0.28.1, h2 4.4.1.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --only-binary :all: grpcio==1.85.3 httpx==0.28.1 h2==4.4.1 2> /dev/null
cat > finding.py <<'PYTHON'
from concurrent import futures

import grpc
import httpx


def by_handler(request, context):
    context.set_compression(grpc.Compression.Gzip)
    return b"x" * 1000


def by_server(request, context):
    return b"x" * 1000


handlers = {"ByHandler": by_handler, "ByServer": by_server}
methods = {name: grpc.unary_unary_rpc_method_handler(handler) for name, handler in handlers.items()}
for compression, method in [(None, "ByServer"), (None, "ByHandler"), (grpc.Compression.Gzip, "ByServer")]:
    server = grpc.server(
        futures.ThreadPoolExecutor(max_workers=4),
        handlers=[grpc.method_handlers_generic_handler("test.Answers", methods)],
        compression=compression,
    )
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with httpx.Client(http1=False, http2=True, trust_env=False) as client:
        for accepted in [None, "identity", "gzip"]:
            headers = {"content-type": "application/grpc", "te": "trailers"}
            if accepted:
                headers["grpc-accept-encoding"] = accepted
            url = f"http://127.0.0.1:{port}/test.Answers/{method}"
            # an empty message behind its five bytes of head
            answer = client.post(url, headers=headers, content=bytes(5))
            came = f"{answer.headers.get('grpc-encoding')}, flag {answer.content[0]}"
            print(f"{method} with {compression!r}: accepts {accepted}, gets {came}")
    server.stop(None).wait()
PYTHON

output=$(venv/bin/python finding.py 2>/dev/null)
echo "$output"
for accepted in None identity gzip; do
    grep -qx "ByServer with None: accepts $accepted, gets None, flag 0" <<< "$output"
    grep -qx "ByHandler with None: accepts $accepted, gets gzip, flag 1" <<< "$output"
    grep -qx "ByServer with <Compression.Gzip: 2>: accepts $accepted, gets gzip, flag 1" <<< "$output"
done
echo 'as found'
