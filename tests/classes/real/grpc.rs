//! tonic with gRPC's own server, the C-core, by its package for Python.

use std::process::Command;
use std::time::Duration;

use bytes::Bytes;
use http::uri::PathAndQuery;
use resilient::Class::{Permanent, Transient};
use resilient::{Class, Classify, circuit_breaker, retry, timeout};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tonic::client::Grpc;
use tonic::metadata::{MetadataKey, MetadataValue};
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

use crate::plain::Plain;
use crate::servers::{self, Server, folder, free_port};
use crate::{BUSY, Table};

#[tokio::test(flavor = "multi_thread")]
async fn grpc() {
    if !servers::can_start(PYTHON) {
        return;
    }
    let mut table = Table::of("real grpc");
    let server = start("{}", "null");
    codes(&mut table, &server).await;
    hints(&mut table, &server).await;
    handlers(&mut table, &server).await;
    compression(&mut table, &server).await;
    strangers(&mut table, &server).await;
    sizes(&mut table).await;
    limits(&mut table).await;
    going_away(&mut table).await;
    table.check();
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_the_server_renews_cost_no_call() {
    #[timeout(total = "10s", attempt = "5s")]
    #[retry(max = 3, base = "5ms")]
    #[circuit_breaker]
    async fn wish(channel: &Channel) -> Result<Bytes, WishError> {
        Ok(call(channel.clone(), r#"{"seconds": 0.01}"#).await?)
    }

    #[derive(Debug, Classify)]
    enum WishError {
        #[transparent(from)]
        Status(Status),
        #[transparent(from)]
        Refused(resilient::Error),
    }

    if !servers::can_start(PYTHON) {
        return;
    }
    let server = start(r#"{"grpc.max_connection_age_ms": 100, "grpc.max_connection_age_grace_ms": 400}"#, "null");
    let channel = lazy(&server);
    let begin = Instant::now();
    let callers: Vec<JoinHandle<()>> = (0..16)
        .map(|_| {
            let channel = channel.clone();
            tokio::spawn(async move {
                let mut calls = 0;
                // as slow as the machine may be
                while begin.elapsed() < Duration::from_secs(2) || calls < 8 {
                    wish(&channel).await.unwrap();
                    calls += 1;
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }
}

/// The program that `run.sh` makes.
const PYTHON: &str = "python-with-grpcio";

/// Every code with which a handler can end a call.
async fn codes(table: &mut Table, server: &Server) {
    for (code, name, class, why) in [
        (1, "CANCELLED", Permanent, "somebody wanted it"),
        (2, "UNKNOWN", Transient, "as a 500"),
        (3, "INVALID_ARGUMENT", Permanent, "the caller's mistake"),
        (4, "DEADLINE_EXCEEDED", Transient, "the next call may be quicker"),
        (5, "NOT_FOUND", Permanent, "the caller's mistake"),
        (6, "ALREADY_EXISTS", Permanent, "it stays there"),
        (7, "PERMISSION_DENIED", Permanent, "a configuration"),
        (8, "RESOURCE_EXHAUSTED", BUSY, "the server wants less"),
        (9, "FAILED_PRECONDITION", Permanent, "the caller expects another state"),
        (10, "ABORTED", Transient, "with the whole transaction"),
        (11, "OUT_OF_RANGE", Permanent, "the caller's mistake"),
        (12, "UNIMPLEMENTED", Permanent, "the caller's mistake"),
        (13, "INTERNAL", Transient, "as a 500"),
        (14, "UNAVAILABLE", Transient, "it comes back"),
        (15, "DATA_LOSS", Permanent, "it stays lost"),
        (16, "UNAUTHENTICATED", Permanent, "a configuration"),
    ] {
        let error = wished(server, &format!(r#"{{"code": {code}, "message": "50 % of “it”"}}"#)).await;
        assert_eq!(error.code(), tonic::Code::from_i32(code), "{error:?}");
        table.add(&format!("`abort` with {name}"), &error, "50 % of “it”", class, why);
    }
}

/// The times that a handler puts into its trailers.
async fn hints(table: &mut Table, server: &Server) {
    // a `google.rpc.Status` with a `RetryInfo` of 7 s
    let details =
        r#""grpc-status-details-bin": "CA4aMAoodHlwZS5nb29nbGVhcGlzLmNvbS9nb29nbGUucnBjLlJldHJ5SW5mbxIECgIIBw==""#;
    let pushback = r#""grpc-retry-pushback-ms": "3000""#;
    let stop = r#""grpc-retry-pushback-ms": "-1""#;
    let after = |seconds| Class::Throttled { after: Some(Duration::from_secs(seconds)) };
    for (code, name, trailers, with, class, why) in [
        (8, "RESOURCE_EXHAUSTED", details, "`RetryInfo`", after(7), "the server said so"),
        (14, "UNAVAILABLE", details, "`RetryInfo`", Transient, "a breaker counts it"),
        (5, "NOT_FOUND", details, "`RetryInfo`", Permanent, "the code decides"),
        (8, "RESOURCE_EXHAUSTED", pushback, "a pushback", after(3), "the server said so"),
        (14, "UNAVAILABLE", pushback, "a pushback", after(3), "the server said so"),
        (14, "UNAVAILABLE", &format!("{pushback}, {details}"), "both", after(7), "the longest"),
        (14, "UNAVAILABLE", stop, "a pushback of -1", Permanent, "the server forbids it"),
    ] {
        let wish = format!(r#"{{"code": {code}, "message": "busy", "trailers": {{{trailers}}}}}"#);
        let error = wished(server, &wish).await;
        assert_eq!(error.forbids_attempts(), trailers == stop, "{error:?}");
        table.add(&format!("{name} with {with}"), &error, "busy", class, why);
    }
}

/// Calls that a handler or the server does not bring to an end.
async fn handlers(table: &mut Table, server: &Server) {
    let error = wished(server, r#"{"raise": "no such file"}"#).await;
    let comes = "Exception calling application: no such file";
    table.add("a handler that raises an exception", &error, comes, Transient, "as a 500");
    let error = call_at(lazy(server), "/test.Wish/Other", Request::new(Bytes::new())).await.unwrap_err();
    table.add("a method that is not there", &error, "Method not found!", Permanent, "the caller's mistake");
    let error = call_at(lazy(server), "/test.Other/Call", Request::new(Bytes::new())).await.unwrap_err();
    table.add("a service that is not there", &error, "Method not found!", Permanent, "the caller's mistake");
    let mut request = wish(r#"{"seconds": 10}"#);
    request.set_timeout(Duration::from_millis(50));
    let error = call_at(lazy(server), CALL, request).await.unwrap_err();
    let why = "the next call may be quicker";
    table.add("the deadline passes, on whichever side first", &error, "", Transient, why);
    // the channel does not understand the space, and the server does
    let error = call_at(lazy(server), CALL, with(r#"{"seconds": 10}"#, "grpc-timeout", "50 m")).await.unwrap_err();
    table.add("the deadline passes, for the server", &error, "Deadline Exceeded", Transient, why);
}

async fn compression(table: &mut Table, server: &Server) {
    let error = call_at(lazy(server), CALL, with("{}", "grpc-encoding", "snappy")).await.unwrap_err();
    table.add(
        "compressed as the server does not know",
        &error,
        "Error parsing 'grpc-encoding'",
        Permanent,
        "a configuration",
    );
    let error = wished(server, r#"{"compress": true, "bytes": 5000}"#).await;
    let comes = "Content is compressed with";
    table.add("a response that a client without gzip cannot read", &error, comes, Permanent, "a configuration");
}

/// Clients that do not speak gRPC.
async fn strangers(table: &mut Table, server: &Server) {
    let url = format!("http://127.0.0.1:{}/test.Wish/Call", server.port);
    let client = reqwest::Client::builder().http1_only().no_proxy().build().unwrap();
    let error = client.get(&url).send().await.unwrap_err();
    table.add("a client of HTTP/1", &error, "unexpected message", Transient, "as a 408 to an idle connection");
    let client = reqwest::Client::builder().http2_prior_knowledge().no_proxy().build().unwrap();
    let error = client.post(&url).header("content-type", "text/plain").body("hello").send().await.unwrap_err();
    let comes = "unexpected internal error encountered";
    table.add("a client of HTTP/2 with a text", &error, comes, Transient, "as a 500");
}

async fn sizes(table: &mut Table) {
    let limits = r#"{"grpc.max_receive_message_length": 1000, "grpc.max_send_message_length": 2000,
        "grpc.max_metadata_size": 4000, "grpc.absolute_max_metadata_size": 8000}"#;
    let server = start(limits, "null");
    let long = format!(r#"{{"unused": "{}"}}"#, "x".repeat(1000));
    let error = wished(&server, &long).await;
    let why = "it stays too large";
    table.add("a request above the server's limit", &error, "larger than max", Permanent, why);
    let error = wished(&server, r#"{"bytes": 3000}"#).await;
    table.add("a response above the server's limit", &error, "larger than max", Permanent, why);
    let mut client = Grpc::new(lazy(&server)).max_decoding_message_size(500);
    client.ready().await.unwrap();
    let error = client.unary(wish(r#"{"bytes": 1500}"#), PathAndQuery::from_static(CALL), Plain).await.unwrap_err();
    table.add("a response above the client's limit", &error, "too large", Permanent, why);
    // the server lets such a call through now and then
    let mut calls = 0..100;
    let error = loop {
        assert!(calls.next().is_some(), "no call was refused");
        if let Err(error) = call_at(lazy(&server), CALL, with("{}", "x-long", &"x".repeat(12_000))).await {
            break error;
        }
    };
    table.add("metadata above the server's limit", &error, "metadata size exceeds hard limit", Permanent, why);
}

async fn limits(table: &mut Table) {
    let server = start("{}", "1");
    let channel = lazy(&server);
    let first = tokio::spawn(call(channel.clone(), r#"{"seconds": 1}"#));
    sleep(Duration::from_millis(200)).await;
    let error = call(channel, "{}").await.unwrap_err();
    let comes = "Concurrent RPC limit exceeded!";
    table.add("`maximum_concurrent_rpcs`", &error, comes, BUSY, "the server wants less");
    first.await.unwrap().unwrap();

    let endpoint = endpoint(&server).http2_keep_alive_interval(Duration::from_millis(20)).keep_alive_while_idle(true);
    let error = call(endpoint.connect_lazy(), r#"{"seconds": 10}"#).await.unwrap_err();
    table.add("the client's pings are too many", &error, "Too many pings", BUSY, "the server wants less");
}

async fn going_away(table: &mut Table) {
    let server = start(r#"{"grpc.max_connection_age_ms": 200, "grpc.max_connection_age_grace_ms": 100}"#, "null");
    let error = wished(&server, r#"{"seconds": 10}"#).await;
    table.add(
        "a call beyond `max_connection_age` and its grace",
        &error,
        "max connection age",
        Transient,
        "another connection serves it",
    );

    let server = start("{}", "null");
    let channel = lazy(&server);
    let short = tokio::spawn(call(channel.clone(), r#"{"seconds": 0.6}"#));
    let long = tokio::spawn(call(channel.clone(), r#"{"seconds": 10}"#));
    sleep(Duration::from_millis(300)).await;
    server.signal("-TERM");
    sleep(Duration::from_millis(150)).await;
    let error = call(channel.clone(), "{}").await.unwrap_err();
    table.add("a call after `stop`, in its grace", &error, "connection closed", Transient, "it comes back");
    assert_eq!(short.await.unwrap().unwrap(), "x", "a call that ends in the grace");
    let error = long.await.unwrap().unwrap_err();
    table.add("a call beyond the grace of `stop`", &error, "Cancelling all calls", Transient, "it comes back");
    drop(server);
    let error = call(channel, "{}").await.unwrap_err();
    table.add("nobody listens", &error, "refused", Transient, "it comes back");

    let server = start("{}", "null");
    let asking = tokio::spawn(call(lazy(&server), r#"{"seconds": 10}"#));
    sleep(Duration::from_millis(300)).await;
    server.signal("-KILL");
    let error = asking.await.unwrap().unwrap_err();
    table.add("the server is killed", &error, "broken pipe", Transient, "it comes back");
}

const CALL: &str = "/test.Wish/Call";

/// Starts a server with these options of its channels, and with the limit of calls at once or `null`.
fn start(options: &str, limit: &str) -> Server {
    let (folder, port) = (folder(), free_port());
    let mut command = Command::new(PYTHON);
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/real/grpc_server.py"));
    command.args([&port.to_string(), options, limit, "1"]);
    Server::start(folder, port, "-KILL", command)
}

fn endpoint(server: &Server) -> Endpoint {
    Endpoint::from_shared(format!("http://127.0.0.1:{}", server.port)).unwrap()
}

fn lazy(server: &Server) -> Channel {
    endpoint(server).connect_lazy()
}

fn wish(json: &str) -> Request<Bytes> {
    Request::new(Bytes::copy_from_slice(json.as_bytes()))
}

/// The same with metadata.
fn with(json: &str, key: &'static str, value: &str) -> Request<Bytes> {
    let mut request = wish(json);
    request.metadata_mut().insert(MetadataKey::from_static(key), MetadataValue::try_from(value).unwrap());
    request
}

/// The error of a call that wishes for one.
async fn wished(server: &Server, json: &str) -> Status {
    call(lazy(server), json).await.unwrap_err()
}

async fn call(channel: Channel, json: &str) -> Result<Bytes, Status> {
    call_at(channel, CALL, wish(json)).await
}

async fn call_at(channel: Channel, path: &'static str, request: Request<Bytes>) -> Result<Bytes, Status> {
    let mut client = Grpc::new(channel);
    client.ready().await.map_err(|error| Status::from_error(error.into()))?;
    client.unary(request, PathAndQuery::from_static(path), Plain).await.map(tonic::Response::into_inner)
}
