//! `#[measure]`: the histograms, and the spans.

use std::future::{Future, pending};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};

use futures_util::FutureExt;
use resilient::metrics::{Sample, collect};
use resilient::{
    Class, Measure, Mode, circuit_breaker, fallback, hedge, measure, profile, rate_limit, resilient, retry, timeout,
};
use resilient_tests::{Error, Script, ms};
use tokio::time::sleep;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::with_default;

/// The histogram of that policy and layer, for calls that ended so.
fn histogram(policy: &str, layer: &str, outcome: &str) -> Sample {
    let mut found = collect().into_iter().filter(|sample| {
        sample.family.name == "resilient_duration_seconds"
            && sample.own == outcome
            && sample.labels.is_some_and(|labels| (labels.policy, labels.layer) == (policy, layer))
    });
    let first = found.next().expect("it is there");
    assert!(found.next().is_none(), "{policy} {layer} {outcome} is there twice");
    first
}

/// The number of calls in each bucket alone.
fn buckets(policy: &str, layer: &str, outcome: &str) -> Vec<u64> {
    let histogram = histogram(policy, layer, outcome).histogram.expect("it is a histogram");
    histogram.buckets.iter().map(|(_, count)| *count).collect()
}

/// The number of calls in all buckets.
fn count(policy: &str, layer: &str, outcome: &str) -> u64 {
    buckets(policy, layer, outcome).iter().sum()
}

fn polled_once(future: impl Future) {
    drop(Box::pin(future).as_mut().poll(&mut Context::from_waker(Waker::noop())));
}

#[tokio::test(start_paused = true)]
async fn each_outcome_has_its_durations() {
    #[measure(buckets = ["10ms", "100ms"])]
    async fn takes(millis: u64) -> Result<(), Error> {
        sleep(ms(millis)).await;
        match millis {
            7 => Err(Error::Down),
            8 => Err(Error::Gone),
            9 => panic!("on purpose"),
            _ => Ok(()),
        }
    }

    for millis in [0, 10, 11, 100, 101, 2_000] {
        takes(millis).await.unwrap();
    }
    takes(7).await.unwrap_err();
    takes(8).await.unwrap_err();
    assert!(AssertUnwindSafe(takes(9)).catch_unwind().await.is_err());
    drop(tokio::time::timeout(ms(50), takes(1_000)).await);

    let of = |outcome| buckets("takes", "measure", outcome);
    assert_eq!(of("success"), [2, 2, 2]);
    assert_eq!((of("transient"), of("permanent"), of("throttled")), (vec![1, 0, 0], vec![1, 0, 0], vec![0, 0, 0]));
    assert_eq!(of("abandoned"), [1, 1, 0]);
    let success = histogram("takes", "measure", "success");
    let durations = success.histogram.expect("it is a histogram");
    assert!((durations.sum - 2.222).abs() < 1e-6 && (success.value - 6.0).abs() < 1e-9, "{durations:?}");
    let cumulative: Vec<(f64, u64)> = durations.cumulative().collect();
    assert_eq!(cumulative, [(0.01, 2), (0.1, 4), (f64::INFINITY, 6)]);
}

#[tokio::test(start_paused = true)]
async fn above_a_retry_it_measures_the_call_and_below_it_each_attempt() {
    #[measure(buckets = ["10ms", "100ms"])]
    #[retry(max = 1, backoff = "fixed", base = "50ms")]
    #[measure(buckets = ["10ms", "100ms"])]
    #[timeout("1s")]
    async fn ask(script: &Script) -> Result<(), Error> {
        sleep(ms(5)).await;
        script.next()
    }

    ask(&Script::failing(1)).await.unwrap();

    assert_eq!(buckets("ask", "measure", "success"), [0, 1, 0]);
    assert_eq!(buckets("ask", "attempt_measure", "success"), [1, 0, 0]);
    assert_eq!(buckets("ask", "attempt_measure", "transient"), [1, 0, 0]);
}

