//! sqlx with a server that speaks the same protocol as Oracle's.

use std::process::Command;
use std::time::Duration;

use resilient::Class;
use resilient::Class::{Permanent, Transient};
use sqlx::mysql::{MySqlConnectOptions, MySqlSslMode};
use sqlx::{ConnectOptions, Executor, MySqlConnection};
use tokio::time::sleep;

use crate::servers::{self, Server, as_user, folder, free_port, run};
use crate::{BUSY, Table};

#[tokio::test(flavor = "multi_thread")]
async fn mariadb() {
    if !servers::can_start("mariadbd") {
        return;
    }
    let mut table = Table::of("real mariadb");
    let mut server = start();
    let mut root = prepare(&server).await;
    statements(&mut table, &server, &mut root).await;
    sessions(&mut table, &server, &mut root).await;
    connections(&mut table, &server, &mut root).await;
    going_away(&mut table, &mut server, root).await;
    table.check();
}

pub(crate) fn start() -> Server {
    let (folder, port) = (folder(), free_port());
    let data = format!("--datadir={}", folder.path().join("data").display());
    // two servers that are installed at once take the same names in a common folder
    let temporary = format!("--tmpdir={}", folder.path().display());
    let mut install = as_user("mysql", "mariadb-install-db");
    install.args(["--no-defaults", &data, &temporary, "--auth-root-authentication-method=normal", "--skip-test-db"]);
    run(&mut install);
    let mut command: Command = as_user("mysql", "mariadbd");
    command.args(["--no-defaults", &data, &temporary, "--bind-address=127.0.0.1", &format!("--port={port}")]);
    command.arg(format!("--socket={}", folder.path().join("socket").display()));
    command.args(["--innodb-flush-log-at-trx-commit=0", "--max-connections=12", "--extra-max-connections=1"]);
    Server::start(folder, port, "-TERM", command)
}

fn options(server: &Server) -> MySqlConnectOptions {
    let options = MySqlConnectOptions::new().host("127.0.0.1").port(server.port).ssl_mode(MySqlSslMode::Disabled);
    options.username("ada").password("right").database("shop")
}

async fn connect(server: &Server) -> MySqlConnection {
    options(server).connect().await.unwrap()
}

/// A statement that takes very long. A `SLEEP` that is killed returns 1.
pub(crate) const ENDLESS: &str =
    "SELECT COUNT(*) FROM seq_1_to_1000000 AS r, seq_1_to_1000000 AS s WHERE r.seq * s.seq = 0";

pub(crate) async fn prepare(server: &Server) -> MySqlConnection {
    let socket = server.folder().join("socket");
    let mut root = MySqlConnectOptions::new().socket(socket).username("root").connect().await.unwrap();
    for sql in [
        "CREATE DATABASE shop",
        "CREATE USER ada@'127.0.0.1' IDENTIFIED BY 'right'",
        "GRANT ALL ON shop.* TO ada@'127.0.0.1'",
        "CREATE TABLE shop.t (id INT PRIMARY KEY, n INT)",
        "INSERT INTO shop.t VALUES (1, 1), (2, 2)",
    ] {
        run_sql(&mut root, sql).await.unwrap();
    }
    root
}

pub(crate) async fn run_sql(connection: &mut MySqlConnection, sql: &'static str) -> Result<(), sqlx::Error> {
    connection.execute(sql).await.map(drop)
}

async fn refused(connection: &mut MySqlConnection, sql: &'static str) -> sqlx::Error {
    run_sql(connection, sql).await.expect_err(sql)
}

