//! `opendal` with servers that answer as S3 documents.

use std::time::Duration;

use opendal::layers::TimeoutLayer;
use opendal::services::S3;
use opendal::{Error, Operator};
use resilient::Class::{self, Permanent, Transient};
use tokio::net::TcpListener;

use crate::{BUSY, Table, answering};

/// The status, S3's code for it, and what it means to a caller.
const ANSWERS: &[(&str, &str, Class, &str)] = &[
    ("404 Not Found", "NoSuchKey", Permanent, "the caller's mistake"),
    ("403 Forbidden", "AccessDenied", Permanent, "a configuration"),
    ("401 Unauthorized", "InvalidToken", Permanent, "a configuration"),
    ("400 Bad Request", "InvalidRequest", Permanent, "the caller's mistake"),
    ("412 Precondition Failed", "PreconditionFailed", Permanent, "the caller expects another state"),
    ("301 Moved Permanently", "PermanentRedirect", Permanent, "a wrong region"),
    ("400 Bad Request", "RequestTimeout", Transient, "the next call may be quicker"),
    ("409 Conflict", "OperationAborted", Transient, "another operation is in progress"),
    ("429 Too Many Requests", "TooManyRequests", BUSY, "the server wants less"),
    ("500 Internal Server Error", "InternalError", Transient, "as with every client"),
    ("503 Service Unavailable", "ServiceUnavailable", Transient, "it comes back"),
    ("503 Service Unavailable", "SlowDown", BUSY, "the server wants less"),
];

#[tokio::test]
async fn opendal() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    opendal_http_transport_reqwest::install_default();
    let mut table = Table::of("opendal");
    for &(status, code, class, why) in ANSWERS {
        let body = format!("<Error><Code>{code}</Code></Error>");
        let head = format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
        let error = read(answering(&[(head + &body).as_bytes()]).await).await;
        table.add(&format!("{status}, `{code}`"), &error, code, class, why);
    }
    let page = b"HTTP/1.1 502 Bad Gateway\r\nconnection: close\r\ncontent-length: 13\r\n\r\n<html></html>";
    let error = read(answering(&[page]).await).await;
    table.add("502 Bad Gateway, a page of HTML", &error, "status: 502", Transient, "a proxy does not reach the server");

    let refused = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    table.add("nobody listens", &read(refused).await, "refused", Transient, "it comes back");
    let error = read(answering(&[b""]).await).await;
    table.add("the server hangs up", &error, "", Transient, "it comes back");
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let error = read(silent.local_addr().unwrap().port()).await;
    table.add(
        "the server says nothing, with `TimeoutLayer`",
        &error,
        "timeout",
        Transient,
        "the next call may be quicker",
    );
    let half = b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf";
    let error = read(answering(&[half]).await).await;
    table.add("a body that breaks off", &error, "", Transient, "a proxy or the server ended it");
    let error = read_from("http://nowhere.invalid").await;
    table.add("the name is not found", &error, "lookup", Transient, "as with every client");
    let plain = answering(&[b"HTTP/1.1 400 Bad Request\r\n\r\n"]).await;
    let error = read_from(&format!("https://127.0.0.1:{plain}")).await;
    table.add("TLS to a port without it", &error, "corrupt message", Permanent, "it will not learn TLS");
    table.check();
}

async fn read(port: u16) -> Error {
    read_from(&format!("http://127.0.0.1:{port}")).await
}

async fn read_from(endpoint: &str) -> Error {
    let store = S3::default()
        .endpoint(endpoint)
        .bucket("shop")
        .region("eu-central-1")
        .access_key_id("ada")
        .secret_access_key("right")
        .disable_config_load()
        .disable_ec2_metadata();
    let limit = Duration::from_millis(500);
    let store = Operator::new(store).unwrap().layer(TimeoutLayer::new().with_timeout(limit).with_io_timeout(limit));
    store.read("order").await.unwrap_err()
}
