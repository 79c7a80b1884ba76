//! Faults that are made with large clients against servers on loopback, and the classes of the errors that come of them.
//!
//! `tests/classes/real/run.sh` runs these tests. Each client has a table in `docs/classes.md`, which `UPDATE_EXPECT=1` writes anew.

#[path = "../classes/answering.rs"]
mod answering;
mod aws_sdk;
mod kube;
#[path = "../classes/real/mariadb.rs"]
mod mariadb;
mod mongodb;
mod object_store;
mod opendal;
#[path = "../classes/real/postgres.rs"]
mod postgres;
mod sea_orm;
#[path = "../classes/real/servers.rs"]
mod servers;
// those of sqlx 0.8, with 0.9 in its place: the classes are the same
#[path = "../classes/sql.rs"]
mod sql;
#[path = "../classes/table.rs"]
mod table;

use resilient::Class;

use crate::answering::answering;
use crate::table::Table;

const BUSY: Class = Class::Throttled { after: None };
