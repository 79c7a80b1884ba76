#!/usr/bin/env bash
# A singleton job of gocron is not started again while it runs. With `SetMaxConcurrentJobs`, it takes a place each time that it is due, before the scheduler sees that it
# still runs, and holds that place until the run is over, without doing anything. So with two places, one job that is slower than its interval takes both, and all other
# jobs of the scheduler are passed over as long as it runs, although a place should be free: a job of every 200 milliseconds runs twice in four seconds, and some 20 times
# where the other one is quick.
#
# Seen with Debian's package golang-github-go-co-op-gocron-dev 1.18.0-3, Go 1.19.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
command -v go > /dev/null || apt-get install -qq -y --no-install-recommends golang-go > /dev/null 2>&1 || { echo 'the package cannot be installed' >&2; exit 2; }
apt-get download -qq golang-github-go-co-op-gocron-dev=1.18.0-3 golang-github-robfig-cron-dev=3.0.1-1 golang-golang-x-sync-dev=0.1.0-1 2> /dev/null || { echo 'the package cannot be had' >&2; exit 2; }
for package in *.deb; do dpkg -x "$package" .; done
go version
cat > finding.go <<'GO'
package main

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/go-co-op/gocron"
)

func main() {
	for _, slow := range []bool{false, true} {
		var first, second int32
		scheduler := gocron.NewScheduler(time.UTC)
		scheduler.SetMaxConcurrentJobs(2, gocron.RescheduleMode)
		scheduler.Every(300 * time.Millisecond).SingletonMode().Do(func() {
			atomic.AddInt32(&first, 1)
			if slow {
				time.Sleep(10 * time.Second)
			}
		})
		scheduler.Every(200 * time.Millisecond).Do(func() { atomic.AddInt32(&second, 1) })
		scheduler.StartAsync()
		time.Sleep(4100 * time.Millisecond)
		fmt.Printf("first job slow %t: it runs %d times, the second job %d\n", slow, atomic.LoadInt32(&first), atomic.LoadInt32(&second))
		scheduler.Clear()
	}
}
GO

output=$(GO111MODULE=off GOPATH="$folder/usr/share/gocode" GOCACHE="$folder/cache" go run finding.go)
echo "$output"
grep -qEx 'first job slow false: it runs 1[0-5] times, the second job (1[5-9]|2[0-2])' <<< "$output"
grep -qEx 'first job slow true: it runs 1 times, the second job [1-3]' <<< "$output"
echo 'as found'
