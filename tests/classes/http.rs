//! reqwest over native-tls, and hyper.

use std::fmt;
use std::time::Duration;

use futures_util::stream;
use h2::Reason;
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use reqwest::{Body, Certificate, Client, ClientBuilder, Error, Proxy};
use resilient::{Class, Classify};
use tokio::net::{TcpListener, TcpStream};

use crate::http2::{self, Manner};
use crate::{Table, answering, tls};

#[tokio::test]
async fn http() {
    let mut table = Table::of("http");
    native_tls(&mut table).await;
    proxies(&mut table).await;
    two(&mut table).await;
    others(&mut table).await;
    table.check();
}

fn client() -> ClientBuilder {
    Client::builder().no_proxy()
}

async fn get(client: ClientBuilder, url: &str) -> Error {
    client.build().unwrap().get(url).send().await.unwrap_err()
}

async fn native_tls(table: &mut Table) {
    let trusting =
        |authority: &str| client().add_root_certificate(Certificate::from_pem(authority.as_bytes()).unwrap());
    for (fault, certificate, authority) in [
        ("native-tls: a certificate that expired", tls::EXPIRED, tls::AUTHORITY),
        ("native-tls: a certificate of an unknown authority", tls::GOOD, tls::EXPIRED),
    ] {
        let (port, _stop) = tls::serve(certificate).await;
        let error = get(trusting(authority), &format!("https://localhost:{port}/")).await;
        table.add(
            fault,
            &error,
            "certificate verify failed",
            Class::Permanent,
            "somebody has to renew or to configure it",
        );
    }
    let (port, _stop) = tls::serve(tls::GOOD).await;
    let client_of_another = trusting(tls::AUTHORITY).resolve("example.com", ([127, 0, 0, 1], port).into());
    let error = get(client_of_another, &format!("https://example.com:{port}/")).await;
    let fault = "native-tls: a certificate for another host";
    table.add(fault, &error, "certificate verify failed", Class::Permanent, "somebody has to configure it");
    let port = answering(&[b"HTTP/1.1 400 Bad Request\r\n\r\n"]).await;
    let error = get(client(), &format!("https://127.0.0.1:{port}/")).await;
    table.add(
        "native-tls: a port without TLS",
        &error,
        "wrong version number",
        Class::Permanent,
        "it will not learn TLS",
    );
    let port = answering(&[b"\x15\x03\x03\x00\x02\x02\x28"]).await;
    let error = get(client(), &format!("https://127.0.0.1:{port}/")).await;
    table.add("native-tls: an alert", &error, "alert handshake failure", Class::Permanent, "the two do not agree");
    let port = answering(&[b""]).await;
    let error = get(client(), &format!("https://127.0.0.1:{port}/")).await;
    table.add("native-tls: hangs up at once", &error, "unexpected", Class::Transient, "as without TLS");
}

async fn proxies(table: &mut Table) {
    let through = |scheme: &str, port: u16| {
        Client::builder().proxy(Proxy::all(format!("{scheme}://ada:secret@127.0.0.1:{port}")).unwrap())
    };
    for (status, comes, class, why) in [
        (
            "407 Proxy Authentication Required",
            "proxy authorization required",
            Class::Permanent,
            "a wrong password, which may lock an account",
        ),
        ("403 Forbidden", "tunnel error: unsuccessful", Class::Transient, "cannot be told from the next"),
        ("502 Bad Gateway", "tunnel error: unsuccessful", Class::Transient, "the proxy does not reach the server"),
    ] {
        let port = answering(&[format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n").as_bytes(), b""]).await;
        let error = get(through("http", port), "https://127.0.0.1:1/").await;
        table.add(&format!("`CONNECT` answered with {status}"), &error, comes, class, why);
    }
    for (code, comes, class) in [
        (1, "general server failure", Class::Transient),
        (2, "connection not allowed", Class::Permanent),
        (3, "network unreachable", Class::Transient),
        (4, "host unreachable", Class::Transient),
        (5, "connection refused", Class::Transient),
        (7, "command not supported", Class::Permanent),
        (8, "address type not supported", Class::Permanent),
    ] {
        let port = answering(&[b"\x05\x02", b"\x01\x00", &[5, code, 0, 1, 0, 0, 0, 0, 0, 0], b""]).await;
        let error = get(through("socks5", port), "http://127.0.0.1:1/").await;
        table.add(&format!("SOCKS answers {code}"), &error, comes, class, "as the same without a proxy");
    }
    let port = answering(&[b"\x05\x02", b"\x01\x01", b""]).await;
    let error = get(through("socks5", port), "http://127.0.0.1:1/").await;
    table.add(
        "SOCKS: a wrong password",
        &error,
        "credentials not accepted",
        Class::Permanent,
        "it may lock an account",
    );
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

/// An error that no library knows.
#[derive(Debug)]
struct Own;

impl fmt::Display for Own {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an error of one's own")
    }
}

impl std::error::Error for Own {}
