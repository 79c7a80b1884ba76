//! Policies that functions are given by `with = …`.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};

use resilient::snapshot::PolicySnapshot;
use resilient::{
    Bulkhead, CircuitBreaker, CircuitBreakerState, Classify, Hedge, PerKey, Retry, bulkhead, circuit_breaker, coalesce,
    fallback, hedge, list, measure, policies, retry,
};
use resilient_tests::Error;

/// The policies of that name which belong to no function.
fn listed(name: &str) -> Vec<PolicySnapshot> {
    let mut others = policies().others;
    others.retain(|policy| policy.name == name);
    others
}

static FIRST: CircuitBreaker = CircuitBreaker::named("given first").consecutive(7);
static BEHIND: CircuitBreaker = CircuitBreaker::named("given behind");
static SEVERAL: [CircuitBreaker; 2] = [CircuitBreaker::named("given one"), CircuitBreaker::named("given two")];
static HOSTS: PerKey<CircuitBreaker> = PerKey::new(CircuitBreaker::named("given host"));

mod policies_of_the_house {
    use super::Bulkhead;

    pub(super) static PLACES: Bulkhead = Bulkhead::named("given places").limit(2);
}

#[bulkhead(with = policies_of_the_house::PLACES)]
#[circuit_breaker(with = FIRST)]
async fn stack() -> Result<(), Error> {
    Ok(())
}

static OPENED: CircuitBreaker = CircuitBreaker::named("given opened");

#[circuit_breaker(with = &OPENED)]
async fn fails() -> Result<(), Error> {
    Err(Error::Down)
}

#[circuit_breaker(with = OPENED)]
async fn another() -> Result<(), Error> {
    Ok(())
}

#[circuit_breaker(with = HOSTS.of(host))]
async fn keyed(host: &str) -> Result<usize, Error> {
    Ok(host.len())
}

#[circuit_breaker(with = SEVERAL[number])]
async fn one_of_several(number: usize) -> Result<usize, Error> {
    Ok(number)
}

