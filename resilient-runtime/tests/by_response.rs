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
