//! Every form of function in edition 2021, which many users are still on.

#[path = "../forms/bare_prelude.rs"]
mod bare_prelude;
#[path = "../forms/blocking.rs"]
mod blocking;
#[path = "../forms/clones.rs"]
mod clones;
#[path = "../forms/coalesced.rs"]
mod coalesced;
#[path = "../forms/companions.rs"]
mod companions;
#[path = "../forms/drop_order.rs"]
mod drop_order;
#[path = "../forms/forms.rs"]
mod forms;
#[path = "../forms/hedged.rs"]
mod hedged;
#[path = "../forms/lints.rs"]
mod lints;
#[path = "../forms/other_macros.rs"]
mod other_macros;
#[path = "../forms/taken_names.rs"]
mod taken_names;
#[path = "../forms/tokens.rs"]
mod tokens;
