//! S6: a provider that allows a hundred calls a second, and is offered half as many again.

use std::sync::Arc;
use std::time::Duration;

use http::{Response, StatusCode};
use resilient::{RateLimit, Retry, rate_limit, retry, timeout};
use tokio::time::sleep;
use tower::util::BoxCloneSyncService;
use tower::{ServiceBuilder, ServiceExt};

use crate::arrivals::{Stretch, poisson};
use crate::baselines::error_of_tower;
use crate::calls::{CallError, Client, SLO};
use crate::drive::{Call, SEEDS, open_loop};
use crate::page;
use crate::provider::{Headers, Ledger, Provider, Terms};
use crate::report::{Table, millis, percent};

/// What eight callers share.
struct Ours {
    provider: Arc<Provider>,
    retry: Retry,
    limit: RateLimit,
}

impl Ours {
    fn new(provider: Arc<Provider>) -> Self {
        let second = Duration::from_secs(1);
        let limit = RateLimit::named("search").rate(100, second).burst(10).max_wait(Duration::from_millis(100));
        Self { provider, retry: Retry::named("search").max(2), limit: limit.max_pause(CAP) }
    }

    #[timeout(total = "1s")]
    #[retry(with = self.retry)]
    #[rate_limit(with = self.limit)]
    async fn search(&self) -> Result<Response<()>, CallError> {
        Ok(self.provider.answer().await)
    }
}

impl Client for Ours {
    async fn call(&self) -> Result<(), CallError> {
        read(&self.search().await?)
    }
}

/// The same, of which the limit sees refusals and no headers.
struct ByErrors(Ours);

impl ByErrors {
    #[timeout(total = "1s")]
    #[retry(with = self.0.retry)]
    #[rate_limit(with = self.0.limit)]
    async fn search(&self) -> Result<(), CallError> {
        read(&self.0.provider.answer().await)
    }
}

impl Client for ByErrors {
    async fn call(&self) -> Result<(), CallError> {
        self.search().await
    }
}

/// What a caller makes of an answer by hand.
fn read(response: &Response<()>) -> Result<(), CallError> {
    if response.status() == StatusCode::OK {
        return Ok(());
    }
    let seconds = response.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
    Err(CallError::Later { after: Duration::from_secs(seconds.unwrap_or(1)) })
}

struct NoPolicy(Arc<Provider>);

impl Client for NoPolicy {
    async fn call(&self) -> Result<(), CallError> {
        read(&self.0.answer().await)
    }
}

/// Three more attempts, each after the time that the provider names to this caller.
struct Naive(Arc<Provider>);

impl Client for Naive {
    async fn call(&self) -> Result<(), CallError> {
        let mut retries = 0;
        loop {
            match read(&self.0.answer().await) {
                Err(CallError::Later { after }) if retries < 3 => sleep(after).await,
                outcome => return outcome,
            }
            retries += 1;
        }
    }
}

/// A queue of 50, a hundred in each second, and two more attempts after the time that the provider names.
struct Tower(BoxCloneSyncService<(), (), CallError>);

impl Tower {
    fn new(provider: Arc<Provider>) -> Self {
        let service = ServiceBuilder::new()
            .load_shed()
            .timeout(SLO)
            .retry(Later(2))
            .map_err(error_of_tower)
            .buffer(50)
            .rate_limit(100, Duration::from_secs(1))
            .service_fn(move |()| {
                let provider = Arc::clone(&provider);
                async move { read(&provider.answer().await) }
            });
        Self(BoxCloneSyncService::new(service.map_err(error_of_tower)))
    }
}

impl Client for Tower {
    async fn call(&self) -> Result<(), CallError> {
        self.0.clone().oneshot(()).await
    }
}

#[derive(Clone)]
struct Later(u32);

impl tower::retry::Policy<(), (), CallError> for Later {
    type Future = tokio::time::Sleep;

    fn retry(&mut self, (): &mut (), result: &mut Result<(), CallError>) -> Option<Self::Future> {
        let Err(CallError::Later { after }) = result else { return None };
        self.0 = self.0.checked_sub(1)?;
        Some(sleep(*after))
    }

    fn clone_request(&mut self, (): &()) -> Option<()> {
        Some(())
    }
}

#[test]
fn a_throttled_provider_is_used_in_full_and_never_asked_too_early() {
    let columns = ["client", "429s", "quota used", "too early", "most in 100 ms", "p50", "p99", "good"];
    let mut table =
        Table::new("150/s offered where 100/s are allowed; nothing is for two seconds in between", &columns);
    let bare = Headers::Seconds;
    figures(&mut table, "no policy", bare, NoPolicy);
    figures(&mut table, "naive retry", bare, Naive);
    figures(&mut table, "tower", bare, Tower::new);
    for (name, headers) in [
        ("**ours**, `Retry-After: 2`", bare),
        ("**ours**, `Retry-After` with a date", Headers::Date),
        ("**ours**, `RateLimit` of a minute", Headers::Minute),
        ("**ours**, `X-RateLimit-…` of the burst", Headers::Burst),
    ] {
        let worst = figures(&mut table, name, headers, Ours::new);
        assert_eq!(worst.early, 0, "{name}: {worst:?}");
        assert!(worst.refused <= 0.02, "{name}: {worst:?}");
        // a date has whole seconds and may name a time that is almost one too late
        let used = if headers == Headers::Date { 0.88 } else { 0.95 };
        assert!(worst.used >= used, "{name}: {worst:?}");
        assert!(worst.herd <= 20, "{name}: {worst:?}");
    }
    let name = "**ours**, the same, by errors only";
    let worst = figures(&mut table, name, Headers::Burst, |provider| ByErrors(Ours::new(provider)));
    assert_eq!(worst.early, 0, "{name}: {worst:?}");
    assert!(worst.refused <= 0.02 && worst.used >= 0.95, "{name}: {worst:?}");
    page::publish("S6", &[table]);
}

