#!/usr/bin/env bash
# A call of tonic whose time is up, by `Request::set_timeout` or by `Endpoint::timeout`, ends with the code `Cancelled` and the message "Timeout expired". gRPC has a code of its own
# for it, `DEADLINE_EXCEEDED`, which other clients give, and keeps `CANCELLED` for calls that the caller has given up. So a retry, a breaker or an alert that goes
# by the code takes every time-out of the server for a change of mind of the client, and one that waits for `DeadlineExceeded` waits in vain.
#
# Seen with tonic 0.14.9, tokio 1.54.1.
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
bytes = "=1.12.2"
tokio = { version = "=1.54.1", features = ["macros", "net", "rt"] }
tonic = { version = "=0.14.9", default-features = false, features = ["channel", "codegen"] }

[workspace]
TOML
cat > src/main.rs <<'RUST'
use std::time::Duration;

use bytes::{Buf, BufMut};
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Endpoint;
use tonic::{Request, Status, client::Grpc};

/// Messages of bytes, so that nothing is generated.
#[derive(Default)]
struct Plain;

impl Encoder for Plain {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, target: &mut EncodeBuf<'_>) -> Result<(), Status> {
        target.put_slice(&item);
        Ok(())
    }
}

impl Decoder for Plain {
    type Item = Vec<u8>;
    type Error = Status;

    fn decode(&mut self, source: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        Ok(Some(source.copy_to_bytes(source.remaining()).to_vec()))
    }
}

impl Codec for Plain {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Plain;
    type Decoder = Plain;

    fn encoder(&mut self) -> Plain {
        Plain
    }

    fn decoder(&mut self) -> Plain {
        Plain
    }
}

async fn call(endpoint: Endpoint, timeout: Option<Duration>) -> Status {
    let mut client = Grpc::new(endpoint.connect_lazy());
    client.ready().await.unwrap();
    let mut request = Request::new(b"question".to_vec());
    if let Some(timeout) = timeout {
        request.set_timeout(timeout);
    }
    let path = PathAndQuery::from_static("/shop.Shop/Ask");
    client.unary(request, path, Plain).await.unwrap_err()
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    // takes connections and never answers
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok(connection) = listener.accept().await {
            open.push(connection);
        }
    });
    let endpoint = Endpoint::from_shared(address).unwrap();
    let limit = Duration::from_millis(100);
    let by_request = call(endpoint.clone(), Some(limit)).await;
    println!("set_timeout of the request: {:?}, {:?}", by_request.code(), by_request.message());
    let by_endpoint = call(endpoint.timeout(limit), None).await;
    println!("timeout of the endpoint: {:?}, {:?}", by_endpoint.code(), by_endpoint.message());
}
RUST

output=$(cargo run --quiet 2>/dev/null)
echo "$output"
grep -qx 'set_timeout of the request: Cancelled, "Timeout expired"' <<< "$output"
grep -qx 'timeout of the endpoint: Cancelled, "Timeout expired"' <<< "$output"
echo 'as found'
