//! async-nats, with a server that gives the answers that only a cluster gives, or a full disk.

use std::collections::HashMap;
use std::error::Error as StdError;
use std::time::Duration;

use async_nats::{ConnectOptions, jetstream};
use resilient::{Class, Classify};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::{Table, answering};

const BUSY: Class = Class::Throttled { after: None };

/// The status, the code and the description of the server's `errors.json`.
const ANSWERS: &[(&str, u16, u16, &str, Class, &str)] = &[
    (
        "no leader of the cluster",
        503,
        10008,
        "JetStream system temporarily unavailable",
        Class::Transient,
        "it elects one",
    ),
    (
        "another server leads",
        500,
        10009,
        "JetStream cluster can not handle request",
        Class::Transient,
        "it will be known",
    ),
    ("a part of the cluster does not answer", 503, 10004, "incomplete results", Class::Transient, "it comes back"),
    ("the stream has no quorum", 500, 10118, "stream is offline", Class::Transient, "its members come back"),
    ("the store failed", 503, 10077, "error opening msg block file", Class::Transient, "the server's trouble"),
    ("a stream is full by its bytes", 503, 10077, "maximum bytes exceeded", BUSY, "until somebody consumes"),
    ("the server's resources", 503, 10023, "insufficient resources", BUSY, "a quota"),
    ("the account's resources", 400, 10002, "resource limits exceeded for account", BUSY, "a quota"),
    ("not in a cluster", 503, 10010, "JetStream clustering support required", Class::Permanent, "a configuration"),
    ("an answer that is not known yet", 503, 10999, "later", Class::Transient, "by its status"),
    ("a request that is not known yet", 400, 10998, "never", Class::Permanent, "by its status"),
];

#[tokio::test]
async fn nats() {
    let mut table = Table::of("nats");
    for &(fault, status, code, description, class, why) in ANSWERS {
        let error = format!(r#"{{"code":{status},"err_code":{code},"description":"{description}"}}"#);
        let port = serving(format!(r#"{{"type":"io.nats.jetstream.api.v1","error":{error}}}"#)).await;
        let client = options().connect(format!("127.0.0.1:{port}")).await.unwrap();
        let error = jetstream::new(client).get_stream("orders").await.unwrap_err();
        add(&mut table, &format!("{fault} ({code})"), error, description, class, why);
    }
    let port = answering(&[]).await;
    let error = options().connect(format!("127.0.0.1:{port}")).await.unwrap_err();
    add(&mut table, "the server hangs up", error, "", Class::Transient, "it comes back");
    let error = options().connect("name.invalid:4222").await.unwrap_err();
    add(&mut table, "the name is not found", error, "DNS error", Class::Transient, "as with every client");
    table.check();
}

fn options() -> ConnectOptions {
    ConnectOptions::new().request_timeout(Some(Duration::from_secs(5)))
}

fn add<E: Classify + StdError + Send + Sync + 'static>(
    table: &mut Table,
    fault: &str,
    error: E,
    comes: &str,
    class: Class,
    why: &str,
) {
    table.add(fault, &error, comes, class, why);
    let erased: Box<dyn StdError + Send + Sync> = Box::new(error);
    assert_eq!(erased.class(), class, "{fault}, erased");
}

/// Returns the port of a server of the protocol that gives each request the same answer.
async fn serving(answer: String) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _ = serve(stream, &answer).await;
        }
    });
    port
}

async fn serve(stream: TcpStream, answer: &str) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"INFO {\"server_id\":\"one\",\"version\":\"2.10.0\",\"proto\":1,\"max_payload\":1000000,\"headers\":true}\r\n").await?;
    let mut subscriptions = HashMap::new();
    let mut line = String::new();
    loop {
        line.clear();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        match line.split_whitespace().collect::<Vec<_>>()[..] {
            ["PING"] => stream.write_all(b"PONG\r\n").await?,
            ["SUB", subject, id] => {
                subscriptions.insert(subject.trim_end_matches('*').to_owned(), id.to_owned());
            }
            ["PUB", _, reply, length] => {
                let mut payload = vec![0; length.parse::<usize>().unwrap() + 2];
                stream.read_exact(&mut payload).await?;
                let found = subscriptions.iter().find(|(subject, _)| reply.starts_with(subject.as_str()));
                let (_, id) = found.expect("a subscription of the inbox");
                let message = format!("MSG {reply} {id} {}\r\n{answer}\r\n", answer.len());
                stream.write_all(message.as_bytes()).await?;
            }
            _ => {}
        }
    }
}
