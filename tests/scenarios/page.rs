//! The page: the scenarios print their tables, and write them to `docs/scenarios.md` when asked to.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use resilient_scenarios::report::Table;

/// The sections in their order.
const SECTIONS: [(&str, &str); 10] = [
    ("S1", include_str!("page/search.md")),
    ("S2", include_str!("page/spike.md")),
    ("S3", include_str!("page/transient.md")),
    ("S4", include_str!("page/outage.md")),
    ("S5", include_str!("page/brown_out.md")),
    ("S6", include_str!("page/throttled.md")),
    ("S7", include_str!("page/normal.md")),
    ("S8a", include_str!("page/shared_work.md")),
    ("S8b", include_str!("page/batched.md")),
    ("S9", include_str!("page/tiers.md")),
];

/// Prints the tables of a scenario. If the page is asked for, writes it once all tables have come.
pub(crate) fn publish(id: &'static str, tables: &[Table]) {
    static TABLES: Mutex<BTreeMap<&str, String>> = Mutex::new(BTreeMap::new());

    let tables: Vec<String> = tables.iter().map(Table::to_markdown).collect();
    let tables = tables.join("\n");
    println!("\n{id}\n\n{tables}");
    if std::env::var_os("UPDATE_SCENARIOS").is_none() {
        return;
    }
    let mut all = TABLES.lock().unwrap_or_else(PoisonError::into_inner);
    all.insert(id, tables);
    if all.len() == SECTIONS.len() {
        let settings = include_str!("shared/settings.rs").split_once("#[timeout").map_or("", |(_, rest)| rest);
        let mut page =
            include_str!("page/preface.md").replace("{settings}", &format!("#[timeout{}", settings.trim_end()));
        for (id, text) in SECTIONS {
            page.push('\n');
            page.push_str(&text.replace("{tables}\n", &all[id]));
        }
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/scenarios.md");
        std::fs::write(path, page).expect("docs can be written");
    }
}
