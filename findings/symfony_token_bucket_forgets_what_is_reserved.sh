#!/usr/bin/env bash
# A token bucket of Symfony hands out tokens in advance: `reserve` tells each caller how long it has to wait, and the documentation says that reserved tokens are taken
# into account for those who come later. The state of the bucket is stored for as long as it takes to fill it from empty, though, and not from what is owed. So with one
# token a second, five callers who reserve at once get 0, 1, 2, 3 and 4 seconds; the next one comes 1.5 seconds later, finds a new and full bucket, and goes at once, as
# do those after it at a second's distance, while the five still use up the whole rate. Whatever waits longer than the time of one filling is forgotten, with every
# storage.
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
    ['id' => 'calls', 'policy' => 'token_bucket', 'limit' => 1, 'rate' => ['interval' => '1 second', 'amount' => 1]],
    new InMemoryStorage()
);
$limiter = $factory->create('caller');
$first = [];
for ($call = 0; $call < 5; ++$call) {
    $first[] = round($limiter->reserve()->getWaitDuration());
}
printf("five at once wait %s seconds\n", implode(', ', $first));
usleep(1500000);
printf("one 1.5 seconds later waits %d seconds\n", ceil($limiter->reserve()->getWaitDuration()));
PHP

output=$(php finding.php)
echo "$output"
grep -qx 'five at once wait 0, 1, 2, 3, 4 seconds' <<< "$output"
grep -qx 'one 1.5 seconds later waits 0 seconds' <<< "$output"
echo 'as found'
