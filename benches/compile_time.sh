#!/usr/bin/env bash
# What the attributes cost when a crate is compiled: `cargo check` of 500 functions with and without each of them.
#
#   benches/compile_time.sh [runs] [functions] [rows]
#
# Prints the least and the median processor time of the runs, how much longer than without attributes, and that per
# function. Where `perf` can count instructions, those too. `rows` is a pattern for those that are wanted besides the first.
set -euo pipefail
cd "$(dirname "$0")/.."

runs=${1:-5}
functions=${2:-500}
wanted=${3:-.}
stand_in='/* no attribute */'

# the name of a row, and the attributes above each function
rows=(
    "no attribute|$stand_in"
    'retry|#[resilient::retry]'
    'circuit_breaker|#[resilient::circuit_breaker]'
    'bulkhead|#[resilient::bulkhead]'
    'rate_limit|#[resilient::rate_limit("100/s")]'
    'timeout|#[resilient::timeout("2s")]'
    'fallback|#[resilient::fallback(value = 0)]'
    'fan_out|#[resilient::fan_out]'
    'the usual stack|#[resilient::timeout(total = "2s", attempt = "400ms")] #[resilient::retry] #[resilient::circuit_breaker]'
)

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir -p "$folder/src"
cp Cargo.lock "$folder/"
cat > "$folder/Cargo.toml" <<TOML
[package]
name = "measured"
version = "0.0.0"
edition = "2024"

[dependencies]
resilient-runtime = { path = "$PWD/resilient-runtime" }
tokio = { version = "1", features = ["full"] }

[workspace]
TOML

# writes the crate with these attributes
write() {
    {
        echo '#[derive(Debug, resilient::Classify)]'
        echo 'pub enum Error { #[transient] Down, #[transparent(from)] Refused(resilient::Error) }'
        for ((i = 0; i < functions; i++)); do
            echo "$1"
            echo "pub async fn fetch_$i(id: u32) -> Result<u32, Error> {"
            echo "    let word = format!(\"{id} of $i\");"
            echo '    tokio::task::yield_now().await;'
            echo '    if word.is_empty() { return Err(Error::Down); }'
            echo '    Ok(word.len() as u32 + id)'
            echo '}'
        done
    } > "$folder/src/lib.rs"
}

check() {
    CARGO_INCREMENTAL=0 CARGO_TARGET_DIR="$folder/target" cargo check --quiet --manifest-path "$folder/Cargo.toml" "$@"
}

# the processor's seconds for one check, with all else already built
seconds() {
    touch "$folder/src/lib.rs"
    local TIMEFORMAT='%U %S'
    { time check; } 2>&1 | awk '{ printf "%.3f\n", $1 + $2 }'
}

# the instructions of one check in millions, or nothing
instructions() {
    touch "$folder/src/lib.rs"
    { CARGO_INCREMENTAL=0 CARGO_TARGET_DIR="$folder/target" perf stat -x, -e instructions:u -- \
        cargo check --quiet --manifest-path "$folder/Cargo.toml"; } 2>&1 |
        awk -F, '/instructions/ && $1 ~ /^[0-9]+$/ { printf "%.0f", $1 / 1e6 }' || true
}

write "$stand_in"
check
printf '%s functions, %s runs\n\n' "$functions" "$runs"
printf '| attributes | least | median | longer than without | per function | million instructions |\n|---|---|---|---|---|---|\n'
for row in "${rows[@]}"; do
    [[ $row == "no attribute"* || $row =~ $wanted ]] || continue
    write "${row#*|}"
    check
    times=$(for ((run = 0; run < runs; run++)); do seconds; done | sort -n)
    least=$(head -n 1 <<< "$times")
    median=$(sed -n "$(((runs + 1) / 2))p" <<< "$times")
    bare=${bare:-$least}
    awk -v name="${row%%|*}" -v least="$least" -v median="$median" -v bare="$bare" -v functions="$functions" \
        -v count="$(command -v perf > /dev/null && instructions || true)" 'BEGIN {
        printf "| %s | %.2f s | %.2f s | %.2f × | %.0f µs | %s |\n", name, least, median, least / bare, (least - bare) / functions * 1e6, count == "" ? "–" : count
    }'
done
