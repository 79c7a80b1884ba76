//! The driver of `MongoDB`, with a server that gives the answers that the real one documents.

use std::time::Duration;

use mongodb::bson::{self, Document, doc};
use mongodb::error::Error;
use mongodb::options::{ClientOptions, ServerApi, ServerApiVersion};
use mongodb::{Client, Collection};
use resilient::Class::{self, Permanent, Transient};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::{BUSY, Table};

/// The code, its name, its label, and what it means to a caller.
const ANSWERS: &[(&str, i32, &str, &str, Class, &str)] = &[
    ("another primary", 10107, "NotWritablePrimary", "", Transient, "as after a fail-over"),
    ("the primary steps down", 189, "PrimarySteppedDown", "RetryableWriteError", Transient, "another is elected"),
    ("shutting down", 11600, "InterruptedAtShutdown", "", Transient, "it comes back"),
    ("shutting down", 91, "ShutdownInProgress", "", Transient, "it comes back"),
    ("a conflict", 112, "WriteConflict", "TransientTransactionError", Transient, "with the whole transaction"),
    ("a lock that was not free in time", 24, "LockTimeout", "", Transient, "whoever has it lets go"),
    ("a transaction that is gone", 251, "NoSuchTransaction", "TransientTransactionError", Transient, "begin it anew"),
    ("no member fits the read preference", 133, "FailedToSatisfyReadPreference", "", Transient, "it comes back"),
    ("a member does not answer", 89, "NetworkTimeout", "", Transient, "it comes back"),
    ("a label alone", 1, "InternalError", "RetryableWriteError", Transient, "the server says so"),
    ("the disk is full", 14031, "OutOfDiskSpace", "", Transient, "the server's trouble"),
    ("too many requests", 462, "IngressRequestRateLimitExceeded", "SystemOverloadedError", BUSY, "it wants less"),
    ("a slow query", 50, "MaxTimeMSExpired", "", Permanent, "it will be slow again"),
    ("somebody ended the operation", 11601, "Interrupted", "", Permanent, "as 57014 of PostgreSQL"),
    ("no permission", 13, "Unauthorized", "", Permanent, "a configuration"),
    ("an unknown command", 59, "CommandNotFound", "", Permanent, "the caller's mistake"),
    ("the copies of a write are late", 64, "WriteConcernTimeout", "", Permanent, "the write is done"),
];

#[tokio::test]
async fn mongodb() {
    let mut table = Table::of("mongodb");
    for &(fault, code, name, label, class, why) in ANSWERS {
        let mut answer = doc! { "ok": 0, "code": code, "codeName": name, "errmsg": name };
        if !label.is_empty() {
            answer.insert("errorLabels", vec![label]);
        }
        let error = find(answer).await;
        table.add(&format!("{fault} ({code})"), &error, name, class, why);
    }
    let overloaded = doc! { "ok": 0, "code": 462, "errmsg": "busy", "baseBackoffMS": 3000_i64, "errorLabels": ["SystemOverloadedError"] };
    let busy = Class::Throttled { after: Some(Duration::from_secs(3)) };
    table.add("too many requests, with a time (462)", &find(overloaded).await, "busy", busy, "the server said so");
    let cosmos = doc! { "ok": 0, "code": 16500, "errmsg": "Error=16500, RetryAfterMs=2000, Details='x'" };
    let busy = Class::Throttled { after: Some(Duration::from_secs(2)) };
    table.add("Cosmos DB: too many requests (16500)", &find(cosmos).await, "16500", busy, "the server said so");

    writes(&mut table).await;
    connections(&mut table).await;
    table.check();
}

