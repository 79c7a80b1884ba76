//! S6: a provider that allows a hundred calls a second, and is offered half as many again.

use std::sync::Arc;
use std::time::Duration;

use crate::page;
use resilient_scenarios::arrivals::{Stretch, poisson};
use resilient_scenarios::callers::{ByErrors, CAP, Naive, NoPolicy, Ours, Tower};
use resilient_scenarios::calls::{Client, SLO};
use resilient_scenarios::drive::{Call, SEEDS, open_loop};
use resilient_scenarios::provider::{HOSTILE, Headers, Ledger, Provider, Terms};
use resilient_scenarios::quota::{self, Used};
use resilient_scenarios::report::Table;

#[test]
fn a_throttled_provider_is_used_in_full_and_never_asked_too_early() {
    let mut table = quota::table("150/s offered where 100/s are allowed; nothing is for two seconds in between");
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
        // a date has whole seconds, so it may name a time that is almost one second too late
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
    for text in HOSTILE {
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

/// Returns the worst figures of the seeds, and adds them to the table.
fn figures<C: Client>(table: &mut Table, name: &str, headers: Headers, client: impl Fn(Arc<Provider>) -> C) -> Used {
    let worst = SEEDS.map(|seed| {
        let terms = terms(headers);
        let (calls, ledger) = run(seed, SECONDS, &terms, &client);
        assert_eq!(ledger.sent.len(), ledger.arrived.len() + ledger.left, "what was sent, and what the provider saw");
        Used::of(&calls, &ledger, &terms, SECONDS as u32 * SECOND)
    });
    let worst = worst.into_iter().reduce(Used::worse).expect("there are seeds");
    quota::row(table, name, worst);
    worst
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
