//! Each layer over services that reserve something when they are ready: a limit, a buffer, a balanced pair, and the mock of tower-test.

use std::convert::Infallible;
use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::SeqCst;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::poll;
use resilient::http::by_response;
use resilient::tower::{
    coalesce, coalesce_http, deadline_from_header, deadline_to_header, hedge, keyed, policies, policies_for, retry,
};
use resilient::{Bulkhead, CircuitBreaker, Coalesce, Hedge, PerKey, Priority, RateLimit, Retry, Throttle, Timeout};
use tokio::time::{sleep, timeout};
use tower::balance::p2c::Balance;
use tower::buffer::Buffer;
use tower::discover::ServiceList;
use tower::limit::ConcurrencyLimit;
use tower::load::Constant;
use tower::util::BoxCloneService;
use tower::{BoxError, Service, ServiceBuilder, ServiceExt};

const SECOND: Duration = Duration::from_secs(1);

type Request = http::Request<String>;
type Response = http::Response<String>;
type Below = BoxCloneService<Request, Response, BoxError>;

/// Answers with the path of the request after a second. It panics if it was not polled ready for the call.
#[derive(Debug, Default)]
struct Echo {
    seen: Arc<Seen>,
    is_ready: bool,
}

#[derive(Debug, Default)]
struct Seen {
    calls: AtomicU32,
    under_way: AtomicU32,
    most: AtomicU32,
}

/// A clone has not been polled.
impl Clone for Echo {
    fn clone(&self) -> Self {
        Self { seen: self.seen.clone(), is_ready: false }
    }
}

impl Service<Request> for Echo {
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.is_ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        assert!(std::mem::take(&mut self.is_ready), "called without having been polled ready");
        let seen = self.seen.clone();
        Box::pin(async move {
            let _under_way = UnderWay::of(seen);
            sleep(SECOND).await;
            Ok(answer_to(&request))
        })
    }
}

/// A call that is under way.
struct UnderWay(Arc<Seen>);

impl UnderWay {
    fn of(seen: Arc<Seen>) -> Self {
        seen.calls.fetch_add(1, SeqCst);
        let under_way = seen.under_way.fetch_add(1, SeqCst) + 1;
        seen.most.fetch_max(under_way, SeqCst);
        Self(seen)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, SeqCst);
    }
}

fn request_for(path: &str) -> Request {
    http::Request::get(path).body(String::new()).unwrap()
}

fn answer_to(request: &Request) -> Response {
    http::Response::builder().header("x-path", request.uri().path()).body(String::new()).unwrap()
}

/// Makes five calls at once, each of which gets its own answer.
async fn five_calls<S, B>(service: S)
where
    S: Service<Request, Response = http::Response<B>, Error: Debug> + Clone,
{
    let calls = (3..8).map(|number| service.clone().oneshot(request_for(&format!("/{number}"))));

    // a place that is never given back has the others wait for ever
    let answers = timeout(60 * SECOND, join_all(calls)).await.expect("all are answered");

    let paths: Vec<String> =
        answers.into_iter().map(|answer| answer.unwrap().headers()["x-path"].to_str().unwrap().to_owned()).collect();
    assert_eq!(paths, ["/3", "/4", "/5", "/6", "/7"]);
}

async fn gives_back_the_place_of_a_concurrency_limit<S, B>(around: impl FnOnce(Below) -> S)
where
    S: Service<Request, Response = http::Response<B>, Error: Debug> + Clone,
{
    let echo = Echo::default();
    let limited = ConcurrencyLimit::new(echo.clone(), 1).map_err(BoxError::from);
    let mut service = around(BoxCloneService::new(limited));

    // a call that is dropped before it is polled, and one that is dropped while it runs
    drop(service.ready().await.unwrap().call(request_for("/1")));
    let mut call = Box::pin(service.ready().await.unwrap().call(request_for("/2")));
    assert!(poll!(&mut call).is_pending());
    assert_eq!(echo.seen.under_way.load(SeqCst), 1);
    drop(call);
    assert_eq!(echo.seen.under_way.load(SeqCst), 0);

    five_calls(service).await;
    assert_eq!((echo.seen.most.load(SeqCst), echo.seen.calls.load(SeqCst)), (1, 6));
}

async fn sends_one_message_for_each_call_into_a_buffer<S, B>(around: impl FnOnce(Below) -> S)
where
    S: Service<Request, Response = http::Response<B>, Error: Debug> + Clone,
{
    let echo = Echo::default();
    let service = around(BoxCloneService::new(Buffer::new(echo.clone(), 1)));

    five_calls(service).await;

    assert_eq!(echo.seen.calls.load(SeqCst), 5);
}