#[test]
fn no_value_of_a_header_stops_the_calls_for_longer_than_the_cap() {
    for text in [
        "",
        "soon",
        "-1",
        "1.5",
        "1e9",
        "NaN",
        "inf",
        "0",
        "0x10",
        "1, 2",
        "99999999999999999999",
        "Fri, 31 Dec 9999 23:59:59 GMT",
        "Thu, 01 Jan 1970 00:00:00 GMT",
        "Mon, 31 Feb 2026 25:61:61 GMT",
    ] {
        let terms = Terms { closed: Some((4 * SECOND, 5 * SECOND)), ..terms(Headers::Hostile(text)) };
        let (calls, ledger) = run(1, 10, &terms, Ours::new);

        let longest = ledger.sent.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).max().expect("attempts");
        assert!(longest <= CAP + Duration::from_millis(50), "`{text}` stopped all calls for {longest:?}");
        let late = calls.iter().filter(|call| call.at > 8 * SECOND);
        let good = late.clone().filter(|call| call.is_good()).count();
        assert!(good >= 40, "`{text}`: {good} of {} were good after all", late.count());
        let longest =
            calls.iter().filter_map(|call| Some(call.end.as_ref()?.0.saturating_sub(call.at))).max().expect("outcomes");
        assert!(longest <= SLO + Duration::from_millis(2), "`{text}` held a call for {longest:?}");
        assert!(calls.iter().all(|call| call.end.is_some()), "`{text}` left a call without an outcome");
    }
}

#[derive(Debug)]
struct Throttled {
    refused: f64,
    used: f64,
    early: usize,
    herd: usize,
}

/// The worst of the seeds.
fn figures<C: Client>(
    table: &mut Table,
    name: &str,
    headers: Headers,
    client: impl Fn(Arc<Provider>) -> C,
) -> Throttled {
    let mut worst = Throttled { refused: 0.0, used: f64::MAX, early: 0, herd: 0 };
    let (mut p50, mut p99, mut good) = (Duration::ZERO, Duration::ZERO, f64::MAX);
    for seed in SEEDS {
        let terms = terms(headers);
        let (calls, ledger) = run(seed, SECONDS, &terms, &client);
        let served = ledger.arrived.iter().filter(|(_, served)| *served).count();
        assert_eq!(ledger.sent.len(), ledger.arrived.len() + ledger.left, "what was sent, and what the provider saw");
        let is_early = |at: &&Duration| ledger.told.iter().any(|(from, until)| from < at && *at < until);
        let open = SECONDS as f64 - 2.0;
        worst.refused = worst.refused.max(1.0 - served as f64 / ledger.arrived.len() as f64);
        worst.used = worst.used.min(served as f64 / (open * terms.rate));
        worst.early = worst.early.max(ledger.sent.iter().filter(is_early).count());
        worst.herd = worst.herd.max(most_at_once(&ledger, OPENS));
        let mut latencies: Vec<Duration> = calls.iter().filter_map(Call::latency).collect();
        latencies.sort_unstable();
        p50 = p50.max(latencies[latencies.len() / 2]);
        p99 = p99.max(latencies[latencies.len() * 99 / 100]);
        good = good.min(calls.iter().filter(|call| call.is_good()).count() as f64 / calls.len() as f64);
    }
    table.row(vec![
        name.to_owned(),
        percent(worst.refused),
        percent(worst.used),
        worst.early.to_string(),
        worst.herd.to_string(),
        millis(p50),
        millis(p99),
        percent(good),
    ]);
    worst
}

/// The most attempts in any 100 ms of the two seconds from then on.
fn most_at_once(ledger: &Ledger, from: Duration) -> usize {
    let times = ledger.arrived.iter().map(|(at, _)| *at);
    let times: Vec<Duration> = times.filter(|&at| from <= at && at < from + 2 * SECOND).collect();
    let until = |at: Duration| times.partition_point(|&other| other < at + Duration::from_millis(100));
    times.iter().enumerate().map(|(index, &at)| until(at) - index).max().unwrap_or(0)
}

fn run<C: Client>(seed: u64, seconds: u64, terms: &Terms, client: impl Fn(Arc<Provider>) -> C) -> (Vec<Call>, Ledger) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    resilient::test::seed(seed);
    runtime.expect("a runtime").block_on(async {
        let provider = Provider::open(terms.clone(), seed);
        let arrivals = poisson(seed, &[Stretch { rate: 150.0, time: Duration::from_secs(seconds) }]);
        let shared = Arc::new(client(Arc::clone(&provider)));
        let callers = vec![shared; 8];
        let calls = open_loop(&arrivals, &callers, || ()).await;
        (calls, provider.ledger())
    })
}

fn terms(headers: Headers) -> Terms {
    Terms { rate: 100.0, burst: 20.0, closed: Some((CLOSES, OPENS)), headers }
}

const SECOND: Duration = Duration::from_secs(1);
const SECONDS: u64 = 20;
const CLOSES: Duration = Duration::from_secs(8);
const OPENS: Duration = Duration::from_secs(10);
/// The longest pause that the provider can ask for.
const CAP: Duration = Duration::from_secs(3);
