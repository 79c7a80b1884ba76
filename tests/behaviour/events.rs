//! The events of the policies: their text, and the events that must not come.

use std::collections::HashMap;
use std::fmt::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};
use std::time::Duration;

use resilient::{
    Backoff, Budget, Bulkhead, CircuitBreaker, CircuitBreakerState, Class, Hedge, PerKey, RateLimit, Retry,
};
use resilient::{Deadline, batch, circuit_breaker, coalesce, fallback, retry, timeout};
use resilient::{Settled, Timeout, Verdict};
use resilient_tests::{Error, Script, ms};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Writes down every event of the policies as one line.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "resilient"
    }

    fn event(&self, event: &Event<'_>) {
        struct Line(String);
        impl Visit for Line {
            fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
                // that of functions is tested by itself
                if field.name() != "function" || self.0.contains("events: whose") {
                    write!(self.0, " {field}={value:?}").unwrap();
                }
            }
        }

        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        self.0.lock().unwrap().push(line.0);
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// A subscriber that panics at every event of the policies.
struct Explodes;

impl Subscriber for Explodes {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "resilient"
    }

    fn event(&self, event: &Event<'_>) {
        std::panic::resume_unwind(Box::new(event.metadata().name()));
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// Returns whether `act` panics under a subscriber that panics.
fn explodes<R>(act: impl FnOnce() -> R) -> bool {
    let _guard = tracing::subscriber::set_default(Explodes);
    catch_unwind(AssertUnwindSafe(act)).is_err()
}

fn fail(breaker: &CircuitBreaker) {
    breaker.acquire().unwrap().settle_as(Class::Transient, ());
}

#[tokio::test(start_paused = true)]
async fn an_outage_of_many_keys_is_no_flood_of_lines() {
    static HOSTS: PerKey<CircuitBreaker> = PerKey::new(CircuitBreaker::named("hosts").consecutive(1));
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.clone());

    for minute in 0..3 {
        for host in 0..100 {
            fail(&HOSTS.of(&(minute, host)));
        }
        tokio::time::advance(ms(60_000)).await;
    }

    let lines = log.lines();
    let count = |level: &str| lines.iter().filter(|line| line.starts_with(level)).count();
    assert_eq!((count("WARN"), count("DEBUG")), (30, 270));
}

#[tokio::test(start_paused = true)]
async fn an_outage_of_one_server_is_two_lines_above_debug() {
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.clone());
    let breaker = CircuitBreaker::named("breaker").consecutive(1);
    fail(&breaker);
    for _ in 0..60 {
        tokio::time::advance(ms(500)).await;
        if let Ok(permit) = breaker.acquire() {
            permit.settle_as(Class::Transient, ());
        }
    }
    tokio::time::advance(ms(60_000)).await;
    for _ in 0..3 {
        breaker.acquire().unwrap().settle_as(Class::Success, ());
    }

    let lines = log.lines();
    let loud: Vec<_> = lines.iter().filter(|line| !line.starts_with("DEBUG")).collect();
    assert!(lines.len() > 20, "{lines:?}");
    assert_eq!(loud.len(), 2, "{loud:?}");
    assert!(loud[0].starts_with("WARN") && loud[0].contains("to=\"open\""), "{loud:?}");
    assert!(loud[1].starts_with("INFO") && loud[1].contains("to=\"closed\""), "{loud:?}");
}

