#!/usr/bin/env bash
# `timeout` of a request of Java's own HTTP client fails it "if the response is not received within the specified timeout", by the documentation. It is over with the
# headers of the response. `send` with `BodyHandlers.ofString()` waits for the body as well, and no longer has a time-out then: a server that sends its headers at once
# and the rest of the body after four seconds holds a call with a timeout of one second for four, and one that never sends it holds it for ever. The client has no other
# time-out for a body.
#
# Seen with Java 17.0.15.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
command -v javac > /dev/null || apt-get install -qq -y --no-install-recommends openjdk-17-jdk-headless > /dev/null 2>&1 || { echo 'the package cannot be installed' >&2; exit 2; }
java -version 2>&1 | sed -n 1p
cat > Finding.java <<'JAVA'
import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.HttpTimeoutException;
import java.time.Duration;
import java.util.concurrent.Executors;

public class Finding {
    static void sleep(int millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException error) {
            throw new IllegalStateException(error);
        }
    }

    public static void main(String[] arguments) throws Exception {
        var server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
        server.setExecutor(Executors.newCachedThreadPool());
        server.createContext("/", exchange -> {
            boolean body = exchange.getRequestURI().getPath().equals("/body");
            sleep(body ? 0 : 4000);
            exchange.sendResponseHeaders(200, 6);
            exchange.getResponseBody().write("ans".getBytes());
            exchange.getResponseBody().flush();
            sleep(body ? 4000 : 0);
            exchange.getResponseBody().write("wer".getBytes());
            exchange.close();
        });
        server.start();
        for (String late : new String[] {"headers", "body"}) {
            var address = URI.create("http://127.0.0.1:" + server.getAddress().getPort() + "/" + late);
            var request = HttpRequest.newBuilder(address).timeout(Duration.ofSeconds(1)).build();
            long begin = System.nanoTime();
            String outcome;
            try {
                outcome = HttpClient.newHttpClient().send(request, BodyHandlers.ofString()).body();
            } catch (HttpTimeoutException error) {
                outcome = error.getMessage();
            }
            System.out.printf("late %s, timeout of 1 second: %s after %.1f%n", late, outcome, (System.nanoTime() - begin) / 1e9);
        }
        System.exit(0);
    }
}
JAVA

output=$(LC_ALL=C java Finding.java)
echo "$output"
grep -qEx 'late headers, timeout of 1 second: request timed out after 1.[0-5]' <<< "$output"
grep -qEx 'late body, timeout of 1 second: answer after (3.9|4.[0-5])' <<< "$output"
echo 'as found'
