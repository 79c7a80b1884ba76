#!/usr/bin/env bash
# `callTimeout` of OkHttp is there for the whole of a call, retries and redirects included. A call that is enqueued waits for its turn first, as no more than five run for
# one host, and that wait is left out: the timeout begins with the turn. Of twenty calls that take a second each, with a timeout of 1.5 seconds, none fails, and the last
# five are answered after four seconds. The slower the server, the longer the queue, and the further is an answer from what the caller has asked for.
#
# Seen with Debian's package libokhttp-java 3.13.1-3, Java 17.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
command -v javac > /dev/null || apt-get install -qq -y --no-install-recommends openjdk-17-jdk-headless > /dev/null 2>&1 || { echo 'the package cannot be installed' >&2; exit 2; }
apt-get download -qq libokhttp-java=3.13.1-3 libokio-java=1.16.0-2 2> /dev/null || { echo 'the package cannot be had' >&2; exit 2; }
for package in *.deb; do dpkg -x "$package" .; done
java -version 2>&1 | sed -n 1p
cat > Finding.java <<'JAVA'
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import okhttp3.Call;
import okhttp3.Callback;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.Response;

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
            sleep(1000);
            exchange.sendResponseHeaders(200, -1);
            exchange.close();
        });
        server.start();
        var client = new OkHttpClient.Builder().callTimeout(Duration.ofMillis(1500)).build();
        var request = new Request.Builder().url("http://127.0.0.1:" + server.getAddress().getPort() + "/").build();
        var outcomes = new TreeMap<String, Integer>();
        var running = new CountDownLatch(20);
        long begin = System.nanoTime();
        for (int number = 0; number < 20; number++) {
            client.newCall(request).enqueue(new Callback() {
                void ended(String outcome) {
                    synchronized (outcomes) {
                        outcomes.merge(outcome, 1, Integer::sum);
                    }
                    running.countDown();
                }

                public void onFailure(Call call, IOException error) {
                    ended("failed");
                }

                public void onResponse(Call call, Response response) {
                    response.close();
                    ended("answered in second " + (System.nanoTime() - begin) / 1_000_000_000);
                }
            });
        }
        running.await();
        System.out.println(outcomes);
        System.exit(0);
    }
}
JAVA

output=$(java -cp 'usr/share/java/*' Finding.java 2> /dev/null)
echo "$output"
grep -qFx '{answered in second 1=5, answered in second 2=5, answered in second 3=5, answered in second 4=5}' <<< "$output"
echo 'as found'
