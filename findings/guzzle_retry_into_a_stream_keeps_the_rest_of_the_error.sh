#!/usr/bin/env bash
# Guzzle writes the body of an answer into the `sink` that it is given. With its retry middleware, the body of a 503 is written as well, and the next attempt writes over
# it from the beginning. So where the sink is a stream, the end of the longer error page stays behind the shorter answer, and `{"id": 1}` becomes `{"id": 1} later`. With
# the name of a file, or with no sink, the answer is alone.
#
# Seen with Debian's package php-guzzlehttp-guzzle 7.4.5-1, PHP 8.2.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
command -v php > /dev/null || apt-get install -qq -y --no-install-recommends php-cli > /dev/null 2>&1 || { echo 'the package cannot be installed' >&2; exit 2; }
apt-get download -qq php-guzzlehttp-guzzle=7.4.5-1 php-guzzlehttp-psr7 php-guzzlehttp-promises php-psr-http-message php-psr-http-client php-psr-http-factory php-symfony-deprecation-contracts 2> /dev/null || { echo 'the package cannot be had' >&2; exit 2; }
for package in *.deb; do dpkg -x "$package" .; done
php --version | sed -n 1p
cat > finding.php <<'PHP'
<?php
use GuzzleHttp\Client;
use GuzzleHttp\HandlerStack;
use GuzzleHttp\Middleware;
use GuzzleHttp\Psr7\Stream;

spl_autoload_register(function ($class) {
    $file = __DIR__.'/usr/share/php/'.strtr($class, '\\', '/').'.php';
    is_file($file) && require $file;
});
require __DIR__.'/usr/share/php/Symfony/Contracts/Deprecation/function.php';
foreach (glob(__DIR__.'/usr/share/php/GuzzleHttp/{,*/}functions_include.php', GLOB_BRACE) as $file) {
    require_once $file;
}

$unavailable = fn ($retries, $request, $response) => $retries < 3 && $response && 503 === $response->getStatusCode();
$stack = HandlerStack::create();
$stack->push(Middleware::retry($unavailable, fn () => 10));
$client = new Client(['handler' => $stack, 'proxy' => '']);
$sinks = ['file' => __DIR__.'/file', 'stream' => new Stream(fopen(__DIR__.'/stream', 'w+'))];
foreach ($sinks as $name => $sink) {
    $status = $client->get("$argv[1]/$name", ['sink' => $sink])->getStatusCode();
    echo "$name: $status, ", file_get_contents(__DIR__."/$name"), "\n";
}
PHP
cat > finding.py <<'PYTHON'
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

requests = {"/file": 0, "/stream": 0}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        requests[self.path] += 1
        first = requests[self.path] == 1
        body = b"try again later" if first else b'{"id": 1}'
        self.send_response(503 if first else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(subprocess.run(["php", "finding.php", f"http://127.0.0.1:{server.server_port}"], capture_output=True, text=True).stdout, end="")
print("requests:", ", ".join(f"{path[1:]} {count}" for path, count in requests.items()))
PYTHON

output=$(python3 finding.py)
echo "$output"
grep -qFx 'file: 200, {"id": 1}' <<< "$output"
grep -qFx 'stream: 200, {"id": 1} later' <<< "$output"
grep -qFx 'requests: file 2, stream 2' <<< "$output"
echo 'as found'
