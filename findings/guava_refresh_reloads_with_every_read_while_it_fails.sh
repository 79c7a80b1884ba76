#!/usr/bin/env bash
# `refreshAfterWrite` of a cache of Guava reloads a value once it has an age, and keeps the old value when the reload fails. It notes nothing of the failure: the next read
# finds the value as old as before and begins the next reload, and waits for it, since `reload` calls `load` in the thread of the reader unless it is written anew. So a
# cache that asks its database once a second asks it with every read while the database is down, and is as slow as the failing calls, though it has an answer at hand.
#
# Seen with Debian's package libguava-java 31.1-1, Java 17.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
command -v javac > /dev/null || apt-get install -qq -y --no-install-recommends openjdk-17-jdk-headless > /dev/null 2>&1 || { echo 'the package cannot be installed' >&2; exit 2; }
apt-get download -qq libguava-java=31.1-1 2> /dev/null || { echo 'the package cannot be had' >&2; exit 2; }
dpkg -x libguava-java_*.deb .
java -version 2>&1 | sed -n 1p
cat > Finding.java <<'JAVA'
import com.google.common.cache.CacheBuilder;
import com.google.common.cache.CacheLoader;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

public class Finding {
    static final AtomicInteger loads = new AtomicInteger();
    static volatile boolean down;

    public static void main(String[] arguments) throws Exception {
        var cache = CacheBuilder.newBuilder().refreshAfterWrite(1, TimeUnit.SECONDS).build(new CacheLoader<String, String>() {
            public String load(String key) throws Exception {
                loads.incrementAndGet();
                Thread.sleep(200);
                if (down) {
                    throw new IllegalStateException("the database is down");
                }
                return "price";
            }
        });
        cache.get("key");
        for (boolean state : new boolean[] {false, true}) {
            Thread.sleep(1600);
            down = state;
            loads.set(0);
            String last = null;
            long begin = System.nanoTime();
            for (int read = 0; read < 20; read++) {
                last = cache.get("key");
            }
            System.out.printf("database %s: 20 reads, %s, %d loads, %.1f seconds%n", down ? "down" : "up", last, loads.get(), (System.nanoTime() - begin) / 1e9);
        }
    }
}
JAVA

output=$(LC_ALL=C java -cp usr/share/java/guava.jar Finding.java 2> /dev/null)
echo "$output"
grep -qx 'database up: 20 reads, price, 1 loads, 0.[2-6] seconds' <<< "$output"
grep -qx 'database down: 20 reads, price, 20 loads, 4.[0-9] seconds' <<< "$output"
echo 'as found'
