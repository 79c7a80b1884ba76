//! async-nats with a NATS server and its `JetStream`.

use std::process::Command;
use std::time::Duration;

use async_nats::jetstream::context::ContextBuilder;
use async_nats::jetstream::stream::{Config, DiscardPolicy, StorageType};
use async_nats::jetstream::{self, Context, consumer, context};
use async_nats::{Client, ConnectOptions, HeaderMap};
use resilient::Class::{Permanent, Transient};
use resilient::Classify;

use crate::servers::{self, Server, folder, free_port};
use crate::{BUSY, Table};

#[tokio::test(flavor = "multi_thread")]
async fn nats() {
    if !servers::can_start("nats-server") {
        return;
    }
    let mut table = Table::of("real nats");
    let mut server = start("");
    messages(&mut table, &server).await;
    streams(&mut table, &server).await;
    key_values(&mut table, &server).await;
    connections(&mut table, &server).await;
    going_away(&mut table, &mut server).await;
    without_a_leader(&mut table).await;
    table.check();
}

fn start(more: &str) -> Server {
    let (folder, port) = (folder(), free_port());
    let store = folder.path().join("store");
    let settings = format!(
        r#"
        listen: "127.0.0.1:{port}"
        server_name: one
        max_payload: 1000
        max_connections: 6
        jetstream {{ store_dir: "{}", max_memory_store: 1MB, max_file_store: 1MB }}
        accounts {{
            shop {{
                jetstream: {{ max_streams: 4, max_consumers: 1 }}
                users: [{{ user: ada, password: right, permissions: {{ publish: {{ deny: "secret.>" }} }} }}]
            }}
            bare {{ users: [{{ user: bob, password: right }}] }}
        }}
        {more}
        "#,
        store.display()
    );
    let path = servers::write(&folder, "nats.conf", &settings);
    let mut command = Command::new("nats-server");
    command.arg("--config").arg(path);
    Server::start(folder, port, "-TERM", command)
}

fn options(user: &str) -> ConnectOptions {
    let time = Some(Duration::from_millis(300));
    ConnectOptions::with_user_and_password(user.to_owned(), "right".to_owned()).request_timeout(time)
}

fn address(server: &Server) -> String {
    format!("127.0.0.1:{}", server.port)
}

async fn connect(server: &Server) -> Client {
    options("ada").connect(address(server)).await.unwrap()
}

async fn messages(table: &mut Table, server: &Server) {
    let client = connect(server).await;
    let error = client.request("nobody.listens", "".into()).await.unwrap_err();
    table.add("nobody subscribed to the subject", &error, "no responders", Transient, "it comes back");

    let _silent = client.subscribe("silent").await.unwrap();
    let error = client.request("silent", "".into()).await.unwrap_err();
    table.add("a subscriber that does not answer", &error, "timed out", Transient, "the next call may be quicker");

    let error = client.request("secret.word", "".into()).await.unwrap_err();
    table.add(
        "a permission to publish is missing",
        &error,
        "timed out",
        Transient,
        "only the event callback learns why",
    );

    let error = client.request("two words", "".into()).await.unwrap_err();
    table.add("a subject that is not valid", &error, "invalid subject", Permanent, "the caller's mistake");

    let error = client.publish("large", vec![0; 2000].into()).await.unwrap_err();
    table.add("a message that is too large", &error, "max payload size exceeded", Permanent, "it stays too large");

    client.drain().await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    let error = client.publish("late", "".into()).await.unwrap_err();
    table.add("the client was drained", &error, "failed to send", Permanent, "it does not come back");
}

fn stream(name: &str) -> Config {
    Config { name: name.to_owned(), subjects: vec![format!("{name}.>")], ..Config::default() }
}