/// Answers of which only parts are failures.
async fn writes(table: &mut Table) {
    let failed = |code: i32, message: &str| doc! { "index": 0, "code": code, "errmsg": message };
    let answer = doc! { "ok": 1, "n": 0, "writeErrors": [failed(11000, "E11000 duplicate key")] };
    let error = orders(serving(answer).await).await.insert_one(doc! {}).await.unwrap_err();
    table.add("a key that is there (11000)", &error, "duplicate key", Permanent, "it stays there");

    let concern = doc! { "code": 91, "codeName": "ShutdownInProgress", "errmsg": "the primary leaves" };
    let answer = doc! { "ok": 1, "n": 1, "writeConcernError": concern };
    let error = orders(serving(answer).await).await.insert_one(doc! {}).await.unwrap_err();
    table.add("the primary leaves before the copies are made (91)", &error, "leaves", Transient, "another is elected");

    for (fault, second, class, why) in [
        ("two writes, both in conflict", 112, Transient, "with the whole transaction"),
        ("two writes, one of a key that is there", 11000, Permanent, "one of them fails again"),
    ] {
        let second = doc! { "index": 1, "code": second, "errmsg": "second" };
        let answer = doc! { "ok": 1, "n": 0, "writeErrors": [failed(112, "first"), second] };
        let many = orders(serving(answer).await).await;
        let error = many.insert_many([doc! {}, doc! {}]).ordered(false).await.unwrap_err();
        table.add(fault, &error, "first", class, why);
    }
}

async fn connections(table: &mut Table) {
    let refused = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let error = orders(refused).await.find_one(doc! {}).await.unwrap_err();
    table.add("nobody listens", &error, "Server selection timeout", Transient, "it comes back");

    let error = orders(hanging_up().await).await.find_one(doc! {}).await.unwrap_err();
    table.add("the server hangs up", &error, "", Transient, "it comes back");

    let client = client(refused).await;
    client.clone().shutdown().immediate(true).await;
    let error = client.database("shop").collection::<Document>("orders").find_one(doc! {}).await.unwrap_err();
    table.add("a client that was shut down", &error, "shut down", Permanent, "somebody shut it down");

    let error = orders(serving(doc! { "ok": 1, "cursor": "none" }).await).await.find_one(doc! {}).await.unwrap_err();
    table.add("an answer of another form", &error, "", Permanent, "it will be again");
}

async fn client(port: u16) -> Client {
    let mut options = ClientOptions::parse(format!("mongodb://127.0.0.1:{port}/?directConnection=true")).await.unwrap();
    options.server_api = Some(ServerApi::builder().version(ServerApiVersion::V1).build());
    options.server_selection_timeout = Some(Duration::from_millis(500));
    (options.retry_reads, options.retry_writes) = (Some(false), Some(false));
    Client::with_options(options).unwrap()
}

async fn orders(port: u16) -> Collection<Document> {
    client(port).await.database("shop").collection("orders")
}

async fn find(answer: Document) -> Error {
    orders(serving(answer).await).await.find_one(doc! {}).await.unwrap_err()
}

/// Returns the port of a server that gives each command but `hello` the same answer.
async fn serving(answer: Document) -> u16 {
    listening(Some(answer)).await
}

/// Returns the port of a server that says `hello` and hangs up at the next command.
async fn hanging_up() -> u16 {
    listening(None).await
}

async fn listening(answer: Option<Document>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, answer.clone()));
        }
    });
    port
}

async fn serve(mut stream: TcpStream, answer: Option<Document>) -> std::io::Result<()> {
    loop {
        let length = stream.read_u32_le().await? as usize;
        let mut message = vec![0; length - 4];
        stream.read_exact(&mut message).await?;
        // behind the header, the flags, the kind of the section, the length of the document and the type of its first element
        let name: Vec<u8> = message[22..].iter().copied().take_while(|&byte| byte != 0).collect();
        let body = match (&name[..], &answer) {
            (b"hello", _) => doc! {
                "ok": 1, "isWritablePrimary": true, "minWireVersion": 0, "maxWireVersion": 21,
                "maxBsonObjectSize": 16_777_216, "maxMessageSizeBytes": 48_000_000, "maxWriteBatchSize": 100_000,
            },
            (_, Some(answer)) => answer.clone(),
            (_, None) => return Ok(()),
        };
        let body = bson::to_vec(&body).unwrap();
        let mut reply = Vec::new();
        reply.extend(u32::try_from(21 + body.len()).unwrap().to_le_bytes());
        reply.extend(1_u32.to_le_bytes());
        // the request's identifier, and the code of such messages
        reply.extend(&message[..4]);
        reply.extend(2013_u32.to_le_bytes());
        reply.extend([0; 5]);
        reply.extend(body);
        stream.write_all(&reply).await?;
    }
}
