#!/usr/bin/env bash
# Since the edition 2024, rustdoc compiles the examples of a crate into one program, and runs each of them in a process of its own, as before. With a `runner` in cargo's configuration, as for a
# profiler, an emulator or a timer, it runs all of them in one process instead, at once on several threads. Examples that use a `static` of the crate, such as a breaker, a counter or a cache, then
# see what the others have done: here each of two examples counts to one alone, and together one of them counts to two. Nothing in the output says that there was one process. In the edition 2021,
# each has its own with a runner too. `standalone_crate` on an example is the way out.
#
# Seen with Rust 1.95.0.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir src

package() {
    printf '[package]\nname = "counted"\nversion = "0.0.0"\nedition = "%s"\n\n[workspace]\n' "$1" > Cargo.toml
}

cat > src/lib.rs <<'RUST'
//! ```
//! assert_eq!(counted::count(), 1);
//! ```
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

static COUNT: AtomicU32 = AtomicU32::new(0);

/// ```
/// assert_eq!(counted::count(), 1);
/// ```
pub fn count() -> u32 {
    COUNT.fetch_add(1, SeqCst) + 1
}
RUST

host=$(rustc -vV | sed -n 's/^host: //p')
variable=CARGO_TARGET_$(tr 'a-z-' 'A-Z_' <<< "$host")_RUNNER
result() { { "$@" 2>&1 || true; } | sed -n 's/^test result: \([A-Za-z]*\)\. \([0-9]* passed; [0-9]* failed\);.*/\1: \2/p' | tail -1; }

for edition in 2021 2024; do
    package "$edition"
    echo "$edition, no runner: $(result cargo test --quiet --doc)"
    echo "$edition, a runner: $(result env "$variable=env" cargo test --quiet --doc)"
done > output
cat output
diff output - <<'TEXT'
2021, no runner: ok: 2 passed; 0 failed
2021, a runner: ok: 2 passed; 0 failed
2024, no runner: ok: 2 passed; 0 failed
2024, a runner: FAILED: 1 passed; 1 failed
TEXT
echo 'as found'
