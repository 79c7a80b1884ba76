//! sqlx and tokio-postgres, with servers that refuse at log-in. That is where poolers and quotas speak, and the clients read all errors alike.

use std::error::Error;

use resilient::{Class, Classify};
use sqlx::mysql::MySqlConnectOptions;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::{ConnectOptions, Connection};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_postgres::NoTls;
use tokio_postgres::config::TargetSessionAttrs;

use crate::{Table, answering};

const BUSY: Class = Class::Throttled { after: None };

#[tokio::test]
async fn postgres() {
    let mut table = Table::of("postgres");
    for &(fault, state, message, class, why) in POSTGRES {
        let refusal = refusal(state, message);
        let error = by_sqlx(&refusal).await;
        table.add(&format!("{fault} ({state})"), &error, message, class, why);
        let other = by_tokio_postgres(&[&refusal], TargetSessionAttrs::Any).await;
        assert_eq!(other.class(), class, "{message}");
    }

    // ready, and what the server says to `SHOW transaction_read_only`
    let standby = [READY, &b"T\0\0\0\x2e\0\x01transaction_read_only\0\0\0\0\0\0\0\0\0\0\x19\xff\xff\xff\xff\xff\xff\0\0D\0\0\0\x0c\0\x01\0\0\0\x02onC\0\0\0\x09SHOW\0Z\0\0\0\x05I"[..]];
    let error = by_tokio_postgres(&[standby[0], standby[1], b""], TargetSessionAttrs::ReadWrite).await;
    table.add(
        "`target_session_attrs` in a fail-over",
        &error,
        "does not allow writes",
        Class::Transient,
        "the other host is about to",
    );
    let error = by_sqlx(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    assert_ne!(error.to_string(), "");
    let port = answering(&[b""]).await;
    let options = PgConnectOptions::new_without_pgpass().host("127.0.0.1").port(port).ssl_mode(PgSslMode::Disable);
    let error = options.connect().await.unwrap_err();
    table.add("the server hangs up", &error, "got 0 bytes at EOF", Class::Transient, "it comes back");
    let options = PgConnectOptions::new_without_pgpass().host("name.invalid").ssl_mode(PgSslMode::Disable);
    let error = options.connect().await.unwrap_err();
    table.add("the name is not found", &error, "failed to lookup", Class::Transient, "as with every client");

    let mut config = tokio_postgres::Config::new();
    let Err(error) = config.host_path("/nowhere").user("ada").connect(NoTls).await else { panic!("no error") };
    table.add(
        "tokio-postgres: no Unix socket",
        &error,
        "No such file",
        Class::Transient,
        "the server makes it when it comes up",
    );

    let port = answering(&[READY]).await;
    let options = PgConnectOptions::new_without_pgpass().host("127.0.0.1").port(port).ssl_mode(PgSslMode::Disable);
    let mut connection = options.connect().await.unwrap();
    let mut query = sqlx::query("SELECT 1");
    for argument in 0..70_000 {
        query = query.bind(argument);
    }
    let error = query.execute(&mut connection).await.unwrap_err();
    table.add("70,000 arguments", &error, "too many arguments", Class::Permanent, "the caller's mistake");
    drop(connection.close());
    table.check();
}

#[tokio::test]
async fn mysql() {
    let mut table = Table::of("mysql");
    for &(fault, number, state, message, class, why) in MYSQL {
        let error = by_mysql(number, state, message).await;
        table.add(&format!("{fault} ({number}, {state})"), &error, message, class, why);
    }
    table.check();
}

/// The fault, the SQLSTATE and the message, the class, the reason.
const POSTGRES: &[(&str, &str, &str, Class, &str)] = &[
    (
        "a wrong password",
        "28P01",
        "password authentication failed for user \"ada\"",
        Class::Permanent,
        "may lock an account",
    ),
    ("PgBouncer: a wrong password", "08P01", "password authentication failed", Class::Permanent, "may lock an account"),
    ("PgBouncer: an unknown database", "08P01", "no such database: zzz", Class::Permanent, "a configuration"),
    ("PgBouncer: a parameter", "08P01", "unsupported startup parameter: options", Class::Permanent, "a configuration"),
    ("PgBouncer: no free connection", "08P01", "query_wait_timeout", BUSY, "the pooler wants less"),
    (
        "PgBouncer: too many clients",
        "08P01",
        "no more connections allowed (max_client_conn)",
        BUSY,
        "the pooler wants less",
    ),
    ("PgBouncer: a slow query", "08P01", "query timeout", Class::Permanent, "as 57014: it will be slow again"),
    (
        "PgBouncer: its server is away",
        "08P01",
        "server login has been failing, try again later (server_login_retry)",
        Class::Transient,
        "it comes back",
    ),
    (
        "PgBouncer: idle in a transaction",
        "08P01",
        "idle transaction timeout",
        Class::Transient,
        "a new transaction works",
    ),
    (
        "too few arguments",
        "08P01",
        "bind message supplies 1 parameters, but prepared statement \"s\" requires 2",
        Class::Permanent,
        "the caller's mistake",
    ),
    (
        "idle in a transaction",
        "25P03",
        "terminating connection due to idle-in-transaction timeout",
        Class::Transient,
        "a new transaction works",
    ),
    (
        "read-only",
        "25006",
        "cannot execute INSERT in a read-only transaction",
        Class::Transient,
        "as after a fail-over; another connection leads to the new primary",
    ),
    ("too many connections", "53300", "sorry, too many clients already", Class::Transient, "some of them leave"),
    ("the disk is full", "53100", "could not extend file", Class::Transient, "the server's trouble"),
    (
        "a limit of temporary files",
        "53400",
        "temporary file size exceeds temp_file_limit (1000kB)",
        Class::Permanent,
        "the query needs more than it may have",
    ),
    (
        "a slow query",
        "57014",
        "canceling statement due to statement timeout",
        Class::Permanent,
        "it will be slow again",
    ),
    (
        "shutting down",
        "57P01",
        "terminating connection due to administrator command",
        Class::Transient,
        "it comes back",
    ),
];

/// The fault, the number, the SQLSTATE and the message, the class, the reason.
const MYSQL: &[(&str, u16, &str, &str, Class, &str)] = &[
    (
        "a lock that was not free in time",
        1205,
        "HY000",
        "Lock wait timeout exceeded; try restarting transaction",
        Class::Transient,
        "as 55P03 of PostgreSQL",
    ),
    (
        "a deadlock",
        1213,
        "40001",
        "Deadlock found when trying to get lock",
        Class::Transient,
        "with the whole transaction",
    ),
    (
        "a record that changed",
        1020,
        "HY000",
        "Record has changed since last read in table 't'",
        Class::Transient,
        "with the whole transaction",
    ),
    (
        "a table that changed",
        1412,
        "HY000",
        "Table definition has changed, please retry transaction",
        Class::Transient,
        "with the whole transaction",
    ),
    (
        "no wait for a lock",
        3572,
        "HY000",
        "Statement aborted because lock(s) could not be acquired immediately and NOWAIT is set.",
        Class::Transient,
        "as 55P03 of PostgreSQL",
    ),
    (
        "an account's connections",
        1226,
        "42000",
        "User 'ada' has exceeded the 'max_user_connections' resource",
        BUSY,
        "a quota",
    ),
    (
        "the server's connections of one account",
        1203,
        "42000",
        "User ada already has more than 'max_user_connections' active connections",
        BUSY,
        "a quota",
    ),
    (
        "prepared statements",
        1461,
        "42000",
        "Can't create more than max_prepared_stmt_count statements",
        BUSY,
        "a quota",
    ),
    ("too many connections", 1040, "08004", "Too many connections", Class::Transient, "some of them leave"),
    (
        "a read-only server",
        1290,
        "HY000",
        "The MariaDB server is running with the --read-only option so it cannot execute this statement",
        Class::Transient,
        "as after a fail-over",
    ),
    (
        "another option",
        1290,
        "HY000",
        "The MariaDB server is running with the --secure-file-priv option so it cannot execute this statement",
        Class::Permanent,
        "a configuration",
    ),
    (
        "a read-only transaction",
        1792,
        "25006",
        "Cannot execute statement in a READ ONLY transaction",
        Class::Permanent,
        "the caller began it so",
    ),
    (
        "a packet that is too large",
        1153,
        "08S01",
        "Got a packet bigger than 'max_allowed_packet' bytes",
        Class::Permanent,
        "it stays too large",
    ),
    (
        "the disk is full",
        1021,
        "HY000",
        "Disk full (/tmp); waiting for someone to free some space...",
        Class::Transient,
        "as 53100 of PostgreSQL",
    ),
    (
        "a slow query",
        1969,
        "70100",
        "Query execution was interrupted (max_statement_time exceeded)",
        Class::Permanent,
        "it will be slow again",
    ),
    ("a wrong password", 1045, "28000", "Access denied for user 'ada'", Class::Permanent, "may lock an account"),
    ("too few arguments", 1210, "HY000", "Incorrect arguments to EXECUTE", Class::Permanent, "the caller's mistake"),
];

/// Authenticated, and ready for a query.
pub(crate) const READY: &[u8] = b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I";

/// An `ErrorResponse` of `PostgreSQL`'s protocol.
pub(crate) fn refusal(state: &str, message: &str) -> Vec<u8> {
    let fields = format!("SFATAL\0VFATAL\0C{state}\0M{message}\0\0");
    let length = u32::try_from(fields.len() + 4).unwrap();
    [b"E".as_slice(), &length.to_be_bytes(), fields.as_bytes()].concat()
}

async fn by_sqlx(answer: &[u8]) -> sqlx::Error {
    let port = answering(&[answer]).await;
    let options = PgConnectOptions::new_without_pgpass().host("127.0.0.1").port(port).username("ada");
    options.ssl_mode(PgSslMode::Disable).connect().await.unwrap_err()
}

async fn by_tokio_postgres(answers: &[&[u8]], role: TargetSessionAttrs) -> tokio_postgres::Error {
    let mut config = tokio_postgres::Config::new();
    config.host("127.0.0.1").port(answering(answers).await).user("ada").target_session_attrs(role);
    config.ssl_mode(tokio_postgres::config::SslMode::Disable);
    let Err(error) = config.connect(NoTls).await else { panic!("no error") };
    error
}

/// The error of a log-in that a server of `MySQL` refuses.
async fn by_mysql(number: u16, state: &str, message: &str) -> sqlx::Error {
    let packet = |sequence: u8, payload: &[u8]| {
        let length = u32::try_from(payload.len()).unwrap().to_le_bytes();
        [&length[..3], &[sequence], payload].concat()
    };
    let greeting = packet(0, b"\x0a8.0.0\0\x01\0\0\0abcdefgh\0\xff\xf7\x21\x02\0\xff\x01\x15\0\0\0\0\0\0\0\0\0\0abcdefghijkl\0mysql_native_password\0");
    let error = [b"\xff", &number.to_le_bytes()[..], b"#", state.as_bytes(), message.as_bytes()].concat();
    let error = packet(2, &error);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let serving = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(&greeting).await.unwrap();
        assert_ne!(stream.read(&mut [0; 4096]).await.unwrap(), 0);
        stream.write_all(&error).await.unwrap();
        stream
    };
    let options = MySqlConnectOptions::new().host("127.0.0.1").port(port).username("ada").password("secret");
    let options = options.ssl_mode(sqlx::mysql::MySqlSslMode::Disabled);
    let (_stream, connected) = tokio::join!(serving, options.connect());
    let error = connected.unwrap_err();
    assert!(error.source().is_some(), "{error:?}");
    error
}
