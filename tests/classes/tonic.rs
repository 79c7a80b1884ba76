//! tonic's client, with tonic's server, with a server of HTTP/2 that plays a proxy or another implementation, and with none.

use std::convert::Infallible;
use std::future::{Ready, pending, ready};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use h2::Reason;
use http::uri::PathAndQuery;
use http::{HeaderMap, Response};
use resilient::tower::{policies, status};
use resilient::{Bulkhead, Class, Classify, RateLimit, circuit_breaker, retry, timeout};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tonic::body::Body;
use tonic::client::Grpc;
use tonic::codegen::{BoxFuture, Service};
use tonic::server::NamedService;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity, Server, ServerTlsConfig};
use tonic::{Code, Request, Status};
use tower::ServiceBuilder;

use crate::http2::{self, Manner};
use crate::plain::Plain;
use crate::{Table, answering, tls};

#[tokio::test]
async fn tonic() {
    let mut table = Table::of("tonic");
    connections(&mut table).await;
    certificates(&mut table).await;
    streams(&mut table).await;
    pages(&mut table).await;
    statuses(&mut table).await;
    dialects(&mut table).await;
    servers(&mut table).await;
    sizes(&mut table).await;
    table.check();
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_the_server_renews_cost_no_call() {
    #[timeout(total = "10s", attempt = "5s")]
    #[retry(max = 3, base = "5ms")]
    #[circuit_breaker]
    async fn echo(channel: &Channel) -> Result<Bytes, EchoError> {
        Ok(call(channel.clone()).await?)
    }

    #[derive(Debug, Classify)]
    enum EchoError {
        #[transparent(from)]
        Status(Status),
        #[transparent(from)]
        Refused(resilient::Error),
    }
    const RENEWED: Duration = Duration::from_millis(50);

    let server = Server::builder().max_connection_age(RENEWED).max_connection_age_grace(RENEWED * 4);
    let (port, _stop) = start(server, Answering::At(Duration::from_millis(1))).await;
    let channel = lazy(&format!("http://127.0.0.1:{port}"));
    let begin = tokio::time::Instant::now();
    let callers: Vec<_> = (0..16)
        .map(|_| {
            let channel = channel.clone();
            tokio::spawn(async move {
                let mut calls = 0;
                // as slow as the machine may be
                while begin.elapsed() < RENEWED * 40 || calls < 32 {
                    echo(&channel).await.unwrap();
                    calls += 1;
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }
}

const BUSY: Class = Class::Throttled { after: None };

#[tokio::test]
async fn a_refusal_by_a_layer_of_the_server_is_a_status_that_callers_understand() {
    static PLACES: Bulkhead = Bulkhead::named("tonic: places").limit(1).queue(0);
    static CALLS: RateLimit =
        RateLimit::named("tonic: calls").rate(1, Duration::from_secs(60)).burst(1).max_wait(Duration::ZERO);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let layers = ServiceBuilder::new().map_err(status).layer(policies((&PLACES, &CALLS)).boxed());
    let server = Server::builder().layer(layers);
    let incoming = TcpIncoming::from(listener);
    // in an async block, as the compiler knows less of the layers there
    tokio::spawn(async move {
        server.serve_with_incoming_shutdown(Answering::At(Duration::ZERO), incoming, pending::<()>()).await
    });
    let channel = lazy(&format!("http://127.0.0.1:{port}"));

    let taken = PLACES.try_acquire().unwrap();
    let full = call(channel.clone()).await.unwrap_err();
    drop(taken);
    call(channel.clone()).await.unwrap();
    let limited = call(channel).await.unwrap_err();

    assert_eq!((full.code(), full.class()), (Code::ResourceExhausted, Class::Throttled { after: None }));
    assert_eq!((limited.code(), limited.message()), (Code::ResourceExhausted, "too many calls"));
    assert!(matches!(limited.class(), Class::Throttled { after: Some(_) }), "{limited:?}");
}

const fn busy_for(seconds: u64) -> Class {
    Class::Throttled { after: Some(Duration::from_secs(seconds)) }
}

async fn connections(table: &mut Table) {
    let error = call(lazy("http://127.0.0.1:1")).await.unwrap_err();
    table.add("nobody listens", &error, "refused", Class::Transient, "it comes back");
    let error = call(lazy("unix:/nowhere/server.sock")).await.unwrap_err();
    table.add("no Unix socket", &error, "No such file", Class::Transient, "the server makes it when it comes up");
    let error = call(lazy("http://name.invalid")).await.unwrap_err();
    table.add("the name is not found", &error, "dns error", Class::Transient, "as with every client");
    let error = Endpoint::from_static("http://name.invalid").connect().await.unwrap_err();
    let error: Box<dyn std::error::Error + Send + Sync> = error.into();
    assert_eq!(error.class(), Class::Transient);
    let port = answering(&[b""]).await;
    let error = call(lazy(&format!("https://127.0.0.1:{port}"))).await.unwrap_err();
    let comes = "Connecting to HTTPS without TLS enabled";
    table.add("https without a configuration of TLS", &error, comes, Class::Permanent, "the caller's mistake");
    let port = answering(&[b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n", b"", b"", b"", b""]).await;
    let error = call(lazy(&format!("http://127.0.0.1:{port}"))).await.unwrap_err();
    table.add("a server of HTTP/1", &error, "frame with invalid size", Class::Permanent, "it will not learn HTTP/2");
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let endpoint = Endpoint::from_shared(url).unwrap().timeout(Duration::from_millis(50));
    let error = call(endpoint.connect_lazy()).await.unwrap_err();
    table.add("the channel's time-out", &error, "Timeout expired", Class::Transient, "the next call may be quicker");
}

async fn certificates(table: &mut Table) {
    const CA: &str = tls::AUTHORITY;
    let (good, expired) = (tls::GOOD, tls::EXPIRED);

    for (fault, certificate, authority, name, comes) in [
        ("a certificate that expired", expired, CA, "localhost", "certificate expired"),
        ("a certificate of an unknown authority", good, good, "localhost", "invalid peer certificate"),
        ("a certificate for another host", good, CA, "example.com", "not valid for name"),
    ] {
        let (port, _stop) = tls::serve(certificate).await;
        let tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(authority)).domain_name(name);
        let endpoint = Endpoint::from_shared(format!("https://127.0.0.1:{port}")).unwrap().tls_config(tls).unwrap();
        let error = call(endpoint.connect_lazy()).await.unwrap_err();
        table.add(fault, &error, comes, Class::Permanent, "somebody has to renew or to configure it");
    }

    let port = answering(&[b"HTTP/1.1 400 Bad Request\r\n\r\n"]).await;
    let tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(CA));
    let endpoint = Endpoint::from_shared(format!("https://127.0.0.1:{port}")).unwrap().tls_config(tls).unwrap();
    let error = call(endpoint.connect_lazy()).await.unwrap_err();
    table.add("TLS to a port without it", &error, "corrupt message", Class::Permanent, "it will not learn TLS");
    let server = Server::builder()
        .tls_config(
            ServerTlsConfig::new()
                .identity(Identity::from_pem(good, tls::KEY))
                .client_ca_root(Certificate::from_pem(CA)),
        )
        .unwrap();
    let (port, _stop) = start(server, Answering::At(Duration::ZERO)).await;
    let tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(CA)).domain_name("localhost");
    let endpoint = Endpoint::from_shared(format!("https://127.0.0.1:{port}")).unwrap().tls_config(tls).unwrap();
    let error = call(endpoint.connect_lazy()).await.unwrap_err();
    if format!("{error:?}").contains("CertificateRequired") {
        assert_eq!(error.class(), Class::Permanent, "{error:?}");
    }
}

async fn streams(table: &mut Table) {
    for (reason, class, why) in [
        (Reason::CANCEL, Class::Transient, "a proxy's limit, or a handler that panicked"),
        (Reason::REFUSED_STREAM, Class::Transient, "it was not begun"),
        (Reason::INTERNAL_ERROR, Class::Transient, "as a 500"),
        (Reason::PROTOCOL_ERROR, Class::Transient, "what a proxy does to one stream"),
        (Reason::ENHANCE_YOUR_CALM, BUSY, "the server wants less"),
        (Reason::INADEQUATE_SECURITY, Class::Permanent, "a configuration"),
        (Reason::HTTP_1_1_REQUIRED, Class::Permanent, "it will not learn HTTP/2"),
    ] {
        let port = http2::serve(Manner::Resets(reason)).await;
        let error = call(lazy(&format!("http://127.0.0.1:{port}"))).await.unwrap_err();
        table.add(&format!("a stream reset with {reason:?}"), &error, "error received", class, why);
    }
}

/// Answers of proxies.
async fn pages(table: &mut Table) {
    let page = b"<html>an error page</html>".as_slice();
    for (status, header, class) in [
        (200, None, Class::Permanent),
        (401, None, Class::Permanent),
        (403, None, Class::Permanent),
        (404, None, Class::Permanent),
        (413, None, Class::Permanent),
        (429, None, BUSY),
        (429, Some("9"), busy_for(9)),
        (500, None, Class::Transient),
        (502, None, Class::Transient),
        (502, Some("9"), Class::Transient),
        (503, Some("9"), busy_for(9)),
    ] {
        let with = header.map(|seconds| format!(" and `Retry-After: {seconds}`")).unwrap_or_default();
        let mut answer = Response::builder().status(status).header("content-type", "text/html");
        if let Some(seconds) = header {
            answer = answer.header("retry-after", seconds);
        }
        let error = answered(answer.body(page).unwrap(), None).await;
        let fault = format!("a page of HTML with {status}{with}");
        let why = if status == 200 { "no gRPC there" } else { "that of the response" };
        table.add(&fault, &error, "invalid compression flag: 60", class, why);
    }
    for (status, header, class) in [
        (400, None, Class::Permanent),
        (408, None, Class::Transient),
        (413, None, Class::Permanent),
        (415, None, Class::Permanent),
        (429, Some("9"), busy_for(9)),
        (501, None, Class::Permanent),
        (302, None, Class::Permanent),
        (504, None, Class::Transient),
    ] {
        let mut answer = Response::builder().status(status);
        if let Some(seconds) = header {
            answer = answer.header("retry-after", seconds);
        }
        let error = answered(answer.body(b"".as_slice()).unwrap(), None).await;
        let comes = format!("mapped from HTTP status code {status}");
        table.add(&format!("{status} without a body"), &error, &comes, class, "that of the response");
    }
    let head = || Response::builder().header("content-type", "application/grpc");
    let error = answered(head().body(b"\x01\0\0\0\0".as_slice()).unwrap(), None).await;
    table.add("compressed in no known way", &error, "no grpc-encoding", Class::Permanent, "it will be again");
    let error = answered(head().body(b"\0\0\0\0\x09half".as_slice()).unwrap(), None).await;
    table.add(
        "a message that breaks off",
        &error,
        "Unexpected EOF",
        Class::Transient,
        "a proxy or the server ended it",
    );
    let error = answered(head().body(b"".as_slice()).unwrap(), Some(HeaderMap::new())).await;
    table.add(
        "no status at the end",
        &error,
        "missing grpc-status",
        Class::Transient,
        "a proxy or the server ended it",
    );
}

/// Statuses from the wire.
async fn statuses(table: &mut Table) {
    // a RetryInfo of 7 s
    let details = "CA4aMAoodHlwZS5nb29nbGVhcGlzLmNvbS9nb29nbGUucnBjLlJldHJ5SW5mbxIECgIIBw";
    for (fault, code, message, headers, class, why) in [
        ("`Unavailable`", "14", "draining", &[][..], Class::Transient, "it comes back"),
        (
            "`Unavailable` with `RetryInfo`",
            "14",
            "busy",
            &[("grpc-status-details-bin", details)],
            Class::Transient,
            "a breaker counts it",
        ),
        (
            "`ResourceExhausted` with `RetryInfo`",
            "8",
            "busy",
            &[("grpc-status-details-bin", details)],
            busy_for(7),
            "the server said so",
        ),
        (
            "`Unavailable` with `retry-after`",
            "14",
            "busy",
            &[("retry-after", "9")],
            Class::Transient,
            "a breaker counts it",
        ),
        (
            "`ResourceExhausted` with `retry-after`",
            "8",
            "busy",
            &[("retry-after", "9")],
            busy_for(9),
            "the server said so",
        ),
        ("`ResourceExhausted`", "8", "quota", &[], BUSY, "the server wants less"),
        (
            "`Unavailable` with pushback",
            "14",
            "busy",
            &[("grpc-retry-pushback-ms", "3000")],
            busy_for(3),
            "the server said so",
        ),
        (
            "pushback and `RetryInfo`",
            "14",
            "busy",
            &[("grpc-retry-pushback-ms", "3000"), ("grpc-status-details-bin", details)],
            busy_for(7),
            "the longest",
        ),
        ("a time-out of the server's layer", "1", "Timeout expired", &[], Class::Transient, "as the channel's own"),
        ("cancelled by the server's own call", "1", "the caller left", &[], Class::Permanent, "somebody wanted it"),
    ] {
        let mut answer = Response::builder().header("content-type", "application/grpc");
        answer = answer.header("grpc-status", code).header("grpc-message", message.replace(' ', "%20"));
        for (name, value) in headers {
            answer = answer.header(*name, *value);
        }
        let error = answered(answer.body(b"".as_slice()).unwrap(), None).await;
        table.add(fault, &error, message, class, why);
    }
}

/// Messages of other implementations.
async fn dialects(table: &mut Table) {
    for (fault, message) in [
        ("too large for C-core's server", "SERVER: Received message larger than max (5003 vs. 1000)"),
        ("too large for C-core to send", "Sent message larger than max (5003 vs. 1000)"),
        ("too large for Go's server", "grpc: received message larger than max (5003 vs. 1000)"),
        ("too large for Go to send", "grpc: trying to send message larger than max (5003 vs. 1000)"),
        ("too large for Java's server", "gRPC message exceeds maximum size 1000: 5003"),
        ("too large for .NET's server", "Received message exceeds the maximum configured message size."),
    ] {
        let answer = Response::builder().header("content-type", "application/grpc").header("grpc-status", "8");
        let answer = answer.header("grpc-message", message.replace(' ', "%20"));
        let error = answered(answer.body(b"".as_slice()).unwrap(), None).await;
        table.add(fault, &error, message, Class::Permanent, "it stays too large");
    }
}

/// tonic's own server.
async fn servers(table: &mut Table) {
    let server = Server::builder().timeout(Duration::from_millis(30));
    let (port, _stop) = start(server, Answering::At(Duration::from_secs(60))).await;
    let error = call(lazy(&format!("http://127.0.0.1:{port}"))).await.unwrap_err();
    table.add("the time-out of tonic's server", &error, "Timeout expired", Class::Transient, "as the channel's own");

    let (port, stop) = start(Server::builder(), Answering::At(Duration::from_millis(300))).await;
    let channel = lazy(&format!("http://127.0.0.1:{port}"));
    let running = tokio::spawn(call(channel.clone()));
    tokio::time::sleep(Duration::from_millis(100)).await;
    stop.send(()).unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let error = call(channel).await.unwrap_err();
    table.add(
        "the first call after the server drains",
        &error,
        "operation was canceled",
        Class::Transient,
        "it was never sent",
    );
    running.await.unwrap().unwrap();
}

async fn sizes(table: &mut Table) {
    let (port, _stop) = start(Server::builder(), Answering::At(Duration::ZERO)).await;
    let channel = lazy(&format!("http://127.0.0.1:{port}"));
    let error = call_with(Grpc::new(channel.clone()).max_encoding_message_size(10), 1000).await.unwrap_err();
    table.add("a request that is too large to send", &error, "INTERNAL_ERROR", Class::Permanent, "it stays too large");
    let error = call_with(Grpc::new(channel).max_decoding_message_size(10), 1000).await.unwrap_err();
    table.add("a response that is too large to receive", &error, "too large", Class::Permanent, "it stays too large");
}

fn lazy(url: &str) -> Channel {
    Endpoint::from_shared(url.to_owned()).unwrap().connect_lazy()
}

async fn call(channel: Channel) -> Result<Bytes, Status> {
    call_with(Grpc::new(channel), 3).await
}

async fn call_with(mut client: Grpc<Channel>, length: usize) -> Result<Bytes, Status> {
    client.ready().await.map_err(|error| Status::from_error(error.into()))?;
    let request = Request::new(Bytes::from(vec![b'x'; length]));
    client.unary(request, PathAndQuery::from_static("/test.Echo/Call"), Plain).await.map(tonic::Response::into_inner)
}

/// The error of a call to a server that answers with this.
async fn answered(answer: Response<&'static [u8]>, trailers: Option<HeaderMap>) -> Status {
    let port = http2::serve(Manner::Answers(Box::new(answer), trailers)).await;
    call(lazy(&format!("http://127.0.0.1:{port}"))).await.unwrap_err()
}

/// Starts tonic's server, and returns its port and the way to stop it.
pub(crate) async fn start(server: Server, service: Answering) -> (u16, oneshot::Sender<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (stop, stopped) = oneshot::channel::<()>();
    let incoming = TcpIncoming::from(listener);
    tokio::spawn(server.serve_with_incoming_shutdown(service, incoming, async { drop(stopped.await) }));
    (port, stop)
}

/// A service that echoes after a while.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Answering {
    At(Duration),
}

impl NamedService for Answering {
    const NAME: &'static str = "test.Echo";
}

impl Service<http::Request<Body>> for Answering {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let Self::At(delay) = *self;
        Box::pin(async move {
            tokio::time::sleep(delay).await;
            Ok(tonic::server::Grpc::new(Plain).unary(Echo, request).await)
        })
    }
}

struct Echo;

impl Service<Request<Bytes>> for Echo {
    type Response = tonic::Response<Bytes>;
    type Error = Status;
    type Future = Ready<Result<Self::Response, Status>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        ready(Ok(tonic::Response::new(request.into_inner())))
    }
}