async fn makes_each_call_on_one_of_a_balanced_pair<S, B>(around: impl FnOnce(Below) -> S)
where
    S: Service<Request, Response = http::Response<B>, Error: Debug> + Clone,
{
    let (one, other) = (Echo::default(), Echo::default());
    let pair = [one.clone(), other.clone()].map(|echo| Constant::new(ConcurrencyLimit::new(echo, 2), 0));
    let balanced = Balance::new(ServiceList::new::<Request>(pair));
    let service = around(BoxCloneService::new(Buffer::new(balanced, 8)));

    five_calls(service).await;

    let [one, other] = [one, other].map(|echo| (echo.seen.calls.load(SeqCst), echo.seen.most.load(SeqCst)));
    assert_eq!(one.0 + other.0, 5);
    assert!(one.1 == 2 && other.1 == 2, "five at once fill the places of both: {one:?}, {other:?}");
}

async fn waits_until_a_mock_is_ready<S, B>(around: impl FnOnce(Below) -> S)
where
    S: Service<Request, Response = http::Response<B>, Error: Debug> + Clone,
{
    let (mock, mut handle) = tower_test::mock::pair::<Request, Response>();
    let service = around(BoxCloneService::new(mock));
    for path in ["/first", "/second"] {
        // the handle lets one call through, and takes the permit back otherwise
        handle.allow(0);
        let mut call = Box::pin(service.clone().oneshot(request_for(path)));
        assert!(poll!(&mut call).is_pending());
        assert!(poll!(Box::pin(handle.next_request())).is_pending(), "{path} was sent to a service that is not ready");

        handle.allow(1);
        let served = async {
            let (request, respond) = handle.next_request().await.unwrap();
            respond.send_response(answer_to(&request));
        };
        let (answer, ()) = tokio::join!(call, served);

        assert_eq!(answer.unwrap().headers()["x-path"], path);
    }
}

/// Tests a layer over each of the services.
macro_rules! stands_over_all {
    ($layer:ident: $make:expr) => {
        mod $layer {
            use super::*;

            fn around(
                below: Below,
            ) -> impl Service<Request, Response = http::Response<impl Sized>, Error: Debug, Future: Send> + Clone {
                ServiceBuilder::new().layer($make).service(below)
            }

            #[tokio::test(start_paused = true)]
            async fn gives_back_the_place_of_a_concurrency_limit() {
                super::gives_back_the_place_of_a_concurrency_limit(around).await;
            }

            #[tokio::test(start_paused = true)]
            async fn sends_one_message_for_each_call_into_a_buffer() {
                super::sends_one_message_for_each_call_into_a_buffer(around).await;
            }

            #[tokio::test(start_paused = true)]
            async fn makes_each_call_on_one_of_a_balanced_pair() {
                super::makes_each_call_on_one_of_a_balanced_pair(around).await;
            }

            #[tokio::test(start_paused = true)]
            async fn waits_until_a_mock_is_ready() {
                super::waits_until_a_mock_is_ready(around).await;
            }
        }
    };
}

static TOTAL: Timeout = Timeout::named("services", Duration::from_secs(60));
static RETRY: Retry = Retry::named("services");
static HEDGE: Hedge = Hedge::named("services").after(Duration::from_secs(30));
static BREAKER: CircuitBreaker = CircuitBreaker::named("services");
// the paused clock of a test beside this one may be minutes ahead, and what was used there lies in the future here
static LIMIT: RateLimit = RateLimit::named("services").rate(1_000, SECOND).burst(1_000_000);
static THROTTLE: Throttle = Throttle::named("services");
static PLACES: Bulkhead = Bulkhead::named("services").limit(1_000);
static PATHS: PerKey<Bulkhead> = PerKey::new(Bulkhead::named("services, for each path"));
static ORIGINS: PerKey<CircuitBreaker> = PerKey::new(CircuitBreaker::named("services, for each path"));
static SHARED: Coalesce = Coalesce::named("services");
static PAGES: Coalesce = Coalesce::named("services, pages");

stands_over_all!(a_layer_of_policies: policies((&TOTAL, &THROTTLE, &BREAKER, &LIMIT, &PLACES)));
stands_over_all!(policies_that_the_request_chooses: policies_for(|_: &Request| (PLACES.entry().priority(Priority::Low),)));
stands_over_all!(a_policy_of_a_key: keyed(&PATHS, |request: &Request| request.uri().path().to_owned()));
stands_over_all!(
    a_judging_policy_of_a_key: keyed(&ORIGINS, |request: &Request| request.uri().path().to_owned()).when(by_response)
);
stands_over_all!(a_retry: retry(&RETRY));
stands_over_all!(a_hedge: hedge(&HEDGE));
stands_over_all!(coalescing: coalesce(&SHARED, |request: &Request| Some(request.uri().path().to_owned())).boxed());
stands_over_all!(coalescing_of_pages: coalesce_http(&PAGES).boxed());
stands_over_all!(a_deadline_that_comes: deadline_from_header().at_most(Duration::from_secs(60)));
stands_over_all!(a_deadline_that_goes_on: deadline_to_header());
