//! The servers' end of the wire: axum on loopback, on a thread of its own.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::serve::ListenerExt;
use reqwest::Url;
use resilient::Deadline;
use resilient_scenarios::calls::{CallError, Client, DUE, SLO};
use resilient_scenarios::server::{OnLeave, Refusal, Server};
use tokio::net::TcpSocket;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::books::Books;
use crate::wire;

/// A port that is bound, and not served yet.
pub(crate) struct Port {
    listener: TcpListener,
    pub(crate) url: Url,
    pub(crate) books: Arc<Books>,
    /// A time during which the port refuses connections, counted from the beginning of the service.
    pub(crate) away: Option<(Duration, Duration)>,
}

/// Servers that answer until the host is dropped.
pub(crate) struct Host {
    shutdown: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Port {
    pub(crate) fn bind() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port on loopback");
        listener.set_nonblocking(true).expect("a socket");
        let address = listener.local_addr().expect("a bound socket");
        let url = format!("http://{address}/").parse().expect("an address");
        Self { listener, url, books: Arc::default(), away: None }
    }
}

impl Host {
    /// Serves the ports, and ticks the servers once a millisecond.
    pub(crate) fn start(ports: Vec<(Port, Router)>, servers: Vec<Arc<Server>>) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let (shutdown, stopped) = oneshot::channel::<()>();
        let thread = std::thread::spawn(move || {
            runtime.block_on(async move {
                for (port, app) in ports {
                    tokio::spawn(serve(port, app));
                }
                tokio::spawn(tick(servers));
                let _ = stopped.await;
            });
        });
        Self { shutdown: Some(shutdown), thread: Some(thread) }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        drop(self.shutdown.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Returns the route of a server. It queues, works and refuses as in the tests; a closed connection is a client that leaves.
pub(crate) fn serving(server: Arc<Server>, books: Arc<Books>) -> Router {
    let handler = async move |headers: HeaderMap| -> Response {
        wire::arrived(&headers, &books);
        let due = wire::due(&headers).map(|due| due + GRACE);
        match server.serve(wire::deadline(&headers), due).await {
            Ok(()) => StatusCode::OK.into_response(),
            Err(Refusal::Full) => busy(),
            Err(Refusal::Expired) => StatusCode::GATEWAY_TIMEOUT.into_response(),
            Err(Refusal::Failed) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
            Err(Refusal::Throttled { after }) => {
                (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, after.as_secs().to_string())]).into_response()
            }
        }
    };
    Router::new().route("/", get(handler))
}

/// Returns the route of a tier: a call to the tier below, under the deadline of the caller.
pub(crate) fn tier<C: Client>(client: C, books: Arc<Books>, on_leave: OnLeave) -> Router {
    let client = Arc::new(client);
    let handler = async move |headers: HeaderMap| -> Response {
        wire::arrived(&headers, &books);
        let due = wire::due(&headers).unwrap_or_else(|| Instant::now() + SLO);
        let deadline = wire::deadline(&headers).and_then(|header| Deadline::from_header(header).ok());
        let client = Arc::clone(&client);
        let work = DUE.scope(due, async move {
            match deadline {
                Some(deadline) => deadline.scope(client.call()).await,
                None => client.call().await,
            }
        });
        let outcome = match on_leave {
            OnLeave::Stop => work.await,
            OnLeave::GoOn => tokio::spawn(work).await.unwrap_or(Err(CallError::Lost)),
        };
        match outcome {
            Ok(()) => StatusCode::OK.into_response(),
            Err(CallError::Refused(rejection)) if !rejection.ends_the_call() => busy(),
            Err(CallError::Refused(_) | CallError::Late) => StatusCode::GATEWAY_TIMEOUT.into_response(),
            Err(CallError::Lost) => StatusCode::BAD_GATEWAY.into_response(),
            Err(_) => busy(),
        }
    };
    Router::new().route("/", get(handler))
}

/// Returns a refusal that costs nothing. Its `Retry-After` names no time, since the server knows none.
fn busy() -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "0")]).into_response()
}

async fn serve(port: Port, app: Router) {
    let start = Instant::now();
    let mut listener = tokio::net::TcpListener::from_std(port.listener).expect("a runtime with I/O");
    if let Some((from, until)) = port.away {
        let address = listener.local_addr().expect("a bound socket");
        accept(listener, &port.books, app.clone(), tokio::time::sleep_until(start + from)).await;
        // a socket that is bound and does not listen keeps the port, and refuses connections
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_reuseaddr(true).expect("a socket that can be set");
        socket.bind(address).expect("a port that was free");
        tokio::time::sleep_until(start + until).await;
        listener = socket.listen(1_024).expect("a bound socket");
    }
    accept(listener, &port.books, app, std::future::pending()).await;
}

/// Serves connections until `end`, and closes them then.
async fn accept(
    listener: tokio::net::TcpListener,
    books: &Arc<Books>,
    app: Router,
    end: impl Future<Output = ()> + Send + 'static,
) {
    let books = Arc::clone(books);
    let listener = listener.tap_io(move |socket| {
        books.connections.fetch_add(1, Relaxed);
        // If it fails, answers come a little later.
        let _ = socket.set_nodelay(true);
    });
    if let Err(error) = axum::serve(listener, app).with_graceful_shutdown(end).await {
        eprintln!("a server stopped: {error}");
    }
}

async fn tick(servers: Vec<Arc<Server>>) {
    let mut ticks = tokio::time::interval(Duration::from_millis(1));
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    loop {
        ticks.tick().await;
        for server in &servers {
            server.tick();
        }
    }
}

/// Checks that this process may open as many sockets as clients without a limit need.
pub(crate) fn check_descriptors() -> Result<(), String> {
    // A system without this file does not say its limit.
    let Ok(limits) = std::fs::read_to_string("/proc/self/limits") else { return Ok(()) };
    let line = limits.lines().find(|line| line.starts_with("Max open files"));
    match line.and_then(|line| line.split_whitespace().nth(3)?.parse::<u64>().ok()) {
        Some(most) if most < DESCRIPTORS => Err(format!(
            "{most} open files are too few for clients without a limit: run `ulimit -n {DESCRIPTORS}` before"
        )),
        _ => Ok(()),
    }
}

/// Two sockets for each connection. The clients without a policy have some thousands of connections.
const DESCRIPTORS: u64 = 16_384;
/// The lateness of a deadline that goes through two busy threads.
const GRACE: Duration = Duration::from_millis(20);

/// Waits until a connection is refused, and until one is accepted. How long that takes is the machine's.
#[tokio::test]
async fn a_port_that_is_away_refuses_connections_and_comes_back() {
    async fn until(is_accepted: bool, address: &str) {
        let look = async {
            while tokio::net::TcpStream::connect(address).await.is_ok() != is_accepted {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), look).await.expect("a port that goes and comes");
    }
    let away = Some((Duration::from_millis(200), Duration::from_millis(1_200)));
    let port = Port { away, ..Port::bind() };
    let address = port.url.authority().to_owned();

    let _host = Host::start(vec![(port, Router::new())], Vec::new());

    until(true, &address).await;
    until(false, &address).await;
    until(true, &address).await;
}
