#!/usr/bin/env bash
# resty repeats a request that failed with an error, such as a refused connection, once it has a retry count. `AddRetryCondition` is documented to add a case in which a
# request is repeated. With the first condition, the errors are out: each condition overwrites the answer of the one before and that of the rule for errors. So a client
# that is told to repeat a 429 as well, with three retries, gives up at once when a connection is refused, where it made four attempts before.
#
# Seen with Debian's package golang-github-go-resty-resty-dev 2.6.0-1, Go 1.19.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
command -v go > /dev/null || apt-get install -qq -y --no-install-recommends golang-go > /dev/null 2>&1 || { echo 'the package cannot be installed' >&2; exit 2; }
apt-get download -qq golang-github-go-resty-resty-dev=2.6.0-1 golang-golang-x-net-dev golang-golang-x-text-dev 2> /dev/null || { echo 'the package cannot be had' >&2; exit 2; }
for package in *.deb; do dpkg -x "$package" .; done
go version
cat > finding.go <<'GO'
package main

import (
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/go-resty/resty"
)

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	address := "http://" + listener.Addr().String()
	listener.Close()
	for conditions := 0; conditions < 2; conditions++ {
		attempts := 0
		client := resty.New().SetRetryCount(3).SetRetryWaitTime(100 * time.Millisecond)
		client.OnBeforeRequest(func(*resty.Client, *resty.Request) error {
			attempts++
			return nil
		})
		if conditions == 1 {
			client.AddRetryCondition(func(response *resty.Response, err error) bool {
				return response.StatusCode() == http.StatusTooManyRequests
			})
		}
		_, err := client.R().Get(address)
		fmt.Printf("%d conditions, refused %t: %d attempts\n", conditions, err != nil, attempts)
	}
}
GO

output=$(GO111MODULE=off GOPATH="$folder/usr/share/gocode" GOCACHE="$folder/cache" go run finding.go 2> /dev/null)
echo "$output"
grep -qx '0 conditions, refused true: 4 attempts' <<< "$output"
grep -qx '1 conditions, refused true: 1 attempts' <<< "$output"
echo 'as found'