async fn streams(table: &mut Table, server: &Server) {
    let context = jetstream::new(connect(server).await);
    let error = context.get_stream("nowhere").await.unwrap_err();
    table.add("JetStream: an unknown stream (10059)", &error, "stream not found", Permanent, "the caller's mistake");

    let error = publish(&context, "nowhere.at.all", HeaderMap::new()).await.unwrap_err();
    table.add(
        "JetStream: no stream has the subject",
        &error,
        "no stream found",
        Transient,
        "a stream without a leader looks the same",
    );

    let orders = context.create_stream(stream("orders")).await.unwrap();
    let error = context.create_stream(Config { name: "others".to_owned(), ..stream("orders") }).await.unwrap_err();
    table.add("JetStream: subjects overlap (10065)", &error, "overlap", Permanent, "a configuration");

    for (fault, header, value, comes) in [
        ("JetStream: another last sequence (10071)", "Nats-Expected-Last-Sequence", "7", "wrong last sequence"),
        ("JetStream: another last message (10070)", "Nats-Expected-Last-Msg-Id", "seven", "wrong last message id"),
        ("JetStream: another stream (10060)", "Nats-Expected-Stream", "others", "expected stream does not match"),
    ] {
        let mut headers = HeaderMap::new();
        headers.insert(header, value);
        let error = publish(&context, "orders.new", headers).await.unwrap_err();
        table.add(fault, &error, comes, Permanent, "the caller expects another state");
    }

    let error = orders.get_raw_message(99).await.unwrap_err();
    table.add("JetStream: no such message (10037)", &error, "no message found", Permanent, "the caller's mistake");

    let full = Config { max_messages: 1, discard: DiscardPolicy::New, ..stream("full") };
    context.create_stream(full).await.unwrap();
    publish(&context, "full.1", HeaderMap::new()).await.unwrap();
    let error = publish(&context, "full.2", HeaderMap::new()).await.unwrap_err();
    table.add("JetStream: a full stream (10077)", &error, "maximum messages", BUSY, "until somebody consumes");

    let error = context.create_stream(Config { max_bytes: 10_000_000, ..stream("huge") }).await.unwrap_err();
    table.add("JetStream: the disk is given away (10047)", &error, "insufficient storage", BUSY, "a quota");
    let huge = Config { max_bytes: 10_000_000, storage: StorageType::Memory, ..stream("huge") };
    let error = context.create_stream(huge).await.unwrap_err();
    table.add("JetStream: the memory is given away (10028)", &error, "insufficient memory", BUSY, "a quota");

    let _first = orders.create_consumer(pull("first")).await.unwrap();
    let error = orders.create_consumer(pull("second")).await.unwrap_err();
    table.add("JetStream: an account's consumers (10026)", &error, "maximum consumers", BUSY, "a quota");

    let error = orders.get_consumer::<consumer::pull::Config>("nobody").await.unwrap_err();
    assert_eq!(error.class(), Permanent, "{error}");

    for name in ["third", "fourth"] {
        context.create_stream(stream(name)).await.unwrap();
    }
    let error = context.create_stream(stream("fifth")).await.unwrap_err();
    table.add("JetStream: an account's streams (10027)", &error, "maximum number of streams", BUSY, "a quota");
    for name in ["third", "fourth", "full"] {
        context.delete_stream(name).await.unwrap();
    }

    let impatient = ContextBuilder::new().max_ack_inflight(1).backpressure_on_inflight(false).build(context.client());
    let first = impatient.publish("orders.new", "".into()).await.unwrap();
    let error = impatient.publish("orders.new", "".into()).await.unwrap_err();
    table.add("JetStream: too many wait for an acknowledgement", &error, "max ack pending", BUSY, "this side's limit");
    first.await.unwrap();

    let bare = jetstream::new(options("bob").connect(address(server)).await.unwrap());
    let error = bare.get_stream("orders").await.unwrap_err();
    table.add(
        "JetStream: not for this account (10039)",
        &error,
        "not enabled for account",
        Permanent,
        "a configuration",
    );
}

fn pull(name: &str) -> consumer::pull::Config {
    consumer::pull::Config { durable_name: Some(name.to_owned()), ..Default::default() }
}

