//! `mysql_async`, with the server of `mariadb.rs` and its faults.

use std::time::Duration;

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Error, OptsBuilder};
use resilient::Class::{Permanent, Transient};
use sqlx::MySqlConnection;
use tokio::time::sleep;

use crate::mariadb::{ENDLESS, prepare, run_sql, start};
use crate::servers::{self, Server};
use crate::{BUSY, Table};

#[tokio::test(flavor = "multi_thread")]
async fn mysql_async() {
    if !servers::can_start("mariadbd") {
        return;
    }
    let mut table = Table::of("real mysql_async");
    let mut server = start();
    let mut root = prepare(&server).await;
    statements(&mut table, &server, &mut root).await;
    sessions(&mut table, &server, &mut root).await;
    connections(&mut table, &server, &mut root).await;
    going_away(&mut table, &mut server, root).await;
    table.check();
}

fn options(server: &Server) -> OptsBuilder {
    let options = OptsBuilder::default().ip_or_hostname("127.0.0.1").tcp_port(server.port).prefer_socket(false);
    options.user(Some("ada")).pass(Some("right")).db_name(Some("shop"))
}

async fn connect(server: &Server) -> Conn {
    Conn::new(options(server)).await.unwrap()
}

async fn refused(connection: &mut Conn, sql: &str) -> Error {
    connection.query_drop(sql).await.expect_err(sql)
}

async fn statements(table: &mut Table, server: &Server, root: &mut MySqlConnection) {
    let mut connection = connect(server).await;
    for (fault, sql, comes, why) in [
        ("a mistake in the statement (1064)", "SELEKT 1", "error in your SQL syntax", "the caller's mistake"),
        ("a key that is there (1062)", "INSERT INTO t VALUES (1, 1)", "Duplicate entry", "it stays there"),
        ("an unknown table (1146)", "SELECT * FROM nowhere", "doesn't exist", "the caller's mistake"),
    ] {
        let error = refused(&mut connection, sql).await;
        table.add(fault, &error, comes, Permanent, why);
    }
    let error = refused(&mut connection, &format!("SET STATEMENT max_statement_time = 0.05 FOR {ENDLESS}")).await;
    table.add("a slow query (1969)", &error, "max_statement_time exceeded", Permanent, "it will be slow again");

    run_sql(root, "SET GLOBAL read_only = 1").await.unwrap();
    let error = refused(&mut connection, "INSERT INTO t VALUES (9, 9)").await;
    table.add("a read-only server (1290)", &error, "--read-only option", Transient, "as after a fail-over");
    run_sql(root, "SET GLOBAL read_only = 0").await.unwrap();
    connection.query_drop("START TRANSACTION READ ONLY").await.unwrap();
    let error = refused(&mut connection, "INSERT INTO t VALUES (9, 9)").await;
    table.add("a read-only transaction (1792)", &error, "READ ONLY transaction", Permanent, "the caller began it so");
    connection.query_drop("ROLLBACK").await.unwrap();

    run_sql(root, "SET GLOBAL max_prepared_stmt_count = 0").await.unwrap();
    let error = connection.exec_drop("SELECT 1", ()).await.unwrap_err();
    table.add("prepared statements (1461)", &error, "max_prepared_stmt_count", BUSY, "a quota");
    run_sql(root, "SET GLOBAL max_prepared_stmt_count = 1000").await.unwrap();
}

