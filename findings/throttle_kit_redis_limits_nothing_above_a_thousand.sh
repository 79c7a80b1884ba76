#!/usr/bin/env bash
# throttle-kit's Redis backend counts the interval between calls in whole milliseconds, so that of any quota above 1,000 a second is 0: all calls are allowed. `Quota::per_second(1_001)`
# lets 20,000 calls through that come at once; `Quota::per_second(1_000)` lets its burst of 1,000 through and little more. The in-memory backend is not asked here.
#
# Seen with throttle-kit 2.1.2, tokio 1.54.1, and any server; redis-server must be on the path.
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
throttle-kit = { version = "=2.1.2", default-features = false, features = ["redis"] }
tokio = { version = "=1.54.1", features = ["macros", "rt"] }

[workspace]
TOML
cat > src/main.rs <<'RUST'
use throttle_kit::{Quota, RateLimitBackend, RedisBackend};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let address = format!("redis+unix://{}", std::env::args().nth(1).expect("a socket"));
    let backend = RedisBackend::connect(&address).await.expect("connected");
    for rate in [1_000, 1_001] {
        let quota = Quota::per_second(rate);
        let key = format!("limit {rate}");
        let begin = std::time::Instant::now();
        let mut allowed = 0_u32;
        for _ in 0..20_000 {
            allowed += u32::from(backend.check(&key, &quota).await.allowed);
        }
        let most = f64::from(rate) * (1.0 + begin.elapsed().as_secs_f64());
        println!("{rate} a second: {}", if f64::from(allowed) <= most * 1.1 { "limited" } else if allowed == 20_000 { "all allowed" } else { "other" });
    }
}
RUST
cargo build --quiet --release
seen=$(./target/release/finding "$folder/redis.sock" 2> errors || true)
expected=$'1000 a second: limited\n1001 a second: all allowed'
if [[ $seen != "$expected" ]]; then
    printf 'changed:\n%s\n' "$seen" >&2
    exit 1
fi
echo 'as found'
