//! Faults of a real server: each is said, calls go on by the rule, and it ends.

use std::time::{Duration, Instant};

use resilient::shared::WhenDown;
use resilient::{CircuitBreaker, CircuitBreakerState, Class, RateLimit, Reason};
use resilient_redis::Store;

use crate::block_on;
use crate::server::Server;

const SECOND: Duration = Duration::from_secs(1);

static STORE: Store = Store::named("faults").timeout(ms(100));
static LIMIT: RateLimit =
    RateLimit::named("faults").rate(200, SECOND).shared_through(&STORE).when_down(WhenDown::Local);

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Returns 1 while the store is said not to answer.
fn is_down() -> bool {
    let samples = resilient::metrics::collect();
    samples.iter().any(|sample| sample.family.name == "resilient_shared_down" && sample.value > 0.0)
}

/// Makes calls until the store is as expected, and returns the longest that a call took.
async fn until(is_expected: bool, fault: &str) -> Duration {
    let (begin, mut longest) = (Instant::now(), Duration::ZERO);
    while is_down() != is_expected {
        assert!(
            begin.elapsed() < SECOND * 8,
            "{fault}: the store is not said to be {}",
            if is_expected { "down" } else { "up" }
        );
        let called = Instant::now();
        let _ = LIMIT.acquire().await;
        longest = longest.max(called.elapsed());
        tokio::time::sleep(ms(2)).await;
    }
    longest
}

/// Makes 250 calls, each 2 ms or more after the one before it, and returns how many are let through.
async fn calls_served() -> u32 {
    let mut served = 0;
    for _ in 0..250 {
        served += u32::from(LIMIT.acquire().await.is_ok());
        tokio::time::sleep(ms(2)).await;
    }
    served
}

pub(crate) fn each_is_survived_and_said() {
    let mut server = Server::start();
    resilient::list(&LIMIT);
    block_on(async {
        STORE.connect(&server.address()).unwrap();
        assert!(STORE.connected(SECOND * 5).await);
        until(false, "the beginning").await;
        let faults: [(&str, &[&str], &[&str]); 4] = [
            ("READONLY", &["REPLICAOF 127.0.0.1 1"], &["REPLICAOF NO ONE"]),
            ("OOM", &["CONFIG SET maxmemory 1"], &["CONFIG SET maxmemory 0"]),
            ("no answers", &["CLIENT PAUSE 600000 ALL"], &[]),
            ("no permission", &["ACL SETUSER default -evalsha -eval"], &["ACL SETUSER default +evalsha +eval"]),
        ];
        for (fault, begin, end) in faults {
            for command in begin {
                server.tell(command).unwrap_or_else(|error| panic!("{fault}: {error}"));
            }
            let longest = until(true, fault).await;
            let calls = calls_served().await;
            if end.is_empty() {
                server.kill();
                server.begin(&[]);
            }
            for command in end {
                server.tell(command).unwrap_or_else(|error| panic!("{fault}: {error}"));
            }
            let longest = longest.max(until(false, fault).await);
            println!("    {fault}: {calls} calls served without the store; the longest call took {longest:?}");
            assert!(calls >= 80, "{fault}: {calls} of 250 calls, of which two in five keep to 200 a second or more");
        }
        loads(&mut server).await;

        // neither is a fault
        server.tell("SCRIPT FLUSH").unwrap();
        let begin = Instant::now();
        while begin.elapsed() < ms(600) {
            let _ = LIMIT.acquire().await;
            assert!(!is_down(), "a script that the server has forgotten is sent again");
            tokio::time::sleep(ms(2)).await;
        }
    });
}

/// A server that starts with much data answers LOADING.
async fn loads(server: &mut Server) {
    server.tell("DEBUG POPULATE 3000 key 2000").unwrap();
    server.tell("SAVE").unwrap();
    server.kill();
    server.begin(&["--key-load-delay", "500", "--loading-process-events-interval-bytes", "1024"]);
    let error = server.tell("GET key:1").unwrap_err();
    assert_eq!(error.code(), Some("LOADING"), "{error}");
    let longest = until(true, "LOADING").await;
    let longest = longest.max(until(false, "LOADING").await);
    println!("    LOADING: the longest call took {longest:?}");
}

