//! The compiler's messages about layers of tower that do not fit, which the guide quotes.
//!
//! `TRYBUILD=overwrite cargo test --workspace --test layers` rewrites them; read the difference before accepting it.

use std::path::Path;

#[path = "../cases.rs"]
mod cases;

#[test]
fn layers_that_do_not_fit_say_what_is_missing() {
    let files = cases::of(Path::new("ui"));
    assert!(files.len() > 4, "the cases were not found");

    cases::fail_as_reviewed(files);
}
