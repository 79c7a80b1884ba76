//! `object_store` with servers that answer as S3 documents.

use std::time::Duration;

use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::{ClientOptions, Error, ObjectStore, ObjectStoreExt, PutMode, PutOptions, RetryConfig};
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
    ("304 Not Modified", "", Permanent, "the caller has it"),
    ("301 Moved Permanently", "PermanentRedirect", Permanent, "a wrong region"),
    ("408 Request Timeout", "RequestTimeout", Transient, "the next call may be quicker"),
    ("429 Too Many Requests", "TooManyRequests", BUSY, "the server wants less"),
    ("500 Internal Server Error", "InternalError", Transient, "as with every client"),
    ("503 Service Unavailable", "ServiceUnavailable", Transient, "it comes back"),
    ("503 Service Unavailable", "SlowDown", BUSY, "the server wants less"),
    ("503 Server Busy", "ServerBusy", BUSY, "the same in Azure's words"),
];

#[tokio::test]
async fn object_store() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut table = Table::of("object_store");
    for &(status, code, class, why) in ANSWERS {
        let fault = if code.is_empty() { status.to_owned() } else { format!("{status}, `{code}`") };
        let error = get(answer(status, code).await).await;
        table.add(&fault, &error, if code.is_empty() { "304" } else { "" }, class, why);
    }
    for (code, class, why) in [
        ("OperationAborted", Transient, "another operation is in progress"),
        ("ConditionalRequestConflict", Transient, "the same"),
        ("BucketAlreadyExists", Permanent, "it stays there"),
    ] {
        let store = store(answer("409 Conflict", code).await);
        let options = PutOptions::from(PutMode::Create);
        let error = store.put_opts(&Path::from("order"), "seven".into(), options).await.unwrap_err();
        table.add(&format!("409 Conflict, `{code}`"), &error, code, class, why);
    }

    let refused = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    table.add("nobody listens", &get(refused).await, "refused", Transient, "it comes back");
    let error = get(answering(&[b""]).await).await;
    table.add("the server hangs up", &error, "connection closed", Transient, "it comes back");
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let error = get(silent.local_addr().unwrap().port()).await;
    table.add("the server says nothing", &error, "timed out", Transient, "the next call may be quicker");
    let store = store(answering(&[b"HTTP/1.1 200 OK\r\nlast-modified: Mon, 02 Jan 2006 15:04:05 GMT\r\netag: \"7\"\r\ncontent-length: 9\r\n\r\nhalf"]).await);
    let error = store.get(&Path::from("order")).await.unwrap().bytes().await.unwrap_err();
    table.add("a body that breaks off", &error, "", Transient, "a proxy or the server ended it");
    table.check();
}

/// Returns the port of a server with one answer.
async fn answer(status: &str, code: &str) -> u16 {
    let body = format!("<Error><Code>{code}</Code></Error>");
    let head = format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
    answering(&[(head + &body).as_bytes()]).await
}

/// A store that makes no retries of its own.
fn store(port: u16) -> AmazonS3 {
    let retries = RetryConfig { max_retries: 0, ..RetryConfig::default() };
    let client = ClientOptions::new().with_allow_http(true).with_timeout(Duration::from_millis(300));
    AmazonS3Builder::new()
        .with_endpoint(format!("http://127.0.0.1:{port}"))
        .with_bucket_name("shop")
        .with_access_key_id("ada")
        .with_secret_access_key("right")
        .with_client_options(client)
        .with_retry(retries)
        .build()
        .unwrap()
}

async fn get(port: u16) -> Error {
    store(port).get(&Path::from("order")).await.unwrap_err()
}