static ONE: Store = Store::named("pauses").timeout(ms(50));
static OTHER: Store = Store::named("pauses").timeout(ms(50));
static ON_ONE: RateLimit = RateLimit::named("pauses").rate(1_000, SECOND).shared_through(&ONE);
static ON_OTHER: RateLimit = RateLimit::named("pauses").rate(1_000, SECOND).shared_through(&OTHER);

pub(crate) fn a_pause_of_one_machine_holds_the_other() {
    let server = Server::start();
    block_on(async {
        for store in [&ONE, &OTHER] {
            store.connect(&server.address()).unwrap();
            assert!(store.connected(SECOND * 5).await);
        }
        let begin = Instant::now();
        while begin.elapsed() < SECOND {
            let _ = (ON_ONE.acquire().await, ON_OTHER.acquire().await);
            tokio::time::sleep(ms(1)).await;
        }
        let permit = loop {
            if let Ok(permit) = ON_ONE.acquire().await {
                break permit;
            }
        };

        permit.settle_as(Class::Throttled { after: Some(SECOND * 2) }, ());
        let paused = Instant::now();
        let heard = loop {
            match ON_OTHER.acquire().await.map_err(|rejection| rejection.reason()) {
                Err(Reason::Paused { retry_after }) => break (paused.elapsed(), retry_after),
                _ => assert!(paused.elapsed() < ms(1_500), "the other machine has not heard of the pause"),
            }
            tokio::time::sleep(ms(1)).await;
        };

        println!("    heard after {:?}: a pause of {:?} more", heard.0, heard.1);
        assert!(heard.0 + heard.1 > ms(1_900) && heard.0 + heard.1 < ms(2_100), "{heard:?}");
    });
}

static CIRCUITS: Store = Store::named("breakers").timeout(ms(100));
static BREAKER: CircuitBreaker =
    CircuitBreaker::named("breaker").count_window(4).open_for(ms(300)).shared_through(&CIRCUITS);
static PEER: CircuitBreaker = CircuitBreaker::named("breaker").count_window(4).shared_through(&CIRCUITS);

/// Makes a call on each machine every 5 ms until that is so, and fails after 8 s.
async fn calls_until(machines: &[&CircuitBreaker], what: &str, is_so: impl Fn() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < SECOND * 8, "{what}");
        for machine in machines {
            if let Ok(permit) = machine.acquire() {
                permit.settle_as(Class::Success, ());
            }
        }
        tokio::time::sleep(ms(5)).await;
    }
}

fn fail(breaker: &CircuitBreaker) {
    while let Ok(permit) = breaker.acquire() {
        permit.settle_as(Class::Transient, ());
    }
}

pub(crate) fn a_breaker_goes_by_itself_without_the_store() {
    let mut server = Server::start();
    resilient::list(&BREAKER);
    let is_down = || {
        let samples = resilient::metrics::collect();
        samples.iter().any(|sample| {
            sample.family.name == "resilient_shared_down"
                && sample.value > 0.0
                && sample.labels.is_some_and(|labels| labels.policy == "breaker")
        })
    };
    block_on(async {
        CIRCUITS.connect(&server.address()).unwrap();
        assert!(CIRCUITS.connected(SECOND * 5).await);
        calls_until(&[&BREAKER, &PEER], "it is up", || !is_down()).await;
        server.kill();
        calls_until(&[&BREAKER], "it is said to be down", is_down).await;

        fail(&BREAKER);
        assert_eq!(BREAKER.state(), CircuitBreakerState::Open);
        assert_eq!(PEER.state(), CircuitBreakerState::Closed, "nobody told it");
        calls_until(&[&BREAKER], "it closes by itself", || BREAKER.state() == CircuitBreakerState::Closed).await;

        server.begin(&[]);
        calls_until(&[&BREAKER, &PEER], "it is up again", || !is_down()).await;
        fail(&BREAKER);
        calls_until(&[&PEER], "the other follows again", || PEER.state() == CircuitBreakerState::Open).await;
        server.tell("FLUSHALL").unwrap();
        calls_until(&[&BREAKER, &PEER], "both close, with a store that was emptied", || {
            [&BREAKER, &PEER].iter().all(|breaker| breaker.state() == CircuitBreakerState::Closed)
        })
        .await;
    });
}