async fn publish(context: &Context, subject: &str, headers: HeaderMap) -> Result<(), context::PublishError> {
    context.publish_with_headers(subject.to_owned(), headers, "".into()).await?.await.map(drop)
}

async fn key_values(table: &mut Table, server: &Server) {
    let context = jetstream::new(connect(server).await);
    // the stream of a bucket; Debian's server is older than what `create_key_value` asks for
    let bucket = Config { subjects: vec!["$KV.stock.>".to_owned()], max_messages_per_subject: 1, ..stream("KV_stock") };
    context.create_stream(bucket).await.unwrap();
    let store = context.get_key_value("stock").await.unwrap();
    store.create("nails", "7".into()).await.unwrap();
    let error = store.create("nails", "8".into()).await.unwrap_err();
    table.add("key-value: a key that is there", &error, "already exists", Permanent, "it stays there");
    let error = store.update("nails", "8".into(), 99).await.unwrap_err();
    table.add("key-value: another revision (10071)", &error, "wrong last revision", Permanent, "read it first");
    let error = store.put("two words", "8".into()).await.unwrap_err();
    table.add("key-value: a key that is not valid", &error, "key cannot be empty", Permanent, "the caller's mistake");
    let error = context.get_key_value("nowhere").await.unwrap_err();
    table.add("key-value: an unknown bucket (10059)", &error, "stream not found", Permanent, "the caller's mistake");
}

async fn connections(table: &mut Table, server: &Server) {
    let wrong = ConnectOptions::with_user_and_password("ada".to_owned(), "wrong".to_owned());
    let error = wrong.connect(address(server)).await.unwrap_err();
    table.add("a wrong password", &error, "authorization violation", Permanent, "may lock an account");

    let mut open = Vec::new();
    let error = loop {
        match options("ada").connect(address(server)).await {
            Ok(client) => open.push(client),
            Err(error) => break error,
        }
    };
    table.add("too many connections", &error, "maximum connections exceeded", Transient, "some of them leave");
}

async fn going_away(table: &mut Table, server: &mut Server) {
    tokio::time::sleep(Duration::from_millis(200)).await;
    let client = connect(server).await;
    let gives_up = options("ada").max_reconnects(1).connect(address(server)).await.unwrap();
    let _silent = client.subscribe("silent").await.unwrap();
    let asking = tokio::spawn({
        let client = client.clone();
        async move { client.request("silent", "".into()).await.unwrap_err() }
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    server.stop();
    let error = asking.await.unwrap();
    table.add("the server stops", &error, "timed out", Transient, "it comes back");
    let error = client.request("silent", "".into()).await.unwrap_err();
    table.add("the same, between two calls", &error, "timed out", Transient, "the client reconnects");
    let error = jetstream::new(client.clone()).get_stream("orders").await.unwrap_err();
    table.add("the same, for JetStream", &error, "timed out", Transient, "the client reconnects");

    let error = loop {
        match gives_up.publish("late", "".into()).await {
            Ok(()) => tokio::time::sleep(Duration::from_millis(50)).await,
            Err(error) => break error,
        }
    };
    table.add(
        "the client reconnected too often, and gave up",
        &error,
        "failed to send",
        Permanent,
        "it does not come back",
    );

    let error = options("ada").connect(address(server)).await.unwrap_err();
    table.add("nobody listens", &error, "refused", Transient, "it comes back");
}

/// One server of three: none of them can be elected.
async fn without_a_leader(table: &mut Table) {
    let (routes, absent) = (free_port(), [free_port(), free_port()]);
    let cluster = format!(
        r#"cluster {{ name: three, listen: "127.0.0.1:{routes}", routes: ["nats://127.0.0.1:{}", "nats://127.0.0.1:{}"] }}"#,
        absent[0], absent[1]
    );
    let server = start(&cluster);
    let context = jetstream::new(connect(&server).await);
    let error = context.get_stream("orders").await.unwrap_err();
    table.add("JetStream: a cluster without a leader", &error, "timed out", Transient, "it elects one");
}
