#!/usr/bin/env bash
# `ReturnUnhealthy` of hostpool is documented to keep `Get` from giving out a host that has failed when it is called with true, and to give nil in its place. It is true
# from the start, and means the reverse. A client that calls it with true, and checks for nil as it is told to, never gets nil: while all hosts are down, each is given
# out again at once, and the back-off of 30 seconds and more that they are in is thrown away. With false, `Get` gives nil as described for true.
#
# Seen with Debian's package golang-github-hailocab-go-hostpool-dev 0.0~git20160125.0.e80d13c-1.1, Go 1.19.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
command -v go > /dev/null || apt-get install -qq -y --no-install-recommends golang-go > /dev/null 2>&1 || { echo 'the package cannot be installed' >&2; exit 2; }
apt-get download -qq golang-github-hailocab-go-hostpool-dev=0.0~git20160125.0.e80d13c-1.1 2> /dev/null || { echo 'the package cannot be had' >&2; exit 2; }
dpkg -x golang-*.deb .
go version
cat > finding.go <<'GO'
package main

import (
	"errors"
	"fmt"

	"github.com/hailocab/go-hostpool"
)

func main() {
	for _, unhealthy := range []bool{true, false} {
		pool := hostpool.New([]string{"a", "b"})
		pool.ReturnUnhealthy(unhealthy)
		given := 0
		for call := 0; call < 10; call++ {
			if host := pool.Get(); host != nil {
				given++
				host.Mark(errors.New("refused"))
			}
		}
		fmt.Printf("return unhealthy %t: of 10 calls, %d get a host\n", unhealthy, given)
	}
}
GO

output=$(GO111MODULE=off GOPATH="$folder/usr/share/gocode" GOCACHE="$folder/cache" go run finding.go)
echo "$output"
grep -qx 'return unhealthy true: of 10 calls, 10 get a host' <<< "$output"
grep -qx 'return unhealthy false: of 10 calls, 2 get a host' <<< "$output"
grep -q 'ReturnUnhealthy when called with true will prevent an unhealthy node' usr/share/gocode/src/github.com/hailocab/go-hostpool/hostpool.go
echo 'as found'
