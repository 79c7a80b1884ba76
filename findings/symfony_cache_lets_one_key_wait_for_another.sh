#!/usr/bin/env bash
# `get` of Symfony's cache lets one process compute a missing value, and the others wait for it. The lock is one of 26 files, which is chosen by the checksum of the key,
# so two keys have the same one by chance, in all pools of an installation. A value that is there at once then waits for another that takes three seconds to compute. With
# 26 slow values, all misses of the web servers wait. On the command line nothing is locked, so neither tests nor workers show it.
#
# Seen with Debian's package php-symfony-cache 5.4.53+dfsg-0+deb12u1, PHP 8.2.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
command -v php > /dev/null || apt-get install -qq -y --no-install-recommends php-cli > /dev/null 2>&1 || { echo 'the package cannot be installed' >&2; exit 2; }
version=5.4.53+dfsg-0+deb12u1
apt-get download -qq php-symfony-cache="$version" php-symfony-cache-contracts php-symfony-service-contracts php-symfony-var-exporter="$version" php-psr-cache php-psr-log 2> /dev/null || { echo 'the package cannot be had' >&2; exit 2; }
for package in *.deb; do dpkg -x "$package" .; done
php --version | sed -n 1p
cat > index.php <<'PHP'
<?php
use Symfony\Component\Cache\Adapter\FilesystemAdapter;

spl_autoload_register(function ($class) {
    $file = __DIR__.'/usr/share/php/'.strtr($class, '\\', '/').'.php';
    is_file($file) && require $file;
});

$cache = new FilesystemAdapter('', 60, __DIR__.'/cache');
echo $cache->get($_GET['key'], function () {
    usleep(1000000 * $_GET['seconds']);

    return 'value';
});
PHP
cat > finding.py <<'PYTHON'
import os
import signal
import socket
import subprocess
import threading
import time
import urllib.request
import zlib

with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
command = ["php", "-S", f"127.0.0.1:{port}", "index.php"]
workers = {**os.environ, "PHP_CLI_SERVER_WORKERS": "4"}
server = subprocess.Popen(command, env=workers, stderr=subprocess.DEVNULL, start_new_session=True)


def get(key, seconds):
    begin = time.monotonic()
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    assert opener.open(f"http://127.0.0.1:{port}/?key={key}&seconds={seconds}").read() == b"value"
    return time.monotonic() - begin


try:
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.1)
    keys = [f"key{number}" for number in range(100)]
    place = {key: zlib.crc32(key.encode()) % 26 for key in keys}
    slow = keys[0]
    same = next(key for key in keys[1:] if place[key] == place[slow])
    other = next(key for key in keys[1:] if place[key] != place[slow])
    running = threading.Thread(target=get, args=(slow, 3))
    running.start()
    time.sleep(1)
    print(f"a key with another checksum takes {get(other, 0):.0f} seconds")
    print(f"a key with the same takes {get(same, 0):.0f}")
    running.join()
finally:
    os.killpg(server.pid, signal.SIGTERM)
    server.wait()
PYTHON

output=$(python3 finding.py)
echo "$output"
grep -qx 'a key with another checksum takes 0 seconds' <<< "$output"
grep -qx 'a key with the same takes 2' <<< "$output"
echo 'as found'
