#!/usr/bin/env bash
# `invalidate` and `invalidateAll` of a cache of Guava discard what is in the cache, and leave alone what is being loaded. A load that began before the invalidation goes in
# when it is done and stays. The usual order, to write to the database and to invalidate then, so leaves the old value in the cache if a reader had asked the database
# just before, for ever unless the cache has a time to live. A reader that comes after the invalidation joins the old load too, and is given the old value.
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
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

public class Finding {
    public static void main(String[] arguments) throws Exception {
        for (String method : new String[] {"invalidate", "invalidateAll"}) {
            var database = new AtomicInteger(1);
            var cache = CacheBuilder.newBuilder().<String, Integer>build();
            var asked = new CountDownLatch(1);
            var early = new FutureTask<>(() -> cache.get("price", () -> {
                int value = database.get();
                asked.countDown();
                TimeUnit.SECONDS.sleep(2);
                return value;
            }));
            new Thread(early).start();
            asked.await();

            database.set(2);
            if (method.equals("invalidate")) {
                cache.invalidate("price");
            } else {
                cache.invalidateAll();
            }
            int late = cache.get("price", database::get);
            System.out.println(method + ": before " + early.get() + ", after " + late + ", kept " + cache.getIfPresent("price"));

            cache.invalidate("price");
            System.out.println(method + " with no load on its way: " + cache.get("price", database::get));
        }
    }
}
JAVA

output=$(java -cp usr/share/java/guava.jar Finding.java 2> /dev/null)
echo "$output"
for method in invalidate invalidateAll; do
    grep -qx "$method: before 1, after 1, kept 1" <<< "$output"
    grep -qx "$method with no load on its way: 2" <<< "$output"
done
echo 'as found'
