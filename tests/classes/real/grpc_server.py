"""gRPC's own server, which does to each call what its request asks for, in JSON.

Arguments: the port, and in JSON: the channel's options, the limit of calls at once or null, and the seconds of grace at SIGTERM.
"""

import base64
import json
import signal
import sys
import time
from concurrent import futures

import grpc

PORT, OPTIONS, LIMIT, GRACE = sys.argv[1], *map(json.loads, sys.argv[2:])
CODES = {code.value[0]: code for code in grpc.StatusCode}


def answer(request, context):
    wish = json.loads(request)
    # the bytes of a key that ends so are written in base64
    context.set_trailing_metadata(
        tuple(
            (key, base64.b64decode(value) if key.endswith("-bin") else value)
            for key, value in wish.get("trailers", {}).items()
        )
    )
    if wish.get("compress"):
        context.set_compression(grpc.Compression.Gzip)
    if "raise" in wish:
        raise RuntimeError(wish["raise"])
    if "code" in wish:
        context.abort(CODES[wish["code"]], wish["message"])
    end = time.monotonic() + wish.get("seconds", 0)
    while time.monotonic() < end and context.is_active():
        time.sleep(0.005)
    return b"x" * wish.get("bytes", 1)


server = grpc.server(
    futures.ThreadPoolExecutor(max_workers=32),
    handlers=[grpc.method_handlers_generic_handler("test.Wish", {"Call": grpc.unary_unary_rpc_method_handler(answer)})],
    options=list(OPTIONS.items()),
    maximum_concurrent_rpcs=LIMIT,
)
server.add_insecure_port(f"127.0.0.1:{PORT}")
signal.signal(signal.SIGTERM, lambda *_: server.stop(GRACE))
server.start()
server.wait_for_termination()
