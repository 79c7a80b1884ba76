#!/usr/bin/env bash
# `sidekiq_retry_in` of Sidekiq gives the seconds to wait before a job is tried again. Zero, for at once, and half a second are no answer: they are cut to whole seconds,
# and for zero the back-off takes over that the block was to replace, 15 seconds and more. Any other answer is made longer by a random part of up to 9 seconds times the
# number of the attempt, so the order is turned round: of 0, 0.9, 1 and 5 seconds, the first two are the longest.
#
# Seen with Debian's packages ruby-sidekiq 6.4.1+dfsg-1 and redis-server 5:7.0.15-1~deb12u10, Ruby 3.1.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
redis=
trap '[ -z "$redis" ] || kill "$redis"; rm -rf "$folder"' EXIT
cd "$folder"
command -v ruby > /dev/null || apt-get install -qq -y --no-install-recommends ruby > /dev/null 2>&1 || { echo 'the package cannot be installed' >&2; exit 2; }
command -v redis-server > /dev/null || apt-get install -qq -y --no-install-recommends redis-server > /dev/null 2>&1 || { echo 'the package cannot be installed' >&2; exit 2; }
apt-get download -qq ruby-sidekiq=6.4.1+dfsg-1 ruby-redis=4.8.0-1 ruby-connection-pool=2.2.5-1 ruby-rack 2> /dev/null || { echo 'the package cannot be had' >&2; exit 2; }
for package in *.deb; do dpkg -x "$package" .; done
redis-server --port 0 --unixsocket "$folder/redis.sock" --save '' --dir "$folder" > redis.log &
redis=$!
for _ in {1..100}; do [ -S redis.sock ] && break; sleep 0.1; done
ruby --version
redis-server --version
cat > finding.rb <<'RUBY'
require 'sidekiq'
require 'sidekiq/api'
require 'sidekiq/job_retry'

Sidekiq.redis = { url: "unix://#{Dir.pwd}/redis.sock" }
srand 1
Sidekiq.logger.level = Logger::FATAL
[0, 0.9, 1, 5].each do |seconds|
  job = Class.new do
    include Sidekiq::Job
    sidekiq_retry_in { seconds }
  end
  Object.const_set("Job#{seconds.to_s.tr('.', '_')}", job)
  waits = 30.times.map do |number|
    text = Sidekiq.dump_json('class' => job.name, 'args' => [], 'jid' => number.to_s, 'retry' => true)
    begin
      Sidekiq::JobRetry.new.local(job.new, text, 'default') { raise 'down' }
    rescue Sidekiq::JobRetry::Handled
    end
    entry = Sidekiq::RetrySet.new.first
    wait = entry.at.to_f - entry['failed_at']
    entry.delete
    wait.round
  end
  puts "#{seconds} seconds: #{waits.min} to #{waits.max}"
end
RUBY

# shellcheck disable=SC2046
output=$(ruby -Iusr/lib/ruby/vendor_ruby $(printf -- '-I%s ' usr/share/rubygems-integration/all/gems/*/lib) finding.rb)
echo "$output"
grep -qEx '0 seconds: 1[5-7] to 2[0-4]' <<< "$output"
grep -qEx '0.9 seconds: 1[5-7] to 2[0-4]' <<< "$output"
grep -qEx '1 seconds: [1-3] to ([5-9]|10)' <<< "$output"
grep -qEx '5 seconds: [5-7] to (9|1[0-4])' <<< "$output"
echo 'as found'