/// Whatever it returns, and wherever it stands.
#[tokio::test(start_paused = true)]
async fn on_any_function() {
    #[measure(crate = ::resilient)]
    async fn bare(words: String) -> usize {
        words.len()
    }
    #[measure]
    async fn unclassed(number: u32) -> Result<u32, String> {
        if number == 0 { Err("none".to_owned()) } else { Ok(number) }
    }
    #[measure]
    #[timeout("10ms")]
    async fn unclassed_in_a_stack(millis: u64) -> Result<(), Unclassified> {
        sleep(ms(millis)).await;
        Err(Unclassified)
    }
    #[measure(when = |status| *status == 503)]
    async fn status(code: u16) -> Result<u16, u16> {
        if code == 200 { Ok(code) } else { Err(code) }
    }
    #[measure(when = |outcome: &Result<u16, Error>| if *outcome == Ok(503) { Class::Transient } else { Class::Success })]
    #[timeout("1s")]
    async fn page() -> Result<u16, Error> {
        Ok(503)
    }
    #[fallback(value = 1)]
    #[measure]
    #[hedge(after = "1s", idempotent)]
    #[measure]
    async fn hedged(script: &Script) -> Result<u32, Error> {
        script.next()?;
        Ok(2)
    }
    #[measure]
    #[rate_limit("100/s")]
    #[measure]
    #[circuit_breaker]
    async fn twice_without_a_retry() -> Result<(), Error> {
        Ok(())
    }

    assert_eq!(bare("tide".to_owned()).await, 4);
    assert_eq!((unclassed(0).await.is_err(), unclassed(1).await), (true, Ok(1)));
    assert!(unclassed_in_a_stack(5).await.is_err() && unclassed_in_a_stack(50).await.is_err());
    assert_eq!((status(200).await, status(503).await, status(404).await), (Ok(200), Err(503), Err(404)));
    assert_eq!(page().await, Ok(503));
    assert_eq!(hedged(&Script::of([Error::Gone])).await, Err(Error::Gone));
    twice_without_a_retry().await.unwrap();

    assert_eq!(count("bare", "measure", "success"), 1);
    assert_eq!((count("unclassed", "measure", "success"), count("unclassed", "measure", "permanent")), (1, 1));
    let in_a_stack = |outcome| count("unclassed_in_a_stack", "measure", outcome);
    assert_eq!((in_a_stack("permanent"), in_a_stack("transient")), (1, 1), "the time-out is transient");
    assert_eq!((count("status", "measure", "transient"), count("status", "measure", "permanent")), (1, 1));
    assert_eq!(count("page", "measure", "transient"), 1);
    assert_eq!((count("hedged", "measure", "permanent"), count("hedged", "attempt_measure", "permanent")), (1, 1));
    assert_eq!(count("twice_without_a_retry", "measure", "success"), 1);
    assert_eq!(count("twice_without_a_retry", "measure2", "success"), 1);
}

/// An error without a class, which can hold a rejection.
struct Unclassified;

impl From<resilient::Error> for Unclassified {
    fn from(_: resilient::Error) -> Self {
        Self
    }
}

struct Client {
    measure: Measure,
}

impl Client {
    #[measure(with = self.measure)]
    async fn ask(&self) -> Result<(), Error> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn one_of_ones_own_in_a_profile_and_switched_off() {
    profile!(timed = measure(buckets = ["1s"]), retry(max = 1));
    #[resilient(profile = timed)]
    async fn profiled() -> Result<(), Error> {
        Ok(())
    }
    #[measure(mode = "off", span)]
    async fn is_off() -> Result<(), Error> {
        Ok(())
    }
    let client = Client { measure: Measure::named("measures: own") };

    client.ask().await.unwrap();
    client.measure.set_mode(Mode::Off);
    client.ask().await.unwrap();
    profiled().await.unwrap();
    is_off().await.unwrap();

    assert_eq!(count("measures: own", "measure", "success"), 1);
    assert_eq!(buckets("profiled", "measure", "success"), [1, 0]);
    assert_eq!(count("is_off", "measure", "success"), 0);
}

#[tokio::test(start_paused = true)]
async fn the_list_has_the_settings_and_the_durations() {
    #[measure(buckets = ["10ms", "100ms"], span, name = "measures: listed")]
    async fn measured_and_listed(millis: u64) -> Result<(), Error> {
        sleep(ms(millis)).await;
        Ok(())
    }
    for _ in 0..98 {
        measured_and_listed(1).await.unwrap();
    }
    measured_and_listed(50).await.unwrap();

    let of = || {
        let all = resilient::policies().functions;
        let function =
            all.into_iter().find(|function| function.function == "measured_and_listed").expect("it is listed");
        function.stack.into_iter().next().and_then(|layer| layer.policy).expect("its own")
    };
    let policy = of();
    let settings: Vec<(&str, &str)> = policy.settings.iter().map(|set| (set.key, set.value.as_str())).collect();
    assert_eq!(settings, [("buckets", "10ms 100ms"), ("span", "true")]);
    let durations = policy.durations.as_ref().expect("it measures");
    assert_eq!(durations.bounds, [0.01, 0.1]);
    assert_eq!((durations.outcomes[0].outcome, durations.outcomes[0].buckets.as_slice()), ("success", &[98, 1, 0][..]));
    assert_eq!((durations.within(0.5), durations.within(0.999)), (Some(0.01), Some(0.1)));
    assert!(policy.to_string().ends_with(" · half within 10ms, 99 in 100 within 100ms"), "{policy}");
}

/// A subscriber that keeps what it is told of spans: a line for each that is new and each value that is recorded.
#[derive(Clone, Default)]
struct Spans {
    lines: Arc<Mutex<Vec<String>>>,
    number: Arc<std::sync::atomic::AtomicU64>,
}

impl Spans {
    fn say(&self, line: String) {
        self.lines.lock().unwrap().push(line);
    }
}

struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        use std::fmt::Write;
        write!(self.0, " {}={value:?}", field.name()).unwrap();
    }
}

