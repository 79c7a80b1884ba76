#!/usr/bin/env bash
# An async function that calls `sqlx::raw_sql(…).execute(connection)` with a `&mut PgConnection` compiles, and its future cannot be spawned:
# "implementation of `Executor` is not general enough", at the `tokio::spawn` of a caller that may be far away and names no lifetime. The same
# with `sqlx::query(…)` can be spawned, and so can the two turned round, `connection.execute(sqlx::raw_sql(…))`, which sends the same bytes.
#
# Seen with sqlx 0.8.6, tokio 1.54.1.
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
edition = "2021"

[dependencies]
sqlx = { version = "=0.8.6", default-features = false, features = ["postgres", "runtime-tokio"] }
tokio = { version = "=1.54.1", features = ["rt"] }

[features]
spawned = []

[workspace]
TOML

# the function with that body; a caller of it is only compiled with the feature
write() {
    cat > src/lib.rs <<RUST
use sqlx::PgConnection;
#[allow(unused_imports)]
use sqlx::Executor;

pub async fn run(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    $1.await.map(drop)
}

#[cfg(feature = "spawned")]
pub fn caller(mut connection: PgConnection) {
    tokio::spawn(async move { run(&mut connection).await });
}
RUST
}

says() {
    if output=$(cargo check --quiet "$@" 2>&1); then
        echo 'compiles'
    else
        grep -m 1 '^error' <<< "$output"
    fi
}

for form in 'sqlx::raw_sql("SELECT 1").execute(connection)' 'sqlx::query("SELECT 1").execute(connection)' \
    'connection.execute(sqlx::raw_sql("SELECT 1"))'; do
    write "$form"
    echo "$form: alone: $(says); spawned: $(says --features spawned)"
done | tee output

grep -qF 'sqlx::raw_sql("SELECT 1").execute(connection): alone: compiles; spawned: error: implementation of `Executor` is not general enough' output
grep -qF 'sqlx::query("SELECT 1").execute(connection): alone: compiles; spawned: compiles' output
grep -qF 'connection.execute(sqlx::raw_sql("SELECT 1")): alone: compiles; spawned: compiles' output
echo 'as found'
