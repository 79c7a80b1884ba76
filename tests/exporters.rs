//! The list of policies and the exporters: what they say of annotated functions, and that all say the same.

use std::collections::BTreeMap;
use std::future::{Future, pending};
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Command, Stdio};
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Waker};
use std::time::Duration;

use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use opentelemetry::metrics::MeterProvider;
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, MetricData, ScopeMetrics};
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, PeriodicReader, SdkMeterProvider};
use prometheus_client::registry::Registry;
use resilient::metrics::{FAMILIES, Sort, collect};
use resilient::{CircuitBreakerState, Mode, policies, snapshot::FunctionSnapshot};
use resilient_tests::Error;

mod search {
    use resilient::{bulkhead, circuit_breaker, fallback, fan_out, measure, rate_limit, retry, timeout};
    use resilient_tests::Error;

    /// Ends as `end` says. Its policies see each attempt.
    #[fallback(value = 7)]
    #[timeout(total = "2s")]
    #[retry(max = 2, backoff = "none", budget = none)]
    #[circuit_breaker(failure_rate = "100%")]
    #[rate_limit("1000000/s")]
    #[bulkhead(limit = 64)]
    #[timeout(attempt = "300ms")]
    pub async fn search(end: u64, served: &std::sync::atomic::AtomicU32) -> Result<u64, Error> {
        served.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        match end {
            0 => Err(Error::Down),
            1 => Err(Error::Gone),
            2 => std::panic::panic_any("on purpose"),
            3 => std::future::pending().await,
            end => Ok(end),
        }
    }

    /// Takes some milliseconds, and has a span of its own.
    #[fan_out(limit = 3)]
    #[measure(buckets = ["250ms", "2500ms"], span)]
    pub async fn times(millis: u64) -> Result<u64, Error> {
        tokio::time::sleep(std::time::Duration::from_millis(millis)).await;
        if millis == 3 { Err(Error::Gone) } else { Ok(millis) }
    }

    /// Is never called.
    #[circuit_breaker(key = host, name = "hosts")]
    pub async fn fetch(host: &str) -> Result<usize, Error> {
        Ok(host.len())
    }
}

mod other {
    use resilient::{CircuitBreaker, circuit_breaker};
    use resilient_tests::Error;

    pub static BREAKER: CircuitBreaker = CircuitBreaker::named("by hand").consecutive(1);

    /// Has the name of another function.
    #[circuit_breaker(with = BREAKER)]
    pub async fn search(word: &str) -> Result<usize, Error> {
        if word.is_empty() { Err(Error::Down) } else { Ok(word.len()) }
    }

    #[circuit_breaker(name = "exporters: shared")]
    pub async fn first() -> Result<(), Error> {
        Ok(())
    }

    #[circuit_breaker(name = "exporters: shared")]
    pub async fn second() -> Result<(), Error> {
        Ok(())
    }

    pub struct One;
    pub struct Two;

    impl One {
        #[circuit_breaker]
        pub async fn same() -> Result<(), Error> {
            Ok(())
        }
    }

    impl Two {
        #[circuit_breaker]
        pub async fn same() -> Result<(), Error> {
            Ok(())
        }
    }

    pub struct Generic<T>(pub T);

    impl<T: AsRef<str>> Generic<T> {
        #[circuit_breaker(consecutive = 1)]
        pub async fn look(&self) -> Result<usize, Error> {
            Err(if self.0.as_ref().is_empty() { Error::Down } else { Error::Gone })
        }
    }
}

fn function(module: &str, name: &str) -> FunctionSnapshot {
    let mut found =
        policies().functions.into_iter().filter(|listed| listed.module.ends_with(module) && listed.function == name);
    let first = found.next().expect("it is listed");
    assert!(found.next().is_none(), "{module}::{name} is there twice");
    first
}

/// Runs the parts one after the other, since they share the policies.
#[test]
fn the_list_and_the_exporters() {
    functions_are_listed_before_their_first_call();
    all_exporters_say_what_the_server_saw();
    a_shared_policy_is_one_series_and_methods_of_one_name_are_two();
    one_call_makes_all_as_new();
}

