//! Policies as layers of tower: readiness, cancellation, errors, and what they share with attributes.

use std::convert::Infallible;
use std::future::{Ready, pending, ready};
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::SeqCst;
use std::task::{Context, Poll};
use std::time::Duration;

use resilient::http::by_response;
use resilient::metrics::Labels;
use resilient::tower::{deadline_from_header, deadline_to_header, hedge, keyed, policies, policies_for, retry};
use resilient::{
    Backoff, Bulkhead, CircuitBreaker, CircuitBreakerState, Classify, Deadline, Hedge, PerKey, Priority, RateLimit,
    Reason, Retry, Throttle, Timeout, bulkhead, circuit_breaker,
};
use tokio::time::{Instant, advance, sleep};
use tower::balance::p2c::Balance;
use tower::buffer::Buffer;
use tower::discover::ServiceList;
use tower::limit::ConcurrencyLimit;
use tower::{BoxError, Service, ServiceBuilder, ServiceExt, service_fn};

const SECOND: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, Classify)]
enum Error {
    #[transient]
    Down,
    #[permanent]
    Gone,
    #[transparent(from)]
    Refused(resilient::Error),
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self:?}")
    }
}

impl std::error::Error for Error {}

/// A service that panics if it is called without having been polled ready, and counts calls.
#[derive(Default)]
struct Strict {
    is_ready: bool,
    calls: Arc<AtomicU32>,
    /// The number of calls that fail before one succeeds.
    failures: u32,
    /// The number of polls before it is ready.
    waits: u32,
}

impl Strict {
    fn failing(failures: u32) -> Self {
        Self { failures, ..Self::default() }
    }
}

impl Clone for Strict {
    /// A clone is not ready, whatever the original is.
    fn clone(&self) -> Self {
        Self { is_ready: false, calls: self.calls.clone(), ..*self }
    }
}

impl Service<u32> for Strict {
    type Response = u32;
    type Error = Error;
    type Future = Ready<Result<u32, Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if self.waits > 0 {
            self.waits -= 1;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.is_ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: u32) -> Self::Future {
        assert!(std::mem::take(&mut self.is_ready), "called without having been polled ready");
        let before = self.calls.fetch_add(1, SeqCst);
        ready(if before < self.failures { Err(Error::Down) } else { Ok(request) })
    }
}

fn reason(error: &impl Classify) -> Reason {
    error.rejection().expect("a rejection").reason()
}

#[tokio::test(start_paused = true)]
async fn services_are_called_ready_by_every_layer() {
    static TOTAL: Timeout = Timeout::named("tower: ready", Duration::from_secs(60));
    static RETRY: Retry = Retry::named("tower: ready").max(3).backoff(Backoff::none()).without_budget();
    static HEDGE: Hedge = Hedge::named("tower: ready").after(SECOND);
    static BREAKER: CircuitBreaker = CircuitBreaker::named("tower: ready");
    static LIMIT: RateLimit = RateLimit::named("tower: ready").rate(1_000, SECOND);
    static THROTTLE: Throttle = Throttle::named("tower: ready").max_drop(0.0001);
    static PLACES: Bulkhead = Bulkhead::named("tower: ready");
    static TENANTS: PerKey<Bulkhead> = PerKey::new(Bulkhead::named("tower: tenants"));
    let strict = Strict { waits: 2, ..Strict::failing(2) };
    let calls = strict.calls.clone();
    let mut service = ServiceBuilder::new()
        .layer(policies((&TOTAL,)))
        .layer(retry(&RETRY))
        .layer(hedge(&HEDGE))
        .layer(keyed(&TENANTS, |request: &u32| request % 2))
        .layer(policies((&THROTTLE, &BREAKER, &LIMIT, &PLACES)))
        .service(strict);

    assert_eq!(service.ready().await.unwrap().call(7).await.unwrap(), 7);

    assert_eq!(calls.load(SeqCst), 3);
    assert_eq!((BREAKER.counts().calls, PLACES.counts().in_use, TENANTS.len()), (3, 0, 1));
}

#[tokio::test]
async fn a_refused_call_never_reaches_the_service_and_gives_back_its_place() {
    static BREAKER: CircuitBreaker = CircuitBreaker::named("tower: refused");
    let strict = Strict::default();
    let calls = strict.calls.clone();
    let limited = ConcurrencyLimit::new(strict, 1);
    let mut service = ServiceBuilder::new().layer(policies((&BREAKER,))).service(limited);
    BREAKER.force_open();

    for _ in 0..3 {
        let error = service.ready().await.unwrap().call(1).await.unwrap_err();
        assert!(matches!(reason(&error), Reason::CircuitOpen { .. }), "{error}");
    }
    assert_eq!(calls.load(SeqCst), 0);

    BREAKER.force_close();
    assert_eq!(service.ready().await.unwrap().call(1).await.unwrap(), 1, "the one place is free");
}

