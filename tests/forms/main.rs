//! Every form of function in the edition of the workspace.

mod forms;
mod hedged;
