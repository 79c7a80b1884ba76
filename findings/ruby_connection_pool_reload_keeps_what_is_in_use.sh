#!/usr/bin/env bash
# `reload` of Ruby's connection_pool is there to close all connections and to begin with new ones, such as after the server has moved; the documentation says that it
# waits until those in use have been given back and closed. It waits for none, and forgets them: a connection that was in use goes back into the pool, open, and is the
# next to be given out. It is not counted either, so the pool has more connections than its size from then on, one more with each reload.
#
# Seen with Debian's package ruby-connection-pool 2.2.5-1, Ruby 3.1.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
command -v ruby > /dev/null || apt-get install -qq -y --no-install-recommends ruby > /dev/null 2>&1 || { echo 'the package cannot be installed' >&2; exit 2; }
apt-get download -qq ruby-connection-pool=2.2.5-1 2> /dev/null || { echo 'the package cannot be had' >&2; exit 2; }
dpkg -x ruby-connection-pool_*.deb .
ruby --version
cat > finding.rb <<'RUBY'
require 'connection_pool'

Connection = Struct.new(:number, :open)
made = 0
pool = ConnectionPool.new(size: 1) { Connection.new(made += 1, true) }
hold = lambda do
  taken, back = Queue.new, Queue.new
  thread = Thread.new { pool.with { |connection| taken << connection; back.pop } }
  [taken.pop, -> { back << true; thread.join }]
end

first, give_first_back = hold.call
pool.reload { |connection| connection.open = false }
puts "reloaded while connection #{first.number} was in use"
second, give_second_back = hold.call
puts "a pool of size #{pool.size} has connections #{first.number} and #{second.number} in use"
give_second_back.call
give_first_back.call
pool.with { |connection| puts "the next caller gets connection #{connection.number}, open #{connection.open}" }
RUBY

output=$(ruby -Iusr/share/rubygems-integration/all/gems/connection_pool-2.2.5/lib finding.rb)
echo "$output"
grep -qx 'a pool of size 1 has connections 1 and 2 in use' <<< "$output"
grep -qx 'the next caller gets connection 1, open true' <<< "$output"
echo 'as found'
