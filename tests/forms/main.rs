//! Every form of function in the edition of the workspace.

mod bare_prelude;
mod blocking;
mod clones;
mod coalesced;
mod companions;
mod drop_order;
mod forms;
mod hedged;
mod lints;
mod other_macros;
mod taken_names;
mod tokens;
