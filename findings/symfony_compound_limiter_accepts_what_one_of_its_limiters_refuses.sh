#!/usr/bin/env bash
# `CompoundLimiter` of Symfony is there to let a call through when all of its limiters do. It asks them all, and gives out the answer of the one with the fewest tokens
# left, whether that one has accepted or not. A limiter that refuses has tokens left when a call costs more than one. So a call for 5 tokens is accepted that the limit of
# a minute, with 4 left, refuses, because the limit of a day has accepted it and has 3 left. The limit of the minute is not charged for it. Where a call costs one token,
# the limiter that refuses has none left, and all is well.
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
use Symfony\Component\RateLimiter\CompoundLimiter;
use Symfony\Component\RateLimiter\RateLimiterFactory;
use Symfony\Component\RateLimiter\Storage\InMemoryStorage;

spl_autoload_register(fn ($class) => require __DIR__.'/usr/share/php/'.strtr($class, '\\', '/').'.php');

function limiter(string $id, int $limit, string $interval)
{
    return (new RateLimiterFactory(['id' => $id, 'policy' => 'fixed_window', 'limit' => $limit, 'interval' => $interval], new InMemoryStorage()))->create('caller');
}

function told(string $name, $answer): void
{
    printf("%s: %s, %d left\n", $name, $answer->isAccepted() ? 'accepted' : 'refused', $answer->getRemainingTokens());
}

[$minute, $day] = [limiter('minute', 9, '1 minute'), limiter('day', 13, '1 day')];
$both = new CompoundLimiter([$minute, $day]);
told('both, 5 tokens', $both->consume(5));
told('both, 5 tokens', $both->consume(5));
told('minute alone, 5 tokens', $minute->consume(5));
PHP

output=$(php finding.php)
echo "$output"
grep -qx 'both, 5 tokens: accepted, 3 left' <<< "$output"
grep -qx 'minute alone, 5 tokens: refused, 4 left' <<< "$output"
echo 'as found'
