#!/usr/bin/env bash
# `block` of a lock of Laravel waits for up to a number of seconds, and gives up with an exception. It compares whole seconds of the clock: a wait of one second that
# begins late in a second is over with that second. So `block(1)` gives up after its first pause of a quarter of a second, where a lock that is set free after 0.6 seconds
# would have been got, as it is when the wait begins early in a second. Nor does it look at the lock again after the last pause.
#
# Seen with Debian's package php-illuminate-cache 8.83.26+dfsg-2, PHP 8.2.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
php -m 2> /dev/null | grep -qx mbstring || apt-get install -qq -y --no-install-recommends php-cli php-mbstring > /dev/null 2>&1 || { echo 'the package cannot be installed' >&2; exit 2; }
version=8.83.26+dfsg-2
apt-get download -qq php-illuminate-cache="$version" php-illuminate-support="$version" php-illuminate-contracts="$version" php-illuminate-macroable="$version" php-nesbot-carbon php-psr-simple-cache 2> /dev/null || { echo 'the package cannot be had' >&2; exit 2; }
for package in *.deb; do dpkg -x "$package" .; done
php --version | sed -n 1p
cat > finding.php <<'PHP'
<?php
use Illuminate\Cache\ArrayStore;
use Illuminate\Contracts\Cache\LockTimeoutException;

spl_autoload_register(function ($class) {
    $class = str_replace('Illuminate\\Support\\Traits\\Macroable', 'Illuminate\\Macroable\\Traits\\Macroable', $class);
    $file = __DIR__.'/usr/share/php/'.strtr($class, '\\', '/').'.php';
    is_file($file) && require $file;
});

function sleep_until(float $time): void
{
    usleep((int) (1e6 * ($time - microtime(true))));
}

$store = new ArrayStore();
foreach ([0.1, 0.8] as $fraction) {
    $begin = floor(microtime(true)) + 2 + $fraction;
    sleep_until($begin - 0.4);
    $store->lock("stock $fraction", 1)->acquire();
    sleep_until($begin);
    try {
        $store->lock("stock $fraction", 1)->block(1);
        $outcome = 'has the lock';
    } catch (LockTimeoutException $error) {
        $outcome = 'gives up';
    }
    printf("a wait of one second from .%d: %s after %.1f\n", 10 * $fraction, $outcome, microtime(true) - $begin);
}
PHP

output=$(php finding.php)
echo "$output"
grep -qx 'a wait of one second from .1: has the lock after 0.[7-9]' <<< "$output"
grep -qx 'a wait of one second from .8: gives up after 0.[2-4]' <<< "$output"
echo 'as found'
