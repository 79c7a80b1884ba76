//! The policies that settings are for: found by their name, or by the path of their function.

use std::collections::BTreeSet;

use resilient_words::{choice, nearest};

use super::file::{Entry, Place, quoted};
use super::report::Mistake;
use crate::PolicyKind;
use crate::book;
use crate::list::{self, Function, Listed};
use crate::naming::Unused;
use crate::tune::Change;

/// A policy that settings can be for.
#[derive(Clone, Copy)]
pub(super) struct Known {
    pub(super) policy: &'static dyn Listed,
    pub(super) kind: PolicyKind,
    name: &'static str,
    /// Its function, and its place among the layers of it.
    pub(super) layer: Option<(&'static Function, usize)>,
}

/// The policies that an entry is for, and the change of each.
pub(super) type Found = Vec<(Known, Change)>;

/// The reason for which there is no policy.
pub(super) enum NotFound {
    /// There may be one later.
    Yet(Mistake),
    Mistaken(Mistake),
}

/// All policies that settings can be for now.
pub(super) fn all() -> Vec<Known> {
    let mut unused = Unused::default();
    let of_functions = list::functions()
        .iter()
        .flat_map(|function| function.layers().iter().enumerate().map(move |(place, layer)| (function, place, layer)));
    let mut known: Vec<Known> = of_functions
        .filter_map(|(function, place, layer)| {
            let policy = layer.effective(&mut unused)?;
            Some(Known { policy, kind: policy.kind(), name: policy.record().name, layer: Some((function, place)) })
        })
        .collect();
    let looked_up = list::looked_up().clone();
    for policy in list::listed_by_hand().into_iter().chain(looked_up) {
        if !known.iter().any(|other| other.policy.address() == policy.address()) {
            known.push(Known { policy, kind: policy.kind(), name: policy.record().name, layer: None });
        }
    }
    known
}

/// Finds the policies that the entry is for.
pub(super) fn find(entry: &Entry, all: &[Known]) -> Result<Found, NotFound> {
    let of_function = |known: &&Known| known.layer.is_some_and(|(function, _)| function.path() == entry.target);
    let mut there: Vec<Known> = all.iter().filter(of_function).copied().collect();
    let by_path = !there.is_empty();
    if !by_path {
        there = all.iter().filter(|known| known.name == entry.target).copied().collect();
    }
    if there.is_empty() {
        check_part(entry)?;
        return Err(NotFound::Yet(entry.target_at.says(missing(&entry.target, all))));
    }
    let Some(part) = &entry.part else {
        let mut found: Vec<Known> = Vec::new();
        for known in there {
            let is_new = !found.iter().any(|other| other.policy.address() == known.policy.address());
            if is_new && known.kind != PolicyKind::FanOut {
                found.push(known);
            }
        }
        one_function(entry, &found, entry.target_at)?;
        return Ok(found.into_iter().map(|known| (known, entry.change.clone())).collect());
    };
    let (change, level) = level_of(part, &entry.change);
    let is_named = |known: &&Known| known.label() == Some(part);
    let is_of_kind = |known: &&Known| known.kind.label() == part && level.is_none_or(|level| known.is_at(level));
    let mut found: Vec<Known> = there.iter().filter(|known| level.is_none() && is_named(known)).copied().collect();
    if found.is_empty() {
        found = there.iter().filter(is_of_kind).copied().collect();
    }
    found.dedup_by_key(|known| known.policy.address());
    let addresses: BTreeSet<usize> = found.iter().map(|known| known.policy.address()).collect();
    if found.is_empty() {
        if !by_path
            && PolicyKind::ALL.iter().any(|kind| kind.label() == part)
            && !there.iter().any(|known| known.layer.is_some())
        {
            // another policy by hand may come to have that name
            return Err(NotFound::Yet(entry.part_at.says(format!("no `{part}` has the name `{}` yet", entry.target))));
        }
        return Err(NotFound::Mistaken(entry.part_at.says(not_a_part(entry, part, &there, level))));
    }
    if addresses.len() > 1 {
        one_function(entry, &found, entry.target_at)?;
        let labels: Vec<&str> = found.iter().filter_map(Known::label).collect();
        let message =
            format!("`{}` has {} of this kind: write which, {}", entry.target, addresses.len(), choice("name", labels));
        return Err(NotFound::Mistaken(entry.part_at.says(message)));
    }
    Ok(found.into_iter().take(1).map(|known| (known, change.clone())).collect())
}

/// Refuses a name that policies of several functions have, if they are not one.
fn one_function(entry: &Entry, found: &[Known], at: Place) -> Result<(), NotFound> {
    let paths: BTreeSet<&str> =
        found.iter().filter_map(|known| known.layer).map(|(function, _)| function.path()).collect();
    if paths.len() <= 1 {
        return Ok(());
    }
    let name = &entry.target;
    let paths: Vec<String> = paths.iter().map(|path| format!("`[\"{path}\"]`")).collect();
    let message = format!("several functions have policies of the name `{name}`: write {}", paths.join(" or "));
    Err(NotFound::Mistaken(at.says(message)))
}

/// The level that a key of a time-out names, and the change of the time-out there.
fn level_of<'a>(part: &str, change: &'a Change) -> (Change, Option<&'a str>) {
    match change.key.as_str() {
        level @ ("total" | "attempt") if part == PolicyKind::Timeout.label() => {
            (Change { key: "limit".to_owned(), value: change.value.clone() }, Some(level))
        }
        _ => (change.clone(), None),
    }
}