impl tracing::Subscriber for Spans {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.is_span()
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut fields = Fields(format!("new {}", span.metadata().name()));
        span.record(&mut fields);
        self.say(fields.0);
        Id::from_u64(1 + self.number.fetch_add(1, std::sync::atomic::Ordering::Relaxed))
    }

    fn record(&self, id: &Id, values: &Record<'_>) {
        let mut fields = Fields(format!("{}", id.into_u64()));
        values.record(&mut fields);
        self.say(fields.0);
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, _: &tracing::Event<'_>) {}

    fn enter(&self, id: &Id) {
        self.say(format!("{} entered", id.into_u64()));
    }

    fn exit(&self, _: &Id) {}

    fn try_close(&self, id: Id) -> bool {
        self.say(format!("{} closed", id.into_u64()));
        true
    }
}

#[test]
fn each_call_and_each_attempt_has_a_span_without_arguments_and_errors() {
    #[measure(span)]
    #[retry(max = 1, backoff = "none")]
    #[measure(span, name = "spans: attempt")]
    #[timeout("10ms")]
    async fn secretive(password: &str, script: &Script) -> Result<usize, Error> {
        if password.is_empty() {
            sleep(ms(20)).await;
        }
        script.next()?;
        Ok(password.len())
    }
    #[measure]
    async fn unasked() -> Result<(), Error> {
        Ok(())
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let spans = Spans::default();
    with_default(spans.clone(), || {
        runtime.block_on(async {
            unasked().await.unwrap();
            secretive("canary", &Script::failing(1)).await.unwrap();
            secretive("", &Script::fine()).await.unwrap_err();
            polled_once(async {
                #[measure(span)]
                async fn hangs() -> Result<(), Error> {
                    pending().await
                }
                hangs().await
            });
        });
    });

    let lines = spans.lines.lock().unwrap().join("\n");
    assert!(!lines.contains("canary") && !lines.contains("Down") && !lines.contains("unasked"), "{lines}");
    let path = "behaviour::measure::secretive";
    let begins = format!(
        "new call otel.name=\"{path}\" policy=\"secretive\" function=\"{path}\" layer=\"measure\"\n\
         1 entered\n\
         new call otel.name=\"{path}\" policy=\"spans: attempt\" function=\"{path}\" layer=\"attempt_measure\"\n\
         2 entered\n\
         2 outcome=\"transient\"\n\
         2 otel.status_code=\"ERROR\"\n\
         2 closed\n"
    );
    assert!(lines.starts_with(&begins), "{lines}");
    assert!(lines.contains("3 outcome=\"success\"\n3 otel.status_code=\"OK\"\n3 closed"), "{lines}");
    assert!(lines.contains("outcome=\"transient\"\n5 reason=\"timed_out\"\n5 otel.status_code=\"ERROR\""), "{lines}");
    assert!(lines.ends_with("7 entered\n7 outcome=\"abandoned\"\n7 closed"), "{lines}");
}
