//! What bad input gets: each file under `ui` fails to compile with the message beside it.
//!
//! `TRYBUILD=overwrite cargo test --test ui` rewrites the messages; read the difference before accepting it.

#[test]
fn mistakes_are_explained() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("ui/*/*.rs");
}