#[tokio::test(start_paused = true)]
async fn too_many_keys_are_one_line() {
    static HOSTS: PerKey<CircuitBreaker> = PerKey::new(CircuitBreaker::named("full")).capacity(1);
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.clone());
    let _held = HOSTS.of("a");

    for made_up in 0..1_000 {
        drop(HOSTS.of(&made_up));
    }

    assert_eq!(log.lines(), [r#"WARN message=too many keys policy="full" capacity=1 overflowed=1"#]);
    assert_eq!(HOSTS.overflows(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_probe_whose_event_panics_goes_to_the_next_caller() {
    let breaker = CircuitBreaker::named("breaker").consecutive(1).probes(1);
    fail(&breaker);
    tokio::time::advance(ms(1_200)).await;

    assert!(explodes(|| breaker.acquire()));

    assert_eq!(breaker.state(), CircuitBreakerState::HalfOpen);
    breaker.acquire().expect("the probe was given back").settle_as(Class::Success, ());
    assert_eq!(breaker.state(), CircuitBreakerState::Closed);
    assert_eq!(breaker.counts().failures, 0);
}

#[tokio::test(start_paused = true)]
async fn a_change_of_state_whose_event_panics_has_happened() {
    let breaker = CircuitBreaker::named("breaker").consecutive(1).probes(1).open_jitter(0.0);
    let mut transitions = breaker.transitions();

    assert!(explodes(|| fail(&breaker)));
    assert_eq!((breaker.state(), breaker.counts().opened), (CircuitBreakerState::Open, 1));
    assert_eq!(transitions.next().await.to, CircuitBreakerState::Open);

    tokio::time::advance(ms(1_000)).await;
    let probe = breaker.acquire().unwrap();
    assert!(explodes(|| probe.settle_as(Class::Success, ())));
    assert_eq!((breaker.state(), breaker.counts().closed), (CircuitBreakerState::Closed, 1));

    assert!(explodes(|| breaker.force_open()));
    assert_eq!(breaker.state(), CircuitBreakerState::ForcedOpen);
}

/// Without care, the second panic would end the process.
#[tokio::test(start_paused = true)]
async fn a_panic_of_the_body_and_one_of_the_event_are_survived_together() {
    let breaker = CircuitBreaker::named("breaker").consecutive(1);
    let permit = breaker.acquire().unwrap();

    let exploded = explodes(|| {
        let _permit = permit;
        std::panic::resume_unwind(Box::new("the body's"));
    });

    assert!(exploded);
    assert_eq!(breaker.state(), CircuitBreakerState::Open);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_by_the_server_is_followed_though_its_event_panics() {
    for class in [Class::Throttled { after: None }, Class::Throttled { after: Some(ms(500)) }] {
        let limit = RateLimit::named("limit").rate(10, ms(1_000)).burst(5);
        let permit = limit.try_acquire().unwrap();

        assert!(explodes(|| permit.settle_as(class, ())));
        // the limit lets one call through, since the server named no time
        drop(limit.try_acquire());
        assert!(limit.try_acquire().is_err(), "{class:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_retry_whose_event_panics_gives_back_what_it_took_from_the_budget() {
    static BUDGET: Budget = Budget::new();
    static RETRY: Retry = Retry::named("retry").budget(&BUDGET);
    let before = BUDGET.balance();

    assert!(explodes(|| drop(RETRY.begin().settle(Err::<(), _>(Error::Down)))));
    assert!(BUDGET.balance() >= before);

    drop(RETRY.begin().settle(Err::<(), _>(Error::Down)));
    assert!(BUDGET.balance() < before);
}

#[tokio::test(start_paused = true)]
async fn a_hedge_whose_event_panics_gives_back_what_it_took_from_the_budget() {
    static HEDGE: Hedge = Hedge::named("hedge").after(ms(10));
    async fn takes(time: Duration) -> Result<(), Error> {
        tokio::time::sleep(time).await;
        Ok(())
    }
    for _ in 0..100 {
        HEDGE.run(|| takes(ms(5))).await.unwrap();
    }
    let (sent, balance) = (HEDGE.counts().sent, HEDGE.budget_balance());
    let mut call = Box::pin(HEDGE.run(|| takes(ms(1_000))));
    let mut context = Context::from_waker(Waker::noop());
    assert!(call.as_mut().poll(&mut context).is_pending());
    tokio::time::advance(ms(20)).await;

    assert!(explodes(|| call.as_mut().poll(&mut context)));

    assert_eq!(HEDGE.counts().sent, sent);
    assert!(HEDGE.budget_balance() >= balance);
}

#[tokio::test(start_paused = true)]
async fn a_retry_says_when_it_tries_again_and_when_it_gives_up() {
    #[retry(max = 1, backoff = "fixed", base = "10ms")]
    async fn function(script: &Script) -> Result<(), Error> {
        script.next()
    }
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.clone());

    function(&Script::failing(2)).await.unwrap_err();

    assert_eq!(
        log.lines(),
        [
            r#"DEBUG message=retrying policy="function" retry=0 delay=10ms class="transient""#,
            r#"DEBUG message=gave up policy="function" retries=1 class="transient" why="no retries left""#,
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_adapts_says_once_that_it_learns_nothing() {
    static FIXED: Bulkhead = Bulkhead::named("events: fixed");
    static ADAPTS: Bulkhead = Bulkhead::named("events: adapts").aimd(1, 10, 5);
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.clone());

    for _ in 0..3 {
        let _ = FIXED.run(async {}).await;
        let _ = ADAPTS.run_adaptive(async { Ok::<_, Error>(()) }).await;
        let _ = ADAPTS.acquire().await.unwrap().settle(Ok::<_, Error>(()));
    }
    assert!(log.lines().is_empty(), "{:?}", log.lines());
    for _ in 0..3 {
        let _ = ADAPTS.run(async {}).await;
        let _ = ADAPTS.entry().weight(2).run(async {}).await;
    }

    assert_eq!(
        log.lines(),
        [r#"WARN message=limit learns nothing policy="events: adapts" called="run" instead="run_adaptive""#]
    );
}

#[tokio::test(start_paused = true)]
async fn a_call_that_goes_on_after_its_time_is_a_warning_ten_times() {
    static LIMIT: Timeout = Timeout::named("events: late", ms(5));
    static HOLDS: Retry = Retry::named("events: holds").backoff(Backoff::fixed(ms(70)));
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.clone());
    let failed = Err::<(), _>(std::io::Error::from(std::io::ErrorKind::TimedOut));
    let Verdict::Retry(delay) = HOLDS.begin_blocking().settle(failed) else { panic!("it is retried") };
    // a wait that blocks its thread
    let hold = || {
        let _waits = resilient::test::skip_waits();
        delay.wait();
    };

    for _ in 0..12 {
        let settled = LIMIT.run(async {
            tokio::time::sleep(ms(1)).await;
            hold();
            std::future::pending::<()>().await;
        });
        assert!(matches!(settled.await, Settled::Rejected(_)));
    }

    let lines = log.lines();
    let said: Vec<&String> = lines.iter().filter(|line| line.contains("message=late ")).collect();
    assert_eq!(said[0], r#"WARN message=late policy="events: late" limit=5ms late=70ms"#);
    let levels: Vec<&str> = said.iter().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(levels, [["WARN"; 10].as_slice(), &["DEBUG"; 2]].concat());
}

#[tokio::test(start_paused = true)]
async fn an_error_in_a_box_that_nobody_knows_is_one_line_above_debug() {
    type Boxed = Box<dyn std::error::Error + Send + Sync>;
    #[retry(max = 1)]
    async fn function(fails: bool) -> Result<(), Boxed> {
        if fails { Err("down".into()) } else { Ok(()) }
    }
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.clone());

    function(false).await.unwrap();
    assert!(log.lines().is_empty(), "{:?}", log.lines());
    for _ in 0..3 {
        function(true).await.unwrap_err();
    }

    let lines = log.lines();
    let told = lines.iter().filter(|line| line.contains("an error in a box has no known type, and is permanent"));
    let levels: Vec<&str> = told.filter_map(|line| line.split(' ').next()).collect();
    assert_eq!((levels.len() >= 3, levels[0]), (true, "WARN"), "{lines:?}");
    assert!(levels[1..].iter().all(|level| *level == "DEBUG"), "{lines:?}");
}

#[tokio::test(start_paused = true)]
async fn two_policies_of_one_name_that_differ_say_where_they_are() {
    #[circuit_breaker(name = "events: differ", probes = 1)]
    async fn one() -> Result<(), Error> {
        Ok(())
    }
    #[circuit_breaker(name = "events: differ", probes = 2)]
    async fn other() -> Result<(), Error> {
        Ok(())
    }
    let line = line!() - 4;
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.clone());

    for _ in 0..2 {
        one().await.unwrap();
        other().await.unwrap();
    }

    let file = file!();
    assert_eq!(
        log.lines(),
        [format!(
            r#"ERROR message=settings differ policy="events: differ" kind=CircuitBreaker first={file}:{}:5 second={file}:{line}:5"#,
            line - 4
        )]
    );
}

#[tokio::test(start_paused = true)]
async fn a_time_out_says_how_long_it_waited() {
    #[timeout("10ms", name = "the look-up")]
    async fn function() -> Result<(), Error> {
        std::future::pending().await
    }
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.clone());

    function().await.unwrap_err();

    assert_eq!(log.lines(), [r#"DEBUG message=timed out policy="the look-up" limit=10ms"#]);
}

#[tokio::test(start_paused = true)]
async fn a_deadline_from_further_out_is_not_called_a_time_out() {
    #[timeout("1s")]
    async fn function() -> Result<(), Error> {
        std::future::pending().await
    }
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.clone());

    Deadline::after(ms(10)).scope(function()).await.unwrap_err();

    assert_eq!(log.lines(), [r#"DEBUG message=deadline exceeded policy="function""#]);
}

#[tokio::test(start_paused = true)]
async fn a_breaker_says_what_changed_and_why() {
    #[circuit_breaker(consecutive = 2, probes = 1)]
    async fn function(script: &Script) -> Result<(), Error> {
        script.next()
    }
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.clone());
    let script = Script::failing(2);

    function(&script).await.unwrap_err();
    function(&script).await.unwrap_err();
    tokio::time::advance(ms(1_200)).await;
    function(&script).await.unwrap();

    let lines = log.lines();
    let changes: Vec<&str> = lines.iter().map(|line| line.split(" open_for").next().unwrap()).collect();
    assert_eq!(
        changes,
        [
            r#"WARN message=circuit breaker policy="function" from="closed" to="open" failures=2 calls=2"#,
            r#"DEBUG message=circuit breaker policy="function" from="open" to="half-open" failures=0 calls=0"#,
            r#"INFO message=circuit breaker policy="function" from="half-open" to="closed" failures=0 calls=1"#,
        ]
    );
    assert!(lines[0].contains("open_for"), "{}", lines[0]);
}

#[tokio::test(start_paused = true)]
async fn no_argument_and_no_error_text_is_ever_said() {
    const CANARY: &str = "hunter2";

    #[derive(Debug, resilient::Classify)]
    #[transient]
    struct Secret(#[allow(dead_code)] String);

    impl From<resilient::Error> for Secret {
        fn from(refusal: resilient::Error) -> Self {
            Secret(refusal.to_string())
        }
    }

    #[timeout(total = "1s", attempt = "100ms")]
    #[retry]
    #[circuit_breaker(consecutive = 2)]
    async fn function(password: &str) -> Result<String, Secret> {
        Err(Secret(password.to_owned()))
    }
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.clone());

    for _ in 0..3 {
        let error = function(CANARY).await.unwrap_err();
        drop(error);
    }

    let all = log.lines().join("\n");
    assert!(all.contains("retrying") && all.contains("circuit breaker"), "{all}");
    assert!(!all.contains(CANARY), "{all}");
}

#[tokio::test(start_paused = true)]
async fn a_fallback_says_its_name_and_what_failed() {
    #[fallback(value = (), name = "the archive")]
    async fn function(script: &Script) -> Result<(), Error> {
        script.next()
    }
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.clone());

    function(&Script::failing(1)).await.unwrap();

    assert_eq!(log.lines(), [r#"DEBUG message=fell back policy="the archive" class="transient" answer="value""#]);
}

#[tokio::test(start_paused = true)]
async fn a_fallback_without_an_answer_says_so_in_passing() {
    #[fallback(stale = "5m", shared_across(script))]
    async fn function(script: &Script) -> Result<(), Error> {
        script.next()
    }
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.clone());

    function(&Script::failing(1)).await.unwrap_err();

    assert_eq!(log.lines(), [r#"DEBUG message=nothing to fall back to policy="function" class="transient""#]);
}

#[tokio::test(start_paused = true)]
async fn a_coalescing_says_who_joined_and_who_took_over() {
    #[coalesce(key = id)]
    async fn function(id: u32) -> u32 {
        tokio::time::sleep(ms(10)).await;
        id
    }
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.clone());

    let leader = tokio::time::timeout(ms(5), function(7));
    assert!(matches!(tokio::join!(leader, function(7)), (Err(_), 7)));

    assert_eq!(
        log.lines(),
        [r#"DEBUG message=joined policy="function""#, r#"DEBUG message=handed over policy="function""#]
    );
}

#[tokio::test(start_paused = true)]
async fn a_batch_says_how_much_it_asks_for() {
    #[batch]
    async fn function(keys: Vec<u32>) -> Result<HashMap<u32, u32>, Error> {
        Ok(keys.into_iter().map(|key| (key, key)).collect())
    }
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.clone());

    let (one, other, same) = tokio::join!(function_one(1), function_one(2), function_one(1));
    assert_eq!((one, other, same), (Ok(Some(1)), Ok(Some(2)), Ok(Some(1))));

    assert_eq!(log.lines(), [r#"DEBUG message=batched policy="function" keys=2 callers=3"#]);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_fails_is_no_warning_whatever_becomes_of_it() {
    #[fallback(value = 7)]
    #[timeout("1s")]
    #[retry(max = 2, backoff = "none")]
    #[timeout("100ms")]
    async fn answered(hang: bool) -> Result<u32, Error> {
        if hang {
            std::future::pending::<()>().await;
        }
        Err(Error::Down)
    }
    #[fallback(stale = "1m", shared_across(script))]
    #[retry(max = 1, backoff = "none")]
    async fn failed(script: &Script) -> Result<(), Error> {
        script.next()
    }
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.clone());

    for hang in [false, true] {
        assert_eq!(answered(hang).await, Ok(7));
    }
    failed(&Script::failing(9)).await.unwrap_err();

    let lines = log.lines();
    assert!(lines.len() > 5 && lines.iter().all(|line| line.starts_with("DEBUG")), "{lines:#?}");
}

#[tokio::test(start_paused = true)]
async fn too_many_keys_at_once_are_no_flood_of_lines() {
    use futures_util::FutureExt;
    static MANY: resilient::Coalesce = resilient::Coalesce::named("many");
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.clone());

    let mut calls: Vec<_> =
        (0..12_000).map(|key| Box::pin(MANY.call(&key).run(std::future::pending::<()>()))).collect();
    for call in &mut calls {
        assert!(call.as_mut().now_or_never().is_none());
    }

    let lines = log.lines();
    let loud = lines.iter().filter(|line| line.starts_with("WARN")).count();
    assert!(lines.len() > 1_000, "{}", lines.len());
    assert_eq!(loud, 10);
}

mod one {
    use resilient::{retry, timeout};
    use resilient_tests::Error;

    #[timeout(total = "1s", name = "events: whose time-out")]
    #[retry(max = 1, backoff = "none", name = "events: whose retry")]
    pub async fn fetch() -> Result<(), Error> {
        Err(Error::Down)
    }
}

mod two {
    use resilient::circuit_breaker;
    use resilient_tests::Error;

    #[circuit_breaker(consecutive = 1, key = host, name = "events: whose breaker")]
    pub async fn fetch(host: &str) -> Result<usize, Error> {
        if host.is_empty() { Err(Error::Down) } else { Ok(1) }
    }
}

#[tokio::test(start_paused = true)]
async fn functions_of_one_name_are_told_apart_by_their_paths() {
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.clone());

    drop((one::fetch().await, two::fetch("").await));

    let lines = log.lines();
    let said = |start: &str, path: &str| {
        let of =
            |line: &&String| line.contains(start) && line.contains(&format!("function=\"behaviour::events::{path}\""));
        lines.iter().filter(of).count()
    };
    assert_eq!(said("events: whose retry", "one::fetch"), 2, "{lines:?}");
    assert_eq!(said("events: whose breaker", "two::fetch"), 1, "{lines:?}");
}
