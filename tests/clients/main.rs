//! Faults that are made with large clients against servers on loopback, and the classes of the errors that come of them.
//!
//! `tests/classes/real/run.sh` runs these tests. Each client has a table in `docs/classes.md`, which `UPDATE_EXPECT=1` writes anew.

#[path = "../classes/answering.rs"]
mod answering;
mod mongodb;
mod object_store;
#[path = "../classes/table.rs"]
mod table;


use resilient::Class;

use crate::answering::answering;
use crate::table::Table;

const BUSY: Class = Class::Throttled { after: None };
