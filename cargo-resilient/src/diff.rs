//! The difference between the stacks of two source trees.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::check::attempts_in_words;
use crate::check::source::{Function, Tree};
use crate::check::worst;
use crate::effective::{Origin, Setting, settings, title};
use crate::revision;
use crate::written::Written;

/// The difference between two trees.
#[derive(Debug, Serialize)]
pub struct Difference {
    /// The functions whose stacks differ, in the order of the newer tree; those that are gone come last.
    pub functions: Vec<Changed>,
    /// The files that could not be read, each with the reason.
    pub unread: Vec<(PathBuf, String)>,
}

/// A function whose stack differs.
#[derive(Debug, Serialize)]
pub struct Changed {
    /// The function, with its type or module.
    pub function: String,
    /// The file, in the newer tree unless the function is gone.
    pub file: PathBuf,
    /// The line there.
    pub line: usize,
    /// The way in which it differs.
    pub change: Change,
    /// The stack in the older tree; `None` without the function there, or without a stack.
    pub old: Option<Side>,
    /// The stack in the newer tree.
    pub new: Option<Side>,
    /// The policies that are new.
    pub added: Vec<Policy>,
    /// The policies that are gone.
    pub removed: Vec<Policy>,
    /// The policies that stand elsewhere among those that were there before.
    pub moved: Vec<Moved>,
    /// The settings that differ.
    pub settings: Vec<Changing>,
}

/// The way in which a function differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// It has a stack, and had none.
    Added,
    /// It has no stack, and had one.
    Removed,
    /// Its stack is another.
    Changed,
}

/// A stack on one side.
#[derive(Debug, Serialize)]
pub struct Side {
    /// The policies, the outermost first.
    pub stack: Vec<String>,
    /// The number of attempts, if it is known.
    pub attempts: Option<u64>,
    /// The longest time of a call in seconds, if it is known.
    pub worst_case: Option<f64>,
    /// The worst case in words.
    pub worst_case_text: String,
    /// A profile that the tree does not have, so that its policies are missing.
    pub missing_profile: Option<String>,
}

/// A policy on one side only.
#[derive(Debug, Serialize)]
pub struct Policy {
    /// The policy.
    pub policy: String,
    /// The place in its stack, from one on.
    pub place: usize,
    /// The settings that are written.
    pub settings: Vec<String>,
}

/// A policy that stands elsewhere.
#[derive(Debug, Serialize)]
pub struct Moved {
    /// The policy.
    pub policy: String,
    /// The place in the older stack, from one on.
    pub from: usize,
    /// The place in the newer stack.
    pub to: usize,
}

/// A setting that differs.
#[derive(Debug, Serialize)]
pub struct Changing {
    /// The policy.
    pub policy: String,
    /// The key.
    pub key: String,
    /// The older value; `None` if the key means nothing there.
    pub old: Option<Counting>,
    /// The newer value.
    pub new: Option<Counting>,
}

/// A value that counts.
#[derive(Debug, Serialize)]
pub struct Counting {
    /// The value as Rust, or the behaviour without the key in words.
    pub value: String,
    /// Is true if it is written, and not what counts without the key.
    pub written: bool,
}

/// Compares two trees: each is a file, a folder or a revision of git.
///
/// Of a revision beside a file or folder, the files of that place are compared; two revisions are compared in the present folder.
///
/// # Errors
///
/// A message if one of them is neither, or cannot be read, or no function of either has the name that is asked for.
pub fn compare(old: &str, new: &str, function: Option<&str>) -> Result<Difference, String> {
    let [older, newer] = [Path::new(old), Path::new(new)];
    let place = [newer, older].into_iter().find(|path| path.exists()).unwrap_or(Path::new("."));
    let read = |name: &str, path: &Path| if path.exists() { Tree::read(path) } else { revision::read(name, place) };
    let [older, newer] = [read(old, older)?, read(new, newer)?];
    if let Some(name) = function
        && ![&older, &newer].iter().any(|tree| tree.functions.iter().any(|function| function.is_named(name)))
    {
        return Err(format!("neither `{old}` nor `{new}` has a function `{name}`"));
    }
    Ok(difference(&older, &newer, function))
}

/// Returns the difference between two trees, or of the functions of one name.
pub fn difference(older: &Tree, newer: &Tree, function: Option<&str>) -> Difference {
    let mut functions = Vec::new();
    for (old, new) in pairs(older, newer) {
        let is_meant =
            |side: Option<&Function>| side.is_some_and(|side| function.is_none_or(|name| side.is_named(name)));
        if is_meant(old) || is_meant(new) {
            functions.extend(changed(old, new));
        }
    }
    let mut unread = newer.unread.clone();
    unread.extend(older.unread.iter().filter(|file| !newer.unread.contains(file)).cloned());
    Difference { functions, unread }
}

