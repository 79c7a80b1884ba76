#!/usr/bin/env bash
# A client of kube that is made from a `Config` repeats any request that is answered with 429, 503 or 504, up to 15 times: also a create with
# `generateName`, and also after a 504, by which the first request may have been carried out. One call of `create` then leaves several objects, and
# the caller sees one. The field `default_retry`, which is on, speaks of "requests" and of nothing else.
#
# With `default_retry` off the decision is the caller's, but the error of a 429 has lost the header `Retry-After`.
#
# Seen with kube-client 5.0.0, tokio 1.54.1.
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
http = "1"
k8s-openapi = { version = "=0.29.0", default-features = false, features = ["latest"] }
kube-client = { version = "=5.0.0", default-features = false, features = ["client"] }
serde_json = "1"
tokio = { version = "=1.54.1", features = ["io-util", "macros", "net", "rt"] }

[workspace]
TOML
cat > src/main.rs <<'RUST'
use std::cell::Cell;
use std::rc::Rc;

use kube_client::{Client, Config};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// A server that makes an object of each `POST`. It answers the first of them with that status, after it has made the object.
async fn serve(listener: TcpListener, first: &'static str, objects: Rc<Cell<u32>>) {
    while let Ok((mut stream, _)) = listener.accept().await {
        let mut request = Vec::new();
        while !request.ends_with(b"}}") {
            request.push(stream.read_u8().await.unwrap());
        }
        assert!(request.starts_with(b"POST "));
        objects.set(objects.get() + 1);
        let name = format!("job-{}", objects.get());
        let (status, body) = if objects.get() == 1 {
            (first, "later".to_owned())
        } else {
            ("201 Created", json!({"metadata": {"name": name}}).to_string())
        };
        let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close", body.len());
        let answer = format!("{head}\r\nretry-after: 1\r\nx: y\r\n\r\n{body}");
        stream.write_all(answer.as_bytes()).await.unwrap();
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    tokio::task::LocalSet::new().run_until(run()).await;
}

async fn run() {
    for (default_retry, first) in [(true, "504 Gateway Timeout"), (false, "429 Too Many Requests")] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let objects = Rc::new(Cell::new(0));
        tokio::task::spawn_local(serve(listener, first, Rc::clone(&objects)));
        let mut config = Config::new(url.parse().unwrap());
        // the first of these is the default
        config.default_retry = default_retry;
        let client = Client::try_from(config).unwrap();
        let body = json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"generateName": "job-"}});
        let request = http::Request::post("/apis/batch/v1/namespaces/shop/jobs");
        let request = request.header("content-type", "application/json").body(body.to_string().into_bytes()).unwrap();
        let answer = client.request::<Value>(request).await;
        match answer {
            Ok(object) => print!("{first}: created {}", object["metadata"]["name"]),
            Err(error) => print!("{first}: {error:?}"),
        }
        println!("; objects: {}", objects.get());
    }
}
RUST

output=$(cargo run --quiet 2>/dev/null)
echo "$output"
grep -qx '504 Gateway Timeout: created "job-2"; objects: 2' <<< "$output"
error='Status { status: Some(Failure), code: 429, message: "later", metadata: None, reason: "Failed to parse error data", details: None }'
grep -qxF "429 Too Many Requests: Api($error); objects: 1" <<< "$output"
echo 'as found'
