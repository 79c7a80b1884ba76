#!/usr/bin/env bash
# `event` of Schedule::RateLimiter waits until the next event is allowed, and then notes the time at which it was called, not the time of the event. So an event that had
# to wait counts from before its wait, and the one after it need not wait at all. With one event a second, they come at 0, 1, 1, 2, 2, 3, 3 seconds: two in each second,
# where the documentation promises that a second has gone by.
#
# Seen with Debian's package libschedule-ratelimiter-perl 0.01-5.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq libschedule-ratelimiter-perl=0.01-5 2> /dev/null || { echo 'the package cannot be had' >&2; exit 2; }
dpkg -x libschedule-*.deb .
perl -e 'print "Perl $^V\n"'
cat > finding.pl <<'PERL'
use strict;
use warnings;
use Schedule::RateLimiter;
use Time::HiRes qw(time);

for my $iterations (1, 2) {
    my $limiter = Schedule::RateLimiter->new(iterations => $iterations, seconds => 1);
    my $begin = time;
    my @times;
    for (1 .. 9) {
        $limiter->event();
        push @times, sprintf('%.0f', time - $begin);
    }
    print "$iterations a second: @times\n";
}
PERL

output=$(perl -Iusr/share/perl5 finding.pl)
echo "$output"
grep -qx '1 a second: 0 1 1 2 2 3 3 4 4' <<< "$output"
grep -qx '2 a second: 0 0 1 1 1 2 2 2 3' <<< "$output"
echo 'as found'
