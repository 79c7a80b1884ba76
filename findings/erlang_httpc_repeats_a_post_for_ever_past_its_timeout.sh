#!/usr/bin/env bash
# `httpc` of Erlang has no option for retries here, and its documentation names none. It does repeat a request that is answered with a 503 and a `Retry-After` of up to 99
# seconds, whatever its method is, as often as such answers come. The `timeout` is counted anew for each attempt, and not at all while httpc waits. So a POST with a
# `timeout` of half a second is sent six times in five seconds, with its caller blocked all the while, and a server that stays overloaded is never given up. An option
# `autoretry` has been added in the development of OTP since.
#
# Seen with Debian's package erlang-inets 1:25.2.3+dfsg-1+deb12u4 (inets 8.2.2).
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server"; rm -rf "$folder"' EXIT
cd "$folder"
dpkg -s erlang-base erlang-inets > /dev/null 2>&1 || apt-get install -qq -y --no-install-recommends erlang-base erlang-inets > /dev/null 2>&1 || { echo 'the package cannot be installed' >&2; exit 2; }
dpkg-query -W erlang-inets
cat > server.py <<'PYTHON'
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

requests = {}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        requests[self.path] = requests.get(self.path, 0) + 1
        self.send_response(503 if requests[self.path] < 6 else 200)
        if self.path == "/retry-after":
            self.send_header("Retry-After", "1")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self):
        body = str(requests["/" + self.path.split("/")[-1]]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
with open("port", "w") as file:
    file.write(f"{server.server_port}\n")
server.serve_forever()
PYTHON
cat > finding.erl <<'ERLANG'
-module(finding).
-export([main/1]).

main([Port]) ->
    {ok, _} = application:ensure_all_started(inets),
    Server = "http://127.0.0.1:" ++ Port,
    lists:foreach(fun(Path) -> post(Server, Path) end, ["/plain", "/retry-after"]).

post(Server, Path) ->
    Begin = erlang:monotonic_time(millisecond),
    Request = {Server ++ Path, [], "text/plain", "an order"},
    {ok, {{_, Status, _}, _, _}} = httpc:request(post, Request, [{timeout, 500}], []),
    Seconds = (erlang:monotonic_time(millisecond) - Begin) / 1000,
    {ok, {_, _, Count}} = httpc:request(Server ++ "/count" ++ Path),
    io:format("~s: ~b after ~.1f seconds, ~s requests~n", [Path, Status, Seconds, Count]).
ERLANG

python3 server.py &
server=$!
for _ in $(seq 100); do
    [ -s port ] && break
    sleep 0.1
done
output=$(timeout 50 escript finding.erl "$(cat port)")
echo "$output"
grep -qx '/plain: 503 after 0.[0-4] seconds, 1 requests' <<< "$output"
grep -qx '/retry-after: 200 after \(4.9\|5.[0-4]\) seconds, 6 requests' <<< "$output"
echo 'as found'
