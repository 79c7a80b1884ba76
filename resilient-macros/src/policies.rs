//! The table of the policies: to add one, write its file and its row.

mod batch;
mod bulkhead;
mod cancel;
mod circuit_breaker;
mod coalesce;
mod fallback;
mod fan_out;
mod hedge;
mod rate_limit;
mod retry;
mod sharing;
mod timeout;

use crate::policy::Kind;

/// Every policy.
pub(crate) const KINDS: &[&Kind] = &[
    &retry::KIND,
    &circuit_breaker::KIND,
    &hedge::KIND,
    &bulkhead::KIND,
    &rate_limit::KIND,
    &timeout::KIND,
    &cancel::KIND,
    &coalesce::KIND,
    &fallback::KIND,
    &fan_out::KIND,
    &batch::KIND,
];

/// The policy of that name.
pub(crate) fn kind(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The default that the documentation of the attribute gives the key.
    fn documented(kind: &Kind, key: &str) -> Option<String> {
        let source = include_str!("lib.rs");
        let (before, _) = source.split_once(&format!("pub fn {}(", kind.name))?;
        let rows = before.rsplit("\n}\n").next()?.lines();
        let row = rows.into_iter().find(|line| line.starts_with(&format!("/// | `{key}` |")))?;
        row.split(" | ").nth(3).map(|default| default.replace('`', ""))
    }

    #[test]
    fn the_defaults_that_rules_count_with_are_the_documented_ones() {
        for kind in KINDS {
            for key in kind.keys {
                if let Some(default) = key.default {
                    assert_eq!(documented(kind, key.name).as_deref(), Some(default), "{} {}", kind.name, key.name);
                }
            }
        }
    }
}
