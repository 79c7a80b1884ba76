//! The events of the policies: what they say, and what they never say.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::{Arc, Mutex};

use resilient::{Bulkhead, Deadline, batch, circuit_breaker, coalesce, fallback, retry, timeout};
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
                write!(self.0, " {field}={value:?}").unwrap();
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
            r#"WARN message=gave up policy="function" retries=1 class="transient" why="no retries left""#,
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
            r#"INFO message=circuit breaker policy="function" from="closed" to="open" failures=2 calls=2"#,
            r#"INFO message=circuit breaker policy="function" from="open" to="half-open" failures=0 calls=0"#,
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

    assert_eq!(log.lines(), [r#"WARN message=fell back policy="the archive" class="transient" answer="value""#]);
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
        [r#"DEBUG message=joined policy="function""#, r#"INFO message=handed over policy="function""#]
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
