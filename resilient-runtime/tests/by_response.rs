//! `#[retry(when = resilient::http::by_response)]`: what is inferred, tried again and waited for.

use std::io;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use http::{Response, StatusCode};
use resilient::http::by_response;
use resilient::{CircuitBreaker, Class, Classified, Classify, When, circuit_breaker, retry, timeout};
use tokio::time::Instant;

fn respond(status: u16) -> Response<u32> {
    Response::builder().status(status).body(0).unwrap()
}

#[derive(Debug, Classify)]
enum CallError {
    #[transient]
    Lost,
    #[permanent]
    Unknown,
    #[transparent]
    Refused(resilient::Error),
}

impl From<resilient::Error> for CallError {
    fn from(rejection: resilient::Error) -> Self {
        Self::Refused(rejection)
    }
}

type CallResult<T> = Result<T, CallError>;

/// Answers with each status in turn, and then with the last for ever.
struct Server {
    statuses: &'static [u16],
    requests: AtomicU32,
}

impl Server {
    const fn new(statuses: &'static [u16]) -> Self {
        Self { statuses, requests: AtomicU32::new(0) }
    }

    fn answer(&self) -> Response<u32> {
        let request = self.requests.fetch_add(1, Relaxed) as usize;
        respond(self.statuses[request.min(self.statuses.len() - 1)])
    }

    fn requests(&self) -> u32 {
        self.requests.load(Relaxed)
    }
}

#[retry(max = 3, when = by_response)]
async fn fetch(server: &Server) -> Result<Response<u32>, CallError> {
    Ok(server.answer())
}

#[tokio::test(start_paused = true)]
async fn tries_a_503_again() {
    let server = Server::new(&[503, 502, 200]);

    let response = fetch(&server).await.unwrap();

    assert_eq!(response.status(), 200);
    assert_eq!(server.requests(), 3);
}