fn functions_are_listed_before_their_first_call() {
    let search = function("search", "search");
    assert!(search.file.ends_with("tests/exporters.rs") && search.line > 20, "{}:{}", search.file, search.line);
    let layers: Vec<&str> = search.stack.iter().map(|layer| layer.layer.as_str()).collect();
    assert_eq!(
        layers,
        ["fallback", "total_timeout", "retry", "circuit_breaker", "rate_limit", "bulkhead", "attempt_timeout"]
    );
    assert_eq!(search.worst_case, Some(Duration::from_secs(2)));

    // never called, but part of the program
    let _ = search::fetch;
    let fetch = function("search", "fetch");
    let hosts = fetch.stack[0].policy.as_ref().expect("its own");
    assert_eq!((fetch.stack[0].layer.as_str(), hosts.name), ("circuit_breaker_per_key", "hosts"));
    assert_eq!(hosts.keys.as_ref().map(|keys| (keys.len, keys.capacity)), Some((0, 10_000)));

    let other = function("other", "search");
    assert!(other.stack[0].policy.is_none(), "it is by hand");
    assert_eq!(function("other", "look").stack.len(), 1);

    let shown = policies().to_string();
    assert!(shown.contains("exporters::search::search at "), "{shown}");
    assert!(shown.contains("at most 2s a call"), "{shown}");
    let json = serde_json::to_value(policies()).unwrap();
    assert_eq!(json["functions"][0]["stack"][0]["policy"]["mode"], "enforce");
}

fn all_exporters_say_what_the_server_saw() {
    let recorder = DebuggingRecorder::new();
    let (facade, mut registry) = (recorder.snapshotter(), Registry::default());
    metrics::set_global_recorder(recorder).expect("no other recorder");
    resilient::metrics::prometheus::register(&mut registry);
    let exporter = InMemoryMetricExporter::default();
    let provider = SdkMeterProvider::builder().with_reader(PeriodicReader::builder(exporter.clone()).build()).build();
    resilient::metrics::opentelemetry::register(&provider.meter("resilient"));
    resilient::metrics::facade::describe();
    let before = by_name(&prometheus(&registry));
    assert_eq!(
        before.values().filter(|value| **value > 0.0).count(),
        before.keys().filter(|name| is_level(name)).count()
    );

    let (made, served) = load();
    resilient::metrics::facade::publish();
    provider.force_flush().unwrap();

    let own: BTreeMap<String, f64> = collect().iter().flat_map(all_series).collect();
    let scrape = prometheus(&registry);
    let (scraped, facade, telemetry) = (by_name(&scrape), of_facade(&facade), of_telemetry(&exporter));
    for (name, value) in own.iter().filter(|(name, _)| !name.starts_with("resilient_circuit_state_seconds_total")) {
        let near = |other: Option<&f64>| other.is_some_and(|other| (other - value).abs() < 1e-6);
        assert!(near(scraped.get(name)), "prometheus has {:?} for {name} {value}", scraped.get(name));
        assert!(near(facade.get(name)), "the facade has {:?} for {name} {value}", facade.get(name));
        assert!(near(telemetry.get(name)), "OpenTelemetry has {:?} for {name} {value}", telemetry.get(name));
    }
    assert_eq!((own.len(), facade.len(), telemetry.len()), (scraped.len(), scraped.len(), scraped.len()));

    // the books against the server's own
    let sum = |family: &str, layer: &str| -> f64 {
        let of = |name: &&String| {
            name.starts_with(family)
                && name.contains("::search::search")
                && name.contains(&format!("layer=\"{layer}\""))
        };
        own.iter().filter(|(name, _)| of(name)).map(|(_, value)| value).sum()
    };
    let ended = |layer: &str| sum("resilient_calls_total", layer) + sum("resilient_rejections_total", layer);
    let (made, served) = (f64::from(made), f64::from(served));
    let near = |one: f64, other: f64| (one - other).abs() < 0.5;
    assert!(near(ended("total_timeout"), made), "{} of {made}", ended("total_timeout"));
    assert!(near(ended("retry"), made), "{} of {made}", ended("retry"));
    assert!(near(ended("attempt_timeout"), served), "{} of {served}", ended("attempt_timeout"));
    let refused: f64 = ["circuit_breaker", "rate_limit", "bulkhead"]
        .map(|layer| sum("resilient_rejections_total", layer))
        .iter()
        .sum();
    assert!(near(sum("resilient_retries_total", "retry") + made - refused, served), "{refused} refused");

    let mut text = String::new();
    prometheus_client::encoding::prometheus_text::encode(&mut text, &registry).unwrap();
    check_with_promtool(&text);
}

