//! reqwest without TLS, and hyper. `tests/native_tls` has what needs OpenSSL.

use std::fmt;
use std::time::Duration;

use futures_util::stream;
use h2::Reason;
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::client::legacy;
use hyper_util::rt::{TokioExecutor, TokioIo};
use reqwest::{Body, Client, ClientBuilder, Error};
use resilient::{Class, Classify};
use tokio::net::{TcpListener, TcpStream};

use crate::http2::{self, Manner};
use crate::{Table, answering};

#[tokio::test]
async fn http() {
    let mut table = Table::of("http");
    two(&mut table).await;
    others(&mut table).await;
    pooled(&mut table).await;
    table.check();
}

fn client() -> ClientBuilder {
    Client::builder().no_proxy()
}

async fn get(client: ClientBuilder, url: &str) -> Error {
    client.build().unwrap().get(url).send().await.unwrap_err()
}

/// HTTP/2.
async fn two(table: &mut Table) {
    for (reason, class, why) in [
        (Reason::CANCEL, Class::Transient, "a proxy's limit"),
        (Reason::REFUSED_STREAM, Class::Transient, "it was not begun; reqwest tries three times itself"),
        (Reason::ENHANCE_YOUR_CALM, Class::Throttled { after: None }, "the server wants less"),
        (Reason::HTTP_1_1_REQUIRED, Class::Permanent, "it will not learn HTTP/2"),
        (Reason::INADEQUATE_SECURITY, Class::Permanent, "a configuration"),
    ] {
        let port = http2::serve(Manner::Resets(reason)).await;
        let error = get(client().http2_prior_knowledge(), &format!("http://127.0.0.1:{port}/")).await;
        table.add(&format!("a stream reset with {reason:?}"), &error, "error received", class, why);
    }
    let port = answering(&[b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n", b"", b"", b"", b""]).await;
    let error = get(client().http2_prior_knowledge(), &format!("http://127.0.0.1:{port}/")).await;
    table.add(
        "HTTP/2 to a server of HTTP/1",
        &error,
        "frame with invalid size",
        Class::Permanent,
        "it will not learn HTTP/2",
    );
    let port = answering(&[b"\x15\x03\x03\x00\x02\x02\x46\x00\x00", b"", b"", b"", b""]).await;
    let error = get(client().http2_prior_knowledge(), &format!("http://127.0.0.1:{port}/")).await;
    table.add(
        "HTTP/2 to a port of TLS",
        &error,
        "frame with invalid size",
        Class::Permanent,
        "it will not unlearn TLS",
    );

    // a server that takes five requests a connection meets two hundred at once
    let port = http2::draining(5).await;
    let client = client().http2_prior_knowledge().build().unwrap();
    let url = format!("http://127.0.0.1:{port}/");
    let calls = (0..200).map(|_| client.get(&url).send());
    for error in futures_util::future::join_all(calls).await.into_iter().filter_map(Result::err) {
        assert_eq!(error.class(), Class::Transient, "{error:?}");
    }
}

async fn others(table: &mut Table) {
    let error = get(client(), "http://name.invalid/").await;
    table.add(
        "the name is not found",
        &error,
        "failed to lookup",
        Class::Transient,
        "cannot be told from a resolver that is down",
    );
    let error = TcpStream::connect("name.invalid:80").await.unwrap_err();
    table.add("the same, as an I/O error", &error, "failed to lookup", Class::Transient, "the same");

    let port = answering(&[b"", b"", b""]).await;
    let body = Body::wrap_stream(stream::iter([Err::<&str, _>(Own)]));
    let request = client().build().unwrap().post(format!("http://127.0.0.1:{port}/")).body(body);
    let error = request.send().await.unwrap_err();
    table.add("the caller's stream fails", &error, "an error of one's own", Class::Permanent, "the caller's mistake");

    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let stream = TcpStream::connect(silent.local_addr().unwrap()).await.unwrap();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    let connection = tokio::spawn(connection);
    let request = hyper::Request::get("/").body(Empty::<bytes::Bytes>::new()).unwrap();
    let sent = tokio::spawn(sender.send_request(request));
    tokio::time::sleep(Duration::from_millis(50)).await;
    connection.abort();
    let error = sent.await.unwrap().unwrap_err();
    assert!(error.is_user());
    table.add(
        "hyper: the connection's task ends",
        &error,
        "dispatch task",
        Class::Transient,
        "hyper calls it the user's fault, and gives it for drained connections too",
    );
}

/// hyper-util's client with a pool.
async fn pooled(table: &mut Table) {
    let pooled = legacy::Client::builder(TokioExecutor::new()).build_http::<Empty<bytes::Bytes>>();
    let send = async |method: &str, uri: &str, version| {
        let request = hyper::Request::builder().method(method).uri(uri).version(version);
        let sent = pooled.request(request.body(Empty::new()).unwrap());
        tokio::time::timeout(Duration::from_secs(10), sent).await.expect("it ends").unwrap_err()
    };
    let one = hyper::Version::HTTP_11;

    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let error = send("GET", &format!("http://{nobody}/"), one).await;
    assert!(error.is_connect());
    table.add("hyper-util: nobody listens", &error, "refused", Class::Transient, "it comes back");
    let error = send("GET", "http://name.invalid/", one).await;
    table.add(
        "hyper-util: the name is not found",
        &error,
        "failed to lookup",
        Class::Transient,
        "as with every client",
    );
    let error = send("GET", "https://127.0.0.1/", one).await;
    let why = "the connector has no TLS";
    table.add("hyper-util: https without TLS", &error, "scheme is not http", Class::Permanent, why);
    let port = answering(&[b""]).await;
    let error = send("GET", &format!("http://127.0.0.1:{port}/"), one).await;
    table.add("hyper-util: the server hangs up", &error, "connection closed", Class::Transient, "it comes back");
    let port = answering(&[b"HTTP/1.1 200 OK\r\ncontent-le"]).await;
    let error = send("GET", &format!("http://127.0.0.1:{port}/"), one).await;
    table.add("hyper-util: half an answer", &error, "SendRequest", Class::Transient, "the connection broke");
    let port = answering(&[b"250 this is no web server\r\n"]).await;
    let error = send("GET", &format!("http://127.0.0.1:{port}/"), one).await;
    let why = "another service listens there";
    table.add("hyper-util: an answer of another protocol", &error, "SendRequest", Class::Permanent, why);
    let error = send("GET", "/", one).await;
    let why = "the caller's mistake";
    table.add("hyper-util: a URI without a host", &error, "UserAbsoluteUriRequired", Class::Permanent, why);
    let error = send("GET", "http://127.0.0.1/", hyper::Version::HTTP_09).await;
    table.add("hyper-util: HTTP/0.9", &error, "UserUnsupportedVersion", Class::Permanent, why);
    let error = send("CONNECT", "http://127.0.0.1/", hyper::Version::HTTP_10).await;
    table.add("hyper-util: CONNECT of HTTP/1.0", &error, "UserUnsupportedRequestMethod", Class::Permanent, why);
}

/// An error that no library knows.
#[derive(Debug)]
struct Own;

impl fmt::Display for Own {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an error of one's own")
    }
}

impl std::error::Error for Own {}
