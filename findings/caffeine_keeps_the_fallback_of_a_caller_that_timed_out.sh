#!/usr/bin/env bash
# An asynchronous cache of Caffeine gives all callers of a key the very future that it keeps. `orTimeout` and `completeOnTimeout` of Java end the future that they are
# called on. So the time-out of one caller is the time-out of all, however long they are ready to wait, and no second load begins. The fallback that a caller in a hurry
# passes to `completeOnTimeout` is given to all others too, and stays in the cache for its whole time to live, as if it had been loaded; the loaded value is thrown away.
#
# Seen with Debian's package libcaffeine-java 2.6.2-1.1, Java 17.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
command -v javac > /dev/null || apt-get install -qq -y --no-install-recommends openjdk-17-jdk-headless > /dev/null 2>&1 || { echo 'the package cannot be installed' >&2; exit 2; }
apt-get download -qq libcaffeine-java=2.6.2-1.1 2> /dev/null || { echo 'the package cannot be had' >&2; exit 2; }
dpkg -x libcaffeine-java_*.deb .
java -version 2>&1 | sed -n 1p
cat > Finding.java <<'JAVA'
import com.github.benmanes.caffeine.cache.AsyncLoadingCache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;

public class Finding {
    static String outcome(CompletableFuture<String> call) {
        return call.handle((value, error) -> error == null ? value : error.getClass().getSimpleName()).join();
    }

    static void print(String name, UnaryOperator<CompletableFuture<String>> hurry) throws Exception {
        var loads = new AtomicInteger();
        AsyncLoadingCache<String, String> cache = Caffeine.newBuilder().expireAfterWrite(1, TimeUnit.HOURS).buildAsync(key -> {
            loads.incrementAndGet();
            Thread.sleep(2000);
            return "price";
        });
        var patient = cache.get("key");
        var hasty = hurry.apply(cache.get("key"));
        String first = outcome(hasty);
        String second = outcome(patient);
        Thread.sleep(3000);
        var kept = cache.getIfPresent("key");
        System.out.println(name + ": hasty " + first + ", patient " + second + ", kept " + (kept == null ? null : outcome(kept)) + ", loads " + loads);
    }

    public static void main(String[] arguments) throws Exception {
        print("orTimeout", call -> call.orTimeout(100, TimeUnit.MILLISECONDS));
        print("completeOnTimeout", call -> call.completeOnTimeout("fallback", 100, TimeUnit.MILLISECONDS));
        print("completeOnTimeout of a copy", call -> call.copy().completeOnTimeout("fallback", 100, TimeUnit.MILLISECONDS));
        System.exit(0);
    }
}
JAVA

output=$(java -cp usr/share/java/caffeine.jar Finding.java 2> /dev/null)
echo "$output"
grep -qx 'orTimeout: hasty TimeoutException, patient TimeoutException, kept null, loads 1' <<< "$output"
grep -qx 'completeOnTimeout: hasty fallback, patient fallback, kept fallback, loads 1' <<< "$output"
grep -qx 'completeOnTimeout of a copy: hasty fallback, patient price, kept price, loads 1' <<< "$output"
echo 'as found'