async fn sessions(table: &mut Table, server: &Server, root: &mut MySqlConnection) {
    let (mut one, mut other) = (connect(server).await, connect(server).await);
    one.query_drop("BEGIN").await.unwrap();
    one.query_drop("UPDATE t SET n = 3 WHERE id = 1").await.unwrap();
    let error = refused(&mut other, "SELECT * FROM t WHERE id = 1 FOR UPDATE NOWAIT").await;
    table.add("no wait for a lock (1205)", &error, "Lock wait timeout exceeded", Transient, "as 55P03 of PostgreSQL");

    other.query_drop("BEGIN").await.unwrap();
    other.query_drop("UPDATE t SET n = 5 WHERE id = 2").await.unwrap();
    let waiting = tokio::spawn(async move { one.query_drop("UPDATE t SET n = 6 WHERE id = 2").await });
    sleep(Duration::from_millis(200)).await;
    let outcome = other.query_drop("UPDATE t SET n = 7 WHERE id = 1").await;
    let _ = other.query_drop("ROLLBACK").await;
    let error = outcome.and(waiting.await.unwrap()).unwrap_err();
    table.add("a deadlock (1213)", &error, "Deadlock found", Transient, "with the whole transaction");

    for (fault, kill, comes, class, why) in [
        (
            "somebody ended the statement (1317)",
            "KILL QUERY",
            "Query execution was interrupted",
            Permanent,
            "as 57014 of PostgreSQL",
        ),
        ("somebody ended the session", "KILL", "", Transient, "the next one is well"),
    ] {
        let mut ended = connect(server).await;
        let id = ended.id();
        let asking = tokio::spawn(async move { refused(&mut ended, ENDLESS).await });
        sleep(Duration::from_millis(300)).await;
        sqlx::Executor::execute(&mut *root, format!("{kill} {id}").as_str()).await.unwrap();
        table.add(fault, &asking.await.unwrap(), comes, class, why);
    }
}

async fn connections(table: &mut Table, server: &Server, root: &mut MySqlConnection) {
    for (fault, options, comes, why) in [
        ("a wrong password (1045)", options(server).pass(Some("wrong")), "Access denied", "may lock an account"),
        ("an unknown database (1044)", options(server).db_name(Some("zzz")), "Access denied", "a configuration"),
    ] {
        let error = Conn::new(options).await.unwrap_err();
        table.add(fault, &error, comes, Permanent, why);
    }
    run_sql(root, "ALTER USER ada@'127.0.0.1' WITH MAX_USER_CONNECTIONS 1").await.unwrap();
    sleep(Duration::from_millis(200)).await;
    let open = connect(server).await;
    let error = Conn::new(options(server)).await.unwrap_err();
    table.add("an account's connections (1226)", &error, "max_user_connections", BUSY, "a quota");
    open.disconnect().await.unwrap();
    run_sql(root, "ALTER USER ada@'127.0.0.1' WITH MAX_USER_CONNECTIONS 0").await.unwrap();
    sleep(Duration::from_millis(200)).await;

    let mut open = Vec::new();
    let error = loop {
        match Conn::new(options(server)).await {
            Ok(connection) => open.push(connection),
            Err(error) => break error,
        }
    };
    table.add("too many connections (1040)", &error, "Too many connections", Transient, "some of them leave");
    for connection in open {
        connection.disconnect().await.unwrap();
    }
}

async fn going_away(table: &mut Table, server: &mut Server, root: MySqlConnection) {
    let (mut quiet, mut busy) = (connect(server).await, connect(server).await);
    let asking = tokio::spawn(async move { refused(&mut busy, ENDLESS).await });
    sleep(Duration::from_millis(300)).await;
    drop(root);
    server.stop();
    table.add("the server stops", &asking.await.unwrap(), "", Transient, "it comes back");
    let error = refused(&mut quiet, "SELECT 1").await;
    table.add("the same, between two statements", &error, "", Transient, "it comes back");
    let error = refused(&mut quiet, "SELECT 1").await;
    table.add("the same connection, once more", &error, "closed", Transient, "the next connection is well");
    let error = Conn::new(options(server)).await.unwrap_err();
    table.add("nobody listens", &error, "refused", Transient, "it comes back");
    let error = Conn::new(options(server).ip_or_hostname("name.invalid")).await.unwrap_err();
    table.add("the name is not found", &error, "failed to lookup", Transient, "as with every client");
}
