#!/usr/bin/env bash
# `timeout` of HTTParty is the time for a connection and for reading. A GET, PUT or DELETE that is not answered within it is sent once more, with the same time again, as
# Ruby's Net::HTTP repeats what is idempotent by its method and HTTParty leaves that on. So a call with a timeout of one second takes two, and the server that is slow
# gets each request twice, a DELETE included. A POST is sent once. `max_retries: 0`, an option that HTTParty hands on, ends it.
#
# Seen with Debian's package ruby-httparty 0.21.0-1, Ruby 3.1.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
command -v ruby > /dev/null || apt-get install -qq -y --no-install-recommends ruby > /dev/null 2>&1 || { echo 'the package cannot be installed' >&2; exit 2; }
apt-get download -qq ruby-httparty=0.21.0-1 ruby-multi-xml ruby-mini-mime 2> /dev/null || { echo 'the package cannot be had' >&2; exit 2; }
for package in *.deb; do dpkg -x "$package" .; done
ruby --version
cat > finding.rb <<'RUBY'
require 'httparty'
require 'socket'

# takes requests and answers none
server = TCPServer.new('127.0.0.1', 0)
requests = 0
Thread.new do
  held = []
  loop do
    held << server.accept
    requests += 1 if held.last.gets
  end
end
[[:get, {}], [:delete, {}], [:post, {}], [:delete, { max_retries: 0 }]].each do |method, options|
  requests = 0
  start = Process.clock_gettime(Process::CLOCK_MONOTONIC)
  begin
    HTTParty.send(method, "http://127.0.0.1:#{server.addr[1]}/", timeout: 1, http_proxyaddr: nil, **options)
  rescue Net::ReadTimeout
    seconds = Process.clock_gettime(Process::CLOCK_MONOTONIC) - start
    puts "#{[method, *options].join(' ')}: #{requests} requests, #{seconds.round} seconds"
  end
end
RUBY

# shellcheck disable=SC2046
output=$(ruby $(printf -- '-I%s ' usr/share/rubygems-integration/all/gems/*/lib) -Iusr/lib/ruby/vendor_ruby finding.rb)
echo "$output"
grep -qx 'get: 2 requests, 2 seconds' <<< "$output"
grep -qx 'delete: 2 requests, 2 seconds' <<< "$output"
grep -qx 'post: 1 requests, 1 seconds' <<< "$output"
grep -qx 'delete max_retries 0: 1 requests, 1 seconds' <<< "$output"
echo 'as found'
