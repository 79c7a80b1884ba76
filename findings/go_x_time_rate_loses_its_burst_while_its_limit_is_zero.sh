#!/usr/bin/env bash
# `Limiter` of golang.org/x/time/rate with a limit of zero takes each event that it lets through from its burst, and not from its tokens. A program that sets the limit to
# zero for a pause, and back to 100 a second after it, has a limiter whose burst is gone for good: `Burst` gives 0, `Allow` refuses for ever, and `Wait` fails with
# "exceeds limiter's burst". A pause in which as many events come as the burst has places is enough. A limiter that is paused with a tiny limit in place of zero goes on
# as before.
#
# Seen with golang.org/x/time of Debian's package golang-golang-x-time-dev 0.3.0-1, Go 1.19.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
command -v go > /dev/null || apt-get install -qq -y --no-install-recommends golang-go > /dev/null 2>&1 || { echo 'the package cannot be installed' >&2; exit 2; }
apt-get download -qq golang-golang-x-time-dev=0.3.0-1 2> /dev/null || { echo 'the package cannot be had' >&2; exit 2; }
dpkg -x golang-*.deb .
go version
cat > finding.go <<'GO'
package main

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/time/rate"
)

func main() {
	for _, paused := range []rate.Limit{0.000001, 0} {
		limiter := rate.NewLimiter(100, 3)
		limiter.SetLimit(paused)
		for event := 0; event < 5; event++ {
			limiter.Allow()
		}
		limiter.SetLimit(100)
		time.Sleep(100 * time.Millisecond)
		fmt.Printf("paused with %g: burst %d, allows one %t, %v\n", paused, limiter.Burst(), limiter.Allow(), limiter.Wait(context.Background()))
	}
}
GO

output=$(GO111MODULE=off GOPATH="$folder/usr/share/gocode" GOCACHE="$folder/cache" go run finding.go)
echo "$output"
grep -qFx 'paused with 1e-06: burst 3, allows one true, <nil>' <<< "$output"
grep -qFx "paused with 0: burst 0, allows one false, rate: Wait(n=1) exceeds limiter's burst 0" <<< "$output"
echo 'as found'