#[tokio::test(start_paused = true)]
async fn a_static_is_listed_before_its_first_call_and_once() {
    let first = listed("given first");
    assert_eq!((first.len(), listed("given places").len(), listed("given host").len()), (1, 1, 1));
    let consecutive = first[0].settings.iter().find(|setting| setting.key == "consecutive").expect("its settings");
    assert_eq!((consecutive.value.as_str(), first[0].series.function), ("7", ""));
    let functions = policies().functions;
    let function = functions.iter().find(|listed| listed.function == "stack" && listed.module == module_path!());
    let function = function.expect("the function");
    assert!(function.stack.iter().all(|layer| layer.policy.is_none()));
    let shown = function.to_string();
    assert!(shown.contains("bulkhead                 from `given places`, a policy by hand · limit 2 · "), "{shown}");
    assert!(shown.contains("circuit_breaker          from `given first`, a policy by hand · "), "{shown}");
    assert!(shown.contains(" · consecutive 7"), "{shown}");

    stack().await.unwrap();
    keyed("here").await.unwrap();
    list(&FIRST);

    let first = listed("given first");
    assert_eq!((first.len(), first[0].outcomes[0].value), (1, 1.0));
    assert!(listed("given one").is_empty(), "an array is no policy");
    one_of_several(1).await.unwrap();
    assert_eq!(listed("given two").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_static_is_one_policy_for_all_its_functions() {
    for _ in 0..5 {
        fails().await.unwrap_err();
    }

    assert_eq!(OPENED.state(), CircuitBreakerState::Open);
    assert!(matches!(another().await, Err(Error::Refused(_))));
}

/// A constant that is a reference leads to one policy, wherever it is named.
trait Upstream {
    const BREAKER: &'static CircuitBreaker;
}

struct Payments;

impl Upstream for Payments {
    const BREAKER: &'static CircuitBreaker = &BEHIND;
}

impl Payments {
    const RETRY: &'static Retry = &NEVER;

    #[retry(with = Self::RETRY)]
    #[circuit_breaker(with = Self::BREAKER)]
    async fn pay(&self) -> Result<(), Error> {
        Err(Error::Down)
    }
}

static NEVER: Retry = Retry::named("given never").max(1);

#[circuit_breaker(with = U::BREAKER)]
async fn generic<U: Upstream>(upstream: &U) -> Result<(), Error> {
    let _ = upstream;
    Err(Error::Down)
}

#[circuit_breaker(with = if is_known { FIRST_OF_ALL } else { U::BREAKER })]
async fn chosen<U: Upstream>(upstream: &U, is_known: bool) -> Result<(), Error> {
    let _ = (upstream, is_known);
    Ok(())
}

const FIRST_OF_ALL: &CircuitBreaker = &BEHIND;

#[tokio::test(start_paused = true)]
async fn a_constant_that_is_a_reference_leads_to_one_policy() {
    for _ in 0..4 {
        generic(&Payments).await.unwrap_err();
    }
    Payments.pay().await.unwrap_err();

    assert_eq!(BEHIND.state(), CircuitBreakerState::Open);
    assert!(matches!(chosen(&Payments, true).await, Err(Error::Refused(_))));
    assert!(matches!(chosen(&Payments, false).await, Err(Error::Refused(_))));
}

static WAS_MADE: AtomicBool = AtomicBool::new(false);
static LATER: LazyLock<CircuitBreaker> = LazyLock::new(|| {
    WAS_MADE.store(true, Ordering::Relaxed);
    CircuitBreaker::named("given later")
});

#[circuit_breaker(with = LATER)]
async fn made_later() -> Result<(), Error> {
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_look_at_the_list_makes_no_policy() {
    assert!(listed("given later").is_empty() && !WAS_MADE.load(Ordering::Relaxed));

    made_later().await.unwrap();

    assert_eq!((listed("given later").len(), WAS_MADE.load(Ordering::Relaxed)), (1, true));
}

thread_local! {
    static OF_THE_THREAD: Arc<CircuitBreaker> = Arc::new(CircuitBreaker::named("given local"));
}

#[circuit_breaker(with = OF_THE_THREAD.with(Arc::clone))]
async fn of_the_thread() -> Result<(), Error> {
    Err(Error::Down)
}

#[circuit_breaker(with = {
    static HIDDEN: CircuitBreaker = CircuitBreaker::named("given hidden");
    &HIDDEN
})]
async fn hidden() -> Result<(), Error> {
    Err(Error::Down)
}

#[tokio::test(start_paused = true)]
async fn a_thread_and_a_block_may_have_the_policy() {
    for _ in 0..5 {
        of_the_thread().await.unwrap_err();
        hidden().await.unwrap_err();
    }

    assert!(matches!(of_the_thread().await, Err(Error::Refused(_))));
    assert!(matches!(hidden().await, Err(Error::Refused(_))));
}

/// An object that its methods consume, with the policies that they run under.
struct Request {
    retry: Retry,
    hedge: Hedge,
    words: Vec<u32>,
}

impl Request {
    fn new() -> Self {
        Self { retry: Retry::named("given owned").max(1), hedge: Hedge::named("given owned hedge"), words: vec![1, 2] }
    }

    fn len(&self) -> usize {
        self.words.len()
    }

    #[measure]
    #[retry(with = self.retry)]
    async fn given_to_a_retry(self) -> Result<usize, Error> {
        Ok(self.len())
    }

    #[coalesce(key = id, shared_across(self))]
    #[fallback(value = 7)]
    #[retry(with = self.retry)]
    async fn joined(self, id: u32) -> Result<usize, SharedError> {
        let _ = id;
        Ok(self.len())
    }

    #[measure]
    #[hedge(with = self.hedge, idempotent)]
    async fn given_to_a_hedge(self) -> Result<usize, Error> {
        Ok(self.len())
    }
}

#[derive(Debug, Clone, Classify)]
enum SharedError {
    #[transparent(from)]
    Refused(resilient::Error),
}

#[tokio::test(start_paused = true)]
async fn an_object_that_a_call_consumes_may_have_the_policy() {
    assert_eq!(Request::new().given_to_a_retry().await, Ok(2));
    assert_eq!(Request::new().joined(1).await.unwrap(), 2);
    assert_eq!(Request::new().given_to_a_hedge().await, Ok(2));
}
