//! The page about live settings has every key, as the tables have them.

use std::fmt::Write;

use super::{Key, Settings, Tunable};
use crate::{
    Batch, Bulkhead, Cancel, CircuitBreaker, Coalesce, Fallback, FanOutPolicy, Hedge, Measure, PolicyKind, RateLimit,
    Retry, Throttle, Timeout,
};

fn row<P: Tunable>(kind: PolicyKind, page: &mut String) {
    assert!(size_of::<P::Config>() <= 200, "the page says so: {}", size_of::<P::Config>());
    let keys: Vec<String> = P::Config::KEYS.iter().filter(|key| key.is_settable()).map(Key::documented).collect();
    let mut keys = keys.join(", ");
    if P::HAS_A_STATE {
        keys += ", `force = \"open\"` or `\"closed\"`";
    }
    if !keys.is_empty() {
        writeln!(page, "| `{}` | {keys} |", kind.label()).unwrap();
    }
}

#[test]
fn the_page_has_every_key() {
    let mut table = String::from("| policy | keys |\n|---|---|\n");
    row::<Timeout>(PolicyKind::Timeout, &mut table);
    row::<Retry>(PolicyKind::Retry, &mut table);
    row::<CircuitBreaker>(PolicyKind::CircuitBreaker, &mut table);
    row::<RateLimit>(PolicyKind::RateLimit, &mut table);
    row::<Throttle>(PolicyKind::Throttle, &mut table);
    row::<Bulkhead>(PolicyKind::Bulkhead, &mut table);
    row::<Hedge>(PolicyKind::Hedge, &mut table);
    row::<Coalesce>(PolicyKind::Coalesce, &mut table);
    row::<Batch>(PolicyKind::Batch, &mut table);
    row::<FanOutPolicy>(PolicyKind::FanOut, &mut table);
    row::<Fallback>(PolicyKind::Fallback, &mut table);
    row::<Cancel>(PolicyKind::Cancel, &mut table);
    row::<Measure>(PolicyKind::Measure, &mut table);

    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/live_settings.md");
    let page = std::fs::read_to_string(path).expect("the page");
    let (before, rest) = page.split_once("<!-- keys -->\n").expect("the place of the table");
    let (_, after) = rest.split_once("<!-- end -->").expect("its end");
    let expected = format!("{before}<!-- keys -->\n\n{table}\n<!-- end -->{after}");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(path, &expected).expect("written");
    }
    assert!(page == expected || std::env::var_os("UPDATE_EXPECT").is_some(), "write it with UPDATE_EXPECT=1");
}
