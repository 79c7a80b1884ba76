#!/usr/bin/env bash
# `timing` of LWP::UserAgent::Determined is a list of pauses between its attempts. It reads numbers with a fraction, hands them on to its callbacks, and then sleeps for
# whole seconds, since it uses Perl's own `sleep`. So "0.5,0.9,0.9" is no pause at all: a server that is down for a moment gets four requests within some milliseconds,
# and the client gives up. "1.9" is a pause of one second.
#
# Seen with Debian's package liblwp-useragent-determined-perl 1.07-3.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
perl -MLWP::UserAgent -e 1 2> /dev/null || apt-get install -qq -y --no-install-recommends libwww-perl > /dev/null 2>&1 || { echo 'the package cannot be installed' >&2; exit 2; }
apt-get download -qq liblwp-useragent-determined-perl=1.07-3 2> /dev/null || { echo 'the package cannot be had' >&2; exit 2; }
dpkg -x liblwp-*.deb .
perl -e 'print "Perl $^V\n"'
cat > finding.pl <<'PERL'
use strict;
use warnings;
use IO::Socket::INET;
use LWP::UserAgent::Determined;
use Time::HiRes qw(time);

my $closed = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1) or die;
my $port = $closed->sockport;
close $closed;
for my $timing ('0.5,0.9,0.9', '1.9') {
    my $client = LWP::UserAgent::Determined->new(env_proxy => 0);
    $client->timing($timing);
    my ($requests, @told) = (0);
    $client->before_determined_callback(sub { $requests++ });
    $client->after_determined_callback(sub { push @told, $_[2] if defined $_[2] });
    my $begin = time;
    $client->get("http://127.0.0.1:$port/");
    printf "%s: %d requests, pauses of %s told, %.1f seconds\n", $timing, $requests, "@told", time - $begin;
}
PERL

output=$(perl -Iusr/share/perl5 finding.pl)
echo "$output"
grep -qx '0.5,0.9,0.9: 4 requests, pauses of 0.5 0.9 0.9 told, 0.[0-4] seconds' <<< "$output"
grep -qx '1.9: 2 requests, pauses of 1.9 told, 1.[0-5] seconds' <<< "$output"
echo 'as found'