#[tokio::test(start_paused = true)]
async fn a_dropped_call_gives_back_every_permit_at_each_stage() {
    static PLACES: Bulkhead = Bulkhead::named("tower: dropped").limit(1);
    static RETRY: Retry = Retry::named("tower: dropped").backoff(Backoff::fixed(SECOND));
    let hangs = service_fn(|fails: bool| async move {
        if fails {
            Err(BoxError::from(std::io::Error::from(std::io::ErrorKind::ConnectionReset)))
        } else {
            pending::<Result<u32, _>>().await
        }
    });
    let mut service = ServiceBuilder::new().layer(retry(&RETRY)).layer(policies((&PLACES,))).service(hangs);

    // while it runs
    let mut call = Box::pin(service.ready().await.unwrap().call(false));
    assert!(futures_util::poll!(&mut call).is_pending());
    assert_eq!(PLACES.counts().in_use, 1);
    // while it waits for a place
    let mut waits = Box::pin(service.ready().await.unwrap().call(false));
    assert!(futures_util::poll!(&mut waits).is_pending());
    assert_eq!(PLACES.counts().waiting, 1);
    drop(waits);
    assert_eq!(PLACES.counts().waiting, 0);
    drop(call);
    assert_eq!(PLACES.counts().in_use, 0);

    // while it waits for the next attempt
    let mut call = Box::pin(service.ready().await.unwrap().call(true));
    assert!(futures_util::poll!(&mut call).is_pending());
    assert_eq!(PLACES.counts().in_use, 0, "no place is held meanwhile");
    drop(call);
    // before it was polled
    drop(service.ready().await.unwrap().call(false));
    assert_eq!((PLACES.counts().in_use, PLACES.counts().waiting), (0, 0));
}

