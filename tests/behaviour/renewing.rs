//! `stale_while_revalidate`: an old outcome is given out while a run behind the calls renews it.

use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use resilient::{bulkhead, coalesce, policies, timeout};
use resilient_tests::{Error, ms};
use tokio::task::yield_now;
use tokio::time::{Instant, sleep};

const SECOND: Duration = Duration::from_secs(1);

#[derive(Default)]
struct Rates {
    asked: AtomicU32,
    hangs: AtomicU32,
}

impl Rates {
    #[coalesce(key = currency, shared_across(self), hold = "10s", stale_while_revalidate = "50s")]
    #[timeout("2s")]
    async fn exchange_rate(self: Arc<Self>, currency: String) -> Result<String, Error> {
        let number = self.asked.fetch_add(1, Relaxed);
        if self.hangs.load(Relaxed) > 0 {
            std::future::pending::<()>().await;
        }
        sleep(SECOND).await;
        Ok(format!("{currency} {number}"))
    }
}

#[tokio::test(start_paused = true)]
async fn a_caller_of_a_stale_outcome_does_not_wait() {
    let rates = Arc::new(Rates::default());
    let ask = || rates.clone().exchange_rate("EUR".to_owned());
    assert_eq!(ask().await.unwrap(), "EUR 0");
    sleep(11 * SECOND).await;

    let began = Instant::now();
    let all = futures_util::future::join_all((0..20).map(|_| ask())).await;
    assert!(all.iter().all(|rate| rate.as_deref().unwrap() == "EUR 0"));
    assert_eq!((began.elapsed(), rates.asked.load(Relaxed)), (ms(0), 1));
    sleep(2 * SECOND).await;

    assert_eq!((ask().await.unwrap(), rates.asked.load(Relaxed)), ("EUR 1".to_owned(), 2));
}

#[tokio::test(start_paused = true)]
async fn the_policies_inside_hold_for_the_run_behind_the_calls() {
    let rates = Arc::new(Rates::default());
    let ask = || rates.clone().exchange_rate("USD".to_owned());
    ask().await.unwrap();
    rates.hangs.store(1, Relaxed);
    sleep(11 * SECOND).await;

    assert_eq!(ask().await.unwrap(), "USD 0");
    sleep(3 * SECOND).await;

    let listed = policies().functions.into_iter().find(|listed| listed.function == "exchange_rate").unwrap();
    let [coalesce, timeout] = &*listed.stack else { panic!("{listed:?}") };
    let count = |name: &str| {
        let counts = &coalesce.policy.as_ref().unwrap().counts;
        counts.iter().find(|count| count.name == name).unwrap_or_else(|| panic!("{counts:?}")).value
    };
    assert!(count("renewals begun") >= 1.0 && count("renewals failed") >= 1.0 && count("stale_answers") >= 1.0);
    let rejections = &timeout.policy.as_ref().unwrap().rejections;
    assert!(rejections.iter().any(|reason| reason.name == "timed_out" && reason.value >= 1.0), "{rejections:?}");
    let settings = &coalesce.policy.as_ref().unwrap().settings;
    assert!(settings.iter().any(|setting| setting.key == "stale_while_revalidate" && setting.value == "50s"));
}

#[tokio::test(start_paused = true)]
async fn what_is_shared_is_renewed_too() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[derive(Debug, PartialEq)]
    struct Page(u32);

    #[coalesce(key = number, share, hold = "1s", stale_while_revalidate = "9s")]
    #[bulkhead(limit = 1)]
    async fn page(number: u32) -> Result<Page, Error> {
        Ok(Page(number + RUNS.fetch_add(1, Relaxed)))
    }

    assert_eq!(*page(10).await.unwrap(), Page(10));
    sleep(2 * SECOND).await;
    assert_eq!(*page(10).await.unwrap(), Page(10));
    yield_now().await;
    assert_eq!(*page(10).await.unwrap(), Page(11));
}
