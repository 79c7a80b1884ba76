//! Policies as middleware of reqwest, before a server on loopback, judged by the requests that arrived there.
//!
//! A machine under load can only make things later, so the asserted times have lower bounds and no upper ones.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{Extensions, HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Error, Middleware, Next};
use resilient::http::CallError;
use resilient::reqwest_middleware::{deadline_to_header, hedge, keyed, policies, policies_for, retry};
use resilient::{
    Backoff, Bulkhead, CircuitBreaker, CircuitBreakerState, Class, Classify, Hedge, PerKey, Priority, RateLimit,
    Reason, Retry, Throttle, Timeout, circuit_breaker,
};
use resilient_tests::ms;
use tokio::net::TcpListener;
use tokio::time::sleep;

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn an_unavailable_server_is_asked_again() {
    static RETRY: Retry = Retry::named("an unavailable server").max(2).backoff(Backoff::none());
    let server = Server::start([status(503), status(502)]).await;
    let client = client().with(retry(&RETRY)).build();

    let response = client.get(&server.url).send().await.unwrap();

    assert_eq!((response.status(), server.arrivals()), (StatusCode::OK, 3));
    assert_eq!(response.text().await.unwrap(), "fine");
}

#[tokio::test]
async fn the_caller_gets_the_last_response() {
    static RETRY: Retry = Retry::named("the last response").max(1).backoff(Backoff::none());
    let server = Server::start([status(503), status(502)]).await;
    let client = client().with(retry(&RETRY)).build();

    assert_eq!(client.get(&server.url).send().await.unwrap().status(), 502);

    assert_eq!(server.arrivals(), 2);
}

#[tokio::test]
async fn a_permanent_failure_is_sent_once() {
    static RETRY: Retry = Retry::named("permanent").backoff(Backoff::none());
    let server = Server::start([status(404)]).await;
    let client = client().with(retry(&RETRY)).build();

    assert_eq!(client.get(&server.url).send().await.unwrap().status(), 404);

    assert_eq!(server.arrivals(), 1);
}

#[tokio::test]
async fn a_retry_waits_for_as_long_as_the_server_says() {
    static RETRY: Retry = Retry::named("says").max(2).backoff(Backoff::none());
    let server = Server::start([Answer { retry_after_ms: Some(150), ..status(429) }]).await;
    let client = client().with(retry(&RETRY)).build();

    assert_eq!(client.get(&server.url).send().await.unwrap().status(), 200);

    let times = server.times();
    assert_eq!(times.len(), 2);
    assert!(times[1] - times[0] >= ms(150), "{times:?}");
}

#[tokio::test]
async fn a_request_that_is_not_safe_to_repeat_is_sent_again_only_if_it_was_not_carried_out() {
    static RETRY: Retry = Retry::named("not safe").max(1).backoff(Backoff::none()).without_budget();
    let careful = client().with(retry(&RETRY)).build();
    let careless = client().with(retry(&RETRY).cloning(reqwest::Request::try_clone)).build();
    let keyed = |client: &ClientWithMiddleware, url: &str| client.post(url).header("Idempotency-Key", "7");

    for (number, code, arrivals) in [(0, 503, 1), (1, 429, 2), (2, 503, 2), (3, 503, 2), (4, 503, 2)] {
        let server = Server::start([status(code)]).await;
        let request = match number {
            0 | 1 => careful.post(&server.url),
            2 => keyed(&careful, &server.url),
            3 => careless.post(&server.url),
            _ => careful.put(&server.url),
        };

        request.body("once").send().await.unwrap();

        assert_eq!(server.arrivals(), arrivals, "case {number}");
    }
}

#[tokio::test]
async fn a_connection_that_could_not_be_made_is_tried_again_for_every_request() {
    static RETRY: Retry = Retry::named("no connection").max(3).backoff(Backoff::none());
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let seen = Seen::default();
    let client = client().with(retry(&RETRY)).with(seen.clone()).build();

    let error = client.post(format!("http://{closed}/")).body("once").send().await.unwrap_err();

    assert_eq!((error.class(), seen.requests()), (Class::Transient, 4));
}

#[tokio::test]
async fn a_streamed_body_is_sent_once() {
    static RETRY: Retry = Retry::named("streamed").backoff(Backoff::none());
    let server = Server::start([status(503)]).await;
    let client = client().with(retry(&RETRY)).build();
    let body = reqwest::Body::wrap_stream(futures_util::stream::iter([Ok::<_, std::io::Error>("part")]));

    assert_eq!(client.put(&server.url).body(body).send().await.unwrap().status(), 503);

    assert_eq!(server.arrivals(), 1);
}