/// Calls from several threads, of which some fail, panic or are dropped. Returns how many were made, and how many attempts
/// came to the server.
fn load() -> (u32, u32) {
    let (made, served) = (AtomicU32::new(0), AtomicU32::new(0));
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (made, served) = (&made, &served);
            scope.spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                for call in 0..100 {
                    made.fetch_add(1, Relaxed);
                    let call = search::search((call + thread) % 7, served);
                    drop(catch_unwind(AssertUnwindSafe(|| runtime.block_on(async { polled_once(call) }))));
                }
            });
        }
    });
    drop(futures_executor(other::search("")));
    drop(futures_executor(async { search::times_all([1, 2, 3, 260]).await }));
    (made.into_inner(), served.into_inner())
}

fn polled_once(future: impl Future) {
    drop(Box::pin(future).as_mut().poll(&mut Context::from_waker(Waker::noop())));
}

fn futures_executor<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn prometheus(registry: &Registry) -> String {
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, registry).unwrap();
    text
}

/// A series and its value, from each line that is one.
fn by_name(text: &str) -> BTreeMap<String, f64> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let all: Vec<(String, f64)> = lines
        .filter_map(|line| {
            let (name, value) = line.rsplit_once(' ')?;
            Some((with_le_last(name), value.parse().ok()?))
        })
        .collect();
    let found: BTreeMap<String, f64> = all.iter().cloned().collect();
    assert_eq!(found.len(), all.len(), "a series is there twice");
    found
}

/// The label of a bucket stands before the others in the text.
fn with_le_last(name: &str) -> String {
    let Some((family, rest)) = name.split_once("{le=\"") else { return name.to_owned() };
    let (le, rest) = rest.split_once("\",").expect("it has other labels");
    format!("{family}{{{},le=\"{}\"}}", rest.trim_end_matches('}'), le.trim_end_matches(".0"))
}

/// Returns whether the series has a value before anything was called.
fn is_level(name: &str) -> bool {
    const ONES: &[&str] = &["mode=\"enforce\"", "state=\"closed\""];
    const LEVELS: &[&str] =
        &["resilient_policies", "resilient_limit", "resilient_rate_share", "resilient_key_capacity"];
    LEVELS.iter().any(|level| name.starts_with(level))
        || (ONES.iter().any(|one| name.contains(one)) && !name.contains("_total{"))
        || name.starts_with("resilient_circuit_state_seconds_total") && name.contains("closed")
}

/// The series of a sample with their values: of a histogram one for each bucket, the sum and the number.
fn all_series(sample: &resilient::metrics::Sample) -> Vec<(String, f64)> {
    let Some(histogram) = &sample.histogram else { return vec![(series(sample), sample.value)] };
    let name = |part| format!("{}_{part}", sample.family.name);
    let number = |count: u64| f64::from(u32::try_from(count).expect("it is small"));
    let buckets = histogram.cumulative().map(|(bound, count)| {
        let le = if bound.is_finite() { bound.to_string() } else { "+Inf".to_owned() };
        let labels = sample.all_labels().chain([("le", &*le.leak())]);
        (named(&name("bucket"), labels), number(count))
    });
    let sums = [("count", number(histogram.count())), ("sum", histogram.sum)];
    buckets.chain(sums.map(|(part, value)| (named(&name(part), sample.all_labels()), value))).collect()
}

fn series(sample: &resilient::metrics::Sample) -> String {
    named(sample.family.name, sample.all_labels())
}

fn named<'a>(name: &str, labels: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let labels: Vec<String> = labels.map(|(name, value)| format!("{name}=\"{value}\"")).collect();
    if labels.is_empty() { name.to_owned() } else { format!("{name}{{{}}}", labels.join(",")) }
}

fn of_facade(snapshotter: &metrics_util::debugging::Snapshotter) -> BTreeMap<String, f64> {
    let all = snapshotter.snapshot().into_vec().into_iter().map(|(key, _, _, value)| {
        let labels = key.key().labels().map(|label| (label.key(), label.value()));
        let value = match value {
            DebugValue::Counter(value) => f64::from(u32::try_from(value).expect("it is small")),
            DebugValue::Gauge(value) => value.into_inner(),
            DebugValue::Histogram(_) => f64::NAN,
        };
        (named(key.key().name(), labels), value)
    });
    all.collect()
}

