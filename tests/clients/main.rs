//! Faults that are made with large clients against servers on loopback, and the classes of the errors that come of them.
//!
//! `tests/classes/real/run.sh` runs these tests. Each client has a table in `docs/classes.md`, which `UPDATE_EXPECT=1` writes anew.

#[path = "../classes/answering.rs"]
mod answering;
mod mongodb;
mod object_store;
#[path = "../classes/table.rs"]
mod table;

use std::error::Error;

use resilient::{Class, Classify};

use crate::answering::answering;
use crate::table::Table;

const BUSY: Class = Class::Throttled { after: None };

/// Adds a fault, and demands the same class where the type has been erased.
fn add<E>(table: &mut Table, fault: &str, error: E, comes: &str, class: Class, why: &str)
where
    E: Classify + Error + Send + Sync + 'static,
{
    table.add(fault, &error, comes, class, why);
    let erased: Box<dyn Error + Send + Sync> = Box::new(error);
    assert_eq!(erased.class(), class, "{fault}, erased");
}
