//! Every form of function in edition 2021.

mod forms;
