//! sqlx and tokio-postgres with the server, a standby and a pooler.

use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use resilient::Class::{Permanent, Transient};
use resilient::{Class, Classify, circuit_breaker, retry};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgSslMode};
use sqlx::{ConnectOptions, Executor, PgConnection, PgPool};
use tokio::time::sleep;
use tokio_postgres::NoTls;

use crate::servers::{self, Server, as_user, folder, free_port, run, write};
use crate::{BUSY, Table};

const USER: &str = "postgres";

#[tokio::test(flavor = "multi_thread")]
async fn postgres() {
    if !servers::can_start("initdb") || !servers::can_start("pgbouncer") {
        return;
    }
    let mut table = Table::of("real postgres");
    let mut primary = primary();
    drop(connect(primary.port).await);
    statements(&mut table, &primary).await;
    sessions(&mut table, &primary).await;
    connections(&mut table, &primary).await;
    standby(&mut table, &primary).await;
    pooler(&mut table, &mut primary).await;
    table.check();
}

/// The number of callers, and of transfers that each makes.
const CALLERS: i64 = 6;
const TRANSFERS: i64 = 25;

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_is_the_unit_of_a_retry() {
    if !servers::can_start("initdb") {
        return;
    }

    let server = primary();
    run_sql(
        &mut connect(server.port).await,
        "CREATE TABLE accounts (id int PRIMARY KEY, balance int); INSERT INTO accounts VALUES (1, 1000), (2, 0)",
    )
    .await
    .unwrap();
    let pool = PgPoolOptions::new().max_connections(6).connect_with(options(server.port)).await.unwrap();
    let attempts = Arc::new(AtomicI64::new(0));
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let (pool, attempts) = (pool.clone(), attempts.clone());
            tokio::spawn(async move {
                for _ in 0..TRANSFERS {
                    transfer(&pool, &attempts).await.unwrap();
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }

    let moved: i32 = sqlx::query_scalar("SELECT balance FROM accounts WHERE id = 2").fetch_one(&pool).await.unwrap();
    assert_eq!(i64::from(moved), CALLERS * TRANSFERS, "each ran once");
    let attempts = attempts.load(Relaxed);
    assert!(attempts > CALLERS * TRANSFERS, "nobody was in the way of another in {attempts} attempts");
}

#[derive(Debug, Classify)]
enum TransferError {
    #[transparent(from)]
    Database(sqlx::Error),
    #[transparent(from)]
    Policy(resilient::Error),
}

// the retry stands above the function that begins the transaction: after 40001 every statement in it is refused
#[retry(max = 20, backoff = "exp_jitter", base = "1ms", cap = "20ms", budget = none)]
#[circuit_breaker(when = |error: &TransferError| if is_conflict(error) { Class::Success } else { error.class() })]
async fn transfer(pool: &PgPool, attempts: &AtomicI64) -> Result<(), TransferError> {
    attempts.fetch_add(1, Relaxed);
    let mut transaction = pool.begin().await?;
    transaction.execute("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE").await?;
    transaction.execute("UPDATE accounts SET balance = balance - 1 WHERE id = 1").await?;
    transaction.execute("UPDATE accounts SET balance = balance + 1 WHERE id = 2").await?;
    transaction.commit().await?;
    Ok(())
}

/// Two callers were in each other's way. The server is well, so a breaker has nothing to count.
fn is_conflict(error: &TransferError) -> bool {
    let TransferError::Database(sqlx::Error::Database(error)) = error else { return false };
    matches!(error.code().as_deref(), Some("40001" | "40P01" | "55P03"))
}

fn primary() -> Server {
    let folder = folder();
    let password = write(&folder, "password", "right");
    let data = folder.path().join("data");
    let mut initdb = as_user(USER, "initdb");
    initdb.args(["--auth=scram-sha-256", "--username=ada", "--no-sync", "--pwfile"]).arg(password).arg("-D").arg(&data);
    run(&mut initdb);
    let port = free_port();
    let mut command = as_user(USER, "postgres");
    command.arg("-D").arg(&data).args(settings(port)).args(["-c", "max_connections=12", "-c", "max_wal_senders=4"]);
    command.arg("-k").arg(folder.path());
    Server::start(folder, port, "-INT", command)
}

fn settings(port: u16) -> Vec<String> {
    let port = format!("port={port}");
    [port.as_str(), "listen_addresses=127.0.0.1", "fsync=off"]
        .iter()
        .flat_map(|setting| ["-c".to_owned(), (*setting).to_owned()])
        .collect()
}

fn options(port: u16) -> PgConnectOptions {
    let options = PgConnectOptions::new_without_pgpass().host("127.0.0.1").port(port).ssl_mode(PgSslMode::Disable);
    options.username("ada").password("right").database("postgres").statement_cache_capacity(0)
}

/// Connects, once the server is ready. It listens before that, and refuses all that come with 57P03.
async fn connect(port: u16) -> PgConnection {
    loop {
        match options(port).connect().await {
            Ok(connection) => return connection,
            Err(error) if error.to_string().contains("starting up") => {
                assert_eq!(error.class(), Transient, "{error:?}");
            }
            Err(error) => panic!("{error:?}"),
        }
        sleep(Duration::from_millis(20)).await;
    }
}

async fn run_sql(connection: &mut PgConnection, sql: &'static str) -> Result<(), sqlx::Error> {
    connection.execute(sql).await.map(drop)
}

async fn refused(connection: &mut PgConnection, sql: &'static str) -> sqlx::Error {
    run_sql(connection, sql).await.expect_err(sql)
}

/// The error of the last of these statements, in a session of its own; both clients must find that class.
async fn by_both(port: u16, statements: &'static [&'static str], class: Class) -> sqlx::Error {
    let (last, first) = statements.split_last().unwrap();
    let (client, driver) = tokio_postgres::connect(&config(port, "right"), NoTls).await.unwrap();
    let driver = tokio::spawn(driver);
    for sql in first {
        client.batch_execute(sql).await.unwrap();
    }
    let error = client.batch_execute(last).await.expect_err(last);
    assert_eq!(error.class(), class, "tokio-postgres: {error:?}");
    drop(client);
    let _ = driver.await;
    let mut connection = connect(port).await;
    for sql in first {
        run_sql(&mut connection, sql).await.unwrap();
    }
    refused(&mut connection, last).await
}

fn config(port: u16, password: &str) -> String {
    format!("host=127.0.0.1 port={port} user=ada password={password} dbname=postgres")
}

/// A fault, the statements of which the last fails, a part of the message, the class, the reason.
type Fault = (&'static str, &'static [&'static str], &'static str, Class, &'static str);

async fn statements(table: &mut Table, server: &Server) {
    run_sql(
        &mut connect(server.port).await,
        "CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t VALUES (1, 1), (2, 2)",
    )
    .await
    .unwrap();
    let faults: &[Fault] = &[
        ("a mistake in the statement (42601)", &["SELEKT 1"], "syntax error", Permanent, "the caller's mistake"),
        ("a key that is there (23505)", &["INSERT INTO t VALUES (1, 1)"], "duplicate key", Permanent, "it stays there"),
        (
            "a slow query (57014)",
            &["SET statement_timeout = '30ms'", "SELECT pg_sleep(9)"],
            "canceling statement due to statement timeout",
            Permanent,
            "it will be slow again",
        ),
        (
            "read-only (25006)",
            &["SET default_transaction_read_only = on", "INSERT INTO t VALUES (9, 9)"],
            "cannot execute INSERT in a read-only transaction",
            Transient,
            "as after a fail-over",
        ),
        (
            "a limit of temporary files (53400)",
            &[
                "SET temp_file_limit = '1MB'",
                "SET work_mem = '64kB'",
                "SELECT count(*) FROM (SELECT generate_series(1, 1000000) AS n ORDER BY n DESC) AS numbers",
            ],
            "temporary file size exceeds temp_file_limit",
            Permanent,
            "the query needs more than it may have",
        ),
        ("a division by zero (22012)", &["SELECT 1/0"], "division by zero", Permanent, "the caller's mistake"),
    ];
    for (fault, statements, comes, class, why) in faults {
        let error = by_both(server.port, statements, *class).await;
        table.add(fault, &error, comes, *class, why);
    }
}

async fn sessions(table: &mut Table, server: &Server) {
    let (mut one, mut other) = (connect(server.port).await, connect(server.port).await);
    run_sql(&mut one, "BEGIN; UPDATE t SET n = 3 WHERE id = 1").await.unwrap();
    run_sql(&mut other, "SET lock_timeout = '30ms'").await.unwrap();
    let error = refused(&mut other, "UPDATE t SET n = 4 WHERE id = 1").await;
    table.add("a lock that was not free in time (55P03)", &error, "lock timeout", Transient, "whoever has it lets go");
    let error = refused(&mut other, "SELECT * FROM t WHERE id = 1 FOR UPDATE NOWAIT").await;
    table.add("no wait for a lock (55P03)", &error, "could not obtain lock", Transient, "whoever has it lets go");

    run_sql(&mut other, "SET lock_timeout = 0; BEGIN; UPDATE t SET n = 5 WHERE id = 2").await.unwrap();
    let waiting = tokio::spawn(async move {
        let outcome = run_sql(&mut one, "UPDATE t SET n = 6 WHERE id = 2").await;
        (outcome, one)
    });
    let outcome = run_sql(&mut other, "UPDATE t SET n = 7 WHERE id = 1").await;
    // PostgreSQL ends one of the two; dropping it would leave the other waiting
    let _ = run_sql(&mut other, "ROLLBACK").await;
    let (waited, mut one) = waiting.await.unwrap();
    let error = outcome.and(waited).unwrap_err();
    table.add("a deadlock (40P01)", &error, "deadlock detected", Transient, "with the whole transaction");
    run_sql(&mut one, "ROLLBACK").await.unwrap();

    for session in [&mut one, &mut other] {
        run_sql(session, "BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT sum(n) FROM t").await.unwrap();
    }
    run_sql(&mut one, "UPDATE t SET n = 8 WHERE id = 1; COMMIT").await.unwrap();
    let error = refused(&mut other, "UPDATE t SET n = 9 WHERE id = 1").await;
    table.add(
        "two that cannot be put in a row (40001)",
        &error,
        "could not serialize access",
        Transient,
        "with the whole transaction",
    );

    let mut idle = connect(server.port).await;
    run_sql(&mut idle, "SET idle_in_transaction_session_timeout = '30ms'; BEGIN").await.unwrap();
    sleep(Duration::from_millis(300)).await;
    let error = refused(&mut idle, "SELECT 1").await;
    table.add(
        "idle in a transaction (25P03)",
        &error,
        "idle-in-transaction timeout",
        Transient,
        "a new transaction works",
    );

    let mut ended = connect(server.port).await;
    let asking = tokio::spawn(async move { refused(&mut ended, "SELECT pg_sleep(60)").await });
    sleep(Duration::from_millis(300)).await;
    run_sql(
        &mut one,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(60)%' AND pid <> pg_backend_pid()",
    )
    .await
    .unwrap();
    let error = asking.await.unwrap();
    table.add(
        "somebody ended the session (57P01)",
        &error,
        "terminating connection due to administrator",
        Transient,
        "the next one is well",
    );
}

async fn connections(table: &mut Table, server: &Server) {
    let port = server.port;
    let faults = [
        (
            "a wrong password (28P01)",
            options(port).password("wrong"),
            "password authentication failed",
            "may lock an account",
        ),
        ("an unknown database (3D000)", options(port).database("zzz"), "does not exist", "a configuration"),
        (
            "an unknown parameter (42704)",
            options(port).options([("no_such", "1")]),
            "unrecognized configuration parameter",
            "a configuration",
        ),
    ];
    for (fault, options, comes, why) in faults {
        let error = options.connect().await.unwrap_err();
        table.add(fault, &error, comes, Permanent, why);
    }
    let error = tokio_postgres::connect(&config(port, "wrong"), NoTls).await.err().unwrap();
    assert_eq!(error.class(), Permanent, "{error:?}");

    let mut open = Vec::new();
    let error = loop {
        match options(port).connect().await {
            Ok(connection) => open.push(connection),
            Err(error) => break error,
        }
    };
    table.add("too many connections (53300)", &error, "too many clients", Transient, "some of them leave");
    let error = tokio_postgres::connect(&config(port, "right"), NoTls).await.err().unwrap();
    assert_eq!(error.class(), Transient, "{error:?}");
}

async fn standby(table: &mut Table, primary: &Server) {
    let (folder, port) = (folder(), free_port());
    let data = folder.path().join("data");
    let mut backup = as_user(USER, "pg_basebackup");
    backup
        .args(["-h", "127.0.0.1", "-p", &primary.port.to_string(), "-U", "ada", "-R", "--checkpoint=fast", "-D"])
        .arg(&data);
    run(backup.env("PGPASSWORD", "right"));
    let mut command = as_user(USER, "postgres");
    command.arg("-D").arg(&data).args(settings(port)).arg("-k").arg(folder.path());
    command.args(["-c", "max_standby_streaming_delay=0", "-c", "max_connections=12"]).env("PGPASSWORD", "right");
    let standby = Server::start(folder, port, "-INT", command);
    let mut reader = connect(port).await;
    let error = refused(&mut reader, "INSERT INTO t VALUES (10, 10)").await;
    table.add(
        "a standby (25006)",
        &error,
        "cannot execute INSERT in a read-only transaction",
        Transient,
        "another connection leads to the primary",
    );

    run_sql(&mut reader, "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT * FROM t").await.unwrap();
    let mut writer = connect(primary.port).await;
    run_sql(&mut writer, "DELETE FROM t WHERE id = 2").await.unwrap();
    run_sql(&mut writer, "VACUUM t").await.unwrap();
    let error = refused(&mut reader, "SELECT pg_sleep(60)").await;
    table.add(
        "a standby's query in the way of the primary (40001)",
        &error,
        "conflict with recovery",
        Transient,
        "with the whole transaction",
    );
    drop(standby);
}

/// Starts a pooler in front of the server, with these settings besides.
fn start_pooler(primary: &Server, settings: &str) -> Server {
    let (folder, port) = (folder(), free_port());
    write(&folder, "users", "\"ada\" \"right\"\n");
    let home = folder.path().display().to_string();
    let text = format!(
        "[databases]\npostgres = host=127.0.0.1 port={}\n\
         [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = scram-sha-256\n\
         auth_file = {home}/users\nignore_startup_parameters = extra_float_digits\n{settings}\n",
        primary.port
    );
    let configuration = write(&folder, "pgbouncer.ini", &text);
    let mut command = as_user(USER, "pgbouncer");
    command.arg(configuration);
    Server::start(folder, port, "-INT", command)
}

async fn pooler(table: &mut Table, primary: &mut Server) {
    let impatient = start_pooler(primary, "query_timeout = 1");
    let error = refused(&mut connect(impatient.port).await, "SELECT pg_sleep(60)").await;
    table.add("PgBouncer: a slow query (08P01)", &error, "query timeout", Permanent, "as 57014: it will be slow again");
    drop(impatient);

    let bouncer = start_pooler(
        primary,
        "pool_mode = transaction\ndefault_pool_size = 1\nmax_client_conn = 3\nquery_wait_timeout = 1\n\
         idle_transaction_timeout = 2\nserver_login_retry = 1",
    );
    let port = bouncer.port;
    let error = options(port).database("zzz").connect().await.unwrap_err();
    table.add("PgBouncer: an unknown database (08P01)", &error, "no such database", Permanent, "a configuration");
    let error = options(port).password("wrong").connect().await.unwrap_err();
    table.add(
        "PgBouncer: a wrong password (08P01)",
        &error,
        "SASL authentication failed",
        Permanent,
        "may lock an account",
    );
    let error = tokio_postgres::connect(&config(port, "wrong"), NoTls).await.err().unwrap();
    assert_eq!(error.class(), Permanent, "{error:?}");

    let mut idle = connect(port).await;
    run_sql(&mut idle, "BEGIN").await.unwrap();
    sleep(Duration::from_millis(3_500)).await;
    let error = refused(&mut idle, "SELECT 1").await;
    table.add(
        "PgBouncer: idle in a transaction (08P01)",
        &error,
        "idle transaction timeout",
        Transient,
        "a new transaction works",
    );
    drop(idle);

    let (mut holder, mut waiter) = (connect(port).await, connect(port).await);
    let held = tokio::spawn(async move {
        run_sql(&mut holder, "SELECT pg_sleep(3)").await.unwrap();
        holder
    });
    sleep(Duration::from_millis(100)).await;
    let error = refused(&mut waiter, "SELECT 1").await;
    table.add("PgBouncer: no free connection (08P01)", &error, "query_wait_timeout", BUSY, "the pooler wants less");
    drop((held.await.unwrap(), waiter));
    sleep(Duration::from_millis(300)).await;

    let mut open = Vec::new();
    let error = loop {
        match options(port).connect().await {
            Ok(connection) => open.push(connection),
            Err(error) => break error,
        }
    };
    table.add(
        "PgBouncer: too many clients (08P01)",
        &error,
        "no more connections allowed",
        BUSY,
        "the pooler wants less",
    );
    drop(open);

    let mut cut = connect(primary.port).await;
    let asking = tokio::spawn(async move { refused(&mut cut, "SELECT pg_sleep(60)").await });
    let mut quiet = connect(primary.port).await;
    // a shutdown that waits for those who are there, and refuses others
    primary.signal("-TERM");
    sleep(Duration::from_millis(300)).await;
    let error = options(primary.port).connect().await.unwrap_err();
    table.add("shutting down (57P03)", &error, "shutting down", Transient, "it comes back");
    primary.signal("-QUIT");
    let error = asking.await.unwrap();
    table.add("the server stops at once", &error, "got 0 bytes at EOF", Transient, "it comes back");
    primary.stop();
    let error = refused(&mut quiet, "SELECT 1").await;
    table.add("the same, between two statements", &error, "got 0 bytes at EOF", Transient, "it comes back");
    let error = options(primary.port).connect().await.unwrap_err();
    table.add("nobody listens", &error, "refused", Transient, "it comes back");
    let error = tokio_postgres::connect(&config(primary.port, "right"), NoTls).await.err().unwrap();
    assert_eq!(error.class(), Transient, "{error:?}");
    let mut through = connect(port).await;
    let error = refused(&mut through, "SELECT 1").await;
    table.add(
        "PgBouncer: its server is away, as the first caller learns (08P01)",
        &error,
        "query_wait_timeout",
        BUSY,
        "cannot be told from a queue",
    );
    let mut through = connect(port).await;
    let error = refused(&mut through, "SELECT 1").await;
    table.add(
        "PgBouncer: its server is away (08P01)",
        &error,
        "server login has been failing",
        Transient,
        "it comes back",
    );
    drop(bouncer);
}
