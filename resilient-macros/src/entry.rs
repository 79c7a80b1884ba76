//! The macros that are no policies: the rules of a team, and stacks under a name.

pub(crate) mod enforce;
pub(crate) mod profile;
