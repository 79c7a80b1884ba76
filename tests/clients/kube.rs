//! The client of Kubernetes, with servers that answer as its API server does.

use std::time::Duration;

use kube_client::config::{Config, KubeConfigOptions, Kubeconfig};
use kube_client::{Client, Error};
use resilient::Class::{self, Permanent, Transient};
use tokio::net::TcpListener;

use crate::{BUSY, Table, answering};

/// The code, the reason, the message, `retryAfterSeconds`, and what it means to a caller.
const ANSWERS: &[(&str, &str, &str, u32, Class, &str)] = &[
    ("400 Bad Request", "BadRequest", "malformed", 0, Permanent, "the caller's mistake"),
    ("401 Unauthorized", "Unauthorized", "Unauthorized", 0, Permanent, "a configuration"),
    ("403 Forbidden", "Forbidden", "exceeded quota", 0, Permanent, "an operator's quota, or a permission"),
    ("404 Not Found", "NotFound", "pods \"web\" not found", 0, Permanent, "the caller's mistake"),
    ("409 Conflict", "AlreadyExists", "already exists", 0, Permanent, "it stays there"),
    ("409 Conflict", "Conflict", "the object has been modified", 0, Permanent, "the caller expects another state"),
    ("410 Gone", "Expired", "too old resource version", 0, Permanent, "list anew"),
    ("422 Unprocessable Entity", "Invalid", "is invalid", 0, Permanent, "the caller's mistake"),
    ("429 Too Many Requests", "TooManyRequests", "would violate the pod's disruption budget", 0, BUSY, "not now"),
    ("429 Too Many Requests", "TooManyRequests", "storage is (re)initializing", 1, after(1), "the server said so"),
    (
        "500 Internal Server Error",
        "InternalError",
        "etcdserver: request timed out",
        0,
        Transient,
        "as with every client",
    ),
    ("500 Internal Server Error", "ServerTimeout", "could not be completed", 2, Transient, "the server said so"),
    ("503 Service Unavailable", "ServiceUnavailable", "apiserver is shutting down", 0, Transient, "it comes back"),
    ("504 Gateway Timeout", "Timeout", "request did not complete", 0, Transient, "the next call may be quicker"),
];

const fn after(seconds: u64) -> Class {
    Class::Throttled { after: Some(Duration::from_secs(seconds)) }
}

#[tokio::test]
async fn kube() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut table = Table::of("kube");
    for &(status, reason, message, seconds, class, why) in ANSWERS {
        let code = &status[..3];
        let quoted = message.replace('"', "\\\"");
        let details =
            if seconds == 0 { String::new() } else { format!(",\"details\":{{\"retryAfterSeconds\":{seconds}}}") };
        let body = format!(
            "{{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{{}},\"status\":\"Failure\",\"message\":\"{quoted}\",\
             \"reason\":\"{reason}\",\"code\":{code}{details}}}"
        );
        let time = if seconds == 0 { String::new() } else { format!(", `retryAfterSeconds: {seconds}`") };
        table.add(&format!("{status}, `{reason}`{time}"), &ask(answer(status, &body).await).await, message, class, why);
    }
    let busy = ask(answer("429 Too Many Requests", "Too many requests, please try again later.").await).await;
    table.add("429 Too Many Requests, a text", &busy, "try again later", BUSY, "the server wants less");
    let error = ask(answer("502 Bad Gateway", "<html></html>").await).await;
    table.add("502 Bad Gateway, a page of HTML", &error, "<html>", Transient, "a proxy does not reach the server");
    let error = ask(answer("200 OK", "<html></html>").await).await;
    table.add("200 with a page of HTML", &error, "deserializing", Permanent, "it will be again");

    let refused = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    table.add("nobody listens", &ask(refused).await, "refused", Transient, "it comes back");
    let error = ask(answering(&[b""]).await).await;
    table.add("the server hangs up", &error, "", Transient, "it comes back");
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let error = ask(silent.local_addr().unwrap().port()).await;
    table.add("the server says nothing", &error, "", Transient, "the next call may be quicker");
    let half = b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{";
    let error = ask(answering(&[half]).await).await;
    table.add("an answer that breaks off", &error, "", Transient, "a proxy or the server ended it");
    let error = ask_at("http://nowhere.invalid").await;
    table.add("the name is not found", &error, "lookup", Transient, "as with every client");
    let plain = answering(&[b"HTTP/1.1 400 Bad Request\r\n\r\n"]).await;
    let error = ask_at(&format!("https://127.0.0.1:{plain}")).await;
    table.add("TLS to a port without it", &error, "corrupt message", Permanent, "it will not learn TLS");
    let error = Config::from_custom_kubeconfig(Kubeconfig::default(), &KubeConfigOptions::default()).await.unwrap_err();
    table.add("no context", &Error::from(error), "current context", Permanent, "a configuration");
    table.check();
}

/// Returns the port of a server with one answer.
async fn answer(status: &str, body: &str) -> u16 {
    let head = format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
    answering(&[(head + body).as_bytes()]).await
}

async fn ask(port: u16) -> Error {
    ask_at(&format!("http://127.0.0.1:{port}")).await
}

async fn ask_at(server: &str) -> Error {
    let mut config = Config::new(server.parse().unwrap());
    // no retries of its own
    config.default_retry = false;
    config.connect_timeout = Some(Duration::from_millis(500));
    config.read_timeout = Some(Duration::from_millis(500));
    Client::try_from(config).unwrap().apiserver_version().await.unwrap_err()
}
