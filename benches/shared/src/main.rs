//! Limits that machines share through Redis, side by side: what a call takes, how many questions the server is asked, how well the bound is kept, and
//! how long a call takes when the server stops to answer.
//!
//! limitador is among them with `--features limitador`, and brings RocksDB then: 0.14.0 does not compile with its Redis storage alone.
//!
//! It needs `redis-server` on the path, and starts a private one: `cargo run --release --manifest-path benches/shared/Cargo.toml`.

use std::future::Future;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use resilient::RateLimit;
use resilient_redis::Store;
use throttle_kit::RateLimitBackend;

/// The calls of a second.
const RATE: u32 = 1_000;
const SECOND: Duration = Duration::from_secs(1);

static STORE: Store = Store::named("bench");
static OURS: RateLimit = RateLimit::named("ours").rate(RATE, SECOND).shared_through(&STORE);

/// The generic cell rate algorithm by hand, with the server's clock: a call is a question.
const BY_HAND: &str = "
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local interval, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local due = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now)
if due - now > interval * (burst - 1) then return 0 end
redis.call('SET', KEYS[1], string.format('%.0f', due + interval), 'PX', 60000)
return 1";

struct Server {
    child: Child,
    port: u16,
}

impl Server {
    fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("a free port").port();
        let child = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""])
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server is on the path");
        let begin = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begin.elapsed() < 10 * SECOND, "it does not listen");
            std::thread::sleep(Duration::from_millis(10));
        }
        Self { child, port }
    }

    fn address(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    fn tell(&self, words: &[&str]) -> String {
        let mut connection =
            redis::Client::open(self.address()).and_then(|it| it.get_connection()).expect("a connection");
        let mut command = redis::cmd(words[0]);
        command.arg(&words[1..]);
        let answer: redis::Value = command.query(&mut connection).expect("an answer");
        match answer {
            redis::Value::BulkString(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            redis::Value::VerbatimString { text, .. } => text,
            other => format!("{other:?}"),
        }
    }

    /// The scripts that clients have asked it to run.
    fn questions(&self) -> u64 {
        let info = self.tell(&["INFO", "commandstats"]);
        let of = |name: &str| {
            let line = info.lines().find_map(|line| line.strip_prefix(&format!("cmdstat_{name}:calls=")));
            line.and_then(|line| line.split(',').next()?.parse::<u64>().ok()).unwrap_or(0)
        };
        of("evalsha") + of("eval")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn percentile(times: &mut [Duration], part: usize) -> Duration {
    times.sort_unstable();
    times[(times.len() - 1) * part / 100]
}

/// Measures one limiter, whose `call` says whether a call is let through.
async fn measure<F: Future<Output = bool> + Send>(
    name: &str,
    server: &Server,
    call: impl Fn() -> F + Clone + Send + Sync + 'static,
) {
    // with room: eight calls in ten
    for _ in 0..100 {
        call().await;
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    tokio::time::sleep(2 * SECOND).await;
    let (asked, begin) = (server.questions(), Instant::now());
    let (mut took, mut refused) = (Vec::new(), 0);
    while begin.elapsed() < 3 * SECOND {
        while took.len() < begin.elapsed().as_millis() as usize * 8 / 10 {
            let called = Instant::now();
            refused += u32::from(!call().await);
            took.push(called.elapsed());
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let questions = (server.questions() - asked) as f64 / took.len() as f64;
    let (median, late) = (percentile(&mut took, 50), percentile(&mut took, 99));

    // more than there is: eight callers without a pause for three seconds, after a rest
    tokio::time::sleep(2 * SECOND).await;
    let admitted = Arc::new(AtomicU32::new(0));
    let begin = Instant::now();
    let callers: Vec<_> = (0..8)
        .map(|_| {
            let (call, admitted) = (call.clone(), admitted.clone());
            tokio::spawn(async move {
                while begin.elapsed() < 3 * SECOND {
                    if call().await {
                        admitted.fetch_add(1, Relaxed);
                    } else {
                        tokio::time::sleep(Duration::from_millis(1)).await;
                    }
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.expect("it ends");
    }
    let most = f64::from(RATE) * (1.0 + begin.elapsed().as_secs_f64());
    let share = f64::from(admitted.load(Relaxed)) / most * 100.0;

    // a server that does not answer for two seconds
    server.tell(&["CLIENT", "PAUSE", "2000", "ALL"]);
    let begin = Instant::now();
    let (mut longest, mut through, mut calls) = (Duration::ZERO, 0, 0);
    while begin.elapsed() < 1_500 * SECOND / 1_000 {
        let called = Instant::now();
        through += u32::from(call().await);
        calls += 1;
        longest = longest.max(called.elapsed());
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    println!(
        "| {name} | {questions:.3} | {median:.0?} | {late:.0?} | {refused} | {share:.0} % | {longest:.0?} | {through} of {calls} |"
    );
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    println!(
        "| limiter | questions a call | median | p99 | refused below the rate | calls let through, of burst + rate · time | longest call while the server is silent | let through then |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|---:|");

    let server = Server::start();
    STORE.connect(&server.address()).expect("connected");
    assert!(STORE.connected(5 * SECOND).await);
    measure("resilient", &server, || async { OURS.acquire().await.is_ok() }).await;

    let server = Server::start();
    let connection: MultiplexedConnection = redis::Client::open(server.address())
        .expect("an address")
        .get_multiplexed_async_connection()
        .await
        .expect("a connection");
    let script = Arc::new(redis::Script::new(BY_HAND));
    measure("GCRA in Lua by hand", &server, move || {
        let (mut connection, script) = (connection.clone(), script.clone());
        async move {
            let interval = 1_000_000 / RATE;
            // without an answer, the call is refused
            script
                .key("limit")
                .arg(interval)
                .arg(RATE)
                .invoke_async::<i32>(&mut connection)
                .await
                .is_ok_and(|it| it == 1)
        }
    })
    .await;

    let server = Server::start();
    let kit = Arc::new(throttle_kit::RedisBackend::connect(&server.address()).await.expect("connected"));
    let quota = throttle_kit::Quota::per_second(RATE);
    measure("throttle-kit 2.1.2", &server, move || {
        let kit = kit.clone();
        async move { kit.check("limit", &quota).await.allowed }
    })
    .await;

    #[cfg(feature = "limitador")]
    measure_limitador().await;
}

/// Measures limitador with the storage that asks for each call, and with the one that counts by itself and tells the server afterwards.
#[cfg(feature = "limitador")]
async fn measure_limitador() {
    use limitador::limit::{Context, Limit};
    use limitador::storage::redis::{AsyncRedisStorage, CachedRedisStorageBuilder};
    use limitador::{AsyncRateLimiter, storage::AsyncCounterStorage};

    for name in ["limitador 0.14.0", "limitador 0.14.0, cached"] {
        let server = Server::start();
        let address = server.address();
        let storage: Box<dyn AsyncCounterStorage> = if name.ends_with("cached") {
            Box::new(CachedRedisStorageBuilder::new(&address).build().await.expect("connected"))
        } else {
            Box::new(AsyncRedisStorage::new(&address).await.expect("connected"))
        };
        let limiter = AsyncRateLimiter::new_with_storage(storage);
        limiter.add_limit(Limit::new("bench", RATE.into(), 1, [], []));
        let limiter = Arc::new(limiter);
        measure(name, &server, move || {
            let limiter = limiter.clone();
            async move {
                let answer = limiter.check_rate_limited_and_update(&"bench".into(), &Context::default(), 1).await;
                // without an answer, the call is refused
                answer.is_ok_and(|answer| !answer.limited)
            }
        })
        .await;
    }
}
