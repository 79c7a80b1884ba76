#!/usr/bin/env bash
# `reserve` of a fixed window of Symfony tells a caller how long to wait. A caller for whom the window has no room gets the time to its end, however many wait for that
# moment already. With two calls a second, of ten callers two go at once, and eight together one second later, in a window of two; and that window does not know of them
# and takes two more. The reservations of a token bucket are spread out as one would expect.
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

foreach (['fixed_window', 'token_bucket'] as $policy) {
    $factory = new RateLimiterFactory(
        ['id' => 'calls', 'policy' => $policy, 'limit' => 2, 'interval' => '1 second', 'rate' => ['interval' => '1 second', 'amount' => 2]],
        new InMemoryStorage()
    );
    $limiter = $factory->create('caller');
    $waits = [];
    for ($call = 0; $call < 10; ++$call) {
        $waits[] = $limiter->reserve();
    }
    printf("%s: %s seconds\n", $policy, implode(' ', array_map(fn ($wait) => round($wait->getWaitDuration()), $waits)));
    if ('fixed_window' === $policy) {
        usleep(1100000);
        for ($more = 0; $limiter->consume()->isAccepted(); ++$more);
        echo "and $more more at once\n";
    }
}
PHP

output=$(php finding.php)
echo "$output"
grep -qx 'fixed_window: 0 0 1 1 1 1 1 1 1 1 seconds' <<< "$output"
grep -qx 'and 2 more at once' <<< "$output"
grep -qx 'token_bucket: 0 0 1 1 2 2 3 3 4 4 seconds' <<< "$output"
echo 'as found'
