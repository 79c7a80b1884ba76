#!/usr/bin/env bash
# `reqwest::retry::for_host("…")` is to retry requests to one host. But reqwest asks for the host before the second retry only, and not before the
# first: a request to any other host is sent twice when the classifier calls its answer retryable, also a POST, and three times to the host that was
# named. So a client that is told to be patient with one server doubles the load of all that it talks to. And `max_extra_load(0.0)`, no extra load at
# all, lets 100 retries through in ten seconds, whatever the load is: that many are free.
#
# Seen with reqwest 0.13.5, tokio 1.54.1.
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
reqwest = { version = "=0.13.5", default-features = false }
tokio = { version = "=1.54.1", features = ["io-util", "macros", "net", "rt"] }

[profile.dev]
debug = false

[workspace]
TOML
cat > src/main.rs <<'RUST'
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::Arc;

use reqwest::retry::{for_host, Builder};
use reqwest::{Client, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

fn client(policy: Builder) -> Client {
    let policy = policy.classify_fn(|answer| match answer.status() {
        Some(StatusCode::SERVICE_UNAVAILABLE) => answer.retryable(),
        _ => answer.success(),
    });
    Client::builder().no_proxy().retry(policy).build().unwrap()
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let seen = Arc::new(AtomicU32::new(0));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn({
        let seen = seen.clone();
        async move {
            loop {
                let (mut socket, _) = listener.accept().await.unwrap();
                seen.fetch_add(1, Ordering::SeqCst);
                let _ = socket.read(&mut [0; 4096]).await;
                let _ = socket.write_all(b"HTTP/1.1 503 Down\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await;
            }
        }
    });

    for host in ["127.0.0.1", "shop.test"] {
        let client = client(for_host(host));
        for request in [client.get(&url), client.post(&url)] {
            seen.store(0, Ordering::SeqCst);
            let status = request.send().await.unwrap().status();
            println!("for {host}: {status}, sent {} times", seen.load(Ordering::SeqCst));
        }
    }

    let client = client(for_host("127.0.0.1").max_extra_load(0.0).max_retries_per_request(1));
    seen.store(0, Ordering::SeqCst);
    for _ in 0..150 {
        client.get(&url).send().await.unwrap();
    }
    println!("no extra load: 150 requests sent {} times", seen.load(Ordering::SeqCst));
}
RUST

output=$(cargo run --quiet 2>/dev/null)
echo "$output"
[ "$(grep -cx 'for 127.0.0.1: 503 Service Unavailable, sent 3 times' <<< "$output")" = 2 ]
[ "$(grep -cx 'for shop.test: 503 Service Unavailable, sent 2 times' <<< "$output")" = 2 ]
grep -qx 'no extra load: 150 requests sent 250 times' <<< "$output"
echo 'as found'
