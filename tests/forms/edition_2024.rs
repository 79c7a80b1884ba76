//! Every form of function in edition 2024.

mod forms;
