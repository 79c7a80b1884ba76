//! Annotated clients against servers on loopback, in real time, judged by the requests that arrived at the server.
//!
//! A machine under load can only make things later, so the asserted times have lower bounds and no upper ones.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use reqwest::Response;
use resilient::http::retry_after;
use resilient::test::{Script, record};
use resilient::{Classify, fan_out, retry, timeout};
use resilient_tests::ms;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::mpsc;
use tokio::time::sleep;

/// The failures of a call that gets no answer. An answer has its own status.
#[derive(Debug, Classify)]
enum FetchError {
    #[transparent(from)]
    Http(reqwest::Error),
    #[transparent(from)]
    Policy(resilient::Error),
}

/// Makes one attempt.
async fn get(url: &str) -> reqwest::Result<Response> {
    // each attempt has a client of its own, so that none comes on a connection that an earlier attempt has used
    reqwest::Client::builder().no_proxy().build()?.get(url).send().await
}

#[tokio::test]
async fn an_unavailable_server_is_asked_again_after_no_less_than_the_backoff() {
    #[retry(max = 3, base = "40ms")]
    async fn fetch(url: &str) -> reqwest::Result<Response> {
        get(url).await
    }
    let server = Server::start(Script::failing(3, || Reply::Unavailable)).await;

    assert_eq!(fetch(&server.url).await.unwrap().status(), StatusCode::OK);

    server.log.assert_gaps(&[ms(40), ms(80), ms(160)]);
}

#[tokio::test]
async fn a_server_that_stays_down_gets_the_retries_and_no_more() {
    #[retry(max = 2, base = "10ms")]
    async fn fetch(url: &str) -> reqwest::Result<Response> {
        get(url).await
    }
    let server = Server::start(Script::failing(u32::MAX, || Reply::Unavailable)).await;

    let answer = fetch(&server.url).await.unwrap();

    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    server.log.assert_gaps(&[ms(10), ms(20)]);
}

#[tokio::test]
async fn a_hint_in_seconds_is_waited_for_in_an_error_of_ones_own() {
    #[derive(Debug, Classify)]
    enum SearchError {
        #[throttled(after = after)]
        Busy { after: Option<Duration> },
        #[transient]
        Down,
        #[transparent(from)]
        Http(reqwest::Error),
    }

    #[retry(max = 3, base = "10ms")]
    async fn search(url: &str) -> Result<String, SearchError> {
        let response = get(url).await?;
        match response.status() {
            StatusCode::OK => Ok(response.text().await?),
            StatusCode::TOO_MANY_REQUESTS => {
                Err(SearchError::Busy { after: retry_after(response.headers(), SystemTime::now()) })
            }
            _ => Err(SearchError::Down),
        }
    }
    let server = Server::start(Script::of([Reply::Busy { seconds: 1 }, Reply::Unavailable])).await;

    assert_eq!(search(&server.url).await.unwrap(), "fine");

    server.log.assert_gaps(&[ms(1_000), ms(20)]);
}

#[tokio::test]
async fn hints_as_dates_are_waited_for() {
    #[retry(max = 3, base = "10ms")]
    async fn fetch(url: &str) -> reqwest::Result<Response> {
        get(url).await
    }
    let server = Server::start(Script::failing(2, || Reply::BusyUntilNextSecond)).await;

    assert_eq!(fetch(&server.url).await.unwrap().status(), StatusCode::OK);

    let (arrivals, dates) = (server.log.arrivals(), server.log.dates());
    assert_eq!((arrivals.len(), dates.len()), (3, 2));
    for (date, arrival) in dates.iter().zip(&arrivals[1..]) {
        // the date is on the wall's clock and the wait on the monotonic one, which may run a little apart
        assert!(arrival.wall + ms(2) >= *date, "asked to stay away until {date:?}, and back at {:?}", arrival.wall);
    }
}

#[tokio::test]
async fn a_hint_beyond_the_deadline_ends_the_call() {
    #[timeout(total = "500ms")]
    #[retry]
    async fn fetch(url: &str) -> Result<Response, FetchError> {
        Ok(get(url).await?)
    }
    let server = Server::start(Script::failing(u32::MAX, || Reply::Busy { seconds: 1 })).await;

    let answer = fetch(&server.url).await.expect("at once, not by the time-out");

    assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
    server.log.assert_gaps(&[]);
}

#[tokio::test]
async fn what_is_not_found_is_asked_for_once() {
    #[retry(max = 3, base = "1ms")]
    async fn fetch(url: &str) -> reqwest::Result<Response> {
        get(url).await
    }
    let server = Server::start(Script::failing(u32::MAX, || Reply::NotFound)).await;

    let answer = fetch(&server.url).await.unwrap();

    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    server.log.assert_gaps(&[]);
}

