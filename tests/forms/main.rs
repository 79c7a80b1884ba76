//! Every form of function in the edition of the workspace.

mod coalesced;
mod forms;
mod hedged;
