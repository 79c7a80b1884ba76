#!/usr/bin/env bash
# reqwest with the feature `socks` and without one for TLS cannot reach any SOCKS proxy, also for plain `http://`: every request fails with
# "failed to create underlying connection" before the proxy gets a byte. The features compile together, and building the client succeeds. The
# same program with a feature for TLS, which it does not use, gets its answer.
#
# Seen with reqwest 0.13.5, rustls 0.23.46, tokio 1.54.1.
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
reqwest = { version = "=0.13.5", default-features = false, features = ["socks"] }
tokio = { version = "=1.54.1", features = ["io-util", "macros", "net", "rt"] }
rustls = { version = "=0.23.46", default-features = false, features = ["ring", "std"], optional = true }
[features]
tls = ["dep:rustls", "reqwest/rustls-no-provider"]
[workspace]
TOML
cat > src/main.rs <<'RUST'
use std::error::Error;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Starts a SOCKS proxy that lets everybody in and answers every request itself.
async fn proxy() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answers: [&[u8]; 3] = [
                &[5, 0],
                &[5, 0, 0, 1, 127, 0, 0, 1, 0, 80],
                b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\nwell",
            ];
            for answer in answers {
                let count = stream.read(&mut [0; 1024]).await.unwrap();
                println!("the proxy got {}", if count > 0 { "bytes" } else { "nothing" });
                let _ = stream.write_all(answer).await;
            }
        }
    });
    port
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    #[cfg(feature = "tls")]
    rustls::crypto::ring::default_provider().install_default().unwrap();
    let proxy = reqwest::Proxy::all(format!("socks5://127.0.0.1:{}", proxy().await)).unwrap();
    let client = reqwest::Client::builder().proxy(proxy).build().unwrap();
    match client.get("http://127.0.0.1:81/").send().await {
        Ok(response) => println!("answer: {}", response.status()),
        Err(error) => {
            let chain = std::iter::successors(Some(&error as &dyn Error), |error| (*error).source());
            println!("error: {}", chain.last().unwrap());
        }
    }
}
RUST

without=$(cargo run --quiet 2>/dev/null)
with=$(cargo run --quiet --features tls 2>/dev/null)
printf 'without TLS:\n%s\nwith TLS:\n%s\n' "$without" "$with"
[[ $without == 'error: SOCKS error: failed to create underlying connection' ]]
grep -qx 'answer: 200 OK' <<< "$with"
echo 'as found'
