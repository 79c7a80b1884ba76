//! Every form of function in edition 2021, which many users are still on.

#[path = "../forms/coalesced.rs"]
mod coalesced;
#[path = "../forms/forms.rs"]
mod forms;
#[path = "../forms/hedged.rs"]
mod hedged;