#[tokio::test]
async fn a_function_and_a_service_share_one_breaker() {
    static BREAKER: CircuitBreaker = CircuitBreaker::named("tower: shared").consecutive(2);

    #[circuit_breaker(with = BREAKER)]
    async fn annotated(fails: bool) -> Result<u32, Error> {
        if fails { Err(Error::Down) } else { Ok(1) }
    }
    let mut service = ServiceBuilder::new().layer(policies((&BREAKER,))).service(Strict::failing(1));

    assert!(matches!(service.ready().await.unwrap().call(1).await, Err(Error::Down)));
    assert!(annotated(true).await.is_err());

    assert_eq!(BREAKER.state(), CircuitBreakerState::Open);
    let refused = service.ready().await.unwrap().call(1).await;
    assert!(matches!(refused, Err(Error::Refused(_))), "{refused:?}");
    assert!(annotated(false).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_function_and_a_service_share_a_limit_and_a_budget() {
    static PLACES: Bulkhead = Bulkhead::named("tower: shared").limit(1).queue(0);
    static RETRY: Retry = Retry::named("tower: shared").max(1).backoff(Backoff::none());

    #[bulkhead(with = PLACES)]
    async fn holds() -> Result<(), Error> {
        sleep(SECOND).await;
        Ok(())
    }
    #[resilient::retry(with = RETRY)]
    async fn fails() -> Result<(), Error> {
        Err(Error::Down)
    }
    let limited = ServiceBuilder::new().layer(policies((&PLACES,))).service(Strict::default());
    let retried = ServiceBuilder::new().layer(retry(&RETRY)).service(Strict::failing(9));

    let mut held = Box::pin(holds());
    assert!(futures_util::poll!(&mut held).is_pending());
    assert_eq!(reason(&limited.clone().oneshot(1).await.unwrap_err()), Reason::QueueFull);
    held.await.unwrap();
    assert_eq!(limited.oneshot(1).await.unwrap(), 1);

    let full = RETRY.budget_balance();
    fails().await.unwrap_err();
    let after_the_function = RETRY.budget_balance();
    retried.oneshot(1).await.unwrap_err();
    assert!(full - after_the_function > 0.5, "a retry costs one, and a call pays a fifth");
    assert!(after_the_function - RETRY.budget_balance() > 0.5, "also of the service");
}

#[tokio::test(start_paused = true)]
async fn errors_in_boxes_are_found_and_end_a_retry_where_they_should() {
    static BREAKER: CircuitBreaker = CircuitBreaker::named("tower: boxes");
    static RETRY: Retry = Retry::named("tower: boxes").max(3).backoff(Backoff::none()).without_budget();
    static LIMIT: Timeout = Timeout::named("tower: boxes", SECOND);
    let calls = Arc::new(AtomicU32::new(0));
    let seen = calls.clone();
    let reset = service_fn(move |kind: std::io::ErrorKind| {
        seen.fetch_add(1, SeqCst);
        async move {
            if kind == std::io::ErrorKind::TimedOut {
                pending::<()>().await;
            }
            Err::<(), _>(std::io::Error::from(kind))
        }
    });
    let mut service = ServiceBuilder::new().layer(retry(&RETRY)).layer(policies((&BREAKER, &LIMIT))).service(reset);
    let mut tries = async |kind| {
        let before = calls.load(SeqCst);
        let error = service.ready().await.unwrap().call(kind).await.unwrap_err();
        (calls.load(SeqCst) - before, error)
    };

    assert_eq!(tries(std::io::ErrorKind::ConnectionReset).await.0, 4, "transient");
    assert_eq!(tries(std::io::ErrorKind::NotFound).await.0, 1, "permanent");
    let (attempts, error) = tries(std::io::ErrorKind::TimedOut).await;
    assert_eq!(attempts, 4, "a time-out of each attempt");
    assert!(matches!(reason(&error), Reason::TimedOut { .. }));
    BREAKER.force_open();
    let (attempts, error) = tries(std::io::ErrorKind::ConnectionReset).await;
    assert_eq!(attempts, 0);
    assert!(matches!(reason(&error), Reason::CircuitOpen { .. }));
}

#[tokio::test(start_paused = true)]
async fn a_request_that_cannot_be_copied_is_sent_once() {
    struct Upload(Vec<u8>);
    static RETRY: Retry = Retry::named("tower: once").max(3).backoff(Backoff::none());
    static HEDGE: Hedge = Hedge::named("tower: once").after(Duration::ZERO).ratio(1.0);
    let calls = Arc::new(AtomicU32::new(0));
    let seen = calls.clone();
    let fails = service_fn(move |upload: Upload| {
        seen.fetch_add(1, SeqCst);
        async move {
            sleep(SECOND).await;
            Err::<usize, _>(if upload.0.is_empty() { Error::Gone } else { Error::Down })
        }
    });
    let small = |upload: &Upload| (upload.0.len() < 3).then(|| Upload(upload.0.clone()));
    let mut service = ServiceBuilder::new().layer(retry(&RETRY).cloning(small)).service(fails.clone());

    service.ready().await.unwrap().call(Upload(vec![1; 9])).await.unwrap_err();
    assert_eq!(calls.swap(0, SeqCst), 1);
    service.ready().await.unwrap().call(Upload(vec![1])).await.unwrap_err();
    assert_eq!(calls.swap(0, SeqCst), 4);

    let mut service = ServiceBuilder::new().layer(hedge(&HEDGE).cloning(small)).service(fails);
    service.ready().await.unwrap().call(Upload(vec![1; 9])).await.unwrap_err();
    assert_eq!(calls.swap(0, SeqCst), 1);
    service.ready().await.unwrap().call(Upload(vec![1])).await.unwrap_err();
    assert_eq!(calls.swap(0, SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_cannot_be_copied_is_counted_by_how_it_ends() {
    static RETRY: Retry = Retry::named("tower: counted").max(3).backoff(Backoff::none());
    let service = service_fn(|outcome: Result<(), Error>| ready(outcome));
    let service = ServiceBuilder::new().layer(retry(&RETRY).cloning(|_| None)).service(service);

    for outcome in [Err(Error::Down), Err(Error::Gone), Ok(())] {
        assert_eq!(service.clone().oneshot(outcome.clone()).await.is_ok(), outcome.is_ok());
    }

    let samples = resilient::metrics::collect();
    let calls = |end: &str| {
        let is_it = |labels| matches!(labels, Some(Labels { policy: "tower: counted", .. }));
        samples.iter().find(|sample| is_it(sample.labels) && sample.own == end).map(|sample| sample.value)
    };
    assert_eq!(["transient", "permanent", "success", "abandoned"].map(calls), [1.0, 1.0, 1.0, 0.0].map(Some));
}

/// The stack of the README.
#[tokio::test(start_paused = true)]
async fn layers_of_a_client_judge_its_responses_where_they_are_told_to() {
    type Request = http::Request<()>;
    static TOTAL: Timeout = Timeout::named("tower: client", SECOND);
    static RETRY: Retry = Retry::named("tower: client").max(2).backoff(Backoff::none());
    static BREAKER: CircuitBreaker = CircuitBreaker::named("tower: client");
    static PLACES: Bulkhead = Bulkhead::named("tower: client");
    let calls = Arc::new(AtomicU32::new(0));
    let seen = calls.clone();
    let client = service_fn(move |_: Request| {
        seen.fetch_add(1, SeqCst);
        ready(Ok::<_, Error>(http::Response::builder().status(503).body(()).unwrap()))
    });
    let request = |method: &str| http::Request::builder().method(method).body(()).unwrap();

    let mut careless = ServiceBuilder::new().layer(retry(&RETRY)).layer(policies((&BREAKER,))).service(client.clone());
    assert_eq!(careless.ready().await.unwrap().call(request("GET")).await.unwrap().status(), 503);
    assert_eq!(calls.swap(0, SeqCst), 1, "to a layer that is told nothing, a response is a success");

    let mut service = ServiceBuilder::new()
        .layer(policies((&TOTAL,)))
        .layer(
            retry(&RETRY)
                .when(by_response)
                .cloning(|request: &Request| request.method().is_idempotent().then(|| request.clone())),
        )
        .layer(policies((BREAKER.when(by_response), &PLACES)))
        .service(client);
    service.ready().await.unwrap().call(request("POST")).await.unwrap();
    assert_eq!(calls.swap(0, SeqCst), 1, "a request that is not idempotent is sent once");
    service.ready().await.unwrap().call(request("GET")).await.unwrap();
    assert_eq!(calls.swap(0, SeqCst), 3);
    let refused = service.ready().await.unwrap().call(request("GET")).await;
    assert!(matches!(refused, Err(Error::Refused(_))), "{refused:?}");
    assert_eq!((calls.swap(0, SeqCst), BREAKER.state()), (1, CircuitBreakerState::Open), "the fifth failure in a row");
}

#[tokio::test(start_paused = true)]
async fn a_hedge_takes_the_first_success() {
    static HEDGE: Hedge = Hedge::named("tower: hedge").after(SECOND).ratio(1.0);
    let calls = Arc::new(AtomicU32::new(0));
    let seen = calls.clone();
    let slow_first = service_fn(move |word: &'static str| {
        let number = seen.fetch_add(1, SeqCst);
        async move {
            sleep(if number == 0 { 10 * SECOND } else { SECOND }).await;
            Ok::<_, Infallible>((word, number))
        }
    });
    let mut service = ServiceBuilder::new().layer(hedge(&HEDGE)).service(slow_first);

    let began = Instant::now();
    assert_eq!(service.ready().await.unwrap().call("tide").await, Ok(("tide", 1)));

    assert_eq!(began.elapsed(), 2 * SECOND);
    assert_eq!((HEDGE.counts().sent, HEDGE.counts().won), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_buffer_over_a_balanced_pair_is_retried_on_the_other() {
    static RETRY: Retry =
        Retry::named("tower: balance").max(5).backoff(Backoff::fixed(Duration::from_millis(10))).without_budget();
    static PLACES: Bulkhead = Bulkhead::named("tower: balance").limit(4).queue(100);
    let answered = Arc::new(AtomicU32::new(0));
    let pair = [true, false].map(|is_down| {
        let answered = answered.clone();
        let server = service_fn(move |request: u32| {
            let answered = answered.clone();
            async move {
                if is_down {
                    return Err(BoxError::from(std::io::Error::from(std::io::ErrorKind::ConnectionRefused)));
                }
                answered.fetch_add(1, SeqCst);
                Ok(request)
            }
        });
        tower::load::Constant::new(server, u32::from(is_down))
    });
    let balanced = Balance::new(ServiceList::new::<u32>(pair));
    let service =
        ServiceBuilder::new().layer(retry(&RETRY)).layer(policies((&PLACES,))).service(Buffer::new(balanced, 8));

    let calls = (0..40).map(|request| service.clone().oneshot(request));
    let answers = futures_util::future::join_all(calls).await;

    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(answered.load(SeqCst), 40);
    assert_eq!(PLACES.counts().in_use, 0);
}

#[tokio::test(start_paused = true)]
async fn the_request_chooses_priority_and_key() {
    static PLACES: Bulkhead = Bulkhead::named("tower: priority").limit(1).queue(1).max_wait(Duration::from_secs(5));
    static TENANTS: PerKey<RateLimit> = PerKey::new(RateLimit::named("tower: tenant").rate(1, SECOND).burst(1));
    let slow = service_fn(|_: (Priority, &'static str)| async {
        sleep(SECOND).await;
        Ok::<_, Infallible>(())
    });
    let service = ServiceBuilder::new()
        .layer(policies_for(|(priority, _): &(Priority, &'static str)| (PLACES.entry().priority(*priority),)).boxed())
        .service(slow);
    let call = |priority| service.clone().oneshot((priority, "a"));

    let (first, low, high) = tokio::join!(call(Priority::High), call(Priority::Low), call(Priority::High));
    assert!(first.is_ok() && high.is_ok(), "the high one takes the place in the queue");
    assert_eq!(reason(&low.unwrap_err()), Reason::QueueFull);

    let by_tenant = ServiceBuilder::new()
        .layer(keyed(&TENANTS, |(_, tenant): &(Priority, &'static str)| *tenant).boxed())
        .service(service_fn(|_: (Priority, &'static str)| async { Ok::<_, Infallible>(()) }));
    let call = |tenant| by_tenant.clone().oneshot((Priority::High, tenant));
    assert!(call("a").await.is_ok() && call("b").await.is_ok());
    assert!(call("a").await.is_err(), "of one tenant only");
}

#[tokio::test(start_paused = true)]
async fn a_key_has_settings_of_its_own_and_is_shown_if_that_is_said() {
    static TENANTS: PerKey<RateLimit> =
        PerKey::new(RateLimit::named("tower: plans").rate(2, SECOND).max_wait(Duration::ZERO));
    fn plan_of(tenant: &str, shared: RateLimit) -> RateLimit {
        if tenant == "acme" { shared.rate(5, SECOND) } else { shared }
    }
    resilient::list(&TENANTS);
    let service = ServiceBuilder::new()
        .layer(keyed(&TENANTS, |tenant: &String| tenant.clone()).settings(plan_of).log_key().boxed())
        .service(service_fn(|_: String| async { Ok::<_, Infallible>(()) }));
    let answered = async |tenant: &str| {
        let mut answered = 0;
        for _ in 0..9 {
            answered += u32::from(service.clone().oneshot(tenant.to_owned()).await.is_ok());
        }
        answered
    };

    assert_eq!((answered("acme").await, answered("other").await), (5, 2));

    let all = resilient::policies().others;
    let listed = all.iter().find(|policy| policy.name == "tower: plans").expect("it is listed");
    let mut shown: Vec<&str> =
        listed.keys.as_ref().expect("it has keys").busiest.iter().map(|key| key.key.as_str()).collect();
    shown.sort_unstable();
    assert_eq!(shown, ["\"acme\"", "\"other\""]);
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_no_text_has_settings_of_its_own() {
    static TENANTS: PerKey<Bulkhead> = PerKey::new(Bulkhead::named("tower: places").limit(1).max_wait(Duration::ZERO));
    let service = ServiceBuilder::new()
        .layer(keyed(&TENANTS, |tenant: &u32| *tenant).settings(|tenant: &u32, shared: Bulkhead| shared.limit(*tenant)))
        .service(service_fn(|_: u32| async {
            sleep(SECOND).await;
            Ok::<_, Error>(())
        }));
    let call = |tenant| service.clone().oneshot(tenant);

    let (first, second, third) = tokio::join!(call(2), call(2), call(2));
    let alone = tokio::join!(call(1), call(1));

    assert!(first.is_ok() && second.is_ok() && third.is_err());
    assert!(alone.0.is_ok() && alone.1.is_err());
}

#[tokio::test(start_paused = true)]
async fn each_tenant_of_a_server_has_a_breaker_that_sees_its_responses() {
    static TENANTS: PerKey<CircuitBreaker> = PerKey::new(CircuitBreaker::named("tower: a breaker each").consecutive(3));
    fn tenant_of(request: &http::Request<()>) -> String {
        request.headers()["x-tenant"].to_str().unwrap().to_owned()
    }
    fn rules_of(tenant: &str, shared: CircuitBreaker) -> CircuitBreaker {
        if tenant == "patient" { shared.consecutive(5) } else { shared }
    }
    let handler = service_fn(|request: http::Request<()>| {
        let status = if request.headers()["x-tenant"] == "well" { 200 } else { 500 };
        ready(Ok::<_, Infallible>(http::Response::builder().status(status).body(()).unwrap()))
    });
    let layer = keyed(&TENANTS, tenant_of).settings(rules_of).when(by_response).log_key().boxed();
    let service = ServiceBuilder::new().layer(layer).service(handler);
    let answered = async |tenant: &str| {
        let mut answered = 0;
        for _ in 0..9 {
            let request = http::Request::builder().header("x-tenant", tenant).body(()).unwrap();
            answered += u32::from(service.clone().oneshot(request).await.is_ok());
        }
        answered
    };

    assert_eq!((answered("broken").await, answered("patient").await, answered("well").await), (3, 5, 9));
}

#[tokio::test(start_paused = true)]
async fn a_deadline_comes_by_a_header_and_goes_on_with_what_is_left_for_each_attempt() {
    static RETRY: Retry = Retry::named("tower: deadline").max(9).backoff(Backoff::fixed(SECOND)).without_budget();
    static TOTAL: Timeout = Timeout::named("tower: deadline", Duration::from_secs(60));
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let log = seen.clone();
    let upstream = service_fn(move |request: http::Request<()>| {
        let header = request.headers().get("grpc-timeout").map(|value| value.to_str().unwrap().to_owned());
        log.lock().unwrap().push(header.unwrap_or_default());
        async { Err::<(), _>(BoxError::from(std::io::Error::from(std::io::ErrorKind::ConnectionReset))) }
    });
    let client = ServiceBuilder::new().layer(retry(&RETRY)).layer(deadline_to_header()).service(upstream);
    let server = ServiceBuilder::new()
        .layer(deadline_from_header().at_most(10 * SECOND))
        .layer(policies((&TOTAL,)))
        .service_fn(move |_: http::Request<()>| {
            let request = http::Request::builder().body(()).unwrap();
            client.clone().oneshot(request)
        });
    let call = async |header: &str| {
        let request = http::Request::builder().header("grpc-timeout", header).body(()).unwrap();
        let error = server.clone().oneshot(request).await.unwrap_err();
        (std::mem::take(&mut *seen.lock().unwrap()), error)
    };

    let (attempts, _) = call("2500m").await;
    assert_eq!(attempts, ["2500000u", "1500000u", "500000u"]);
    // neither what is longer than allowed nor what is no deadline counts
    for header in ["1H", "soon"] {
        let (attempts, _) = call(header).await;
        assert_eq!((attempts[0].as_str(), attempts.len()), ("10000000u", 10), "{header}");
    }

    // a header that is sooner already is kept
    let keeps = ServiceBuilder::new()
        .layer(deadline_to_header().named("x-timeout".parse().unwrap()))
        .service_fn(|request: http::Request<()>| ready(Ok::<_, Infallible>(request.headers()["x-timeout"].clone())));
    let send = |header: &str| {
        let request = http::Request::builder().header("x-timeout", header).body(()).unwrap();
        Deadline::after(5 * SECOND).scope(keeps.clone().oneshot(request))
    };
    assert_eq!(send("2S").await.unwrap(), "2S");
    assert_eq!(send("9S").await.unwrap(), "5000000u");
    advance(SECOND).await;
}

#[test]
fn a_layer_lists_its_policies_before_a_call() {
    static TOTAL: Timeout = Timeout::named("tower: listed, total", SECOND);
    static PLACES: Bulkhead = Bulkhead::named("tower: listed, places");

    let _service = ServiceBuilder::new().layer(policies((&TOTAL, &PLACES))).service(Strict::default());

    let listed = resilient::policies().others;
    for name in ["tower: listed, total", "tower: listed, places"] {
        assert!(listed.iter().any(|policy| policy.name == name), "{name}");
    }
}

#[cfg(feature = "config")]
#[tokio::test(start_paused = true)]
async fn settings_of_a_file_find_the_policies_of_layers() {
    static RETRY: Retry = Retry::named("tower: settings, retry").max(3).backoff(Backoff::none()).without_budget();
    static HEDGE: Hedge = Hedge::named("tower: settings, hedge").after(SECOND);
    static TENANTS: PerKey<RateLimit> = PerKey::new(RateLimit::named("tower: settings, tenants").rate(1, SECOND));
    static BREAKER: CircuitBreaker = CircuitBreaker::named("tower: settings, breaker");
    static LIMIT: RateLimit = RateLimit::named("tower: settings, limit").rate(1, SECOND);
    static PLACES: Bulkhead = Bulkhead::named("tower: settings, places").limit(1);
    static CHOSEN: Bulkhead = Bulkhead::named("tower: settings, chosen").limit(1);
    let file = "
        [\"tower: settings, retry\".retry]\nmax = 1
        [\"tower: settings, hedge\".hedge]\nafter = \"2s\"
        [\"tower: settings, tenants\".rate_limit]\nrate = \"5/s\"
        [\"tower: settings, breaker\".circuit_breaker]\nforce = \"open\"
        [\"tower: settings, limit\".rate_limit]\nrate = \"5/s\"
        [\"tower: settings, places\".bulkhead]\nlimit = 5
        [\"tower: settings, chosen\".bulkhead]\nlimit = 5
        [end]
    ";
    let applied = resilient::config::apply("tower", file).unwrap();
    assert_eq!((applied.changed(), applied.waiting().len()), (0, 7), "of none is anything known");

    let service = ServiceBuilder::new()
        .layer(retry(&RETRY))
        .layer(hedge(&HEDGE))
        .layer(keyed(&TENANTS, |request: &u32| *request))
        .layer(policies((BREAKER.when(|_: &Result<u32, Error>| resilient::Class::Success), LIMIT.weighing(1))))
        .layer(policies((PLACES.learning(),)))
        .layer(policies_for(|_: &u32| (CHOSEN.entry().priority(Priority::Low),)))
        .service(Strict::default());

    let limit = |places: &Bulkhead| places.counts().limit;
    assert_eq!((BREAKER.state(), limit(&PLACES)), (CircuitBreakerState::ForcedOpen, 5), "before a call");
    assert_eq!(limit(&CHOSEN), 1, "what a request chooses is known when one comes");
    BREAKER.force_close();
    service.clone().oneshot(1).await.unwrap();
    assert_eq!(limit(&CHOSEN), 5);

    let listed = resilient::policies().others;
    let settings = |name: &str| {
        let policy = listed.iter().find(|policy| policy.name == name).unwrap();
        policy.settings.iter().find(|setting| setting.origin.is_some()).map(|setting| setting.value.clone())
    };
    for name in ["retry", "hedge", "tenants", "limit", "places", "chosen"] {
        let name = format!("tower: settings, {name}");
        assert!(settings(&name).is_some(), "{name}: {listed:?}");
    }
    let typo = resilient::config::apply("tower", "[\"tower: settings, retri\".retry]\nmax = 1\n[end]").unwrap();
    assert!(typo.waiting()[0].message.contains("did you mean `tower: settings, retry`?"), "{typo:?}");
    resilient::config::forget("tower").unwrap();
}

#[cfg(feature = "reqwest-middleware-0-5")]
#[tokio::test]
async fn the_policies_of_a_middleware_are_listed_at_its_first_request() {
    static TOTAL: Timeout = Timeout::named("middleware: total", SECOND);
    static RETRY: Retry = Retry::named("middleware: retry").max(1).backoff(Backoff::none());
    static HEDGE: Hedge = Hedge::named("middleware: hedge").after(SECOND);
    static HOSTS: PerKey<CircuitBreaker> = PerKey::new(CircuitBreaker::named("middleware: hosts"));
    static CHOSEN: Bulkhead = Bulkhead::named("middleware: chosen");
    let client = reqwest_middleware::ClientBuilder::new(reqwest::Client::new())
        .with(policies((&TOTAL,)))
        .with(retry(&RETRY))
        .with(hedge(&HEDGE))
        .with(keyed(&HOSTS, |request: &reqwest::Request| request.url().port()))
        .with(policies_for(|_: &reqwest::Request| (CHOSEN.entry(),)))
        .build();

    client.get("http://127.0.0.1:9").send().await.unwrap_err();

    let listed = resilient::policies().others;
    for name in ["total", "retry", "hedge", "hosts", "chosen"] {
        let is_listed = |policy: &&resilient::snapshot::PolicySnapshot| policy.name == format!("middleware: {name}");
        assert!(!listed.iter().find(is_listed).unwrap().settings.is_empty(), "{name}");
    }
}

#[cfg(feature = "test-util")]
#[tokio::test(start_paused = true)]
async fn a_header_that_is_no_deadline_is_told_on_both_sides() {
    let echo = service_fn(|request: http::Request<()>| ready(Ok::<_, Infallible>(request)));
    let server = ServiceBuilder::new().layer(deadline_from_header().named("x-timeout".parse().unwrap())).service(echo);
    let client = ServiceBuilder::new().layer(deadline_to_header()).service(echo);
    let request = |name, value: &[u8]| http::Request::builder().header(name, value).body(()).unwrap();
    let log = resilient::test::record();

    for value in [&b"250"[..], b"\xff"] {
        server.clone().oneshot(request("x-timeout", value)).await.unwrap();
    }
    let within = Deadline::after(SECOND);
    let sent = within.scope(client.clone().oneshot(request("grpc-timeout", b"soon"))).await.unwrap();
    assert_eq!(sent.headers()["grpc-timeout"], "1000000u", "it is replaced");
    server.clone().oneshot(request("x-timeout", b"250m")).await.unwrap();
    server.clone().oneshot(request("x-other", b"250")).await.unwrap();
    client.oneshot(request("grpc-timeout", b"soon")).await.unwrap();

    let told: Vec<&str> = log
        .events()
        .iter()
        .filter_map(|event| match event {
            resilient::Event::DeadlineUnread { header, .. } => Some(*header),
            _ => None,
        })
        .collect();
    assert_eq!(told, ["x-timeout", "x-timeout", "grpc-timeout"]);
}

#[tokio::test(start_paused = true)]
async fn the_innermost_layer_boxes_errors_whichever_it_is() {
    static PLACES: Bulkhead = Bulkhead::named("tower: innermost").limit(1).queue(0);
    let fails = service_fn(|_: http::Request<()>| ready(Err::<(), _>(std::io::Error::other("full"))));
    let request = || http::Request::builder().body(()).unwrap();
    let server = ServiceBuilder::new().layer(policies((&PLACES,))).layer(deadline_from_header().boxed()).service(fails);
    let client = ServiceBuilder::new().layer(policies((&PLACES,))).layer(deadline_to_header().boxed()).service(fails);

    assert!(server.clone().oneshot(request()).await.unwrap_err().is::<std::io::Error>());
    assert!(client.clone().oneshot(request()).await.unwrap_err().is::<std::io::Error>());
    let _taken = PLACES.try_acquire().unwrap();
    assert_eq!(reason(&server.oneshot(request()).await.unwrap_err()), Reason::QueueFull);
    assert_eq!(reason(&client.oneshot(request()).await.unwrap_err()), Reason::QueueFull);
}

#[tokio::test]
async fn a_service_that_fails_to_become_ready_has_not_been_called() {
    static BREAKER: CircuitBreaker = CircuitBreaker::named("tower: closed").consecutive(1);
    let (service, mut handle) = tower_test::mock::pair::<u32, u32>();
    handle.send_error(BoxError::from("gone"));
    let mut service = ServiceBuilder::new().layer(policies((&BREAKER,))).service(service);

    assert!(service.ready().await.is_err());

    assert_eq!((BREAKER.counts().calls, BREAKER.state()), (0, CircuitBreakerState::Closed));
}

#[tokio::test]
async fn a_mock_sees_one_call_for_each_permit() {
    static PLACES: Bulkhead = Bulkhead::named("tower: mock").limit(1).queue(0);
    let (service, mut handle) = tower_test::mock::pair::<u32, u32>();
    let mut service = ServiceBuilder::new().layer(policies((&PLACES,))).service(service);
    handle.allow(2);

    let first = tokio::spawn(service.ready().await.unwrap().call(1));
    let (request, respond) = handle.next_request().await.unwrap();
    assert_eq!((request, PLACES.counts().in_use), (1, 1));
    let second = service.ready().await.unwrap().call(2).await.unwrap_err();
    assert_eq!(reason(&second), Reason::QueueFull);
    respond.send_response(10);

    assert_eq!(first.await.unwrap().unwrap(), 10);
    assert_eq!(PLACES.counts().in_use, 0);
}

#[cfg(feature = "axum-0-8")]
#[tokio::test]
async fn a_rejection_becomes_a_response_in_a_router_of_axum() {
    use axum::body::Body;
    use axum::error_handling::HandleErrorLayer;

    static PLACES: Bulkhead = Bulkhead::named("tower: axum").limit(1).queue(0);
    static CALLS: RateLimit = RateLimit::named("tower: axum").rate(1, SECOND).burst(1);
    let layers = ServiceBuilder::new()
        .layer(HandleErrorLayer::new(resilient::tower::respond))
        .layer(policies((&PLACES, &CALLS)).boxed());
    let app = axum::Router::new().route("/", axum::routing::get(async || "found")).layer(layers);
    let get = async || {
        let request = http::Request::builder().uri("/").body(Body::empty()).unwrap();
        let response = app.clone().oneshot(request).await.unwrap();
        let retry_after = response.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
        (response.status().as_u16(), retry_after)
    };

    assert_eq!(get().await, (200, None));
    assert_eq!(get().await, (429, Some("1".to_owned())));
    let _taken = PLACES.try_acquire().unwrap();
    assert_eq!(get().await, (503, None));
}
