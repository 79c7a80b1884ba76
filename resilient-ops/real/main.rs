//! The rules and the dashboard with the real Prometheus, and with Grafana's own types.
//!
//! `real/run.sh` installs both and runs these tests. Without it each says that it is skipped.

#[path = "../tests/shop/mod.rs"]
mod shop;

mod dashboard_types;
mod incident;
mod programs;
mod rule_files;
