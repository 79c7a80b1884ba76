//! Faults that are made with the real clients and the real servers, and the classes of the errors that come of them.
//!
//! `real/run.sh` installs the servers and runs these tests. Without it each says that it is skipped.

mod grpc;
mod http;
mod mariadb;
mod mysql_async;
mod nats;
#[path = "../plain.rs"]
mod plain;
mod postgres;
mod rabbitmq;
mod redis;
mod servers;
#[path = "../table.rs"]
mod table;

use resilient::Class;

use crate::table::Table;

const BUSY: Class = Class::Throttled { after: None };
