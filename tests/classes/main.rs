//! Faults that are made with the real clients against servers on loopback, and the classes of the errors that come of them.
//!
//! Each client has a table in `docs/classes.md`, which `UPDATE_EXPECT=1` writes anew.

mod answering;
mod http;
mod http2;
mod nats;
mod plain;
mod pools;
mod redis;
mod sql;
mod table;
mod tls;
mod tonic;

use crate::answering::answering;
use crate::table::Table;