impl Known {
    /// Its name.
    pub(super) const fn name(&self) -> &'static str {
        self.name
    }

    /// Its name in the stack of its function.
    fn label(&self) -> Option<&'static str> {
        let (function, place) = self.layer?;
        function.layers().get(place).map(list::Layer::label)
    }

    /// Returns whether a time-out stands at that level: outside of what repeats, or inside.
    pub(super) fn is_at(&self, level: &str) -> bool {
        let Some((function, place)) = self.layer else { return false };
        if let Some(named) = self.label().and_then(|label| label.strip_suffix("_timeout"))
            && ["total", "attempt"].contains(&named)
        {
            return named == level;
        }
        let kinds = || function.layers().iter().map(|layer| layer.own_policy().map(list::sealed::Listed::kind));
        let repeats = |kind: Option<PolicyKind>| matches!(kind, Some(PolicyKind::Retry | PolicyKind::Hedge));
        match kinds().position(repeats) {
            Some(retry) => (level == "total") == (place < retry),
            None => true,
        }
    }
}

fn missing(target: &str, all: &[Known]) -> String {
    let names: BTreeSet<&str> = all.iter().map(|known| known.name).collect();
    let paths: BTreeSet<&str> =
        all.iter().filter_map(|known| known.layer).map(|(function, _)| function.path()).collect();
    let mut meant: Vec<&str> = nearest(target, names.iter().copied()).into_iter().collect();
    if meant.is_empty() {
        // also of a method that was written with its type, which no path has
        meant = paths.iter().copied().filter(|path| function_of(path) == function_of(target)).take(3).collect();
    }
    if book::all().iter().any(|record| record.name == target) {
        return format!("`{target}` is in use, and cannot be found: call `resilient::list` for it");
    }
    if meant.is_empty() {
        return format!("there is no policy and no function `{target}` yet");
    }
    format!("there is no policy and no function `{target}` yet: did you mean `{}`?", meant.join("` or `"))
}

/// Returns the name of the function at the end of a path, without the line that tells two of one path apart.
fn function_of(path: &str) -> &str {
    let end = path.rsplit("::").next().unwrap_or(path);
    end.split(':').next().unwrap_or(end)
}

/// Refuses a kind that there is not, of a policy that is not there.
fn check_part(entry: &Entry) -> Result<(), NotFound> {
    let Some(part) = &entry.part else { return Ok(()) };
    let kinds = || PolicyKind::ALL.iter().map(|kind| kind.label());
    // in a stack, names end with that of the kind
    if kinds().any(|kind| part == kind || part.ends_with(&format!("_{kind}"))) {
        return Ok(());
    }
    let message = match nearest(part, kinds()) {
        Some(meant) => format!("unknown kind of policy `{part}`: did you mean `{meant}`?"),
        None => format!("unknown kind of policy `{part}`: {}", choice("kind", kinds())),
    };
    Err(NotFound::Mistaken(entry.part_at.says(message)))
}

fn not_a_part(entry: &Entry, part: &str, there: &[Known], level: Option<&str>) -> String {
    let target = &entry.target;
    if let Some(level) = level {
        return format!(
            "`{target}` has no time-out for {}",
            if level == "total" { "the call as a whole" } else { "each attempt" }
        );
    }
    if let Some((function, _)) = there.iter().find_map(|known| known.layer)
        && let mut from_elsewhere = function.layers().iter().filter(|layer| layer.own_policy().is_none())
        && let Some(layer) = from_elsewhere.find(|layer| layer.label().contains(part))
    {
        let advice = match layer.given() {
            [policy, ..] => {
                format!("write its own name, `[{}.{}]`", quoted(policy.record().name), policy.kind().label())
            }
            [] => "list that policy with `resilient::list`, and write its own name".to_owned(),
        };
        return format!("`{target}` gets its `{part}` from elsewhere, by `with`: {advice}");
    }
    let labels: BTreeSet<&str> = there.iter().map(|known| known.label().unwrap_or(known.kind.label())).collect();
    match nearest(part, labels.iter().copied()) {
        Some(meant) => format!("`{target}` has no `{part}`: did you mean `{meant}`?"),
        None => format!(
            "`{target}` has no `{part}`: {}",
            choice("policy", labels.iter().copied()).replace("policys", "policies")
        ),
    }
}
