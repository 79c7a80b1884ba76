//! The atomics: those of std, or of loom when the models are checked.

#[cfg(not(resilient_loom))]
pub(crate) use std::sync::atomic;

#[cfg(resilient_loom)]
pub(crate) use loom::sync::atomic;
