//! The layer of coalescing for HTTP: the requests that are joined, the responses that are given out, and their bodies.

use std::convert::Infallible;
use std::fmt::Debug;
use std::future::pending;
use std::io::{Error as IoError, ErrorKind};
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt};
use futures_util::{FutureExt, poll};
use http::{HeaderMap, Request, Response};
use http_body::{Body as _, Frame};
use http_body_util::{BodyExt, StreamBody};
use resilient::counts::CoalesceCounts;
use resilient::tower::{CoalescedBody, coalesce_http};
use resilient::{Class, Classify, Coalesce, Mode};
use tokio::time::{Instant, advance, sleep};
use tower::{BoxError, Layer, Service, ServiceBuilder, ServiceExt, service_fn};

const SECOND: Duration = Duration::from_secs(1);

/// One frame of a body, a second after the one before.
#[derive(Debug, Clone)]
enum Piece {
    Data(&'static str),
    Trailers(&'static str),
    Fails,
}

/// The body of those pieces, which cannot be moved once it is read.
fn slow(pieces: &[Piece]) -> impl http_body::Body<Data = Bytes, Error = IoError> + Send + use<> {
    let pieces = stream::iter(pieces.to_vec()).then(|piece| async move {
        sleep(SECOND).await;
        match piece {
            Piece::Data(data) => Ok(Frame::data(Bytes::from_static(data.as_bytes()))),
            Piece::Trailers(value) => Ok(Frame::trailers(HeaderMap::from_iter([(
                http::HeaderName::from_static("x-checksum"),
                http::HeaderValue::from_static(value),
            )]))),
            Piece::Fails => Err(IoError::from(ErrorKind::ConnectionReset)),
        }
    });
    StreamBody::new(pieces)
}

/// A response as a caller sees it.
#[derive(Debug, PartialEq)]
struct Seen {
    status: u16,
    headers: Vec<String>,
    body: String,
    checksum: Option<String>,
    error: Option<Class>,
}

async fn seen<B>(response: Response<CoalescedBody<B>>) -> Seen
where
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>>,
{
    let (head, body) = response.into_parts();
    let headers = head.headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
    let mut seen = Seen { status: head.status.as_u16(), headers, body: String::new(), checksum: None, error: None };
    let mut body = Box::pin(body);
    while let Some(frame) = body.frame().await {
        match frame {
            Err(error) => seen.error = Some(error.class()),
            Ok(frame) => match frame.into_data() {
                Ok(data) => seen.body += str::from_utf8(&data).unwrap(),
                Err(frame) => {
                    let trailers = frame.into_trailers().unwrap();
                    seen.checksum = Some(trailers["x-checksum"].to_str().unwrap().to_owned());
                }
            },
        }
    }
    seen
}

fn get(uri: &str) -> Request<Body> {
    Request::get(uri).body(Body::empty()).unwrap()
}

/// A service that answers after a second with `answer`, and counts.
fn counted<B, F>(
    answer: F,
) -> (
    Arc<AtomicU32>,
    impl Service<Request<Body>, Response = Response<B>, Error = Infallible, Future: Send> + Clone + Send,
)
where
    F: Fn(u32, &Request<Body>) -> Response<B> + Clone + Send + 'static,
    B: Send + 'static,
{
    let calls = Arc::new(AtomicU32::new(0));
    let seen = calls.clone();
    let service = service_fn(move |request: Request<Body>| {
        let response = answer(seen.fetch_add(1, SeqCst) + 1, &request);
        async move {
            sleep(SECOND).await;
            Ok(response)
        }
    });
    (calls, service)
}

fn text(body: impl Into<String>) -> Response<Body> {
    Response::new(Body::from(body.into()))
}

/// Sends the requests at once, and returns the number of calls of the service for them.
async fn calls_for(
    policy: &'static Coalesce,
    layer: impl Fn(resilient::tower::CoalesceHttpLayer) -> resilient::tower::CoalesceHttpLayer,
    requests: Vec<Request<Body>>,
) -> u32 {
    let (calls, service) = counted(|number, _| text(number.to_string()));
    let service = layer(coalesce_http(policy)).layer(service);
    for response in join_all(requests.into_iter().map(|request| service.clone().oneshot(request))).await {
        assert_eq!(response.unwrap().status(), 200);
    }
    calls.load(SeqCst)
}

#[tokio::test(start_paused = true)]
async fn one_response_is_for_all_with_its_whole_body() {
    static POLICY: Coalesce = Coalesce::named("http layer: one");
    let (calls, service) = counted(|_, _| {
        let pieces = [Piece::Data("the "), Piece::Data("front "), Piece::Data("page"), Piece::Trailers("7f")];
        Response::builder().status(203).header("etag", "\"1\"").extension(5_u8).body(slow(&pieces)).unwrap()
    });
    let service = ServiceBuilder::new().layer(coalesce_http(&POLICY)).service(service);

    let began = Instant::now();
    let responses: Vec<_> =
        join_all((0..4).map(|_| service.clone().oneshot(get("/")))).await.into_iter().map(Result::unwrap).collect();

    assert_eq!(began.elapsed(), 5 * SECOND);
    for response in responses {
        assert_eq!(response.extensions().get::<u8>(), Some(&5));
        assert_eq!(response.body().size_hint().exact(), None, "a length would keep trailers from being sent");
        let expected = Seen {
            status: 203,
            headers: vec!["etag: \"1\"".to_owned()],
            body: "the front page".to_owned(),
            checksum: Some("7f".to_owned()),
            error: None,
        };
        assert_eq!(seen(response).await, expected);
    }
    assert_eq!((calls.load(SeqCst), POLICY.counts().followers), (1, 3));
}

#[tokio::test(start_paused = true)]
async fn the_length_of_a_body_that_was_read_is_known() {
    static POLICY: Coalesce = Coalesce::named("http layer: length");
    let (_, service) = counted(|_, request| match request.uri().path() {
        "/empty" => Response::new(Body::empty()),
        _ => Response::new(Body::new(slow(&[Piece::Data("four"), Piece::Data("")]))),
    });
    let service = ServiceBuilder::new().layer(coalesce_http(&POLICY)).service(service);

    let (some, empty) = tokio::join!(service.clone().oneshot(get("/")), service.clone().oneshot(get("/empty")));
    let (some, empty) = (some.unwrap().into_body(), empty.unwrap().into_body());

    assert_eq!((some.size_hint().exact(), some.is_end_stream()), (Some(4), false));
    assert_eq!((empty.size_hint().exact(), empty.is_end_stream()), (Some(0), true));
    assert_eq!(some.collect().await.unwrap().to_bytes(), "four");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_breaks_off_does_so_for_all_and_is_not_held() {
    static POLICY: Coalesce = Coalesce::named("http layer: breaks off").hold(Duration::from_secs(60));
    let (calls, service) = counted(|number, _| {
        let pieces = [Piece::Data("half"), if number == 1 { Piece::Fails } else { Piece::Data(" and half") }];
        Response::builder().header("content-length", "13").body(slow(&pieces)).unwrap()
    });
    let service = ServiceBuilder::new().layer(coalesce_http(&POLICY)).service(service);

    for response in join_all((0..3).map(|_| service.clone().oneshot(get("/")))).await {
        let response = response.unwrap();
        assert!(!response.body().is_end_stream());
        let seen = seen(response).await;
        assert_eq!((seen.status, seen.body.as_str(), seen.error), (200, "half", Some(Class::Transient)));
        assert_eq!(seen.headers, ["content-length: 13"]);
    }
    assert_eq!(calls.load(SeqCst), 1);
    let again = seen(service.clone().oneshot(get("/")).await.unwrap()).await;
    assert_eq!((again.body.as_str(), again.error, calls.load(SeqCst)), ("half and half", None, 2));
}

#[tokio::test(start_paused = true)]
async fn a_follower_leads_when_the_leader_goes_away_while_it_reads() {
    static POLICY: Coalesce = Coalesce::named("http layer: goes away");
    let (calls, service) = counted(|number, _| {
        Response::new(slow(&[Piece::Data("page "), Piece::Data(if number == 1 { "one" } else { "two" })]))
    });
    let service = ServiceBuilder::new().layer(coalesce_http(&POLICY)).service(service);
    let mut leader = Box::pin(service.clone().oneshot(get("/")));
    let mut follower = Box::pin(service.clone().oneshot(get("/")));
    for _ in 0..3 {
        assert!(poll!(&mut leader).is_pending() && poll!(&mut follower).is_pending());
        advance(SECOND * 9 / 10).await;
    }

    drop(leader);

    assert_eq!(seen(follower.await.unwrap()).await.body, "page two");
    assert_eq!((calls.load(SeqCst), POLICY.counts().handed_over, POLICY.counts().keys), (2, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_large_body_loses_no_byte_and_is_the_leaders_alone() {
    static POLICY: Coalesce = Coalesce::named("http layer: large").hold(Duration::from_secs(60));
    let (calls, service) = counted(|_, _| {
        let pieces = [Piece::Data("01234"), Piece::Data("56789"), Piece::Data("abc"), Piece::Trailers("7f")];
        Response::new(slow(&pieces))
    });
    let layered =
        |limit| ServiceBuilder::new().layer(coalesce_http(&POLICY).body_limit(limit)).service(service.clone());

    let small = layered(9);
    let began = Instant::now();
    let responses = join_all((0..3).map(|_| small.clone().oneshot(get("/")))).await;
    // the leader's is there when it is too large, a second for the head and two for ten bytes; the others then begin
    assert_eq!(began.elapsed(), 6 * SECOND);
    for response in responses {
        let response = response.unwrap();
        assert_eq!(response.body().size_hint().lower(), 10);
        let seen = seen(response).await;
        assert_eq!((seen.body.as_str(), seen.checksum.as_deref()), ("0123456789abc", Some("7f")));
    }
    let CoalesceCounts { leaders, followers, declined, keys, .. } = POLICY.counts();
    assert_eq!((calls.swap(0, SeqCst), leaders, followers, declined, keys), (3, 1, 2, 2, 0));

    let exact = layered(13);
    join_all((0..3).map(|_| exact.clone().oneshot(get("/")))).await;
    assert_eq!(calls.load(SeqCst), 1, "the limit itself is not too large");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_announces_its_size_or_never_ends_is_not_read_first() {
    static POLICY: Coalesce = Coalesce::named("http layer: streams");
    let (calls, service) = counted(|_, request| {
        if request.uri().path() == "/large" {
            return text("0123456789");
        }
        let events = stream::iter(["data: 1\n\n"]).map(Ok::<_, Infallible>).chain(stream::pending());
        Response::builder().header("content-type", "text/event-stream").body(Body::from_stream(events)).unwrap()
    });
    let service = ServiceBuilder::new().layer(coalesce_http(&POLICY).body_limit(9)).service(service);

    for response in join_all((0..2).map(|_| service.clone().oneshot(get("/large")))).await {
        assert_eq!(seen(response.unwrap()).await.body, "0123456789");
    }
    assert_eq!(calls.swap(0, SeqCst), 2);
    for response in join_all((0..2).map(|_| service.clone().oneshot(get("/events")))).await {
        let mut body = response.unwrap().into_body();
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "data: 1\n\n");
        assert!(body.frame().now_or_never().is_none());
    }
    assert_eq!((calls.load(SeqCst), POLICY.counts().declined), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn requests_for_the_same_are_joined() {
    static POLICY: Coalesce = Coalesce::named("http layer: same");
    let plain = |layer| layer;
    let from = |host: &str| Request::get("/").header("host", host).body(Body::empty()).unwrap();
    let accepting = |kind: &str| Request::get("/").header("accept", kind).body(Body::empty()).unwrap();
    let head = || Request::head("/").body(Body::empty()).unwrap();

    let same = vec![get("/a?b=1"), get("/a?b=1"), get("/a?b=1")];
    assert_eq!(calls_for(&POLICY, plain, same).await, 1);
    assert_eq!(calls_for(&POLICY, plain, vec![head(), get("/"), head(), get("/")]).await, 2, "GET and HEAD");
    let paths = vec![get("/a"), get("/b"), get("/a?b"), get("http://other/a"), get("https://other/a")];
    assert_eq!(calls_for(&POLICY, plain, paths).await, 5);
    assert_eq!(calls_for(&POLICY, plain, vec![from("a"), from("b"), from("a"), get("/")]).await, 3);
    let kinds = || vec![accepting("text/html"), accepting("*/*"), accepting("*/*"), get("/")];
    assert_eq!(calls_for(&POLICY, plain, kinds()).await, 3);
    assert_eq!(calls_for(&POLICY, |layer| layer.vary(["X-Tenant"]), kinds()).await, 1, "it is not in the key then");
}

#[tokio::test(start_paused = true)]
async fn requests_that_are_one_callers_matter_go_by_themselves() {
    static POLICY: Coalesce = Coalesce::named("http layer: particular").hold(Duration::from_secs(60));
    let plain = |layer| layer;
    let with = |name: &str, value: &str| Request::get("/").header(name, value).body(Body::empty()).unwrap();
    let particular = [
        ("authorization", "Bearer a"),
        ("proxy-authorization", "Basic a"),
        ("cookie", "a=1"),
        ("range", "bytes=0-9"),
        ("if-none-match", "\"1\""),
        ("if-modified-since", "Tue, 01 Dec 2026 10:00:00 GMT"),
        ("upgrade", "websocket"),
        ("cache-control", "max-age=0, no-store"),
    ];

    for (name, value) in particular {
        let same = || vec![with(name, value), with(name, value)];
        assert_eq!(calls_for(&POLICY, plain, same()).await, 2, "{name}");
    }
    for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
        let request = || Request::builder().method(method).uri("/").body(Body::empty()).unwrap();
        assert_eq!(calls_for(&POLICY, plain, vec![request(), request()]).await, 2, "{method}");
    }
    let with_body = || Request::get("/").body(Body::from("x")).unwrap();
    assert_eq!(calls_for(&POLICY, plain, vec![with_body(), with_body()]).await, 2, "a body");
    assert_eq!(POLICY.counts(), CoalesceCounts::default());

    let users = ["a", "b", "a"].map(|user| with("authorization", user)).into();
    assert_eq!(calls_for(&POLICY, |layer| layer.vary(["authorization"]), users).await, 2, "the key names the user");
}

#[tokio::test(start_paused = true)]
async fn an_own_key_says_who_is_joined() {
    static POLICY: Coalesce = Coalesce::named("http layer: own key");
    let (calls, service) = counted(|number, _| text(number.to_string()));
    let layer = coalesce_http(&POLICY).key(|request: &Request<Body>| {
        let path = request.uri().path();
        (path != "/private").then(|| path.to_owned())
    });
    let service = ServiceBuilder::new().layer(layer).service(service);
    let send = async |requests: Vec<Request<Body>>| {
        join_all(requests.into_iter().map(|request| service.clone().oneshot(request))).await;
        calls.swap(0, SeqCst)
    };
    let with_cookie = || Request::get("/").header("cookie", "a=1").body(Body::empty()).unwrap();

    assert_eq!(send(vec![get("/a?x=1"), get("/a?x=2"), get("/b")]).await, 2);
    assert_eq!(send(vec![get("/private"), get("/private")]).await, 2);
    assert_eq!(send(vec![with_cookie(), get("/")]).await, 1);
    let post = || Request::post("/").body(Body::empty()).unwrap();
    assert_eq!(send(vec![post(), post()]).await, 2, "the method counts whatever the key is");
}

#[tokio::test(start_paused = true)]
async fn a_response_for_one_caller_is_given_to_nobody_else() {
    static POLICY: Coalesce = Coalesce::named("http layer: private").hold(Duration::from_secs(60));
    let headers = [
        ("set-cookie", "user=1"),
        ("cache-control", "private"),
        ("cache-control", "no-store"),
        ("vary", "origin"),
        ("vary", "*"),
    ];

    for (name, value) in headers {
        let (calls, service) = counted(move |number, _| {
            Response::builder().header(name, value).body(Body::from(number.to_string())).unwrap()
        });
        let service = ServiceBuilder::new().layer(coalesce_http(&POLICY)).service(service);
        let began = Instant::now();
        let mut bodies = Vec::new();
        for response in join_all((0..4).map(|_| service.clone().oneshot(get("/")))).await {
            bodies.push(seen(response.unwrap()).await.body);
        }
        bodies.sort();
        assert_eq!(
            (bodies, calls.load(SeqCst)),
            (["1", "2", "3", "4"].map(str::to_owned).into(), 4),
            "{name}: {value}"
        );
        assert_eq!(began.elapsed(), 2 * SECOND, "those who waited go on at once, and not one after another");
    }
    assert_eq!((POLICY.counts().keys, POLICY.counts().declined), (0, 15));

    let (calls, service) =
        counted(|_, _| Response::builder().header("vary", "Accept, cookie").body(Body::empty()).unwrap());
    let service = ServiceBuilder::new().layer(coalesce_http(&POLICY)).service(service);
    join_all((0..4).map(|_| service.clone().oneshot(get("/")))).await;
    assert_eq!(calls.load(SeqCst), 1, "the key tells those apart");
}

#[tokio::test(start_paused = true)]
async fn what_is_held_has_an_age_and_a_failure_is_not_held() {
    static POLICY: Coalesce = Coalesce::named("http layer: holds").hold(Duration::from_secs(30));
    let (calls, service) = counted(|number, request| {
        let status = if request.uri().path() == "/down" { 503 } else { 200 };
        Response::builder().status(status).header("age", "7").body(Body::from(number.to_string())).unwrap()
    });
    let service = ServiceBuilder::new().layer(coalesce_http(&POLICY)).service(service);
    let ask = async |uri| seen(service.clone().oneshot(get(uri)).await.unwrap()).await;

    assert_eq!(ask("/").await.headers, ["age: 7"]);
    advance(Duration::from_millis(2_500)).await;
    let held = ask("/").await;
    assert_eq!((held.headers, held.body.as_str()), (vec!["age: 9".to_owned()], "1"));
    advance(28 * SECOND).await;
    assert_eq!(ask("/").await.body, "2");

    calls.store(0, SeqCst);
    let both = tokio::join!(ask("/down"), ask("/down"));
    assert_eq!((both.0.status, both.0 == both.1, calls.load(SeqCst)), (503, true, 1), "shared in flight");
    assert_eq!((ask("/down").await.status, calls.load(SeqCst)), (503, 2), "and not held");
}

#[tokio::test(start_paused = true)]
async fn a_response_is_held_if_it_is_fresh_for_as_long_as_responses_are() {
    static POLICY: Coalesce = Coalesce::named("http layer: fresh").hold(Duration::from_secs(30));
    let (calls, service) = counted(|_, request| {
        let seconds = request.uri().path().trim_start_matches('/');
        Response::builder().header("cache-control", format!("max-age={seconds}")).body(Body::empty()).unwrap()
    });
    let service = ServiceBuilder::new().layer(coalesce_http(&POLICY)).service(service);

    for (uri, runs) in [("/30", 1), ("/29", 2)] {
        calls.store(0, SeqCst);
        for _ in 0..2 {
            service.clone().oneshot(get(uri)).await.unwrap();
        }
        assert_eq!(calls.load(SeqCst), runs, "{uri}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_old_response_is_renewed_behind_the_call_that_finds_it() {
    static POLICY: Coalesce =
        Coalesce::named("http layer: renews").hold(SECOND).stale_while_revalidate(Duration::from_secs(60));
    let (calls, service) = counted(|number, _| match number {
        2 => Response::builder().status(503).body(slow(&[])).unwrap(),
        3 => Response::new(slow(&[Piece::Data("ha"), Piece::Fails])),
        4 => Response::builder().header("set-cookie", "a=1").body(slow(&[])).unwrap(),
        1 => Response::new(slow(&[Piece::Data("old")])),
        _ => Response::new(slow(&[Piece::Data("new")])),
    });
    let service = ServiceBuilder::new().layer(coalesce_http(&POLICY)).service(service);
    let ask = async || seen(service.clone().oneshot(get("/")).await.unwrap()).await.body;

    assert_eq!(ask().await, "old");
    // a failure, a broken body and a response for one caller do not take its place
    for failed in 1..=3 {
        sleep(2 * SECOND).await;
        assert_eq!(ask().await, "old");
        sleep(4 * SECOND).await;
        assert_eq!((calls.load(SeqCst), POLICY.counts().renewals_failed), (failed + 1, u64::from(failed)));
    }
    assert_eq!(ask().await, "old");
    sleep(Duration::from_millis(2_500)).await;
    assert_eq!((ask().await, calls.load(SeqCst)), ("new".to_owned(), 5));
}

#[tokio::test(start_paused = true)]
async fn a_failure_of_the_service_is_for_all_that_wait() {
    static POLICY: Coalesce = Coalesce::named("http layer: fails").hold(Duration::from_secs(60));
    let calls = Arc::new(AtomicU32::new(0));
    let seen = calls.clone();
    let service = service_fn(move |_: Request<Body>| {
        seen.fetch_add(1, SeqCst);
        async {
            sleep(SECOND).await;
            Err::<Response<Body>, _>(BoxError::from(IoError::from(ErrorKind::ConnectionRefused)))
        }
    });
    let service = ServiceBuilder::new().layer(coalesce_http(&POLICY).boxed()).service(service);

    for _ in 0..2 {
        for response in join_all((0..3).map(|_| service.clone().oneshot(get("/")))).await {
            assert_eq!(response.unwrap_err().class(), Class::Transient);
        }
    }

    assert_eq!((calls.load(SeqCst), POLICY.counts().keys), (2, 0), "once for each three, and not held");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_panics_stays_with_its_caller() {
    static POLICY: Coalesce = Coalesce::named("http layer: panics");
    let (calls, service) = counted(|number, _| {
        let body = stream::once(async move {
            assert!(number > 1, "the first body panics");
            Ok::<_, Infallible>("page")
        });
        Response::new(Body::from_stream(body))
    });
    let service = ServiceBuilder::new().layer(coalesce_http(&POLICY)).service(service);

    let callers: Vec<_> = (0..3).map(|_| tokio::spawn(service.clone().oneshot(get("/")))).collect();
    let ends = join_all(callers).await;

    assert_eq!(ends.iter().filter(|end| end.is_err()).count(), 1);
    for response in ends.into_iter().flatten() {
        assert_eq!(seen(response.unwrap()).await.body, "page");
    }
    assert_eq!((calls.load(SeqCst), POLICY.counts().keys), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_is_off_leaves_bodies_as_they_are() {
    static POLICY: Coalesce = Coalesce::named("http layer: off").mode(Mode::Off);
    let (calls, service) =
        counted(|_, _| Response::new(Body::from_stream(stream::once(pending::<Result<Bytes, Infallible>>()))));
    let service = ServiceBuilder::new().layer(coalesce_http(&POLICY)).service(service);

    let responses = join_all((0..2).map(|_| service.clone().oneshot(get("/")))).await;

    assert!(responses.iter().all(|response| response.as_ref().is_ok_and(|response| !response.body().is_end_stream())));
    assert_eq!(calls.load(SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_observes_reads_bodies_and_gives_nobody_anothers_response() {
    static POLICY: Coalesce = Coalesce::named("http layer: observes").mode(Mode::Observe);
    let (calls, service) =
        counted(|number, _| Response::new(slow(&[Piece::Data(if number == 1 { "first" } else { "second" })])));
    let service = ServiceBuilder::new().layer(coalesce_http(&POLICY)).service(service);

    let responses = join_all((0..2).map(|_| service.clone().oneshot(get("/")))).await;

    for (response, (body, length)) in responses.into_iter().zip([("first", 5), ("second", 6)]) {
        let response = response.unwrap();
        assert_eq!(response.body().size_hint().exact(), Some(length), "it was read");
        assert_eq!(seen(response).await.body, body);
    }
    assert_eq!((calls.load(SeqCst), POLICY.counts().observed, POLICY.counts().followers), (2, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn the_routes_of_a_router_keep_their_answers_apart() {
    static POLICY: Coalesce = Coalesce::named("http layer: router");

    // both see `/list`
    are_kept_apart([coalesce_http(&POLICY), coalesce_http(&POLICY)]).await;
}

/// With the feature, the layer reads the URI that came.
#[cfg(feature = "axum-0-8")]
#[tokio::test(start_paused = true)]
async fn nested_routers_with_one_value_of_the_layer_keep_their_answers_apart() {
    static POLICY: Coalesce = Coalesce::named("http layer: nested routers");
    let layer = coalesce_http(&POLICY);

    are_kept_apart([layer.clone(), layer]).await;
}

async fn are_kept_apart(layers: [resilient::tower::CoalesceHttpLayer; 2]) {
    let calls = Arc::new(AtomicU32::new(0));
    let routes = |name: &'static str, layer: resilient::tower::CoalesceHttpLayer| {
        let seen = calls.clone();
        let handler = axum::routing::get(move || async move {
            seen.fetch_add(1, SeqCst);
            sleep(SECOND).await;
            name
        });
        axum::Router::new().route("/list", handler).layer(layer)
    };
    let [users, orders] = layers;
    let app = axum::Router::new().nest("/users", routes("users", users)).nest("/orders", routes("orders", orders));
    // this makes the services of routes anew for each request, and `axum::serve` for each connection
    let ask = async |uri| {
        let response = app.clone().oneshot(get(uri)).await.unwrap();
        (response.status().as_u16(), response.into_body().collect().await.unwrap().to_bytes())
    };

    let (users, again, orders, none) =
        tokio::join!(ask("/users/list"), ask("/users/list"), ask("/orders/list"), ask("/none"));

    assert_eq!((users.1, again.1, orders.1, none.0), ("users".into(), "users".into(), "orders".into(), 404));
    assert_eq!(calls.load(SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn one_value_of_the_layer_joins_over_its_services_and_others_do_not() {
    static POLICY: Coalesce = Coalesce::named("http layer: values");
    let layer = coalesce_http(&POLICY);
    let with = |layer: &resilient::tower::CoalesceHttpLayer| {
        let (calls, service) = counted(|_, _| text("page"));
        (calls, layer.layer(service))
    };
    let same = [with(&layer), with(&layer.clone())];
    let others = [with(&coalesce_http(&POLICY)), with(&layer.clone().vary(["accept"])), with(&layer.vary(["accept"]))];

    let all = same.iter().chain(&others).map(|(_, service)| service.clone().oneshot(get("/")));
    join_all(all).await;

    let calls = |services: &[(Arc<AtomicU32>, _)]| services.iter().map(|(calls, _)| calls.load(SeqCst)).sum::<u32>();
    assert_eq!((calls(&same), others.map(|(calls, _)| calls.load(SeqCst))), (1, [1, 1, 1]));
}

#[test]
#[should_panic(expected = "`not a name` is not the name of a header")]
fn a_name_that_no_header_has_is_refused() {
    static POLICY: Coalesce = Coalesce::named("http layer: names");
    let _ = coalesce_http(&POLICY).vary(["accept", "not a name"]);
}
