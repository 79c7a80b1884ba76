#!/usr/bin/env bash
# What the attributes cost when a crate is compiled: `cargo check` of 500 functions with and without each of them.
#
#   benches/compile_time.sh [runs] [functions] [rows]
#
# Prints the least and the median processor time of the runs, how much longer than without attributes, and that per
# function. With `COUNT=1` valgrind counts the compiler's instructions as well, which takes 15 s a row of 50 functions. `rows` is
# a pattern for those that are wanted besides the first.
#
# `pasted` is what the usual stack expands to, written out, so that what it has less than that is the macro. `no attribute on
# many` is what `batch` is to be compared with. The rows `by hand` have no policy at all: they are the least that any expansion of such a form takes.
set -euo pipefail
cd "$(dirname "$0")/.."

runs=${1:-5}
functions=${2:-500}
wanted=${3:-.}
stand_in='/* no attribute */'
usual='#[resilient::timeout(total = "2s", attempt = "400ms")] #[resilient::retry] #[resilient::circuit_breaker]'

# the name of a row, and the attributes above each function, or `pasted`
rows=(
    "no attribute|$stand_in"
    'retry|#[resilient::retry]'
    'circuit_breaker|#[resilient::circuit_breaker]'
    'bulkhead|#[resilient::bulkhead]'
    'rate_limit|#[resilient::rate_limit("100/s")]'
    'throttle|#[resilient::throttle]'
    'measure|#[resilient::measure]'
    'timeout|#[resilient::timeout("2s")]'
    'fallback|#[resilient::fallback(value = 0)]'
    'cancel|#[resilient::cancel(on = Stop)]'
    'hedge|#[resilient::hedge(idempotent)]'
    'coalesce|#[resilient::coalesce(key = id)]'
    'fan_out|#[resilient::fan_out]'
    "the usual stack|$usual"
    'the usual stack, pasted|pasted'
    'by hand: the body in a block|hand_block'
    'by hand: the body in a block, told its output|hand_block_told'
    'by hand: a block in a block|hand_block_in_block'
    'by hand: a loop around a block|hand_loop'
    'by hand: a loop, and three futures around a block|hand_futures'
    'by hand: the same, told its output|hand_futures_told'
    "no attribute on many|$stand_in"
    'batch on many|#[resilient::batch]'
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

# a function of this number that asks for one
one() {
    echo "pub async fn fetch_$1(id: u32) -> Result<u32, Error> {"
    echo "    let word = format!(\"{id} of $1\");"
    echo '    tokio::task::yield_now().await;'
    echo '    if word.is_empty() { return Err(Error::Down); }'
    echo '    Ok(word.len() as u32 + id)'
    echo '}'
}

# the same by hand: between the two texts stands the body
hand() {
    one "$1" | awk -v before="$2" -v after="$3" 'NR == 1 { print; print before; next } /^}/ { print after } { print }'
}

# what never runs, and says what the block returns
told='if let Some(outcome) = None::<Result<u32, Error>> { return outcome; }'

hand_block() { hand "$1" '    async move {' '    }.await'; }
hand_block_told() { hand "$1" "    async move { $told" '    }.await'; }
hand_block_in_block() { hand "$1" '    async move { async move {' '    }.await }.await'; }

hand_loop() {
    hand "$1" '    loop { let outcome = async {' '    }.await; if outcome.is_ok() { break outcome; } }'
}

hand_futures() {
    hand "$1" '    loop { let outcome = Around(Around(Around(async {' '    }))).await; if outcome.is_ok() { break outcome; } }'
}

hand_futures_told() {
    hand "$1" "    loop { let outcome = Around(Around(Around(async { $told" \
        '    }))).await; if outcome.is_ok() { break outcome; } }'
}

# and one that asks for many
many() {
    echo "pub async fn fetch_$1(ids: Vec<u32>) -> Result<std::collections::HashMap<u32, u32>, Error> {"
    echo "    let word = format!(\"{} of $1\", ids.len());"
    echo '    tokio::task::yield_now().await;'
    echo '    if word.is_empty() { return Err(Error::Down); }'
    echo '    Ok(ids.into_iter().map(|id| (id, word.len() as u32 + id)).collect())'
    echo '}'
}

# what is before the functions
preface() {
    echo '#[derive(Debug, Clone, resilient::Classify)]'
    echo 'pub enum Error { #[transient] Down, #[transparent(from)] Refused(resilient::Error) }'
    echo 'pub struct Stop;'
    echo 'impl Stop { pub async fn cancelled(&self) { std::future::pending().await } }'
}

# a future around another that does nothing of its own
around() {
    echo 'pub struct Around<F>(F);'
    echo 'impl<F: std::future::Future> std::future::Future for Around<F> {'
    echo '    type Output = F::Output;'
    echo '    fn poll(self: std::pin::Pin<&mut Self>, cx: &mut std::task::Context<'"'"'_>) -> std::task::Poll<F::Output> {'
    echo '        unsafe { self.map_unchecked_mut(|this| &mut this.0) }.poll(cx)'
    echo '    }'
    echo '}'
}

# what one function with the usual stack expands to, with its `format!` as it was
expansion() {
    { preface; echo "$usual"; one 0; } > "$folder/src/lib.rs"
    RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR="$folder/target" cargo rustc --quiet --manifest-path "$folder/Cargo.toml" \
        --profile check -- -Zunpretty=expanded |
        perl -0 -ne 'print $1 if s/::alloc::__export::must_use\(\{.*?\}\)/format!("{id} of 0")/sr =~ /(pub async fn fetch_0.*)/s'
}

# writes the crate of a row, with these attributes or this function by hand
write() {
    local function=one pasted= attributes=$2
    [[ $1 == *many ]] && function=many
    [[ $1 == 'by hand'* ]] && function=$2 attributes=$stand_in
    [[ $2 == pasted ]] && pasted=$(expansion)
    {
        preface
        around
        for ((i = 0; i < functions; i++)); do
            if [[ $pasted ]]; then
                echo "${pasted//fetch_0/fetch_$i}"
            else
                echo "$attributes"
                "$function" "$i"
            fi
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
    { time check 2>/dev/null; } 2>&1 | awk '{ printf "%.3f\n", $1 + $2 }'
}

# the instructions of the compiler for one check in millions, where they are asked for: they do not depend on what else the machine does
instructions() {
    [[ ${COUNT:-} ]] || return 0
    touch "$folder/src/lib.rs"
    local command
    command=$(CARGO_INCREMENTAL=0 CARGO_TARGET_DIR="$folder/target" cargo check --verbose --manifest-path "$folder/Cargo.toml" 2>&1 | sed -n 's/^ *Running `\(.*--crate-name measured .*\)`$/\1/p')
    (cd "$folder" && eval "CARGO_MANIFEST_DIR=$folder CARGO_PKG_NAME=measured CARGO_CRATE_NAME=measured \
        valgrind --tool=callgrind --callgrind-out-file=/dev/null $command" 2>&1) | awk '/Collected/ { printf "%.0f", $NF / 1e6 }'
}

write one "$stand_in"
check
printf '%s functions, %s runs\n\n' "$functions" "$runs"
printf '| attributes | least | median | longer than without | per function | million instructions |\n|---|---|---|---|---|---|\n'
for row in "${rows[@]}"; do
    [[ $row == "no attribute|"* || $row =~ $wanted ]] || continue
    write "${row%%|*}" "${row#*|}"
    check
    times=$(for ((run = 0; run < runs; run++)); do seconds; done | sort -n)
    least=$(sed -n 1p <<< "$times")
    median=$(sed -n "$(((runs + 1) / 2))p" <<< "$times")
    [[ $row == "no attribute"* ]] && bare=$least
    awk -v name="${row%%|*}" -v least="$least" -v median="$median" -v bare="$bare" -v functions="$functions" \
        -v count="$(instructions)" 'BEGIN {
        printf "| %s | %.2f s | %.2f s | %.2f × | %.0f µs | %s |\n", name, least, median, least / bare, (least - bare) / functions * 1e6, count == "" ? "–" : count
    }'
done