#[tokio::test]
async fn a_stalled_attempt_is_given_up_and_a_second_arrives() {
    #[retry(max = 3, base = "20ms")]
    #[timeout(attempt = "300ms")]
    async fn fetch(url: &str) -> Result<String, FetchError> {
        Ok(get(url).await?.text().await?)
    }
    for stall in [Cut::StallBeforeTheHead, Cut::StallInTheBody] {
        let mut server = RawServer::start(Script::of([stall])).await;
        let began = Instant::now(); // which is when the time-out counts from, and a little before the first arrival

        assert_eq!(fetch(&server.url).await.unwrap(), "fine");

        server.log.assert_gaps(&[Duration::ZERO]);
        assert!(server.log.arrivals()[1].monotonic - began >= ms(320));
        server.abandoned.recv().await.expect("the client closed the connection that stalled");
    }
}

#[tokio::test]
async fn a_dropped_connection_is_tried_again() {
    #[retry(max = 3, base = "20ms")]
    async fn fetch(url: &str) -> Result<String, FetchError> {
        Ok(get(url).await?.text().await?)
    }
    let server = RawServer::start(Script::of([Cut::DropBeforeTheHead, Cut::DropInTheBody])).await;

    assert_eq!(fetch(&server.url).await.unwrap(), "fine");

    server.log.assert_gaps(&[ms(20), ms(40)]);
}

#[tokio::test]
async fn a_server_that_comes_up_late_is_reached() {
    #[retry(max = unlimited, max_elapsed = "1m", backoff = "fixed", base = "20ms")]
    async fn fetch(url: &str) -> reqwest::Result<Response> {
        get(url).await
    }
    // the port is bound and nobody listens: no other process gets it, and connections are refused
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let url = format!("http://{}/", socket.local_addr().unwrap());
    let log = Arc::new(Log::default());
    let late = async {
        sleep(ms(150)).await;
        serve(socket.listen(16).unwrap(), Script::fine(), log.clone());
    };
    let retries = record();

    let (answer, ()) = tokio::join!(fetch(&url), late);

    assert_eq!(answer.unwrap().status(), StatusCode::OK);
    assert!(!retries.delays("fetch").is_empty());
    log.assert_gaps(&[]);
}

#[tokio::test]
async fn the_budget_stops_a_storm() {
    const CALLS: usize = 300;

    #[fan_out(limit = 100)]
    #[retry(max = 3, base = "10ms")]
    async fn fetch(#[each] _call: usize, url: &str) -> reqwest::Result<Response> {
        get(url).await
    }
    let server = Server::start(Script::failing(u32::MAX, || Reply::Unavailable)).await;
    let began = Instant::now();

    let outcomes = fetch_all(0..CALLS, &server.url).await;

    let down = |outcome: &reqwest::Result<Response>| outcome.as_ref().is_ok_and(|answer| answer.status() == 503);
    assert!(outcomes.iter().all(down), "{outcomes:?}");
    let arrivals = server.log.arrivals().len();
    // the reserve begins with a hundred and gains ten a second, and a fifth of the calls comes on top
    let gained = 10 * (began.elapsed().as_secs() as usize + 1);
    assert!(arrivals <= CALLS + 100 + gained + CALLS / 5, "{arrivals} arrivals");
    assert!(arrivals >= CALLS + 100, "the reserve is there to be used: {arrivals} arrivals");
}

#[tokio::test]
async fn nothing_arrives_after_the_deadline() {
    #[timeout(total = "300ms")]
    #[retry(max = unlimited, backoff = "fixed", base = "50ms", budget = none)]
    async fn fetch(url: &str) -> Result<Response, FetchError> {
        Ok(get(url).await?)
    }
    let server = Server::start(Script::failing(u32::MAX, || Reply::Unavailable)).await;

    drop(fetch(&server.url).await);
    sleep(ms(100)).await; // what was sent before the deadline may take a moment to be read
    let arrivals = server.log.arrivals().len();
    sleep(ms(400)).await;

    assert_eq!(server.log.arrivals().len(), arrivals);
    assert!(arrivals <= 6, "one at the start, and one after every 50 ms: {arrivals}");
}

#[tokio::test]
async fn a_stalled_server_is_given_up_at_the_deadline() {
    #[timeout(total = "600ms", attempt = "250ms")]
    #[retry(max = unlimited, backoff = "fixed", base = "20ms", budget = none)]
    async fn fetch(url: &str) -> Result<String, FetchError> {
        Ok(get(url).await?.text().await?)
    }
    let mut server = RawServer::start(Script::failing(u32::MAX, || Cut::StallBeforeTheHead)).await;

    let error = fetch(&server.url).await.unwrap_err();
    assert!(matches!(error, FetchError::Policy(_)), "{error:?}");

    sleep(ms(100)).await;
    let arrivals = server.log.arrivals().len();
    assert!((1..=3).contains(&arrivals), "{arrivals}");
    for _ in 0..arrivals {
        server.abandoned.recv().await.unwrap();
    }
    sleep(ms(200)).await;
    assert_eq!(server.log.arrivals().len(), arrivals);
}