#[tokio::test(start_paused = true)]
async fn returns_the_last_response_as_it_is() {
    let server = Server::new(&[503]);

    let response = fetch(&server).await.unwrap();

    assert_eq!(response.status(), 503);
    assert_eq!(server.requests(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_404_is_final() {
    let server = Server::new(&[404]);

    let response = fetch(&server).await.unwrap();

    assert_eq!(response.status(), 404);
    assert_eq!(server.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn waits_for_as_long_as_the_response_says() {
    #[retry(max = 1, number = n, when = resilient::http::by_response)]
    async fn throttled() -> io::Result<Response<u32>> {
        let response = Response::builder().status(if n == 0 { 429 } else { 200 });
        Ok(response.header("retry-after", "30").body(n).unwrap())
    }
    let start = Instant::now();

    let response = throttled().await.unwrap();

    assert_eq!(response.status(), StatusCode::OK);
    let waited = start.elapsed();
    assert!((Duration::from_secs(30)..=Duration::from_secs(34)).contains(&waited), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn errors_keep_their_class() {
    #[retry(max = 2, when = by_response)]
    async fn failing(error: fn() -> CallError, attempts: &AtomicU32) -> CallResult<Response<u32>> {
        attempts.fetch_add(1, Relaxed);
        Err(error())
    }
    let attempts = AtomicU32::new(0);

    failing(|| CallError::Lost, &attempts).await.unwrap_err();
    assert_eq!(attempts.swap(0, Relaxed), 3);

    failing(|| CallError::Unknown, &attempts).await.unwrap_err();
    assert_eq!(attempts.swap(0, Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn an_open_breaker_further_down_ends_the_call() {
    static BREAKER: CircuitBreaker = CircuitBreaker::named("down below");
    #[circuit_breaker(with = BREAKER, when = by_response)]
    async fn below() -> CallResult<Response<u32>> {
        Ok(respond(200))
    }
    #[retry(max = 3, when = by_response)]
    async fn above(attempts: &AtomicU32) -> CallResult<Response<u32>> {
        attempts.fetch_add(1, Relaxed);
        below().await
    }
    #[timeout("10m")]
    #[retry(max = 3, when = by_response)]
    #[timeout("1m")]
    async fn above_with_a_time_out(attempts: &AtomicU32) -> CallResult<Response<u32>> {
        attempts.fetch_add(1, Relaxed);
        below().await
    }
    while BREAKER.counts().calls < 100 {
        match BREAKER.acquire() {
            Ok(permit) => permit.settle_as(Class::Transient, ()),
            Err(_) => break,
        }
    }
    let attempts = AtomicU32::new(0);

    let refused = above(&attempts).await.unwrap_err();
    assert!(matches!(refused, CallError::Refused(_)), "{refused:?}");
    assert_eq!(attempts.swap(0, Relaxed), 1);

    let refused = above_with_a_time_out(&attempts).await.unwrap_err();
    assert!(matches!(refused, CallError::Refused(_)), "{refused:?}");
    assert_eq!(attempts.swap(0, Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn is_inferred_for_generic_functions() {
    #[retry(max = 1, when = by_response)]
    async fn either<R: resilient::http::Response, E: Classify>(outcome: fn() -> Result<R, E>) -> Result<R, E> {
        outcome()
    }

    assert!(either(|| Ok::<_, io::Error>(respond(503))).await.is_ok());
    assert!(either(|| Err::<Response<()>, _>(CallError::Unknown)).await.is_err());
}

#[test]
fn a_function_of_ones_own_can_add_to_it() {
    fn odd_bodies_too(outcome: &CallResult<Response<u32>>) -> Classified<'_> {
        match outcome {
            Ok(response) if response.body() % 2 == 1 => Class::Transient.into(),
            _ => by_response(outcome),
        }
    }
    fn class<By>(when: impl When<CallResult<Response<u32>>, By>, outcome: CallResult<Response<u32>>) -> Class {
        when.class_of(&outcome)
    }

    assert_eq!(class(odd_bodies_too, Ok(Response::new(1))), Class::Transient);
    assert_eq!(class(odd_bodies_too, Ok(Response::new(2))), Class::Success);
    assert_eq!(class(odd_bodies_too, Err(CallError::Unknown)), Class::Permanent);
}

mod without_ceremony {
    use std::cell::Cell;

    use resilient::{Error, circuit_breaker, fallback, retry, timeout};

    type Response = http::Response<()>;

    /// Answers with the statuses in turn.
    struct Server {
        statuses: Vec<u16>,
        asked: Cell<usize>,
    }

    impl Server {
        fn new(statuses: &[u16]) -> Self {
            Self { statuses: statuses.to_vec(), asked: Cell::new(0) }
        }

        fn answer(&self) -> Response {
            let asked = self.asked.replace(self.asked.get() + 1);
            http::Response::builder().status(self.statuses[asked]).body(()).unwrap()
        }

        #[retry(backoff = "none")]
        async fn ask(&self) -> std::io::Result<Response> {
            Ok(self.answer())
        }

        #[fallback(value = http::Response::new(()))]
        #[timeout(total = "1s", attempt = "100ms")]
        #[retry(max = 5, backoff = "none")]
        #[circuit_breaker(consecutive = 2)]
        async fn ask_through_a_stack(&self) -> Result<http::Response<()>, std::io::Error> {
            Ok(self.answer())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_503_and_a_429_are_tried_again_and_a_404_is_not() {
        let server = Server::new(&[503, 429, 200]);
        assert_eq!(server.ask().await.unwrap().status(), 200);

        let server = Server::new(&[404, 200]);
        assert_eq!(server.ask().await.unwrap().status(), 404);

        let server = Server::new(&[503; 4]);
        assert_eq!(server.ask().await.unwrap().status(), 503, "the last response is the caller's");
    }

    #[tokio::test(start_paused = true)]
    async fn a_breaker_counts_a_503_too() {
        let server = Server::new(&[500; 10]);

        let outcome = server.ask_through_a_stack().await;

        assert_eq!(server.asked.get(), 2);
        assert_eq!(outcome.unwrap().status(), 200, "the refusal fell back");
    }

    #[tokio::test(start_paused = true)]
    async fn a_response_of_the_users_own_is_a_success() {
        mod own {
            pub(super) struct Response;
        }
        #[retry(backoff = "none")]
        async fn ask(asked: &Cell<u32>) -> Result<own::Response, Error> {
            asked.set(asked.get() + 1);
            Ok(own::Response)
        }
        let asked = Cell::new(0);

        assert!(ask(&asked).await.is_ok());

        assert_eq!(asked.get(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_rate_limit_heeds_the_headers_of_a_good_response() {
    #[resilient::rate_limit("100/s")]
    async fn fetch(remaining: &str) -> CallResult<Response<u32>> {
        Ok(Response::builder().header("ratelimit", format!("\"minute\";r={remaining};t=9")).body(0).unwrap())
    }

    fetch("5000").await.unwrap();
    fetch("0").await.unwrap();

    let Err(CallError::Refused(rejection)) = fetch("9").await else { panic!("paused until the reset") };
    assert_eq!(rejection.reason(), resilient::Reason::Paused { retry_after: Duration::from_secs(9) });
}

mod hints {
    use resilient::http::{CallError, Dialect, Unit, check, dialect};
    use resilient::{RateLimit, hedge, rate_limit};

    use super::*;

    fn with(status: u16, header: (&str, &str)) -> Response<u32> {
        Response::builder().status(status).header(header.0, header.1).body(0).unwrap()
    }

    fn seconds(start: Instant, range: std::ops::RangeInclusive<u64>) {
        let waited = start.elapsed();
        let range = Duration::from_secs(*range.start())..=Duration::from_secs(*range.end());
        assert!(range.contains(&waited), "{waited:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_retry_waits_for_the_hint_of_a_failure_that_stays_transient() {
        #[retry(max = 1, number = n)]
        async fn fetch() -> io::Result<Response<u32>> {
            Ok(if n == 0 { with(502, ("retry-after", "20")) } else { respond(200) })
        }
        #[retry(max = 1, number = n, when = by_response)]
        async fn fetch_when() -> io::Result<Response<u32>> {
            Ok(if n == 0 { with(529, ("retry-after-ms", "20000")) } else { respond(200) })
        }
        #[timeout("5m")]
        #[retry(max = 1, number = n)]
        #[timeout("1m")]
        async fn fetch_in_a_stack() -> CallResult<Response<u32>> {
            Ok(if n == 0 { with(500, ("retry-after", "20")) } else { respond(200) })
        }
        for attempt in 0..3 {
            let start = Instant::now();

            let status = match attempt {
                0 => fetch().await.unwrap().status(),
                1 => fetch_when().await.unwrap().status(),
                _ => fetch_in_a_stack().await.unwrap().status(),
            };

            assert_eq!(status, 200);
            seconds(start, 20..=22);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_hint_of_more_than_max_hint_ends_the_call_of_a_transient_failure_too() {
        #[retry(max_hint = "10s", number = n)]
        async fn fetch() -> io::Result<Response<u32>> {
            Ok(if n == 0 { with(502, ("retry-after", "11")) } else { respond(200) })
        }
        let start = Instant::now();

        assert_eq!(fetch().await.unwrap().status(), 502);
        seconds(start, 0..=0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_breaker_counts_a_failure_with_a_hint() {
        #[circuit_breaker(consecutive = 2)]
        async fn fetch() -> CallResult<Response<u32>> {
            Ok(with(502, ("retry-after", "20")))
        }
        fetch().await.unwrap();
        fetch().await.unwrap();

        assert!(matches!(fetch().await, Err(super::CallError::Refused(_))), "open");
    }

    #[tokio::test(start_paused = true)]
    async fn a_hedge_tries_a_failure_again_at_once_unless_the_server_asked_to_wait() {
        #[hedge(idempotent, after = "1s", max = 2, ratio = "100%")]
        async fn fetch(started: &AtomicU32, name: &str) -> CallResult<Response<u32>> {
            started.fetch_add(1, Relaxed);
            Ok(with(502, (name, "20")))
        }
        let start = Instant::now();
        for (name, attempts) in [("retry-after", 1), ("server", 3)] {
            let started = AtomicU32::new(0);

            assert_eq!(fetch(&started, name).await.unwrap().status(), 502);
            assert_eq!(started.load(Relaxed), attempts, "{name}");
        }
        seconds(start, 0..=0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_checked_response_keeps_its_hint_through_a_stack() {
        #[timeout("5m")]
        #[retry(max = 2, number = n)]
        #[circuit_breaker]
        #[rate_limit("100/s", max_wait = "1m")]
        async fn text() -> Result<u32, CallError> {
            let response = check(match n {
                0 => with(429, ("retry-after", "7")),
                1 => with(502, ("retry-after", "20")),
                _ => respond(200),
            })?;
            Ok(response.into_body())
        }
        let start = Instant::now();

        assert_eq!(text().await.unwrap(), 0);
        seconds(start, 27..=30);
    }

    #[tokio::test(start_paused = true)]
    async fn a_checked_verdict_of_the_server_ends_the_call() {
        #[retry(max = 2)]
        async fn text(attempts: &AtomicU32) -> Result<u32, CallError> {
            attempts.fetch_add(1, Relaxed);
            Ok(check(with(429, ("x-should-retry", "false")))?.into_body())
        }
        let attempts = AtomicU32::new(0);

        let error = text(&attempts).await.unwrap_err();

        assert_eq!(error.status(), Some(StatusCode::TOO_MANY_REQUESTS));
        assert_eq!(attempts.load(Relaxed), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn the_derive_forwards_the_hint() {
        #[derive(Debug, Classify)]
        enum Own {
            #[transparent(from)]
            Status(resilient::http::StatusError),
            #[permanent]
            Other,
        }

        let error = Own::from(check(with(502, ("retry-after", "20"))).unwrap_err());

        assert_eq!((error.class(), error.hint()), (Class::Transient, Some(Duration::from_secs(20))));
        assert_eq!(Own::Other.hint(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_dialect_decides_as_a_when_does() {
        #[retry(max = 1, number = n, when = dialect::OPENROUTER)]
        async fn fetch() -> io::Result<Response<u32>> {
            Ok(if n == 0 { with(402, ("retry-after", "45")) } else { respond(200) })
        }
        let start = Instant::now();

        assert_eq!(fetch().await.unwrap().status(), 200);
        seconds(start, 45..=50);
    }

    #[tokio::test(start_paused = true)]
    async fn a_rate_limit_reads_refusals_and_good_responses_in_its_dialect() {
        fn answer(status: u16, remaining: &str) -> Response<u32> {
            let response = Response::builder().status(status).header("gw-ratelimit-remaining", remaining);
            response.header("gw-ratelimit-reset", "9000").body(0).unwrap()
        }
        static OWN: Dialect = Dialect::new().quota("gw-ratelimit-remaining", "gw-ratelimit-reset", Unit::Millis);
        #[rate_limit("100/s", dialect = dialect::KUCOIN)]
        async fn fetch(status: u16, remaining: &str) -> CallResult<Response<u32>> {
            Ok(answer(status, remaining))
        }
        #[rate_limit("100/s", max_pause = "1m", dialect = &OWN)]
        async fn refused() -> CallResult<Response<u32>> {
            Ok(answer(429, "0"))
        }
        fetch(200, "5000").await.unwrap();
        fetch(200, "0").await.unwrap();
        refused().await.unwrap();

        for outcome in [fetch(200, "9").await, refused().await] {
            let Err(super::CallError::Refused(rejection)) = outcome else { panic!("paused") };
            let resilient::Reason::Paused { retry_after } = rejection.reason() else { panic!("{rejection}") };
            assert!((9_000..=10_000).contains(&retry_after.as_millis()), "milliseconds: {retry_after:?}");
        }
    }

    /// A language model's answer: its status, what remains of each quota, and the tokens that it has cost.
    fn model(status: u16, requests: u64, tokens: u64, more: Option<(&str, &str)>) -> Response<u64> {
        let response = Response::builder()
            .status(status)
            .header("x-ratelimit-remaining-requests", requests)
            .header("x-ratelimit-reset-requests", "1s")
            .header("x-ratelimit-remaining-tokens", tokens)
            .header("x-ratelimit-reset-tokens", "6m0s");
        let (name, value) = more.unwrap_or(("server", "a model"));
        response.header(name, value).body(500).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn of_two_limits_each_heeds_its_own_quota_and_both_a_wait() {
        static REQUESTS: RateLimit = RateLimit::named("requests").rate(600, Duration::from_secs(60)).burst(600);
        static TOKENS: RateLimit = RateLimit::named("tokens").rate(60_000, Duration::from_secs(60)).burst(60_000);
        #[rate_limit(with = TOKENS, weight = 2_000, cost = |answer| *answer.body(), dialect = dialect::OPENAI_TOKENS)]
        #[rate_limit(with = REQUESTS, dialect = dialect::OPENAI_REQUESTS)]
        async fn ask(answer: Response<u64>) -> CallResult<Response<u64>> {
            Ok(answer)
        }
        let room = |limit: &RateLimit, most: u64| {
            (0..=most)
                .rev()
                .find(|units| *units == 0 || limit.try_acquire_many(*units).map(|mut permit| permit.charge(0)).is_ok())
        };

        ask(model(200, 400, 70_000, None)).await.unwrap();
        assert_eq!(
            (room(&REQUESTS, 600), room(&TOKENS, 60_000)),
            (Some(400), Some(59_500)),
            "others make requests too"
        );
        ask(model(200, 5_000, 9_000, None)).await.unwrap();
        assert_eq!(
            (room(&REQUESTS, 600), room(&TOKENS, 60_000)),
            (Some(399), Some(10_500)),
            "nine thousand, and 1,500 back"
        );

        ask(model(429, 300, 1_200, None)).await.unwrap();
        assert!(!REQUESTS.is_paused() && !TOKENS.is_paused());
        assert_eq!((REQUESTS.share(), TOKENS.share()), (1.0, 1.0), "neither is slowed");
        assert_eq!(room(&REQUESTS, 600), Some(300));

        tokio::time::advance(Duration::from_secs(60)).await;
        ask(model(429, 300, 0, Some(("retry-after", "7")))).await.unwrap();
        assert!(REQUESTS.is_paused() && TOKENS.is_paused());
    }

    #[tokio::test(start_paused = true)]
    async fn two_limits_of_one_function_have_names_of_their_own() {
        #[rate_limit("60000/m", name = "tokens", weight = tokens, dialect = &Dialect::new().only("tokens").refills())]
        #[rate_limit("600/m", name = "requests", burst = 600, dialect = dialect::OPENAI_REQUESTS)]
        async fn ask(tokens: u64) -> CallResult<Response<u64>> {
            Ok(model(200, 1, 50_000, None))
        }

        ask(7_000).await.unwrap();
        ask(7_000).await.unwrap();
        let Err(super::CallError::Refused(rejection)) = ask(7_000).await else { panic!("used up") };
        assert_eq!(rejection.name(), "requests");
        let Err(super::CallError::Refused(rejection)) = ask(60_001).await else { panic!("too heavy") };
        assert_eq!(rejection.name(), "tokens");
    }
}
