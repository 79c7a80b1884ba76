#!/usr/bin/env bash
# `TransactionError` of sea-orm, the error of `transaction(…)`, shows the message of the error inside and has no `source()`. A chain of causes ends
# there: the error inside and its own causes are reached by a match on the type with its parameter alone, and not by an `anyhow::Error`, a logger or
# anything else that walks a `dyn Error`. It is so with the error of the caller's own closure, and with that of the database.
#
# Seen with sea-orm 2.0.4, tokio 1.54.1.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir src
cat > Cargo.toml <<'TOML'
[package]
name = "finding"
version = "0.1.0"
edition = "2024"

[dependencies]
sea-orm = { version = "=2.0.4", default-features = false, features = ["mock"] }
tokio = { version = "=1.54.1", features = ["macros", "rt"] }

[workspace]
TOML
cat > src/main.rs <<'RUST'
use std::error::Error;
use std::{fmt, io, iter};

use sea_orm::{DatabaseBackend, DbErr, MockDatabase, TransactionTrait};

#[derive(Debug)]
enum Transfer {
    Ledger(io::Error),
    Database(DbErr),
}

impl fmt::Display for Transfer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the transfer failed")
    }
}

impl Error for Transfer {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Ledger(error) => Some(error),
            Self::Database(error) => Some(error),
        }
    }
}

fn chain(error: &(dyn Error + 'static)) -> String {
    let all = iter::successors(Some(error), |error| (*error).source());
    all.map(ToString::to_string).collect::<Vec<_>>().join(" <- ")
}

fn ledger() -> Transfer {
    Transfer::Ledger(io::Error::new(io::ErrorKind::TimedOut, "the ledger does not answer"))
}

fn database() -> Transfer {
    Transfer::Database(DbErr::RecordNotFound("account 7".to_owned()))
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    for fails in [ledger, database] {
        let connection = MockDatabase::new(DatabaseBackend::Postgres).into_connection();
        let outcome = connection.transaction::<_, (), Transfer>(|_| Box::pin(async move { Err(fails()) })).await;
        println!("alone: {}", chain(&fails()));
        println!("of the transaction: {}", chain(&outcome.unwrap_err()));
    }
}
RUST

output=$(cargo run --quiet 2>/dev/null)
echo "$output"
grep -qx 'alone: the transfer failed <- the ledger does not answer' <<< "$output"
grep -qx 'alone: the transfer failed <- RecordNotFound Error: account 7' <<< "$output"
[[ $(grep -cx 'of the transaction: the transfer failed' <<< "$output") == 2 ]]
echo 'as found'
