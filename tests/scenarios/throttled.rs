//! S6: a provider that allows a hundred calls a second and is offered half as many again.

use std::sync::Arc;
use std::time::Duration;

use http::{Response, StatusCode};
use resilient::{RateLimit, Retry, rate_limit, retry, timeout};

use crate::arrivals::{Stretch, poisson};
use crate::calls::{CallError, Client};
use crate::drive::{Call, open_loop};
use crate::provider::{Headers, Ledger, Provider, Terms};

struct Ours {
    provider: Arc<Provider>,
    retry: Retry,
    limit: RateLimit,
}

impl Ours {
    #[timeout(total = "1s")]
    #[retry(with = self.retry)]
    #[rate_limit(with = self.limit)]
    async fn search(&self) -> Result<Response<()>, CallError> {
        Ok(self.provider.answer().await)
    }
}

impl Client for Ours {
    async fn call(&self) -> Result<(), CallError> {
        let response = self.search().await?;
        if response.status() == StatusCode::OK { Ok(()) } else { Err(CallError::Busy) }
    }
}

fn run<C: Client>(seed: u64, terms: &Terms, client: impl Fn(Arc<Provider>) -> C) -> (Vec<Call>, Ledger) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    resilient::test::seed(seed);
    runtime.expect("a runtime").block_on(async {
        let provider = Provider::open(terms.clone(), seed);
        let arrivals = poisson(seed, &[Stretch { rate: 150.0, time: Duration::from_secs(30) }]);
        let calls = open_loop(&arrivals, &[Arc::new(client(Arc::clone(&provider)))], || ()).await;
        (calls, provider.ledger())
    })
}

#[test]
fn measure_throttled() {
    let s = Duration::from_secs;
    for headers in [Headers::Seconds, Headers::Minute, Headers::Burst] {
        for burst in [1, 5, 10, 20] {
            for wait in [100, 500] {
                for closed in [None, Some((s(10), s(12)))] {
                    let terms = Terms { rate: 100.0, burst: 20.0, closed, headers };
                    let (calls, ledger) = run(1, &terms, |provider| Ours {
                        provider,
                        retry: Retry::named("search").max(2),
                        limit: RateLimit::named("search")
                            .rate(100, s(1))
                            .burst(burst)
                            .max_wait(Duration::from_millis(wait)),
                    });
                    let refused = ledger.arrived.iter().filter(|it| !it.1).count();
                    let served = ledger.arrived.len() - refused;
                    let early = ledger
                        .sent
                        .iter()
                        .filter(|&&at| ledger.told.iter().any(|&(from, until)| from < at && at < until))
                        .count();
                    let herd = ledger.arrived.iter().filter(|it| (s(12)..Duration::from_millis(12_100)).contains(&it.0));
                    println!(
                        "{headers:?} burst {burst} wait {wait} closed {}: attempts {} served {served} refused {refused} early {early} good {} herd {}",
                        closed.is_some(),
                        ledger.sent.len(),
                        calls.iter().filter(|call| call.is_good()).count(),
                        herd.count(),
                    );
                }
            }
        }
    }
}
