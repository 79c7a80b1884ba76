//! The layer of coalescing around a server of axum and around a client, with real connections between them.
//!
//! A handler answers once the test lets it, and the test does so once all calls have joined: nothing goes by time.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::SeqCst;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{self, HeaderMap, Response, StatusCode, header};
use axum::routing::get;
use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use resilient::Coalesce;
use resilient::tower::{CoalesceHttpLayer, coalesce_http};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::{AbortHandle, JoinHandle, yield_now};
use tower::{ServiceBuilder, ServiceExt, service_fn};

/// A server, and what its handlers have seen.
struct Server {
    url: String,
    handlers: Handlers,
    task: AbortHandle,
}

#[derive(Clone)]
struct Handlers {
    calls: Arc<AtomicU32>,
    /// Each lets a handler answer.
    permits: Arc<Semaphore>,
}

impl Handlers {
    async fn begin(&self) -> u32 {
        let number = self.calls.fetch_add(1, SeqCst) + 1;
        self.permits.acquire().await.unwrap().forget();
        number
    }

    fn let_answer(&self, calls: usize) {
        self.permits.add_permits(calls);
    }

    fn calls(&self) -> u32 {
        self.calls.load(SeqCst)
    }
}

impl Server {
    async fn start(layer: Option<CoalesceHttpLayer>) -> Self {
        let handlers = Handlers { calls: Arc::default(), permits: Arc::new(Semaphore::new(0)) };
        let [page_of, cookie_of, broken_of] = [(); 3].map(|()| handlers.clone());
        // without a state, so that axum makes the services of the routes, and the layer's too, anew for each connection
        let app = Router::new()
            .route("/page", get(|| page(page_of)))
            .route("/cookie", get(|| cookie(cookie_of)))
            .route("/broken", get(|| broken(broken_of)));
        let app = match layer {
            Some(layer) => app.layer(layer),
            None => app,
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let task = tokio::spawn(async { axum::serve(listener, app).await.unwrap() });
        Self { url, handlers, task: task.abort_handle() }
    }

    fn ask(&self, path: &str) -> JoinHandle<reqwest::Result<reqwest::Response>> {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        tokio::spawn(client.get(format!("{}{path}", self.url)).send())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

const PIECES: u32 = 40;
const PIECE: usize = 5_000;

/// A body of pieces, each of one letter.
fn pieces() -> impl stream::Stream<Item = Result<Bytes, Infallible>> {
    stream::iter(0..PIECES).map(|number| Ok(Bytes::from(vec![b'a' + (number % 26) as u8; PIECE])))
}

async fn whole() -> Vec<u8> {
    pieces().map(Result::unwrap).collect::<Vec<_>>().await.concat()
}

async fn page(handlers: Handlers) -> Response<Body> {
    let number = handlers.begin().await;
    Response::builder().header("x-number", number).body(Body::from_stream(pieces())).unwrap()
}

async fn cookie(handlers: Handlers) -> ([(http::HeaderName, String); 1], &'static str) {
    let number = handlers.begin().await;
    ([(header::SET_COOKIE, format!("caller={number}"))], "welcome")
}

async fn broken(handlers: Handlers) -> Body {
    handlers.begin().await;
    let fails = stream::iter([Ok(Bytes::from_static(b"half")), Err(std::io::Error::other("the rest is gone"))]);
    Body::from_stream(fails)
}

/// Waits until the policy has seen so many leaders, followers and handovers.
async fn until(policy: &'static Coalesce, seen: (u64, u64, u64)) {
    loop {
        let counts = policy.counts();
        if (counts.leaders, counts.followers, counts.handed_over) == seen {
            return;
        }
        yield_now().await;
    }
}

async fn body_of(response: reqwest::Response) -> (StatusCode, HeaderMap, reqwest::Result<Bytes>) {
    (response.status(), response.headers().clone(), response.bytes().await)
}

#[tokio::test]
async fn one_page_of_a_server_is_for_all_its_clients() {
    static PAGES: Coalesce = Coalesce::named("server: pages");
    let server = Server::start(Some(coalesce_http(&PAGES))).await;

    let clients: Vec<_> = (0..8).map(|_| server.ask("/page")).collect();
    until(&PAGES, (1, 7, 0)).await;
    server.handlers.let_answer(1);

    let expected = whole().await;
    for response in join_all(clients).await {
        let (status, headers, body) = body_of(response.unwrap().unwrap()).await;
        assert_eq!((status, headers["x-number"].as_bytes()), (StatusCode::OK, &b"1"[..]));
        assert_eq!(headers[header::CONTENT_LENGTH], (PIECES as usize * PIECE).to_string(), "the stream had none");
        assert!(body.unwrap() == expected);
    }
    assert_eq!(server.handlers.calls(), 1);
}

#[tokio::test]
async fn a_follower_is_answered_when_the_leading_client_hangs_up() {
    static PAGES: Coalesce = Coalesce::named("server: hangs up");
    let server = Server::start(Some(coalesce_http(&PAGES))).await;
    let leader = server.ask("/page");
    until(&PAGES, (1, 0, 0)).await;
    let followers = [server.ask("/page"), server.ask("/page")];
    until(&PAGES, (1, 2, 0)).await;

    leader.abort();
    until(&PAGES, (1, 2, 1)).await;
    server.handlers.let_answer(1);

    for response in join_all(followers).await {
        let (_, headers, body) = body_of(response.unwrap().unwrap()).await;
        assert_eq!(headers["x-number"], "2");
        assert!(body.unwrap() == whole().await);
    }
}

#[tokio::test]
async fn a_large_page_reaches_every_client_whole() {
    static PAGES: Coalesce = Coalesce::named("server: large");
    let server = Server::start(Some(coalesce_http(&PAGES).body_limit(PIECE * 3))).await;

    let clients: Vec<_> = (0..4).map(|_| server.ask("/page")).collect();
    until(&PAGES, (1, 3, 0)).await;
    server.handlers.let_answer(4);

    let expected = whole().await;
    for response in join_all(clients).await {
        let (_, headers, body) = body_of(response.unwrap().unwrap()).await;
        assert!(!headers.contains_key(header::CONTENT_LENGTH), "it comes in chunks, as without the layer");
        assert!(body.unwrap() == expected);
    }
    assert_eq!((server.handlers.calls(), PAGES.counts().declined), (4, 3));
}

#[tokio::test]
async fn a_cookie_is_for_one_client() {
    static PAGES: Coalesce = Coalesce::named("server: cookies");
    let server = Server::start(Some(coalesce_http(&PAGES))).await;

    let clients: Vec<_> = (0..3).map(|_| server.ask("/cookie")).collect();
    until(&PAGES, (1, 2, 0)).await;
    server.handlers.let_answer(3);

    let responses = join_all(clients).await.into_iter().map(|response| response.unwrap().unwrap());
    let mut cookies: Vec<_> = responses.map(|response| response.headers()[header::SET_COOKIE].clone()).collect();
    cookies.sort();
    assert_eq!(cookies, ["caller=1", "caller=2", "caller=3"]);
}

#[tokio::test]
async fn a_page_that_breaks_off_does_so_for_every_client() {
    static PAGES: Coalesce = Coalesce::named("server: breaks off");
    let server = Server::start(Some(coalesce_http(&PAGES))).await;

    let clients: Vec<_> = (0..3).map(|_| server.ask("/broken")).collect();
    until(&PAGES, (1, 2, 0)).await;
    server.handlers.let_answer(1);

    for response in join_all(clients).await {
        match response.unwrap() {
            Ok(response) => assert!(response.bytes().await.is_err(), "half a page is no page"),
            Err(error) => assert!(!error.is_connect(), "{error}"),
        }
    }
    assert_eq!(server.handlers.calls(), 1);
}

#[tokio::test]
async fn a_head_request_has_the_headers_alone() {
    static PAGES: Coalesce = Coalesce::named("server: head");
    let server = Server::start(Some(coalesce_http(&PAGES))).await;
    server.handlers.let_answer(2);
    let client = reqwest::Client::builder().no_proxy().build().unwrap();

    let head = client.head(format!("{}/page", server.url)).send().await.unwrap();
    assert_eq!((head.status(), head.headers()["x-number"].as_bytes()), (StatusCode::OK, &b"1"[..]));
    assert!(head.bytes().await.unwrap().is_empty());
    // the connection is in order after it
    assert!(client.get(format!("{}/page", server.url)).send().await.unwrap().bytes().await.unwrap() == whole().await);
}

#[tokio::test]
async fn a_client_sends_one_request_for_all_its_callers() {
    static PAGES: Coalesce = Coalesce::named("client: pages");
    let server = Server::start(None).await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let send = service_fn(move |request: http::Request<String>| {
        let client = client.clone();
        async move {
            let response = client.execute(reqwest::Request::try_from(request)?).await?;
            Ok::<http::Response<reqwest::Body>, reqwest::Error>(response.into())
        }
    });
    let service = ServiceBuilder::new().layer(coalesce_http(&PAGES).boxed()).service(send);
    let ask = |path: &str| {
        let request = http::Request::get(format!("{}{path}", server.url)).body(String::new()).unwrap();
        tokio::spawn(service.clone().oneshot(request))
    };

    let callers: Vec<_> = (0..5).map(|_| ask("/page")).collect();
    until(&PAGES, (1, 4, 0)).await;
    server.handlers.let_answer(1);

    let expected = whole().await;
    for response in join_all(callers).await {
        let body = Body::new(response.unwrap().unwrap().into_body());
        assert!(axum::body::to_bytes(body, usize::MAX).await.unwrap() == expected);
    }
    assert_eq!(server.handlers.calls(), 1);

    let callers: Vec<_> = (0..3).map(|_| ask("/broken")).collect();
    until(&PAGES, (2, 6, 0)).await;
    server.handlers.let_answer(1);
    for response in join_all(callers).await {
        // the server may hang up before it has sent the head
        if let Ok(response) = response.unwrap() {
            assert!(axum::body::to_bytes(Body::new(response.into_body()), usize::MAX).await.is_err());
        }
    }
}