/// Pairs the functions of both trees: by file and path, and those that are left by their path alone if that is unique.
fn pairs<'a>(older: &'a Tree, newer: &'a Tree) -> Vec<(Option<&'a Function>, Option<&'a Function>)> {
    let path = |function: &Function| [&function.within[..], std::slice::from_ref(&function.name)].concat();
    let mut waiting: HashMap<(&Path, Vec<String>), Vec<usize>> = HashMap::new();
    for (index, function) in older.functions.iter().enumerate().rev() {
        waiting.entry((&function.file, path(function))).or_default().push(index);
    }
    let mut partners: Vec<Option<usize>> = newer
        .functions
        .iter()
        .map(|function| waiting.get_mut(&(function.file.as_path(), path(function))).and_then(Vec::pop))
        .collect();
    let mut left: Vec<usize> = waiting.into_values().flatten().collect();
    left.sort_unstable();
    // a function that went to another file
    let alone: Vec<usize> = (0..partners.len()).filter(|&index| partners[index].is_none()).collect();
    for &index in &alone {
        let wanted = path(&newer.functions[index]);
        let candidates: Vec<usize> =
            left.iter().copied().filter(|&old| path(&older.functions[old]) == wanted).collect();
        let is_unique = alone.iter().filter(|&&other| path(&newer.functions[other]) == wanted).count() == 1;
        if let ([old], true) = (&candidates[..], is_unique) {
            partners[index] = Some(*old);
            left.retain(|other| other != old);
        }
    }
    let both = newer.functions.iter().zip(&partners);
    let both = both.map(|(new, old)| (old.map(|old| &older.functions[old]), Some(new)));
    both.chain(left.into_iter().map(|old| (Some(&older.functions[old]), None))).collect()
}

/// Returns the difference between two versions of a function, if there is one.
fn changed(old: Option<&Function>, new: Option<&Function>) -> Option<Changed> {
    let has_stack = |side: &&Function| !side.stack.is_empty() || side.missing_profile.is_some();
    let (before, after) = (old.filter(has_stack), new.filter(has_stack));
    let change = match (before, after) {
        (None, None) => return None,
        (None, Some(_)) => Change::Added,
        (Some(_), None) => Change::Removed,
        (Some(_), Some(_)) => Change::Changed,
    };
    let function = new.or(old)?;
    let empty = Vec::new();
    let [older, newer] = [before, after].map(|side| side.map_or(&empty, |side| &side.stack));
    let kept = kept(older, newer);
    let only = |stack: &[Written], is_kept: &dyn Fn(usize) -> bool| -> Vec<Policy> {
        let alone = stack.iter().enumerate().filter(|(index, _)| !is_kept(*index));
        alone
            .map(|(index, written)| Policy { policy: title(written), place: index + 1, settings: here(written) })
            .collect()
    };
    let changed = Changed {
        function: function.title(),
        file: function.file.clone(),
        line: function.line,
        change,
        old: before.map(side),
        new: after.map(side),
        added: only(newer, &|index| kept.iter().any(|(_, new)| *new == index)),
        removed: only(older, &|index| kept.iter().any(|(old, _)| *old == index)),
        moved: moved(&kept, newer),
        settings: kept.iter().flat_map(|(old, new)| changing(&older[*old], &newer[*new])).collect(),
    };
    let missing = [before, after].map(|side| side.and_then(|side| side.missing_profile.as_deref()));
    let is_same = changed.added.is_empty()
        && changed.removed.is_empty()
        && changed.moved.is_empty()
        && changed.settings.is_empty()
        && missing[0] == missing[1];
    (!is_same || change != Change::Changed).then_some(changed)
}

fn side(function: &Function) -> Side {
    let worst = worst::of(&function.stack);
    Side {
        stack: function.stack.iter().map(title).collect(),
        attempts: worst::attempts(&function.stack),
        worst_case: worst.time.map(|time| time.as_secs_f64()),
        worst_case_text: worst.text(),
        missing_profile: function.missing_profile.clone(),
    }
}

/// Returns the places of policies that both stacks have, in the order of the newer one: with the same title first, and then of the
/// same kind.
fn kept(older: &[Written], newer: &[Written]) -> Vec<(usize, usize)> {
    let mut kept: Vec<(usize, usize)> = Vec::new();
    let same: [fn(&Written, &Written) -> bool; 2] =
        [|one, other| title(one) == title(other), |one, other| one.policy == other.policy];
    for is_same in same {
        for (new, written) in newer.iter().enumerate() {
            if kept.iter().any(|(_, taken)| *taken == new) {
                continue;
            }
            let is_free = |old: &usize| kept.iter().all(|(taken, _)| taken != old);
            if let Some(old) = (0..older.len()).filter(is_free).find(|old| is_same(&older[*old], written)) {
                kept.push((old, new));
            }
        }
    }
    kept.sort_by_key(|(_, new)| *new);
    kept
}

