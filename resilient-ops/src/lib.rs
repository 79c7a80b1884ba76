//! The operators' side of `resilient-runtime`: alerts, a dashboard and a runbook, made from the settings of the policies of a running program.
//!
//! A program shows its policies as JSON, which is what `resilient::policies()` is with the feature `serde`. [`Snapshot`] reads that.
//! Everything else is a function of it: [`alerts`] has the rules for Prometheus, whose thresholds follow from the settings,
//! [`promtool`] their tests, [`dashboard`] a dashboard for Grafana, [`report`] the same as plots of a time that has passed, [`runbook`] a page for each alert, and [`table`] the list.
//!
//! ```
//! use resilient::circuit_breaker;
//! use resilient_ops::{Options, Snapshot, alerts, rules};
//!
//! #[circuit_breaker(open_for = "20s")]
//! async fn fetch() -> Result<(), std::io::Error> {
//!     Ok(())
//! }
//!
//! let json = serde_json::to_string(&resilient::policies())?;
//! let snapshot = Snapshot::from_json(&json)?;
//! let options = Options { job: Some("shop".to_owned()), ..Options::default() };
//!
//! let yaml = rules::file(&snapshot, &options)?;
//! assert!(yaml.contains("alert: ResilientBreakerOpened"));
//!
//! let alerts = alerts::of(&snapshot, &options);
//! let keeps = alerts.iter().find(|alert| alert.kind.name == "ResilientBreakerKeepsRefusing").unwrap();
//! assert!(keeps.description.contains("so five openings in a row take 1m40s"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The program `resilient-ops` prints each of them. With the feature `router`, the program itself shows a status page, the list and the metrics: see the
//! module of that name.

#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod alerts;
pub mod dashboard;
mod options;
pub mod promtool;
mod proof;
mod query;
pub mod report;
#[cfg(feature = "router")]
pub mod router;
pub mod rules;
pub mod runbook;
mod settings;
pub mod snapshot;
pub mod table;

pub use self::options::{BadOption, Options};
#[cfg(feature = "router")]
pub use self::router::{Ops, router};
pub use self::snapshot::Snapshot;
