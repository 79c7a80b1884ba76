#!/usr/bin/env bash
# The connection timeout of HikariCP is the longest time that `getConnection` waits, by its name and by its documentation. A connection that has been idle for half a
# second is asked first whether it is still alive, and that may take the validation timeout, five seconds unless set. The documentation wants it below the connection
# timeout; nothing checks that. So a service that sets the connection timeout alone, to one second, waits for five where the database has gone silent, in every caller.
#
# Seen with Debian's package libhikaricp-java 2.7.9-1, Java 17.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
command -v javac > /dev/null || apt-get install -qq -y --no-install-recommends openjdk-17-jdk-headless > /dev/null 2>&1 || { echo 'the package cannot be installed' >&2; exit 2; }
apt-get download -qq libhikaricp-java=2.7.9-1 libslf4j-java=1.7.32-1 2> /dev/null || { echo 'the package cannot be had' >&2; exit 2; }
for package in *.deb; do dpkg -x "$package" .; done
java -version 2>&1 | sed -n 1p
cat > Finding.java <<'JAVA'
import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.SQLException;
import javax.sql.DataSource;

public class Finding {
    static volatile boolean silent;

    static <T> T make(Class<T> type, InvocationHandler handler) {
        return type.cast(Proxy.newProxyInstance(Finding.class.getClassLoader(), new Class<?>[] {type}, (self, method, arguments) -> {
            Object answer = handler.invoke(self, method, arguments);
            if (answer != null || !method.getReturnType().isPrimitive()) {
                return answer;
            }
            return method.getReturnType() == boolean.class ? (Object) false : method.getReturnType() == int.class ? (Object) 0 : null;
        }));
    }

    // a connection whose driver keeps to the seconds that it is given
    static Connection connection() {
        return make(Connection.class, (self, method, arguments) -> switch (method.getName()) {
            case "isValid" -> {
                if (silent) {
                    Thread.sleep(1000L * (Integer) arguments[0]);
                }
                yield !silent;
            }
            case "getAutoCommit" -> true;
            case "hashCode" -> System.identityHashCode(self);
            case "equals" -> self == arguments[0];
            case "toString" -> "connection";
            default -> null;
        });
    }

    static void print(Integer validation) throws Exception {
        silent = false;
        var config = new HikariConfig();
        config.setMaximumPoolSize(1);
        config.setConnectionTimeout(1000);
        if (validation != null) {
            config.setValidationTimeout(validation);
        }
        config.setDataSource(make(DataSource.class, (self, method, arguments) -> {
            if (!method.getName().equals("getConnection")) {
                return null;
            }
            if (silent) {
                throw new SQLException("no answer");
            }
            return connection();
        }));
        var pool = new HikariDataSource(config);
        pool.getConnection().close();
        Thread.sleep(1500);
        silent = true;
        long begin = System.nanoTime();
        String outcome = "a connection";
        try {
            pool.getConnection();
        } catch (SQLException error) {
            outcome = "time-out";
        }
        double seconds = (System.nanoTime() - begin) / 1e9;
        System.out.printf("connection timeout %d, validation timeout %d: %s after %.1f seconds%n", pool.getConnectionTimeout(), pool.getValidationTimeout(), outcome, seconds);
    }

    public static void main(String[] arguments) throws Exception {
        print(null);
        print(1000);
        System.exit(0);
    }
}
JAVA

output=$(LC_ALL=C java -cp 'usr/share/java/HikariCP.jar:usr/share/java/slf4j-api.jar:usr/share/java/slf4j-nop.jar' Finding.java 2> /dev/null)
echo "$output"
grep -qx 'connection timeout 1000, validation timeout 5000: time-out after \(4.9\|5.[0-4]\) seconds' <<< "$output"
grep -qx 'connection timeout 1000, validation timeout 1000: time-out after \(0.9\|1.[0-5]\) seconds' <<< "$output"
echo 'as found'
