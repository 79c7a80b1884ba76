//! Faults of TLS and of `CONNECT` that reqwest over native-tls meets, which is OpenSSL on Linux.
//!
//! A package of its own, apart from the workspace: it needs the headers of OpenSSL, and `cargo test --workspace` needs nothing but Rust.

use reqwest::{Certificate, Client, ClientBuilder, Error, Proxy};
use resilient::Class;
use tokio::net::TcpListener;
use tokio_native_tls::TlsAcceptor;
use tokio_native_tls::native_tls::{self, Identity};

use self::table::{Table, answering};

#[path = "../classes/table.rs"]
mod table;

const AUTHORITY: &str = include_str!("../classes/certificates/ca.pem");
const GOOD: &str = include_str!("../classes/certificates/good.pem");
const EXPIRED: &str = include_str!("../classes/certificates/expired.pem");
const KEY: &str = include_str!("../classes/certificates/server.key");

#[tokio::test]
async fn native_tls() {
    let mut table = Table::of("native-tls");
    handshakes(&mut table).await;
    tunnels(&mut table).await;
    socks(&mut table).await;
    table.check();
}

fn client() -> ClientBuilder {
    Client::builder().no_proxy()
}

async fn get(client: ClientBuilder, url: &str) -> Error {
    client.build().unwrap().get(url).send().await.unwrap_err()
}

/// Starts a server with this certificate, and returns its port.
async fn serve(certificate: &str) -> u16 {
    let identity = Identity::from_pkcs8(certificate.as_bytes(), KEY.as_bytes()).unwrap();
    let acceptor = TlsAcceptor::from(native_tls::TlsAcceptor::new(identity).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // it fails here as it fails at the client
            let _ = acceptor.accept(stream).await;
        }
    });
    port
}

async fn handshakes(table: &mut Table) {
    let trusting =
        |authority: &str| client().add_root_certificate(Certificate::from_pem(authority.as_bytes()).unwrap());
    for (fault, certificate, authority) in
        [("a certificate that expired", EXPIRED, AUTHORITY), ("a certificate of an unknown authority", GOOD, EXPIRED)]
    {
        let port = serve(certificate).await;
        let error = get(trusting(authority), &format!("https://localhost:{port}/")).await;
        table.add(
            fault,
            &error,
            "certificate verify failed",
            Class::Permanent,
            "somebody has to renew or to configure it",
        );
    }
    let port = serve(GOOD).await;
    let client_of_another = trusting(AUTHORITY).resolve("example.com", ([127, 0, 0, 1], port).into());
    let error = get(client_of_another, &format!("https://example.com:{port}/")).await;
    let fault = "a certificate for another host";
    table.add(fault, &error, "certificate verify failed", Class::Permanent, "somebody has to configure it");
    let port = answering(&[b"HTTP/1.1 400 Bad Request\r\n\r\n"]).await;
    let error = get(client(), &format!("https://127.0.0.1:{port}/")).await;
    table.add("a port without TLS", &error, "wrong version number", Class::Permanent, "it will not learn TLS");
    let port = answering(&[b"\x15\x03\x03\x00\x02\x02\x28"]).await;
    let error = get(client(), &format!("https://127.0.0.1:{port}/")).await;
    table.add("an alert", &error, "alert handshake failure", Class::Permanent, "the two do not agree");
    let port = answering(&[b""]).await;
    let error = get(client(), &format!("https://127.0.0.1:{port}/")).await;
    table.add("hangs up at once", &error, "unexpected", Class::Transient, "as without TLS");
}

/// Proxies that do not connect.
async fn tunnels(table: &mut Table) {
    let through =
        |port: u16| Client::builder().proxy(Proxy::all(format!("http://ada:secret@127.0.0.1:{port}")).unwrap());
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
        let error = get(through(port), "https://127.0.0.1:1/").await;
        table.add(&format!("`CONNECT` answered with {status}"), &error, comes, class, why);
    }
}

/// Proxies of SOCKS. Without any feature for TLS, reqwest does not reach them.
async fn socks(table: &mut Table) {
    let through =
        |port: u16| Client::builder().proxy(Proxy::all(format!("socks5://ada:secret@127.0.0.1:{port}")).unwrap());
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
        let error = get(through(port), "http://127.0.0.1:1/").await;
        table.add(&format!("SOCKS answers {code}"), &error, comes, class, "as the same without a proxy");
    }
    let port = answering(&[b"\x05\x02", b"\x01\x01", b""]).await;
    let error = get(through(port), "http://127.0.0.1:1/").await;
    table.add(
        "SOCKS: a wrong password",
        &error,
        "credentials not accepted",
        Class::Permanent,
        "it may lock an account",
    );
}
