#!/usr/bin/env bash
# A `TimerTask` of concurrent-ruby can be given a time-out, "to kill a task that runs too long" by its documentation. The task goes on. The timer starts the next run,
# which waits behind it in a thread of its own, and is timed out as well before it has begun. So a task that takes three seconds, with a time-out of half a second, is
# reported as timed out eight or so times in six seconds in which two runs have ended, and each of those reports is one more thread, and one more run to come. If a run
# hangs once, the task never runs again.
#
# Seen with Debian's package ruby-concurrent 1.1.6+dfsg-5, Ruby 3.1.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
command -v ruby > /dev/null || apt-get install -qq -y --no-install-recommends ruby > /dev/null 2>&1 || { echo 'the package cannot be installed' >&2; exit 2; }
apt-get download -qq ruby-concurrent=1.1.6+dfsg-5 2> /dev/null || { echo 'the package cannot be had' >&2; exit 2; }
dpkg -x ruby-concurrent_*.deb .
ruby --version
cat > finding.rb <<'RUBY'
require 'concurrent'

$stdout.sync = true

started = ended = timeouts = 0
task = Concurrent::TimerTask.new(execution_interval: 0.2, timeout_interval: 0.5, run_now: true) do
  started += 1
  sleep 3
  ended += 1
end
task.add_observer do |_, _, error|
  timeouts += 1 if error.is_a?(Concurrent::TimeoutError)
end
task.execute
sleep 1
threads = Thread.list.size
sleep 6.5
more = Thread.list.size - threads
puts "runs: #{started} started, #{ended} ended, #{timeouts > 6 ? 'more than 6' : timeouts} timed out"
puts "threads: #{more > 4 ? 'more than 4' : more} added"
exit!(true)
RUBY

output=$(ruby -Iusr/share/rubygems-integration/all/gems/concurrent-ruby-1.1.6/lib/concurrent-ruby finding.rb)
echo "$output"
grep -qx 'runs: 3 started, 2 ended, more than 6 timed out' <<< "$output"
grep -qx 'threads: more than 4 added' <<< "$output"
echo 'as found'