#[tokio::test]
async fn a_breaker_for_each_host_counts_responses_and_refuses() {
    static HOSTS: PerKey<CircuitBreaker> = PerKey::new(CircuitBreaker::named("hosts").consecutive(2));
    static RETRY: Retry = Retry::named("hosts").max(5).backoff(Backoff::none());
    let (down, up) = (Server::start([status(500), status(500)]).await, Server::start([]).await);
    let port = |request: &reqwest::Request| request.url().port();
    let client = client().with(retry(&RETRY)).with(keyed(&HOSTS, port)).build();

    let error = client.get(&down.url).send().await.unwrap_err();

    let rejection = error.rejection().expect("a rejection");
    assert!(matches!(rejection.reason(), Reason::CircuitOpen { .. }), "{rejection}");
    assert_eq!(down.arrivals(), 2, "a retry ends at an open breaker");
    assert!(matches!(CallError::from(error), CallError::Refused(_)));
    assert_eq!(client.get(&up.url).send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_policy_of_a_key_goes_by_its_when() {
    static HOSTS: PerKey<CircuitBreaker> = PerKey::new(CircuitBreaker::named("hosts by when").consecutive(2));
    let missing = |outcome: &Result<reqwest::Response, Error>| {
        outcome.as_ref().is_ok_and(|response| response.status() == StatusCode::NOT_FOUND)
    };
    let server = Server::start([status(500), status(500), status(404), status(404)]).await;
    let port = |request: &reqwest::Request| request.url().port();
    let client = client().with(keyed(&HOSTS, port).when(missing)).build();

    for code in [500, 500, 404, 404] {
        assert_eq!(client.get(&server.url).send().await.unwrap().status(), code);
    }
    let error = client.get(&server.url).send().await.unwrap_err();

    let rejection = error.rejection().expect("a rejection");
    assert!(matches!(rejection.reason(), Reason::CircuitOpen { .. }), "{rejection}");
}

#[tokio::test]
async fn a_tenant_on_another_plan_is_asked_for_with_its_own_limit() {
    const HOUR: Duration = Duration::from_secs(3_600);
    static TENANTS: PerKey<RateLimit> =
        PerKey::new(RateLimit::named("plans of a client").rate(2, HOUR).burst(2).max_wait(Duration::ZERO));
    fn tenant_of(request: &reqwest::Request) -> Option<String> {
        request.headers().get("tenant")?.to_str().ok().map(str::to_owned)
    }
    let plan_of = |tenant: &Option<String>, shared: RateLimit| match tenant.as_deref() {
        Some("acme") => shared.rate(5, HOUR).burst(5),
        _ => shared,
    };
    let server = Server::start([]).await;
    let client = client().with(keyed(&TENANTS, tenant_of).settings(plan_of).log_key()).build();

    for (tenant, quota) in [("acme", 5), ("other", 2)] {
        let before = server.arrivals();
        for _ in 0..9 {
            let _ = client.get(&server.url).header("tenant", tenant).send().await;
        }
        assert_eq!(server.arrivals() - before, quota, "{tenant}");
    }
}

#[tokio::test]
async fn a_function_and_a_client_share_one_breaker() {
    static BREAKER: CircuitBreaker = CircuitBreaker::named("shared with a client").consecutive(2);
    #[circuit_breaker(with = BREAKER)]
    async fn annotated() -> Result<(), Error> {
        Err(Error::middleware(std::io::Error::from(std::io::ErrorKind::ConnectionReset)))
    }
    let server = Server::start([status(500)]).await;
    let client = client().with(policies((&BREAKER,))).build();

    client.get(&server.url).send().await.unwrap();
    annotated().await.unwrap_err();

    assert_eq!(BREAKER.state(), CircuitBreakerState::Open);
    assert!(client.get(&server.url).send().await.unwrap_err().rejection().is_some());
    assert!(annotated().await.unwrap_err().rejection().is_some());
    assert_eq!(server.arrivals(), 1);
}

#[tokio::test]
async fn a_when_goes_before_the_response() {
    static BREAKER: CircuitBreaker = CircuitBreaker::named("a when").consecutive(1);
    static RETRY: Retry = Retry::named("a when").max(3).backoff(Backoff::none());
    let not_found = |outcome: &Result<reqwest::Response, Error>| {
        let is_missing = outcome.as_ref().is_ok_and(|response| response.status() == 404);
        if is_missing { Class::Transient } else { Class::Success }
    };
    let server = Server::start([status(404), status(503)]).await;
    let client = client()
        .with(retry(&RETRY).when(not_found))
        .with(policies((BREAKER.when(|error: &Error| error.is_timeout()),)))
        .build();

    assert_eq!(client.get(&server.url).send().await.unwrap().status(), 503);

    assert_eq!(server.arrivals(), 2);
    assert_eq!(BREAKER.counts().failures, 0);
}

#[tokio::test]
async fn a_limit_heeds_the_servers_answers_to_others() {
    static LIMIT: RateLimit = RateLimit::named("heeds").rate(1_000, SECOND).burst(1_000).max_wait(ms(1));
    static GOOD: RateLimit = RateLimit::named("heeds good ones").rate(1_000, SECOND).burst(1_000).max_wait(ms(1));
    let answers =
        [Answer { retry_after_ms: Some(60_000), ..status(429) }, Answer { remaining: Some(0), ..status(200) }];
    let server = Server::start(answers).await;

    for (limit, code) in [(&LIMIT, 429), (&GOOD, 200)] {
        let client = client().with(policies((limit,))).build();
        assert_eq!(client.get(&server.url).send().await.unwrap().status(), code);

        let error = client.get(&server.url).send().await.unwrap_err();
        let reason = error.rejection().map(resilient::Error::reason);
        assert!(matches!(reason, Some(Reason::Paused { .. } | Reason::RateLimited { .. })), "{reason:?}");
    }
    assert_eq!(server.arrivals(), 2);
}

#[tokio::test]
async fn the_request_chooses_its_priority_and_places_are_given_back() {
    static PLACES: Bulkhead = Bulkhead::named("by request").limit(1).queue(1).max_wait(Duration::from_secs(30));
    let server = Server::start([Answer { takes: ms(300), ..status(200) }]).await;
    let by_path = |request: &reqwest::Request| {
        let priority = if request.url().path() == "/batch" { Priority::Low } else { Priority::High };
        (PLACES.entry().priority(priority),)
    };
    let client = client().with(policies_for(by_path)).build();
    let get = |path: &str| client.get(format!("{}{path}", server.url)).send();

    let first = get("");
    let rest = async {
        while server.arrivals() == 0 {
            sleep(ms(5)).await;
        }
        tokio::join!(get("batch"), get(""))
    };
    let (first, (low, high)) = tokio::join!(first, rest);

    assert!(first.is_ok() && high.is_ok(), "{high:?}");
    assert_eq!(low.unwrap_err().rejection().map(resilient::Error::reason), Some(Reason::QueueFull));
    assert_eq!((PLACES.counts().in_use, PLACES.counts().waiting), (0, 0));
}

#[tokio::test]
async fn each_attempt_tells_the_server_how_long_is_left() {
    static TOTAL: Timeout = Timeout::named("tells", SECOND);
    static RETRY: Retry = Retry::named("tells").max(9).backoff(Backoff::fixed(ms(50)));
    let server = Server::start([status(503), status(503)]).await;
    let client = client().with(policies((&TOTAL,))).with(retry(&RETRY)).with(deadline_to_header()).build();

    client.get(&server.url).send().await.unwrap();

    let left: Vec<Duration> = server
        .headers()
        .iter()
        .map(|headers| {
            let text = headers["grpc-timeout"].to_str().unwrap();
            resilient::Deadline::from_header(text).unwrap().remaining()
        })
        .collect();
    assert_eq!(left.len(), 3);
    // what is read of the header counts from the reading
    assert!(left[0] > left[1] && left[1] > left[2] && left[0] <= SECOND, "{left:?}");
    let untouched = client_without_a_deadline(&server).await;
    assert!(!untouched.contains_key("grpc-timeout"));
}

async fn client_without_a_deadline(server: &Server) -> HeaderMap {
    client().with(deadline_to_header()).build().get(&server.url).send().await.unwrap();
    server.headers().pop().unwrap()
}

#[tokio::test]
async fn a_time_out_is_a_rejection_and_its_call_is_dropped() {
    static LIMIT: Timeout = Timeout::named("is over", ms(50));
    static PLACES: Bulkhead = Bulkhead::named("is over").limit(1);
    let server = Server::start([Answer { takes: Duration::from_secs(60), ..status(200) }]).await;
    let client = client().with(policies((&PLACES, &LIMIT))).build();

    let error = client.get(&server.url).send().await.unwrap_err();

    assert!(error.is_middleware());
    assert!(matches!(error.rejection().map(resilient::Error::reason), Some(Reason::TimedOut { .. })), "{error}");
    assert_eq!(error.class(), Class::Transient);
    assert_eq!(PLACES.counts().in_use, 0);
}

#[tokio::test]
async fn a_hedge_sends_what_is_safe_a_second_time() {
    static HEDGE: Hedge = Hedge::named("safe").after(ms(20)).ratio(1.0);
    let slow = || Answer { takes: ms(1_500), ..status(200) };
    let client = client().with(hedge(&HEDGE)).build();

    let server = Server::start([slow()]).await;
    assert_eq!(client.get(&server.url).send().await.unwrap().text().await.unwrap(), "fine");
    assert_eq!((server.arrivals(), HEDGE.counts().won), (2, 1));

    let server = Server::start([slow()]).await;
    client.post(&server.url).send().await.unwrap();
    assert_eq!(server.arrivals(), 1);
}

#[tokio::test]
async fn extensions_go_in_and_come_back() {
    static RETRY: Retry = Retry::named("extensions").max(2).backoff(Backoff::none());
    static HEDGE: Hedge = Hedge::named("extensions").after(SECOND);
    let server = Server::start([status(503)]).await;
    let client = client().with(retry(&RETRY)).with(hedge(&HEDGE)).with(Seen::default()).build();
    let mut extensions = Extensions::new();
    extensions.insert(Attempts(10));

    let request = client.get(&server.url).build().unwrap();
    client.execute_with_extensions(request, &mut extensions).await.unwrap();

    assert_eq!(extensions.get(), Some(&Attempts(12)));
}

#[tokio::test]
async fn every_policy_can_stand_in_one_middleware() {
    static TOTAL: Timeout = Timeout::named("every", SECOND);
    static BREAKER: CircuitBreaker = CircuitBreaker::named("every");
    static LIMIT: RateLimit = RateLimit::named("every").rate(1_000, SECOND);
    static THROTTLE: Throttle = Throttle::named("every");
    static PLACES: Bulkhead = Bulkhead::named("every");
    static MEASURE: resilient::Measure = resilient::Measure::named("every");
    let server = Server::start([status(500)]).await;
    let all = (&MEASURE, &TOTAL, &THROTTLE, &BREAKER, LIMIT.weighing(2), PLACES.learning());
    let client = client().with(policies(all)).build();

    assert_eq!(client.get(&server.url).send().await.unwrap().status(), 500);

    assert_eq!((BREAKER.counts().failures, PLACES.counts().in_use), (1, 0));
}

fn client() -> ClientBuilder {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    ClientBuilder::new(client)
}

/// The number of requests that a middleware further in has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Attempts(u32);

/// A middleware that counts, by itself and in the extensions.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<u32>>);

impl Seen {
    fn requests(&self) -> u32 {
        *self.0.lock().unwrap()
    }
}

#[async_trait::async_trait]
impl Middleware for Seen {
    async fn handle(
        &self,
        request: reqwest::Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> reqwest_middleware::Result<reqwest::Response> {
        *self.0.lock().unwrap() += 1;
        let before = extensions.get::<Attempts>().map_or(0, |attempts| attempts.0);
        extensions.insert(Attempts(before + 1));
        next.run(request, extensions).await
    }
}

/// An answer of the server.
#[derive(Debug, Clone)]
struct Answer {
    status: u16,
    retry_after_ms: Option<u64>,
    remaining: Option<u32>,
    takes: Duration,
}

fn status(status: u16) -> Answer {
    Answer { status, retry_after_ms: None, remaining: None, takes: Duration::ZERO }
}

/// A server that gives its answers one after the other, and 200 after that.
struct Server {
    url: String,
    state: Arc<Shared>,
}

struct Shared {
    answers: Mutex<VecDeque<Answer>>,
    arrivals: Mutex<Vec<(Instant, HeaderMap)>>,
}

impl Server {
    async fn start(answers: impl IntoIterator<Item = Answer>) -> Self {
        let answers = Mutex::new(answers.into_iter().collect());
        let state = Arc::new(Shared { answers, arrivals: Mutex::default() });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(state.clone());
        tokio::spawn(async { axum::serve(listener, router).await.unwrap() });
        Self { url, state }
    }

    fn arrivals(&self) -> usize {
        self.state.arrivals.lock().unwrap().len()
    }

    fn times(&self) -> Vec<Instant> {
        self.state.arrivals.lock().unwrap().iter().map(|(time, _)| *time).collect()
    }

    fn headers(&self) -> Vec<HeaderMap> {
        self.state.arrivals.lock().unwrap().iter().map(|(_, headers)| headers.clone()).collect()
    }
}

async fn answer(State(state): State<Arc<Shared>>, request: Request) -> Response {
    state.arrivals.lock().unwrap().push((Instant::now(), request.headers().clone()));
    let answer = state.answers.lock().unwrap().pop_front().unwrap_or_else(|| status(200));
    sleep(answer.takes).await;
    let mut headers = HeaderMap::new();
    if let Some(wait) = answer.retry_after_ms {
        headers.insert("retry-after-ms", wait.into());
    }
    if let Some(remaining) = answer.remaining {
        headers.insert("x-ratelimit-limit", 10.into());
        headers.insert("x-ratelimit-remaining", remaining.into());
        headers.insert("x-ratelimit-reset", 60.into());
    }
    (StatusCode::from_u16(answer.status).unwrap(), headers, "fine").into_response()
}
