#!/usr/bin/env bash
# opendal with the feature `http-transport-reqwest-rustls`, which the README of its transport shows as the way to choose one backend of TLS,
# compiles reqwest in and installs it nowhere: every request fails before a byte is sent, with the advice to install a transport. Only with the feature
# `http-transport-reqwest`, which is nothing but another name for that one, does opendal install it. The function that would do so by hand is in a
# crate of its own that opendal does not hand on, and is hidden there. It is the same with `http-transport-reqwest-rustls-no-provider`.
#
# Seen with opendal 0.59.5, tokio 1.54.1.
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
opendal = { version = "=0.59.5", default-features = false, features = [
    "auto-register-services", "executors-tokio", "services-s3",
] }
rustls-provider = { package = "rustls", version = "0.23", default-features = false, features = ["ring", "std"] }
tokio = { version = "=1.54.1", features = ["io-util", "macros", "net", "rt"] }

[features]
no-provider = ["opendal/http-transport-reqwest-rustls-no-provider"]
rustls = ["opendal/http-transport-reqwest-rustls"]
both = ["opendal/http-transport-reqwest"]

[workspace]
TOML
cat > src/main.rs <<'RUST'
use opendal::Operator;
use opendal::services::S3;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    rustls_provider::crypto::ring::default_provider().install_default().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 4096]).await.unwrap();
            println!("the server is asked");
            stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 4\r\n\r\nwell").await.unwrap();
        }
    });
    let service = S3::default().endpoint(&url).bucket("shop").region("eu-west-1").access_key_id("id");
    let service = service.secret_access_key("key").disable_config_load();
    let operator = Operator::new(service).unwrap();
    match operator.read("orders").await {
        Ok(bytes) => println!("{} bytes", bytes.len()),
        Err(error) => println!("{:?}: {}", error.kind(), error.message()),
    }
}
RUST

for features in no-provider rustls both; do
    echo "$features: $(cargo run --quiet --features "$features" 2>/dev/null | paste -sd ,)"
done | tee output

grep -qx 'no-provider: ConfigInvalid: default HTTP transport is not installed' output
grep -qx 'rustls: ConfigInvalid: default HTTP transport is not installed' output
grep -qx 'both: the server is asked,4 bytes' output
echo 'as found'
