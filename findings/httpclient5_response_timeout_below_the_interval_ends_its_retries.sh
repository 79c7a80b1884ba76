#!/usr/bin/env bash
# Apache HttpClient 5 repeats a request that was answered with 503 or 429, after an interval of one second if no other is set. The response timeout says how long to wait
# for an answer of the server. It also decides on those retries: an interval, or a `Retry-After`, that is longer than the response timeout ends them without a word. So a
# service that takes its answers to be there within half a second, and sets the timeout to that, has no retries any more, and its caller gets the first 503.
#
# Seen with Debian's packages libhttpclient5-java 5.2.1-1 and libhttpcore5-java 5.2.1-1, Java 17.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
command -v javac > /dev/null || apt-get install -qq -y --no-install-recommends openjdk-17-jdk-headless > /dev/null 2>&1 || { echo 'the package cannot be installed' >&2; exit 2; }
apt-get download -qq libhttpclient5-java=5.2.1-1 libhttpcore5-java=5.2.1-1 libslf4j-java=1.7.32-1 2> /dev/null || { echo 'the package cannot be had' >&2; exit 2; }
for package in *.deb; do dpkg -x "$package" .; done
java -version 2>&1 | sed -n 1p
cat > Finding.java <<'JAVA'
import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.hc.client5.http.classic.methods.HttpGet;
import org.apache.hc.client5.http.config.RequestConfig;
import org.apache.hc.client5.http.impl.DefaultHttpRequestRetryStrategy;
import org.apache.hc.client5.http.impl.classic.HttpClients;
import org.apache.hc.core5.util.TimeValue;
import org.apache.hc.core5.util.Timeout;

public class Finding {
    static final AtomicInteger requests = new AtomicInteger();
    static HttpServer server;

    static void call(String path, int millis) throws Exception {
        requests.set(0);
        var config = RequestConfig.custom().setResponseTimeout(Timeout.ofMilliseconds(millis)).build();
        var retries = new DefaultHttpRequestRetryStrategy(3, TimeValue.ofSeconds(1));
        try (var client = HttpClients.custom().setDefaultRequestConfig(config).setRetryStrategy(retries).build()) {
            var get = new HttpGet("http://127.0.0.1:" + server.getAddress().getPort() + path);
            int status = client.execute(get, response -> response.getCode());
            System.out.println(path + ", response timeout of " + millis + " ms: " + requests + " requests, " + status);
        }
    }

    public static void main(String[] arguments) throws Exception {
        server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
        server.createContext("/", exchange -> {
            if (exchange.getRequestURI().getPath().equals("/retry-after-3")) {
                exchange.getResponseHeaders().set("Retry-After", "3");
            }
            exchange.sendResponseHeaders(requests.incrementAndGet() < 3 ? 503 : 200, -1);
            exchange.close();
        });
        server.start();
        call("/", 2000);
        call("/", 500);
        call("/retry-after-3", 2000);
        System.exit(0);
    }
}
JAVA

output=$(java -cp 'usr/share/java/*' Finding.java 2> /dev/null)
echo "$output"
grep -qx '/, response timeout of 2000 ms: 3 requests, 200' <<< "$output"
grep -qx '/, response timeout of 500 ms: 1 requests, 503' <<< "$output"
grep -qx '/retry-after-3, response timeout of 2000 ms: 1 requests, 503' <<< "$output"
echo 'as found'
