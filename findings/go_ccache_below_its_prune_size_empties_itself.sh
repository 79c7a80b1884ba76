#!/usr/bin/env bash
# `ItemsToPrune` of ccache, the LRU cache of karlseguin, says how many of the oldest items go when the cache is larger than `MaxSize`. It is 500 if it is not set,
# whatever the size: a cache for 400 items drops all 401 with the first one too many, those used a moment ago and the new one included, and starts from nothing. So the
# hit rate of a small cache is that of one which is cleared now and then. `Fetch` of the 401st key loads it, and loads it again for the next caller.
#
# Seen with Debian's package golang-github-karlseguin-ccache-dev 2.0.3-1, Go 1.19.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
command -v go > /dev/null || apt-get install -qq -y --no-install-recommends golang-go > /dev/null 2>&1 || { echo 'the package cannot be installed' >&2; exit 2; }
apt-get download -qq golang-github-karlseguin-ccache-dev=2.0.3-1 2> /dev/null || { echo 'the package cannot be had' >&2; exit 2; }
dpkg -x golang-*.deb .
go version
cat > finding.go <<'GO'
package main

import (
	"fmt"
	"time"

	"github.com/karlseguin/ccache"
)

func main() {
	for _, size := range []int64{400, 1000} {
		cache := ccache.New(ccache.Configure().MaxSize(size))
		for item := int64(0); item < size; item++ {
			cache.Set(fmt.Sprint(item), item, time.Hour)
		}
		time.Sleep(200 * time.Millisecond)
		full := cache.ItemCount()
		cache.Set("one more", 0, time.Hour)
		time.Sleep(200 * time.Millisecond)
		fmt.Printf("size %d: %d items, %d with one more, has it %t\n", size, full, cache.ItemCount(), cache.Get("one more") != nil)
	}
}
GO

output=$(GO111MODULE=off GOPATH="$folder/usr/share/gocode" GOCACHE="$folder/cache" go run finding.go)
echo "$output"
grep -qx 'size 400: 400 items, 0 with one more, has it false' <<< "$output"
grep -qx 'size 1000: 1000 items, 501 with one more, has it true' <<< "$output"
echo 'as found'