fn of_telemetry(exporter: &InMemoryMetricExporter) -> BTreeMap<String, f64> {
    let finished = exporter.get_finished_metrics().unwrap();
    let mut found = BTreeMap::new();
    for metric in finished.last().unwrap().scope_metrics().flat_map(ScopeMetrics::metrics) {
        let family = FAMILIES.iter().find(|family| {
            let stem = metric.name().strip_prefix(&family.dotted());
            stem.is_some_and(|part| part.is_empty() || family.sort == Sort::Histogram)
        });
        let family = family.expect("it is in the table");
        let part = metric.name().strip_prefix(&family.dotted()).unwrap().replace('.', "_");
        let unit = if ["_bucket", "_count"].contains(&part.as_str()) { "{call}" } else { family.unit };
        assert_eq!((metric.unit(), metric.description()), (unit, family.help));
        let name = format!("{}{part}", family.name);
        let AggregatedMetrics::F64(data) = metric.data() else { panic!("{} is no f64", metric.name()) };
        let points: Vec<(Vec<(String, String)>, f64)> = match data {
            MetricData::Sum(sum) => {
                assert!(sum.is_monotonic() && family.sort != Sort::Gauge);
                sum.data_points().map(|point| (labels(point.attributes()), point.value())).collect()
            }
            MetricData::Gauge(gauge) => {
                gauge.data_points().map(|point| (labels(point.attributes()), point.value())).collect()
            }
            other => panic!("{other:?}"),
        };
        for (labels, value) in points {
            let order = ["policy", "function", "layer", "outcome", "le"];
            let mut labels = labels;
            labels.sort_by_key(|(name, _)| order.iter().position(|known| known == name).unwrap_or(order.len()));
            found.insert(named(&name, labels.iter().map(|(name, value)| (name.as_str(), value.as_str()))), value);
        }
    }
    found
}

fn labels<'a>(attributes: impl Iterator<Item = &'a opentelemetry::KeyValue>) -> Vec<(String, String)> {
    attributes.map(|attribute| (attribute.key.to_string(), attribute.value.to_string())).collect()
}

/// Has Prometheus's own parser read the scrape, where it is installed.
fn check_with_promtool(scrape: &str) {
    let promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut promtool) = promtool else {
        eprintln!("skipped: `promtool` is not installed, so Prometheus's own parser has not read the scrape");
        return;
    };
    promtool.stdin.take().unwrap().write_all(scrape.as_bytes()).unwrap();
    let checked = promtool.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&checked.stderr).into_owned() + &String::from_utf8_lossy(&checked.stdout);
    assert!(checked.status.success() && said.trim().is_empty(), "{said}");
}

fn one_call_makes_all_as_new() {
    let state = || function("other", "look").stack[0].policy.as_ref().unwrap().state;
    drop(futures_executor(other::Generic("").look()));
    assert_eq!(state(), Some(CircuitBreakerState::Open));
    assert_eq!(other::BREAKER.state(), CircuitBreakerState::Open);
    resilient::list(&other::BREAKER);
    other::BREAKER.set_mode(Mode::Observe);

    resilient::test::reset();

    assert_eq!(state(), Some(CircuitBreakerState::Closed));
    assert_eq!((other::BREAKER.state(), other::BREAKER.current_mode()), (CircuitBreakerState::Closed, Mode::Enforce));
    drop(futures_executor(async { tokio::time::timeout(Duration::ZERO, pending::<Result<(), Error>>()).await }));
}

fn a_shared_policy_is_one_series_and_methods_of_one_name_are_two() {
    let calls = |contains: &str| -> Vec<f64> {
        let all = collect();
        let of = all.iter().map(|sample| (series(sample), sample.value)).filter(|(name, _)| {
            name.starts_with("resilient_calls_total") && name.contains("success") && name.contains(contains)
        });
        of.map(|(_, value)| value).collect()
    };
    let policies = collect()[0].value;
    futures_executor(async {
        other::second().await.unwrap();
        other::first().await.unwrap();
        other::second().await.unwrap();
        other::One::same().await.unwrap();
        other::Two::same().await.unwrap();
    });

    assert_eq!(calls("exporters: shared"), [3.0]);
    assert_eq!(calls("exporters::other::same:"), [1.0, 1.0]);
    assert!((collect()[0].value - policies).abs() < 0.1, "their number stays");
}
