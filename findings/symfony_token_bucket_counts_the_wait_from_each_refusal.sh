#!/usr/bin/env bash
# A token bucket of Symfony tells a caller whom it refuses when to come again: a whole interval from now, as if the current one had just begun. Of an interval of six
# seconds, a caller who comes after one second is sent away for six, one who comes after four for six again, and the token is there after two. A client that heeds
# `getRetryAfter`, or that waits as long as `reserve` says, loses up to one interval with each refusal: with a limit of one call an hour, up to an hour.
#
# Seen with Debian's package php-symfony-rate-limiter 5.4.53+dfsg-0+deb12u1, PHP 8.2.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
command -v php > /dev/null || apt-get install -qq -y --no-install-recommends php-cli > /dev/null 2>&1 || { echo 'the package cannot be installed' >&2; exit 2; }
apt-get download -qq php-symfony-rate-limiter=5.4.53+dfsg-0+deb12u1 php-symfony-options-resolver=5.4.53+dfsg-0+deb12u1 php-symfony-lock=5.4.53+dfsg-0+deb12u1 2> /dev/null || { echo 'the package cannot be had' >&2; exit 2; }
for package in *.deb; do dpkg -x "$package" .; done
php --version | sed -n 1p
cat > finding.php <<'PHP'
<?php
use Symfony\Component\RateLimiter\RateLimiterFactory;
use Symfony\Component\RateLimiter\Storage\InMemoryStorage;

spl_autoload_register(fn ($class) => require __DIR__.'/usr/share/php/'.strtr($class, '\\', '/').'.php');

$factory = new RateLimiterFactory(
    ['id' => 'calls', 'policy' => 'token_bucket', 'limit' => 1, 'rate' => ['interval' => '6 seconds', 'amount' => 1]],
    new InMemoryStorage()
);
$limiter = $factory->create('caller');
$begin = microtime(true);
$limiter->consume();
foreach ([1, 4, 6.5] as $at) {
    usleep(1e6 * ($begin + $at - microtime(true)));
    $answer = $limiter->consume();
    $again = $answer->getRetryAfter()->getTimestamp() - $begin;
    echo "after $at: ", $answer->isAccepted() ? 'accepted' : 'refused until '.($again > 8.5 ? 'more than 8.5' : 'less than 8.5'), "\n";
}
PHP

output=$(php finding.php)
echo "$output"
grep -qx 'after 1: refused until less than 8.5' <<< "$output"
grep -qx 'after 4: refused until more than 8.5' <<< "$output"
grep -qx 'after 6.5: accepted' <<< "$output"
echo 'as found'