/// Returns the fewest policies that have to move to make the older order the newer one.
fn moved(kept: &[(usize, usize)], newer: &[Written]) -> Vec<Moved> {
    // the longest chain of policies whose order is the same
    let mut chains: Vec<Vec<usize>> = Vec::new();
    for (index, (old, _)) in kept.iter().enumerate() {
        let before = chains.iter().filter(|chain| chain.last().is_some_and(|last| kept[*last].0 < *old));
        let mut chain = before.max_by_key(|chain| chain.len()).cloned().unwrap_or_default();
        chain.push(index);
        chains.push(chain);
    }
    let stays = chains.into_iter().max_by_key(Vec::len).unwrap_or_default();
    let moves = kept.iter().enumerate().filter(|(index, _)| !stays.contains(index));
    moves.map(|(_, (old, new))| Moved { policy: title(&newer[*new]), from: old + 1, to: new + 1 }).collect()
}

/// Returns the settings that differ between two versions of a policy.
fn changing(old: &Written, new: &Written) -> Vec<Changing> {
    let (before, after) = (settings(old), settings(new));
    let counting = |setting: &Setting| Counting {
        value: if setting.value.is_empty() { "set".to_owned() } else { setting.value.clone() },
        written: setting.origin == Origin::Written,
    };
    let mut keys: Vec<&str> = before.iter().map(|setting| setting.key.as_str()).collect();
    keys.extend(
        after.iter().map(|setting| setting.key.as_str()).filter(|key| before.iter().all(|old| old.key != *key)),
    );
    let mut changing = Vec::new();
    for key in keys {
        let [one, other] = [&before, &after].map(|side| side.iter().find(|setting| setting.key == key));
        let is_same = match (one, other) {
            (Some(one), Some(other)) => one.is_as(other),
            // a default that counts on one side only follows from another setting
            (one, other) => one.or(other).is_none_or(|only| only.origin != Origin::Written),
        };
        if !is_same {
            let policy = title(new);
            changing.push(Changing { policy, key: key.to_owned(), old: one.map(counting), new: other.map(counting) });
        }
    }
    changing
}

fn here(written: &Written) -> Vec<String> {
    let written = settings(written).into_iter().filter(|setting| setting.origin == Origin::Written);
    written.map(|setting| setting.text()).collect()
}

impl Difference {
    /// Returns the difference as text; empty if there is none.
    pub fn text(&self) -> String {
        self.functions.iter().map(Changed::text).collect::<Vec<_>>().join("\n")
    }
}

impl Changed {
    fn text(&self) -> String {
        let words = match self.change {
            Change::Added => "has a stack now",
            Change::Removed => "has no stack any more",
            Change::Changed => "has another stack",
        };
        let mut text = format!("{}:{}: `{}` {words}\n", self.file.display(), self.line, self.function);
        for (name, side) in [("before", &self.old), ("after", &self.new)] {
            if let Some(side) = side {
                let _ = writeln!(text, "  {name:<7} {}", side.text());
            }
        }
        // with a stack on one side only, that says it all
        if self.change == Change::Changed {
            for (word, policies) in [("added", &self.added), ("removed", &self.removed)] {
                for Policy { policy, place, settings } in policies {
                    let settings =
                        if settings.is_empty() { String::new() } else { format!(": {}", settings.join(", ")) };
                    let _ = writeln!(text, "  {word:<7} {policy}, number {place}{settings}");
                }
            }
            for Moved { policy, from, to } in &self.moved {
                let _ = writeln!(text, "  moved   {policy}, from number {from} to {to}");
            }
        }
        for Changing { policy, key, old, new } in &self.settings {
            let _ =
                writeln!(text, "  set     {policy}: {key}: {} → {}", counting(old.as_ref()), counting(new.as_ref()));
        }
        text
    }
}

impl Side {
    fn text(&self) -> String {
        let missing = self.missing_profile.as_ref();
        let missing =
            missing.map_or(String::new(), |name| format!(", without the profile `{name}`, which is not here"));
        let attempts = attempts_in_words(self.attempts);
        let stack = if self.stack.is_empty() { "nothing that is known".to_owned() } else { self.stack.join(" > ") };
        format!("{stack}{missing}{attempts}; worst case {}", self.worst_case_text)
    }
}

fn counting(side: Option<&Counting>) -> String {
    match side {
        None => "nothing".to_owned(),
        Some(Counting { value, written: true }) => value.clone(),
        Some(Counting { value, .. }) if value == "none" => "none".to_owned(),
        Some(Counting { value, .. }) => format!("{value} (by default)"),
    }
}
