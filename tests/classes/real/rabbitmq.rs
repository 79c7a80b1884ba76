//! lapin with `RabbitMQ`.

use std::process::Command;
use std::time::Duration;

use lapin::options::{
    BasicAckOptions, BasicGetOptions, BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions,
};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties, Error};
use resilient::Class::{Permanent, Transient};
use tokio::time::sleep;

use crate::servers::{self, Server, folder, free_port, run};
use crate::{BUSY, Table};

const PROGRAMS: &str = "/usr/lib/rabbitmq/bin";

#[tokio::test(flavor = "multi_thread")]
async fn rabbitmq() {
    if !servers::can_start(&format!("{PROGRAMS}/rabbitmq-server")) {
        return;
    }
    let mut table = Table::of("real rabbitmq");
    let mut broker = Broker::start();
    channels(&mut table, &broker).await;
    connections(&mut table, &broker).await;
    going_away(&mut table, &mut broker).await;
    table.check();
}

/// The broker, and Erlang's port mapper, which outlives it.
struct Broker {
    server: Server,
    settings: Vec<(&'static str, String)>,
}

impl Broker {
    fn start() -> Self {
        let (folder, port, mapper) = (folder(), free_port(), free_port());
        let path = |name: &str| folder.path().join(name).display().to_string();
        servers::write(&folder, "rabbit.conf", "channel_max = 8\nmax_message_size = 1000\nloopback_users = none\n");
        let settings = vec![
            ("HOME", folder.path().display().to_string()),
            ("ERL_EPMD_ADDRESS", "127.0.0.1".to_owned()),
            ("ERL_EPMD_PORT", mapper.to_string()),
            ("RABBITMQ_NODENAME", format!("resilient{port}@localhost")),
            ("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1".to_owned()),
            ("RABBITMQ_NODE_PORT", port.to_string()),
            ("RABBITMQ_DIST_PORT", free_port().to_string()),
            ("RABBITMQ_CONF_ENV_FILE", path("none")),
            ("RABBITMQ_CONFIG_FILE", path("rabbit")),
            ("RABBITMQ_MNESIA_BASE", path("data")),
            ("RABBITMQ_LOG_BASE", path("log")),
            ("RABBITMQ_ENABLED_PLUGINS_FILE", path("plugins")),
            ("RABBITMQ_PID_FILE", path("pid")),
        ];
        let mut command = Command::new(format!("{PROGRAMS}/rabbitmq-server"));
        command.envs(settings.iter().cloned());
        let server = Server::start(folder, port, "-TERM", command);
        let broker = Self { server, settings };
        broker.control(&["await_startup"]);
        broker
    }

    fn control(&self, arguments: &[&str]) {
        run(Command::new(format!("{PROGRAMS}/rabbitmqctl")).envs(self.settings.iter().cloned()).args(arguments));
    }

    fn address(&self) -> String {
        format!("amqp://guest:guest@127.0.0.1:{}/%2f", self.server.port)
    }

