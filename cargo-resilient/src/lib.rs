//! `cargo resilient`: settings that follow from measurements, and the stacks of a source tree: checked, expanded and compared.
//!
//! The program is a thin layer over these modules. A [`wish::Wish`] has what was measured and what is wanted, [`advice`] turns it
//! into a [`stack::Stack`] with reasons, and [`trials`] runs stacks in the simulator. [`check`] reads a source tree; [`expand`], [`diff`] and the settings in [`effective`]
//! build on what it reads.

pub mod advice;
pub mod check;
pub mod client;
pub mod diff;
pub mod effective;
pub mod expand;
pub mod page;
pub mod plan;
pub mod reading;
pub mod revision;
pub mod stack;
pub mod trials;
pub mod wish;
pub mod written;