/// The answers of the server.
#[derive(Debug, Clone, Copy)]
enum Reply {
    Unavailable,
    NotFound,
    Busy { seconds: u64 },
    BusyUntilNextSecond,
}

/// The ways in which the server breaks a connection off.
#[derive(Debug, Clone, Copy)]
enum Cut {
    DropBeforeTheHead,
    DropInTheBody,
    StallBeforeTheHead,
    StallInTheBody,
}

/// The times when requests arrived, and the times until which the server has asked clients to stay away.
#[derive(Debug, Default)]
struct Log {
    arrivals: Mutex<Vec<Arrival>>,
    dates: Mutex<Vec<SystemTime>>,
}

/// The same moment on both clocks.
#[derive(Debug, Clone, Copy)]
struct Arrival {
    monotonic: Instant,
    wall: SystemTime,
}

impl Log {
    fn arrive(&self) {
        self.arrivals.lock().unwrap().push(Arrival { monotonic: Instant::now(), wall: SystemTime::now() });
    }

    fn arrivals(&self) -> Vec<Arrival> {
        self.arrivals.lock().unwrap().clone()
    }

    fn dates(&self) -> Vec<SystemTime> {
        self.dates.lock().unwrap().clone()
    }

    /// Asserts the gaps between arrivals: their number, and the least length of each.
    #[track_caller]
    fn assert_gaps(&self, least: &[Duration]) {
        let arrivals = self.arrivals();
        let gaps: Vec<_> = arrivals.windows(2).map(|pair| pair[1].monotonic - pair[0].monotonic).collect();
        assert_eq!(arrivals.len(), least.len() + 1, "arrivals; between them: {gaps:?}");
        assert!(gaps.iter().zip(least).all(|(gap, least)| gap >= least), "{gaps:?}, but at least {least:?}");
    }
}

/// An HTTP server that answers every request by its script, and with success after that.
struct Server {
    url: String,
    log: Arc<Log>,
}

impl Server {
    async fn start(script: Script<Reply>) -> Self {
        let (listener, url) = listen().await;
        let log = Arc::<Log>::default();
        serve(listener, script, log.clone());
        Self { url, log }
    }
}

fn serve(listener: TcpListener, script: Script<Reply>, log: Arc<Log>) {
    let state = Arc::new((script, log));
    let router = Router::new().fallback(reply).with_state(state);
    tokio::spawn(async { axum::serve(listener, router).await.unwrap() });
}

async fn reply(State(state): State<Arc<(Script<Reply>, Arc<Log>)>>) -> axum::response::Response {
    let (script, log) = &*state;
    log.arrive();
    let Err(reply) = script.next() else { return "fine".into_response() };
    match reply {
        Reply::Unavailable => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Reply::NotFound => StatusCode::NOT_FOUND.into_response(),
        Reply::Busy { seconds } => busy(seconds.to_string()),
        Reply::BusyUntilNextSecond => {
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
            let date = SystemTime::UNIX_EPOCH + Duration::from_secs(now.as_secs() + 1);
            log.dates.lock().unwrap().push(date);
            busy(httpdate::fmt_http_date(date))
        }
    }
}

fn busy(retry_after: String) -> axum::response::Response {
    (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, retry_after)]).into_response()
}

/// A server below HTTP, which breaks connections off as no HTTP server would.
struct RawServer {
    url: String,
    log: Arc<Log>,
    /// Receives a message for each stalled connection when the client closes it.
    abandoned: mpsc::UnboundedReceiver<()>,
}

impl RawServer {
    async fn start(script: Script<Cut>) -> Self {
        let (listener, url) = listen().await;
        let (abandon, abandoned) = mpsc::unbounded_channel();
        let (script, log) = (Arc::new(script), Arc::<Log>::default());
        let arrivals = log.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let connection = converse(stream, script.clone(), arrivals.clone(), abandon.clone());
                tokio::spawn(async { drop(connection.await) });
            }
        });
        Self { url, log, abandoned }
    }
}

/// Serves one request. An error means that the client went away.
async fn converse(
    mut stream: TcpStream,
    script: Arc<Script<Cut>>,
    log: Arc<Log>,
    abandon: mpsc::UnboundedSender<()>,
) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    log.arrive();

    let cut = script.next();
    if !matches!(cut, Err(Cut::DropBeforeTheHead | Cut::StallBeforeTheHead)) {
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nfi").await?;
    }
    match cut {
        Ok(()) => stream.write_all(b"ne").await,
        Err(Cut::DropBeforeTheHead | Cut::DropInTheBody) => Ok(()),
        Err(Cut::StallBeforeTheHead | Cut::StallInTheBody) => {
            let _ = stream.read(&mut [0]).await; // until the client is gone
            let _ = abandon.send(());
            Ok(())
        }
    }
}

async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    (listener, url)
}
