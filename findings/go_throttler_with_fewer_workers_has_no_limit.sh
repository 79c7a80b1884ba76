#!/usr/bin/env bash
# `SetMaxWorkers` of the throttler of nozzle may be called while workers run; its documentation says that a lower number may have to wait until one of them is done. The
# number of workers is compared with the maximum by `==`, and it is already above: so it is never equal again, and the limit is gone for good. A throttler that is turned
# down from 4 workers to 2 starts all the jobs that are left at once; one that stays at 4 has 4 at most.
#
# Seen with Debian's package golang-github-nozzle-throttler-dev 1.1-4, Go 1.19.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
command -v go > /dev/null || apt-get install -qq -y --no-install-recommends golang-go > /dev/null 2>&1 || { echo 'the package cannot be installed' >&2; exit 2; }
apt-get download -qq golang-github-nozzle-throttler-dev=1.1-4 2> /dev/null || { echo 'the package cannot be had' >&2; exit 2; }
dpkg -x golang-*.deb .
go version
cat > finding.go <<'GO'
package main

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/nozzle/throttler"
)

func main() {
	for _, lower := range []bool{false, true} {
		var running, most int32
		workers := throttler.New(4, 20)
		for job := 1; job <= 20; job++ {
			if lower && job == 4 {
				workers.SetMaxWorkers(2)
			}
			go func() {
				now := atomic.AddInt32(&running, 1)
				for seen := atomic.LoadInt32(&most); now > seen && !atomic.CompareAndSwapInt32(&most, seen, now); {
					seen = atomic.LoadInt32(&most)
				}
				time.Sleep(200 * time.Millisecond)
				atomic.AddInt32(&running, -1)
				workers.Done(nil)
			}()
			workers.Throttle()
		}
		fmt.Printf("lowered to 2 after 3 jobs %t: %d workers at once\n", lower, most)
	}
}
GO

output=$(GO111MODULE=off GOPATH="$folder/usr/share/gocode" GOCACHE="$folder/cache" go run finding.go)
echo "$output"
grep -qx 'lowered to 2 after 3 jobs false: 4 workers at once' <<< "$output"
grep -qx 'lowered to 2 after 3 jobs true: 20 workers at once' <<< "$output"
echo 'as found'
