//! `sea_orm` with a server that gives the answers of `PostgreSQL`; the classes of these are those of sqlx, which the real server gives too.

use std::time::Duration;

use resilient::Class::{self, Permanent, Transient};
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbErr, Statement, TransactionTrait};
use tokio::net::TcpListener;

use crate::sql::{READY, refusal};
use crate::{BUSY, Table, answering};

/// The SQLSTATE, the message, and what they mean to a caller.
const ANSWERS: &[(&str, &str, Class, &str)] = &[
    ("40001", "could not serialize access", Transient, "with the whole transaction"),
    ("55P03", "could not obtain lock", Transient, "whoever has it lets go"),
    ("25006", "cannot execute INSERT in a read-only transaction", Transient, "as after a fail-over"),
    ("08P01", "query_wait_timeout", BUSY, "the pooler wants less"),
    ("23505", "duplicate key value", Permanent, "it stays there"),
    ("42601", "syntax error", Permanent, "the caller's mistake"),
    ("57014", "canceling statement due to statement timeout", Permanent, "it will be slow again"),
];

#[tokio::test]
async fn sea_orm() {
    let mut table = Table::of("sea-orm");
    for &(state, message, class, why) in ANSWERS {
        let error = orders(&failing(state, message)).await.execute_unprepared("SELECT 1").await.unwrap_err();
        table.add(&format!("a statement: {state}"), &error, message, class, why);
    }
    let query = Statement::from_string(sea_orm::DbBackend::Postgres, "SELECT 1");
    let error = orders(&failing("40001", "could not serialize")).await.query_one_raw(query).await.unwrap_err();
    table.add("a query: 40001", &error, "Query Error", Transient, "with the whole transaction");

    transactions(&mut table).await;
    connections(&mut table).await;
    table.check();
}

async fn transactions(table: &mut Table) {
    for (state, message, class, why) in [
        ("40P01", "deadlock detected", Transient, "with the whole transaction"),
        ("23503", "violates foreign key constraint", Permanent, "the caller's mistake"),
    ] {
        let orders = orders(&[begun(), failing(state, message).concat()]).await;
        let error = orders
            .transaction::<_, (), DbErr>(|transaction| {
                Box::pin(async move { transaction.execute_unprepared("SELECT 1").await.map(drop) })
            })
            .await
            .unwrap_err();
        table.add(&format!("in a transaction: {state}"), &error, message, class, why);
    }
    let orders = orders(&failing("57P01", "terminating connection")).await;
    let error = orders.transaction::<_, (), DbErr>(|_| Box::pin(async { Ok(()) })).await.unwrap_err();
    table.add("a transaction that does not begin: 57P01", &error, "terminating connection", Transient, "it comes back");
}

async fn connections(table: &mut Table) {
    let error = orders(&[Vec::new()]).await.execute_unprepared("SELECT 1").await.unwrap_err();
    table.add("the server hangs up", &error, "", Transient, "it comes back");
    let port = answering(&[&refusal("28P01", "password authentication failed")]).await;
    let error = connect(port).await.unwrap_err();
    table.add("a wrong password (28P01)", &error, "password authentication failed", Permanent, "may lock an account");
    let refused = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let error = connect(refused).await.unwrap_err();
    table.add("nobody listens", &error, "pool timed out", Transient, "the pool tries until its time-out");

    let orders = orders(&[]).await;
    let _taken = orders.begin().await;
    orders.clone().close().await.unwrap();
    let error = orders.execute_unprepared("SELECT 1").await.unwrap_err();
    table.add("a pool that is closed", &error, "", Permanent, "somebody closed it");
    let error = Database::connect("nowhere://").await.unwrap_err();
    table.add("a database of no known kind", &error, "", Permanent, "a configuration");
}

/// A statement that fails, and readiness for the next.
fn failing(state: &str, message: &str) -> [Vec<u8>; 1] {
    [[&refusal(state, message)[..], b"Z\0\0\0\x05I"].concat()]
}

/// The answer to `BEGIN`.
fn begun() -> Vec<u8> {
    b"C\0\0\0\x0aBEGIN\0Z\0\0\0\x05T".to_vec()
}

/// Connects to a server that lets the caller in and then gives these answers.
async fn orders(answers: &[Vec<u8>]) -> DatabaseConnection {
    let answers: Vec<&[u8]> = [READY].into_iter().chain(answers.iter().map(Vec::as_slice)).collect();
    connect(answering(&answers).await).await.unwrap()
}

async fn connect(port: u16) -> Result<DatabaseConnection, DbErr> {
    let mut options = ConnectOptions::new(format!("postgres://ada@127.0.0.1:{port}/shop?sslmode=disable"));
    options.max_connections(1).acquire_timeout(Duration::from_millis(500)).sqlx_logging(false);
    Database::connect(options).await
}