    async fn connect(&self) -> Connection {
        connect(&self.address()).await.unwrap()
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.server.stop();
        // it stays while it knows of a node
        for _ in 0..50 {
            let killed = Command::new("epmd").envs(self.settings.iter().cloned()).arg("-kill").output();
            if killed.is_ok_and(|output| output.stdout.starts_with(b"Killed")) {
                return;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

async fn connect(address: &str) -> Result<Connection, Error> {
    Connection::connect(address, ConnectionProperties::default()).await
}

async fn declare(channel: &Channel, queue: &str, exclusive: bool) -> Result<(), Error> {
    let options = QueueDeclareOptions { exclusive, ..QueueDeclareOptions::default() };
    channel.queue_declare(queue.into(), options, FieldTable::default()).await.map(drop)
}

async fn channels(table: &mut Table, broker: &Broker) {
    let (one, other) = (broker.connect().await, broker.connect().await);
    let channel = one.create_channel().await.unwrap();
    let error = channel.basic_get("nowhere".into(), BasicGetOptions::default()).await.unwrap_err();
    table.add("an unknown queue (404)", &error, "no queue 'nowhere'", Permanent, "the caller's mistake");
    let error = declare(&channel, "orders", false).await.unwrap_err();
    table.add("the channel that it closed", &error, "invalid channel state", Transient, "the next channel is well");

    let channel = one.create_channel().await.unwrap();
    declare(&channel, "orders", true).await.unwrap();
    let error = declare(&other.create_channel().await.unwrap(), "orders", true).await.unwrap_err();
    table.add("another connection has the queue (405)", &error, "locked queue", Transient, "whoever has it leaves");
    declare(&channel, "plain", false).await.unwrap();
    let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    let error = channel.queue_declare("plain".into(), durable, FieldTable::default()).await.unwrap_err();
    table.add("other settings of the queue (406)", &error, "inequivalent arg", Permanent, "a configuration");

    let channel = one.create_channel().await.unwrap();
    let error = channel.basic_ack(99, BasicAckOptions::default()).await.err();
    assert_eq!(error.map(|error| error.to_string()), None, "there is no answer to an acknowledgement");
    sleep(Duration::from_millis(100)).await;
    let error = declare(&channel, "late", false).await.unwrap_err();
    table.add(
        "after an unknown delivery tag (406)",
        &error,
        "invalid channel state",
        Transient,
        "the next channel is well",
    );

    for (fault, exchange, length, comes, why) in [
        ("a message that is too large (406)", "", 2000, "larger than configured max size", "it stays too large"),
        ("an unknown exchange (404)", "nowhere", 1, "no exchange 'nowhere'", "the caller's mistake"),
    ] {
        let channel = other.create_channel().await.unwrap();
        channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
        let (options, payload) = (BasicPublishOptions::default(), vec![0; length]);
        let sent =
            channel.basic_publish(exchange.into(), "orders".into(), options, &payload, BasicProperties::default());
        let error = sent.await.unwrap().await.unwrap_err();
        table.add(fault, &error, comes, Permanent, why);
    }

    broker.control(&["set_vhost_limits", r#"{"max-queues": 0}"#]);
    let fresh = broker.connect().await;
    let error = declare(&fresh.create_channel().await.unwrap(), "more", false).await.unwrap_err();
    table.add("a virtual host's queues (406)", &error, "queue limit", BUSY, "a quota");
    broker.control(&["clear_vhost_limits"]);

    // a channel that takes the number of one that failed would give its error once more
    let other = broker.connect().await;
    let mut open = Vec::new();
    let error = loop {
        match other.create_channel().await {
            Ok(channel) => open.push(channel),
            Err(error) => break error,
        }
    };
    table.add("a connection's channels", &error, "maximum number of channels", BUSY, "some of them are closed");
    let _ = other.close(200, "done".into()).await;
    let error = other.create_channel().await.unwrap_err();
    table.add(
        "a connection that this side closed",
        &error,
        "invalid connection state",
        Transient,
        "looks like one that was lost",
    );
}

async fn connections(table: &mut Table, broker: &Broker) {
    for (fault, from, to, comes, why) in [
        ("a wrong password (403)", "guest@", "wrong@", "ACCESS_REFUSED", "may lock an account"),
        ("an unknown virtual host (530)", "%2f", "nowhere", "vhost nowhere not found", "a configuration"),
    ] {
        let error = connect(&broker.address().replace(from, to)).await.unwrap_err();
        table.add(fault, &error, comes, Permanent, why);
    }
    broker.control(&["set_vhost_limits", r#"{"max-connections": 0}"#]);
    let error = connect(&broker.address()).await.unwrap_err();
    table.add("a virtual host's connections (530)", &error, "is reached", BUSY, "a quota");
    broker.control(&["clear_vhost_limits"]);
    broker.control(&["set_user_limits", "guest", r#"{"max-connections": 0}"#]);
    let error = connect(&broker.address()).await.unwrap_err();
    table.add("a user's connections (530)", &error, "is reached", BUSY, "a quota");
    broker.control(&["clear_user_limits", "guest", "all"]);
}

async fn going_away(table: &mut Table, broker: &mut Broker) {
    let connection = broker.connect().await;
    let channel = connection.create_channel().await.unwrap();
    let asking = tokio::spawn(async move {
        loop {
            if let Err(error) = declare(&channel, "orders", false).await {
                break (error, channel);
            }
            sleep(Duration::from_millis(5)).await;
        }
    });
    broker.control(&["close_all_connections", "maintenance"]);
    let (error, channel) = asking.await.unwrap();
    table.add("somebody closed the connection (320)", &error, "", Transient, "the next one is well");
    let error = declare(&channel, "orders", false).await.unwrap_err();
    table.add("the channel of a lost connection", &error, "invalid channel state", Transient, "the next one is well");
    let error = connection.create_channel().await.unwrap_err();
    table.add("the lost connection", &error, "invalid connection state", Transient, "the next one is well");

    let connection = broker.connect().await;
    broker.server.stop();
    sleep(Duration::from_millis(100)).await;
    let error = connection.create_channel().await.unwrap_err();
    table.add("the broker stops", &error, "", Transient, "it comes back");
    let error = connect(&broker.address()).await.unwrap_err();
    table.add("nobody listens", &error, "refused", Transient, "it comes back");
    let error = connect(&broker.address().replace("127.0.0.1", "name.invalid")).await.unwrap_err();
    table.add("the name is not found", &error, "failed to lookup", Transient, "as with every client");
}
