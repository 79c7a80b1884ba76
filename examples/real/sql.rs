//! Transfers between accounts of `PostgreSQL`, by sqlx, in serialisable transactions: the transaction is the unit of a retry.
//!
//! Transactions that get in each other's way fail with 40001, and every further statement in them is refused. So the retry stands above the function that
//! begins the transaction. `DATABASE_URL` says the server; `examples/real/run.sh` starts one.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Instant;

use futures_util::future::join_all;
use resilient::{Class, Classify, bulkhead, circuit_breaker, retry, timeout};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;

const CALLERS: i32 = 8;
const TRANSFERS: i32 = 40;

#[derive(Debug, thiserror::Error, Classify)]
enum TransferError {
    #[error("the database: {0}")]
    #[transparent]
    Database(#[from] sqlx::Error),
    #[error(transparent)]
    #[transparent]
    Refused(#[from] resilient::Error),
    #[error("not enough money")]
    #[permanent]
    TooPoor,
}

/// Moves money, and does the whole transaction again if another one was in its way.
#[timeout(total = "5s")]
#[retry(max = 20, backoff = "exp_jitter", base = "1ms", cap = "20ms", budget = none)]
#[circuit_breaker(when = |error: &TransferError| if is_conflict(error) { Class::Success } else { error.class() })]
#[bulkhead(limit = 8)] // the connections of the pool
async fn transfer(pool: &PgPool, from: i32, to: i32) -> Result<(), TransferError> {
    transaction(pool, from, to).await
}

/// Makes one attempt: a transaction from its beginning to its commit.
async fn transaction(pool: &PgPool, from: i32, to: i32) -> Result<(), TransferError> {
    ATTEMPTS.fetch_add(1, Relaxed);
    let mut transaction = pool.begin().await?;
    sqlx::query("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE").execute(&mut *transaction).await?;
    let balance: i32 = sqlx::query_scalar("SELECT balance FROM accounts WHERE id = $1")
        .bind(from)
        .fetch_one(&mut *transaction)
        .await?;
    if balance < 1 {
        return Err(TransferError::TooPoor);
    }
    let mut changes = [(from, -1), (to, 1)];
    // in one order everywhere: the other way round, two transactions wait for each other until the server notices, which takes a second
    changes.sort_unstable();
    for (account, change) in changes {
        sqlx::query("UPDATE accounts SET balance = balance + $1 WHERE id = $2")
            .bind(change)
            .bind(account)
            .execute(&mut *transaction)
            .await?;
    }
    Ok(transaction.commit().await?)
}

/// Two transactions in each other's way are no sign of a database that is unwell.
fn is_conflict(error: &TransferError) -> bool {
    let TransferError::Database(sqlx::Error::Database(error)) = error else { return false };
    error.code().is_some_and(|code| code == "40001" || code == "40P01")
}

static ATTEMPTS: AtomicU32 = AtomicU32::new(0);

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let Ok(url) = std::env::var("DATABASE_URL") else {
        if std::env::var("REQUIRE_SERVERS").is_ok_and(|required| required == "1") {
            return Err("DATABASE_URL is not set, and REQUIRE_SERVERS=1 lets no example be skipped".into());
        }
        println!("sql: SKIPPED, for DATABASE_URL names no PostgreSQL; examples/real/run.sh starts one");
        return Ok(());
    };
    let pool = PgPoolOptions::new().max_connections(8).connect(&url).await?;
    println!("sql: {CALLERS} callers make {TRANSFERS} transfers each between the same three accounts");
    println!("{:10} {:>5} {:>7} {:>9} {:>8} {:>10}", "", "done", "failed", "attempts", "took", "sum intact");
    for (name, with_policies) in [("before", false), ("after", true)] {
        let failed = run(&pool, name, with_policies).await?;
        if with_policies && failed > 0 {
            return Err(format!("{failed} transfers failed in spite of the policies").into());
        }
    }
    Ok(())
}

/// Makes all transfers, prints a line, and returns how many failed.
async fn run(pool: &PgPool, name: &str, with_policies: bool) -> Result<i32, sqlx::Error> {
    sqlx::query("DROP TABLE IF EXISTS accounts").execute(pool).await?;
    sqlx::query("CREATE TABLE accounts (id int PRIMARY KEY, balance int)").execute(pool).await?;
    sqlx::query("INSERT INTO accounts VALUES (0, 1000), (1, 1000), (2, 1000)").execute(pool).await?;
    ATTEMPTS.store(0, Relaxed);
    let began = Instant::now();

    let callers = (0..CALLERS).map(|caller| async move {
        let mut failed = 0;
        for number in 0..TRANSFERS {
            let (from, to) = ((caller + number) % 3, (caller + number + 1) % 3);
            let done = if with_policies { transfer(pool, from, to).await } else { transaction(pool, from, to).await };
            failed += i32::from(done.is_err());
        }
        failed
    });
    let failed: i32 = join_all(callers).await.into_iter().sum();

    let took = began.elapsed();
    let sum: i64 = sqlx::query_scalar("SELECT sum(balance) FROM accounts").fetch_one(pool).await?;
    let (done, attempts) = (CALLERS * TRANSFERS - failed, ATTEMPTS.load(Relaxed));
    println!("{name:10} {done:5} {failed:7} {attempts:9} {took:>8.1?} {:>10}", if sum == 3_000 { "yes" } else { "no" });
    Ok(failed)
}
