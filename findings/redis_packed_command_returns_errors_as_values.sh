#!/usr/bin/env bash
# `ConnectionLike::req_packed_command(&cmd)` of the crate `redis` returns an error of the server (WRONGTYPE here) as `Ok(Value::ServerError(…))`, and `cmd.query_async` returns the same
# reply as `Err`. So `?` on the first, by which scripts and wrappers send what they have packed, passes over every refusal of the server: READONLY, OOM, NOAUTH. Both are async
# methods of one connection that return `RedisResult`; `Value::extract_error` between them makes an `Err` of it.
#
# Seen with redis 1.8.1 (the crate), tokio 1.54.1, and any server; redis-server must be on the path.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

command -v redis-server > /dev/null || { echo 'SKIPPED: no redis-server' >&2; exit 0; }
folder=$(mktemp -d)
redis-server --port 0 --unixsocket "$folder/redis.sock" --save '' --dir "$folder" > "$folder/redis.log" &
trap 'kill %1; rm -rf "$folder"' EXIT
cd "$folder"
mkdir src
cat > Cargo.toml <<'TOML'
[package]
name = "finding"
version = "0.1.0"
edition = "2021"

[dependencies]
redis = { version = "=1.8.1", default-features = false, features = ["tokio-comp"] }
tokio = { version = "=1.54.1", features = ["macros", "rt"] }

[workspace]
TOML
cat > src/main.rs <<'RUST'
use redis::aio::ConnectionLike;
use redis::{Cmd, RedisResult, Value};

#[tokio::main(flavor = "current_thread")]
async fn main() -> RedisResult<()> {
    let address = format!("redis+unix://{}", std::env::args().nth(1).expect("a socket"));
    let mut connection = redis::Client::open(address)?.get_multiplexed_async_connection().await?;
    let _: () = redis::cmd("SET").arg("word").arg("boots").query_async(&mut connection).await?;

    let mut push = Cmd::new();
    push.arg("LPUSH").arg("word").arg("shoes");
    let packed = connection.req_packed_command(&push).await;
    let queried: RedisResult<Value> = push.query_async(&mut connection).await;

    println!("packed: {}", match &packed { Ok(Value::ServerError(_)) => "Ok(ServerError)", Ok(_) => "Ok", Err(_) => "Err" });
    println!("queried: {}", match &queried { Ok(_) => "Ok", Err(_) => "Err" });
    Ok(())
}
RUST
cargo build --quiet
until [[ -S redis.sock ]]; do sleep 0.1; done
output=$(./target/debug/finding "$folder/redis.sock")
echo "$output"
if [[ $output == $'packed: Ok(ServerError)\nqueried: Err' ]]; then
    echo 'as found'
else
    echo 'it has changed' >&2
    exit 1
fi
