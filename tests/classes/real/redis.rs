//! The crate `redis` with the real server.

use std::process::Command;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{Client, Cmd, ErrorKind, RedisError, cmd};
use resilient::Class::{Permanent, Transient};
use tokio::time::sleep;

use crate::servers::{self, Server, folder, free_port};
use crate::{BUSY, Table};

#[tokio::test(flavor = "multi_thread")]
async fn redis() {
    if !servers::can_start("redis-server") {
        return;
    }
    let mut table = Table::of("real redis");
    let master = start(&[]);
    commands(&mut table, &master).await;
    replication(&mut table, &master).await;
    cluster(&mut table).await;
    access(&mut table).await;
    going_away(&mut table, master).await;
    table.check();
}

fn start(arguments: &[&str]) -> Server {
    let (folder, port) = (folder(), free_port());
    let mut command = Command::new("redis-server");
    command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--enable-debug-command", "yes"]);
    command.arg("--dir").arg(folder.path()).args(arguments);
    Server::start(folder, port, "-TERM", command)
}

async fn connect(server: &Server) -> Result<MultiplexedConnection, RedisError> {
    Client::open(("127.0.0.1", server.port)).unwrap().get_multiplexed_async_connection().await
}

async fn send(connection: &mut MultiplexedConnection, words: &str) -> Result<(), RedisError> {
    command(words).query_async(connection).await
}

async fn refused(connection: &mut MultiplexedConnection, words: &str) -> RedisError {
    send(connection, words).await.expect_err(words)
}

fn command(words: &str) -> Cmd {
    let mut words = words.split(' ');
    let mut command = cmd(words.next().unwrap());
    command.arg(words.collect::<Vec<_>>());
    command
}

async fn commands(table: &mut Table, server: &Server) {
    let mut connection = connect(server).await.unwrap();
    send(&mut connection, "SET text abc").await.unwrap();
    let error = refused(&mut connection, "LPUSH text 1").await;
    table.add("a wrong type", &error, "WRONGTYPE", Permanent, "the caller's mistake");
    let error = refused(&mut connection, "NOTHING").await;
    table.add("an unknown command", &error, "unknown command", Permanent, "the caller's mistake");
    let error = command("GET nobody").query_async::<u64>(&mut connection).await.unwrap_err();
    table.add("a missing key, read as a number", &error, "nil", Permanent, "the answer was right, its type is not");
    let error = refused(&mut connection, "INCR text").await;
    table.add("text, counted up", &error, "not an integer", Permanent, "the caller's mistake");

    send(&mut connection, "CONFIG SET maxmemory 1000").await.unwrap();
    let error = refused(&mut connection, "SET more of-it").await;
    table.add("memory is used up", &error, "OOM", BUSY, "the server is well and takes no more");
    send(&mut connection, "CONFIG SET maxmemory 0").await.unwrap();

    send(&mut connection, "CONFIG SET min-replicas-to-write 1").await.unwrap();
    let error = refused(&mut connection, "SET text abc").await;
    table.add("too few replicas", &error, "NOREPLICAS", Transient, "they come back");
    send(&mut connection, "CONFIG SET min-replicas-to-write 0").await.unwrap();

    send(&mut connection, "CONFIG SET busy-reply-threshold 20").await.unwrap();
    let mut other = connect(server).await.unwrap();
    let script =
        tokio::spawn(async move { cmd("EVAL").arg("while true do end").arg(0).query_async::<()>(&mut other).await });
    sleep(Duration::from_millis(300)).await;
    let error = refused(&mut connection, "GET text").await;
    table.add("a script keeps the server busy", &error, "BUSY", Transient, "it ends");
    send(&mut connection, "SCRIPT KILL").await.unwrap();
    let error = script.await.unwrap().unwrap_err();
    table.add("somebody ended the script", &error, "Script killed by user", Permanent, "it would be ended again");
    let error = refused(&mut connection, "EVALSHA 0123456789012345678901234567890123456789 0").await;
    table.add("a script that the server has forgotten", &error, "NoScript", Permanent, "it must be sent again first");

    let mut watched = redis::pipe();
    let error = watched.atomic().cmd("SET").arg("more").query_async::<()>(&mut connection).await.unwrap_err();
    table.add("a bad command in `atomic()`", &error, "wrong number of arguments", Permanent, "the caller's mistake");
}

