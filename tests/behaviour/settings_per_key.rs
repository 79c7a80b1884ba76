//! `settings`: some keys have other settings than the rest.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use futures_util::FutureExt;
use resilient::{
    Bulkhead, CircuitBreaker, Hedge, Mode, PerKey, RateLimit, Throttle, bulkhead, circuit_breaker, hedge, policies,
    rate_limit, throttle,
};
use resilient_tests::{Error, ms};
use tokio::time::{Instant, sleep};

const SECOND: Duration = Duration::from_secs(1);

#[derive(Clone, Hash, PartialEq)]
enum Plan {
    Free,
    Gold,
}

/// Ten times the shared burst for gold.
fn burst_of(plan: &Plan, shared: RateLimit) -> RateLimit {
    if *plan == Plan::Gold { shared.burst(10) } else { shared }
}

#[rate_limit("1/min", key = plan, settings = burst_of)]
async fn ask(plan: Plan) -> Result<(), Error> {
    let _ = plan;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn some_keys_have_another_limit() {
    let mut admitted = [0, 0];
    for _ in 0..20 {
        admitted[0] += u32::from(ask(Plan::Free).await.is_ok());
        admitted[1] += u32::from(ask(Plan::Gold).await.is_ok());
    }
    assert_eq!(admitted, [1, 10]);
}

#[tokio::test(start_paused = true)]
async fn the_list_says_that_keys_have_settings_of_their_own() {
    #[rate_limit("1/min", key = plan, settings = burst_of)]
    async fn listed_with_own(plan: Plan) -> Result<(), Error> {
        let _ = plan;
        Ok(())
    }
    let snapshot = || {
        let found = policies().functions.into_iter().find(|listed| listed.function == "listed_with_own").unwrap();
        found.stack.into_iter().next().unwrap().policy.unwrap()
    };
    let setting = |key| snapshot().settings.into_iter().find(|setting| setting.key == key).unwrap().value;
    let own = || snapshot().levels.into_iter().find(|level| level.name == "keys_with_own_settings").map(|it| it.value);
    assert_eq!((setting("settings"), own()), ("burst_of".to_owned(), None));

    for plan in [Plan::Free, Plan::Gold] {
        listed_with_own(plan).await.unwrap();
    }

    assert_eq!((setting("burst"), own()), ("1".to_owned(), Some(1.0)), "the shared ones, and one key with others");
}

struct Service {
    gold: &'static str,
    asked: AtomicU32,
}

impl Service {
    #[rate_limit("10/min", key = (tenant, plan), settings = |tenant, plan, shared| self.limit_of(tenant, plan, shared))]
    async fn quota(&self, tenant: &str, plan: Plan) -> Result<(), Error> {
        let _ = (tenant, plan);
        Ok(())
    }

    fn limit_of(&self, tenant: &str, plan: &Plan, shared: RateLimit) -> RateLimit {
        self.asked.fetch_add(1, Relaxed);
        if tenant == self.gold && *plan == Plan::Gold {
            shared.rate(1, SECOND).burst(3)
        } else {
            shared.mode(Mode::Off)
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_closure_sees_the_arguments_and_is_asked_once_for_each_key() {
    let service = Service { gold: "acme", asked: AtomicU32::new(0) };
    let mut admitted = [0, 0];
    for _ in 0..30 {
        admitted[0] += u32::from(service.quota("acme", Plan::Gold).await.is_ok());
        admitted[1] += u32::from(service.quota("acme", Plan::Free).await.is_ok());
    }

    assert_eq!((admitted, service.asked.into_inner()), ([3, 30], 2));
}

#[tokio::test(start_paused = true)]
async fn a_breaker_takes_them() {
    fn rules_of_breaker(host: &str, shared: CircuitBreaker) -> CircuitBreaker {
        if host == "patient" { shared.consecutive(4) } else { shared }
    }
    #[circuit_breaker(consecutive = 2, key = host, settings = rules_of_breaker, log_key)]
    async fn connect(host: String) -> Result<(), Error> {
        let _ = host;
        Err(Error::Down)
    }
    let tries = async |host: &str| {
        let mut tries = 0;
        while matches!(connect(host.to_owned()).await, Err(Error::Down)) {
            tries += 1;
        }
        tries
    };
    assert_eq!((tries("patient").await, tries("hasty").await), (4, 2));
}

#[tokio::test(start_paused = true)]
async fn a_bulkhead_takes_them() {
    fn size_of(tenant: &str, shared: Bulkhead) -> Bulkhead {
        if tenant == "big" { shared.limit(3) } else { shared }
    }
    #[bulkhead(limit = 1, queue = 0, key = tenant, settings = size_of)]
    async fn hold(tenant: &str) -> Result<(), Error> {
        let _ = tenant;
        sleep(SECOND).await;
        Ok(())
    }
    let all = futures_util::future::join_all((0..5).flat_map(|_| [hold("big"), hold("small")])).await;
    let admitted = |offset| all.iter().skip(offset).step_by(2).filter(|outcome| outcome.is_ok()).count();
    assert_eq!((admitted(0), admitted(1)), (3, 1));
}

#[tokio::test(start_paused = true)]
async fn a_throttle_takes_them() {
    fn rules_of_throttle(tenant: &str, shared: Throttle) -> Throttle {
        if tenant == "own" { shared.mode(Mode::Off) } else { shared }
    }
    #[throttle(key = tenant, settings = rules_of_throttle)]
    async fn send(tenant: &str) -> Result<(), Error> {
        let _ = tenant;
        Err(Error::Busy { after: None })
    }
    let mut shed = [0, 0];
    for _ in 0..200 {
        shed[0] += u32::from(matches!(send("own").await, Err(Error::Refused(_))));
        shed[1] += u32::from(matches!(send("other").await, Err(Error::Refused(_))));
    }
    assert!(shed[0] == 0 && shed[1] > 50, "{shed:?}");
}

#[tokio::test(start_paused = true)]
async fn a_hedge_takes_them() {
    static STARTS: AtomicU32 = AtomicU32::new(0);
    fn rules_of_hedge(tenant: &str, shared: Hedge) -> Hedge {
        if tenant == "quick" { shared.after(ms(10)) } else { shared }
    }
    #[hedge(after = "100ms", ratio = "100%", idempotent, key = tenant, settings = rules_of_hedge)]
    async fn look(tenant: &str) -> Result<(), Error> {
        let _ = tenant;
        if STARTS.fetch_add(1, Relaxed).is_multiple_of(2) {
            sleep(SECOND).await;
        }
        Ok(())
    }
    let began = Instant::now();
    look("quick").await.unwrap();
    assert_eq!(began.elapsed(), ms(10));
    look("other").await.unwrap();
    assert_eq!(began.elapsed(), ms(110));
}

#[tokio::test(start_paused = true)]
async fn what_the_builder_refuses_leaves_nothing_behind() {
    static PLANS: AtomicU32 = AtomicU32::new(0);
    fn from_the_store(_: &str, shared: RateLimit) -> RateLimit {
        shared.burst(PLANS.load(Relaxed))
    }
    #[rate_limit("1/min", key = tenant, settings = from_the_store)]
    async fn ask(tenant: &str) -> Result<(), Error> {
        let _ = tenant;
        Ok(())
    }
    let refused = AssertUnwindSafe(ask("acme")).catch_unwind().await.unwrap_err();
    let message = refused.downcast_ref::<&str>().map(|it| (*it).to_owned());
    let message = message.or_else(|| refused.downcast_ref::<String>().cloned()).unwrap();
    assert_eq!(message, "`burst` must be at least 1: with 0 nothing would ever be let through");

    PLANS.store(2, Relaxed);
    assert_eq!([ask("acme").await.is_ok(), ask("acme").await.is_ok(), ask("acme").await.is_ok()], [true, true, false]);
}

#[tokio::test(start_paused = true)]
async fn beside_a_weight() {
    fn quota_of(tenant: &str, shared: RateLimit) -> RateLimit {
        if tenant == "large" { shared.burst(1_000) } else { shared }
    }
    #[rate_limit("100/min", key = tenant, settings = quota_of, weight = tokens)]
    async fn complete(tenant: &str, tokens: u64) -> Result<(), Error> {
        let _ = (tenant, tokens);
        Ok(())
    }

    assert!(complete("large", 1_000).await.is_ok());
    assert!(complete("small", 1_000).await.is_err());
    assert!(complete("small", 100).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_policy_of_ones_own_takes_them() {
    static TENANTS: PerKey<RateLimit> = PerKey::new(RateLimit::named("own plans").rate(1, SECOND));
    #[rate_limit(with = TENANTS.of_with(&plan, burst_of))]
    async fn ask(plan: Plan) -> Result<(), Error> {
        let _ = plan;
        Ok(())
    }

    for _ in 0..10 {
        ask(Plan::Gold).await.unwrap();
    }
    assert!(ask(Plan::Gold).await.is_err());
    assert_eq!(TENANTS.len(), 1);
}
