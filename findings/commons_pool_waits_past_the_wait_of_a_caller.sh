#!/usr/bin/env bash
# `borrowObject` of Apache Commons Pool takes the longest time to wait for an object. It does not look at it while another caller is making the last object that the pool
# may have, such as a connection to a server that is slow to answer: then it waits for the `maxWait` of the pool, for ever unless that is set, and for its own time after
# that. So a caller who would wait 0.1 seconds waits for three, and is told of a time-out of 0.1 seconds. Where the pool has a `maxWait` of one second, and the caller
# none of its own, it is counted twice.
#
# Seen with Debian's package libcommons-pool2-java 2.11.1-1, Java 17.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
command -v javac > /dev/null || apt-get install -qq -y --no-install-recommends openjdk-17-jdk-headless > /dev/null 2>&1 || { echo 'the package cannot be installed' >&2; exit 2; }
apt-get download -qq libcommons-pool2-java=2.11.1-1 2> /dev/null || { echo 'the package cannot be had' >&2; exit 2; }
dpkg -x libcommons-pool2-java_*.deb .
java -version 2>&1 | sed -n 1p
cat > Finding.java <<'JAVA'
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import org.apache.commons.pool2.BasePooledObjectFactory;
import org.apache.commons.pool2.PooledObject;
import org.apache.commons.pool2.impl.DefaultPooledObject;
import org.apache.commons.pool2.impl.GenericObjectPool;

public class Finding {
    static GenericObjectPool<Object> poolThatMakesItsOnlyObject() throws Exception {
        var making = new CountDownLatch(1);
        var pool = new GenericObjectPool<Object>(new BasePooledObjectFactory<>() {
            public Object create() throws Exception {
                making.countDown();
                Thread.sleep(3000);
                return new Object();
            }

            public PooledObject<Object> wrap(Object object) {
                return new DefaultPooledObject<>(object);
            }
        });
        pool.setMaxTotal(1);
        var first = new Thread(() -> {
            try {
                pool.borrowObject();
            } catch (Exception error) {
                throw new IllegalStateException(error);
            }
        });
        first.start();
        making.await();
        return pool;
    }

    interface Borrow {
        void borrow() throws Exception;
    }

    static void print(String name, Borrow call) {
        long begin = System.nanoTime();
        String outcome = "an object";
        try {
            call.borrow();
        } catch (Exception error) {
            outcome = error.getMessage();
        }
        System.out.printf("%s: %.1f seconds, %s%n", name, (System.nanoTime() - begin) / 1e9, outcome);
    }

    public static void main(String[] arguments) throws Exception {
        var pool = poolThatMakesItsOnlyObject();
        print("wait of 0.1 while the object is made", () -> pool.borrowObject(Duration.ofMillis(100)));
        print("wait of 0.1 while it is lent", () -> pool.borrowObject(Duration.ofMillis(100)));
        var limited = poolThatMakesItsOnlyObject();
        limited.setMaxWait(Duration.ofSeconds(1));
        print("maximum wait of 1 while the object is made", () -> limited.borrowObject());
        System.exit(0);
    }
}
JAVA

output=$(LC_ALL=C java -cp usr/share/java/commons-pool2.jar Finding.java)
echo "$output"
grep -qx 'wait of 0.1 while the object is made: \(2.[89]\|3.[0-4]\) seconds, Timeout waiting for idle object, borrowMaxWaitDuration=PT0.1S' <<< "$output"
grep -qx 'wait of 0.1 while it is lent: 0.[1-4] seconds, Timeout waiting for idle object, borrowMaxWaitDuration=PT0.1S' <<< "$output"
grep -qx 'maximum wait of 1 while the object is made: 2.[0-4] seconds, Timeout waiting for idle object, borrowMaxWaitDuration=PT1S' <<< "$output"
echo 'as found'