async fn replication(table: &mut Table, master: &Server) {
    let replica = start(&["--replicaof", "127.0.0.1", &master.port.to_string()]);
    let mut connection = connect(&replica).await.unwrap();
    let error = refused(&mut connection, "SET text abc").await;
    table.add(
        "the server is a replica",
        &error,
        "ReadOnly",
        Transient,
        "a fail-over; another connection leads to the master",
    );

    let lonely = start(&["--replicaof", "127.0.0.1", "1", "--replica-serve-stale-data", "no"]);
    let mut connection = connect(&lonely).await.unwrap();
    let error = refused(&mut connection, "GET text").await;
    table.add("a replica without its master", &error, "MasterDown", Transient, "it finds it again");
}

async fn cluster(table: &mut Table) {
    let node = start(&["--cluster-enabled", "yes"]);
    let mut connection = connect(&node).await.unwrap();
    let error = refused(&mut connection, "GET text").await;
    table.add("the cluster has no owner of a slot", &error, "ClusterDown", Transient, "it ends");

    let other = start(&["--cluster-enabled", "yes"]);
    let mut neighbour = connect(&other).await.unwrap();
    send(&mut connection, &format!("CLUSTER MEET 127.0.0.1 {}", other.port)).await.unwrap();
    send(&mut connection, "CLUSTER ADDSLOTSRANGE 0 8000").await.unwrap();
    send(&mut neighbour, "CLUSTER ADDSLOTSRANGE 8001 16383").await.unwrap();
    // the first node answers `MOVED` once it has heard of the other's slots
    let mut answers = Vec::new();
    for _ in 0..200 {
        for key in ["a", "b"] {
            answers.extend(send(&mut connection, &format!("SET {key} 1")).await.err());
        }
        if answers.iter().any(|error| error.kind() == ErrorKind::Server(redis::ServerErrorKind::Moved)) {
            break;
        }
        sleep(Duration::from_millis(100)).await;
    }
    let moved = answers.last().expect("one of the keys is elsewhere");
    table.add(
        "another node has the slot, without a client for clusters",
        moved,
        "Moved",
        Permanent,
        "the same answer for ever",
    );
    let error = refused(&mut connection, "MGET a b").await;
    table.add("keys of two slots", &error, "CrossSlot", Permanent, "the caller's mistake");
}

async fn access(table: &mut Table) {
    let locked = start(&["--requirepass", "right", "--maxclients", "1"]);
    let port = locked.port;
    // the place of whoever looked whether it listens
    sleep(Duration::from_millis(300)).await;
    let mut open = connect(&locked).await.unwrap();
    let error = refused(&mut open, "GET text").await;
    table.add("no password", &error, "NOAUTH", Permanent, "a configuration");
    let error = refused(&mut open, "AUTH wrong").await;
    table.add("a wrong password", &error, "WRONGPASS", Permanent, "may lock an account");
    let error = connect(&locked).await.unwrap_err();
    table.add("too many clients", &error, "", Transient, "some of them leave");
    drop(open);
    sleep(Duration::from_millis(200)).await;
    let client = Client::open(format!("redis://:wrong@127.0.0.1:{port}/")).unwrap();
    let error = client.get_multiplexed_async_connection().await.unwrap_err();
    table.add(
        "a wrong password in the address",
        &error,
        "Password authentication failed",
        Permanent,
        "may lock an account",
    );
}

async fn going_away(table: &mut Table, mut server: Server) {
    let mut connection = connect(&server).await.unwrap();
    let waiting = tokio::spawn(async move { send(&mut connection, "BLPOP nobody 0").await });
    let mut idle = connect(&server).await.unwrap();
    let mut admin = connect(&server).await.unwrap();
    send(&mut admin, "CLIENT KILL TYPE normal SKIPME yes").await.unwrap();
    let error = waiting.await.unwrap().unwrap_err();
    table.add("the server ends the connection", &error, "", Transient, "the next connection is well");
    let _ = send(&mut idle, "PING").await;
    server.stop();
    let error = refused(&mut admin, "GET text").await;
    table.add("the server stops", &error, "", Transient, "it comes back");
    let error = connect(&server).await.unwrap_err();
    table.add("nobody listens", &error, "refused", Transient, "it comes back");
}