async fn statements(table: &mut Table, server: &Server, root: &mut MySqlConnection) {
    let mut connection = connect(server).await;
    let faults: &[(&str, &'static str, &str, Class, &str)] = &[
        (
            "a mistake in the statement (1064)",
            "SELEKT 1",
            "error in your SQL syntax",
            Permanent,
            "the caller's mistake",
        ),
        ("a key that is there (1062)", "INSERT INTO t VALUES (1, 1)", "Duplicate entry", Permanent, "it stays there"),
        ("an unknown table (1146)", "SELECT * FROM nowhere", "doesn't exist", Permanent, "the caller's mistake"),
        (
            "a slow query (1969)",
            "SET STATEMENT max_statement_time = 0.05 FOR SELECT COUNT(*) FROM seq_1_to_1000000 AS r, seq_1_to_1000000 AS s WHERE r.seq * s.seq = 0",
            "max_statement_time exceeded",
            Permanent,
            "it will be slow again",
        ),
    ];
    for (fault, sql, comes, class, why) in faults {
        let error = refused(&mut connection, sql).await;
        table.add(fault, &error, comes, *class, why);
    }
    run_sql(root, "SET GLOBAL read_only = 1").await.unwrap();
    let error = refused(&mut connection, "INSERT INTO t VALUES (9, 9)").await;
    table.add("a read-only server (1290)", &error, "--read-only option", Transient, "as after a fail-over");
    run_sql(root, "SET GLOBAL read_only = 0").await.unwrap();
    run_sql(&mut connection, "START TRANSACTION READ ONLY").await.unwrap();
    let error = refused(&mut connection, "INSERT INTO t VALUES (9, 9)").await;
    table.add("a read-only transaction (1792)", &error, "READ ONLY transaction", Permanent, "the caller began it so");
    run_sql(&mut connection, "ROLLBACK").await.unwrap();

    run_sql(root, "SET GLOBAL max_prepared_stmt_count = 0").await.unwrap();
    let error = sqlx::query("SELECT 1").execute(&mut connection).await.unwrap_err();
    table.add("prepared statements (1461)", &error, "max_prepared_stmt_count", BUSY, "a quota");
    run_sql(root, "SET GLOBAL max_prepared_stmt_count = 1000").await.unwrap();
}

async fn sessions(table: &mut Table, server: &Server, root: &mut MySqlConnection) {
    let (mut one, mut other) = (connect(server).await, connect(server).await);
    run_sql(&mut one, "BEGIN").await.unwrap();
    run_sql(&mut one, "UPDATE t SET n = 3 WHERE id = 1").await.unwrap();
    run_sql(&mut other, "SET innodb_lock_wait_timeout = 1").await.unwrap();
    let error = refused(&mut other, "UPDATE t SET n = 4 WHERE id = 1").await;
    table.add(
        "a lock that was not free in time (1205)",
        &error,
        "Lock wait timeout exceeded",
        Transient,
        "as 55P03 of PostgreSQL",
    );
    let error = refused(&mut other, "SELECT * FROM t WHERE id = 1 FOR UPDATE NOWAIT").await;
    table.add("no wait for a lock (1205)", &error, "Lock wait timeout exceeded", Transient, "as 55P03 of PostgreSQL");

    run_sql(&mut other, "SET innodb_lock_wait_timeout = 50").await.unwrap();
    run_sql(&mut other, "BEGIN").await.unwrap();
    run_sql(&mut other, "UPDATE t SET n = 5 WHERE id = 2").await.unwrap();
    let waiting = tokio::spawn(async move {
        let outcome = run_sql(&mut one, "UPDATE t SET n = 6 WHERE id = 2").await;
        (outcome, one)
    });
    sleep(Duration::from_millis(200)).await;
    let outcome = run_sql(&mut other, "UPDATE t SET n = 7 WHERE id = 1").await;
    let _ = run_sql(&mut other, "ROLLBACK").await;
    let (waited, mut one) = waiting.await.unwrap();
    let error = outcome.and(waited).unwrap_err();
    table.add("a deadlock (1213)", &error, "Deadlock found", Transient, "with the whole transaction");
    run_sql(&mut one, "ROLLBACK").await.unwrap();

    run_sql(&mut one, "START TRANSACTION WITH CONSISTENT SNAPSHOT").await.unwrap();
    run_sql(root, "ALTER TABLE shop.t ADD COLUMN more INT, ALGORITHM=COPY").await.unwrap();
    let error = refused(&mut one, "SELECT * FROM t").await;
    table.add(
        "a table that changed (1412)",
        &error,
        "Table definition has changed",
        Transient,
        "with the whole transaction",
    );
    run_sql(&mut one, "ROLLBACK").await.unwrap();

    let mut ended = connect(server).await;
    let id: u64 = sqlx::query_scalar("SELECT CONNECTION_ID()").fetch_one(&mut ended).await.unwrap();
    let asking = tokio::spawn(async move { refused(&mut ended, ENDLESS).await });
    sleep(Duration::from_millis(300)).await;
    sqlx::query("KILL QUERY ?").bind(id).execute(&mut *root).await.unwrap();
    let error = asking.await.unwrap();
    table.add(
        "somebody ended the statement (1317)",
        &error,
        "Query execution was interrupted",
        Permanent,
        "as 57014 of PostgreSQL",
    );
    let mut ended = connect(server).await;
    let id: u64 = sqlx::query_scalar("SELECT CONNECTION_ID()").fetch_one(&mut ended).await.unwrap();
    let asking = tokio::spawn(async move { refused(&mut ended, ENDLESS).await });
    sleep(Duration::from_millis(300)).await;
    sqlx::query("KILL ?").bind(id).execute(&mut *root).await.unwrap();
    let error = asking.await.unwrap();
    table.add("somebody ended the session", &error, "", Transient, "the next one is well");
}

async fn connections(table: &mut Table, server: &Server, root: &mut MySqlConnection) {
    for (fault, options, comes, why) in [
        ("a wrong password (1045)", options(server).password("wrong"), "Access denied", "may lock an account"),
        ("an unknown database (1044)", options(server).database("zzz"), "Access denied", "a configuration"),
    ] {
        let error = options.connect().await.unwrap_err();
        table.add(fault, &error, comes, Permanent, why);
    }
    run_sql(root, "ALTER USER ada@'127.0.0.1' WITH MAX_USER_CONNECTIONS 1").await.unwrap();
    let open = connect(server).await;
    let error = options(server).connect().await.unwrap_err();
    table.add("an account's connections (1226)", &error, "max_user_connections", BUSY, "a quota");
    drop(open);
    run_sql(root, "ALTER USER ada@'127.0.0.1' WITH MAX_USER_CONNECTIONS 0").await.unwrap();
    sleep(Duration::from_millis(200)).await;

    let mut open = Vec::new();
    let error = loop {
        match options(server).connect().await {
            Ok(connection) => open.push(connection),
            Err(error) => break error,
        }
    };
    table.add("too many connections (1040)", &error, "Too many connections", Transient, "some of them leave");
}

async fn going_away(table: &mut Table, server: &mut Server, root: MySqlConnection) {
    let mut quiet = connect(server).await;
    let mut busy = connect(server).await;
    let asking = tokio::spawn(async move { refused(&mut busy, ENDLESS).await });
    sleep(Duration::from_millis(300)).await;
    drop(root);
    server.stop();
    let error = asking.await.unwrap();
    table.add("the server stops", &error, "", Transient, "it comes back");
    let error = refused(&mut quiet, "SELECT 1").await;
    table.add("the same, between two statements", &error, "", Transient, "it comes back");
    let error = options(server).connect().await.unwrap_err();
    table.add("nobody listens", &error, "refused", Transient, "it comes back");
}
