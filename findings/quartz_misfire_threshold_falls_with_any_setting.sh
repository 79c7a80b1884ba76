#!/usr/bin/env bash
# Quartz takes a run that is late by more than its misfire threshold for missed, and lets the trigger say what becomes of it; "do nothing" skips it. By the documentation
# the threshold is 60 seconds if it is not set. That holds for a scheduler without settings. Where the factory is given properties of any kind, such as the number of
# threads that is set here to what it is anyway, the threshold is five seconds. So a daily job that waits six seconds for a thread is skipped until the next day.
#
# Seen with Debian's package libquartz2-java 2.3.2-4, Java 17.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
command -v javac > /dev/null || apt-get install -qq -y --no-install-recommends openjdk-17-jdk-headless > /dev/null 2>&1 || { echo 'the package cannot be installed' >&2; exit 2; }
apt-get download -qq libquartz2-java=2.3.2-4 libslf4j-java=1.7.32-1 2> /dev/null || { echo 'the package cannot be had' >&2; exit 2; }
for package in *.deb; do dpkg -x "$package" .; done
java -version 2>&1 | sed -n 1p
cat > Finding.java <<'JAVA'
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.quartz.CronScheduleBuilder;
import org.quartz.Job;
import org.quartz.JobBuilder;
import org.quartz.JobExecutionContext;
import org.quartz.Scheduler;
import org.quartz.TriggerBuilder;
import org.quartz.impl.StdSchedulerFactory;

public class Finding {
    static volatile int ran;
    static volatile CountDownLatch busy;

    // takes a thread for eight seconds
    public static class Slow implements Job {
        public void execute(JobExecutionContext context) {
            busy.countDown();
            try {
                Thread.sleep(8000);
            } catch (InterruptedException error) {
                Thread.currentThread().interrupt();
            }
        }
    }

    public static class Daily implements Job {
        public void execute(JobExecutionContext context) {
            ran++;
        }
    }

    static void print(String name, Scheduler scheduler) throws Exception {
        ran = 0;
        int threads = scheduler.getMetaData().getThreadPoolSize();
        busy = new CountDownLatch(threads);
        for (int number = 0; number < threads; number++) {
            scheduler.scheduleJob(JobBuilder.newJob(Slow.class).build(), TriggerBuilder.newTrigger().startNow().build());
        }
        scheduler.start();
        busy.await();
        // once a day, one to two seconds from now
        var time = java.time.LocalDateTime.now().plusSeconds(2);
        var cron = CronScheduleBuilder.cronSchedule(time.getSecond() + " " + time.getMinute() + " " + time.getHour() + " * * ?");
        scheduler.scheduleJob(JobBuilder.newJob(Daily.class).build(), TriggerBuilder.newTrigger().withSchedule(cron.withMisfireHandlingInstructionDoNothing()).build());
        Thread.sleep(12000);
        System.out.println(name + ": " + threads + " threads, the daily job ran " + ran + " times");
        scheduler.shutdown(true);
    }

    public static void main(String[] arguments) throws Exception {
        print("no settings", new StdSchedulerFactory().getScheduler());
        for (String threshold : new String[] {null, "60000"}) {
            var properties = new Properties();
            properties.setProperty("org.quartz.scheduler.instanceName", "scheduler" + threshold);
            properties.setProperty("org.quartz.threadPool.threadCount", "10");
            properties.setProperty("org.quartz.threadPool.class", "org.quartz.simpl.SimpleThreadPool");
            if (threshold != null) {
                properties.setProperty("org.quartz.jobStore.misfireThreshold", threshold);
            }
            print(threshold == null ? "number of threads set" : "threshold set as well", new StdSchedulerFactory(properties).getScheduler());
        }
        System.exit(0);
    }
}
JAVA

output=$(java -cp 'usr/share/java/quartz2.jar:usr/share/java/slf4j-api.jar:usr/share/java/slf4j-nop.jar' Finding.java 2> /dev/null)
echo "$output"
grep -qx 'no settings: 10 threads, the daily job ran 1 times' <<< "$output"
grep -qx 'number of threads set: 10 threads, the daily job ran 0 times' <<< "$output"
grep -qx 'threshold set as well: 10 threads, the daily job ran 1 times' <<< "$output"
echo 'as found'
