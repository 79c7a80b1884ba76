//! A policy as a function carries it, for the rules.

use syn::ext::IdentExt;
use syn::{Expr, Ident};

use crate::arguments::{Arguments, Setting};
use crate::key::{Key, Sort, StandIns};
use crate::policy::Kind;
use crate::wording::as_written;

/// One policy of a function, with its arguments as they were written.
pub(crate) struct Carried {
    pub(crate) kind: &'static Kind,
    /// Its name where it was written.
    pub(crate) attribute: Ident,
    settings: Vec<Setting>,
    /// Set if it runs what is inside it more than once.
    pub(crate) repeats: bool,
}

impl Carried {
    pub(crate) fn new(kind: &'static Kind, arguments: &Arguments) -> Self {
        Self { kind, attribute: arguments.attribute.clone(), settings: arguments.settings(), repeats: false }
    }

    /// The argument of that name.
    pub(crate) fn setting(&self, key: &str) -> Option<&Setting> {
        self.settings.iter().find(|setting| setting.key.unraw() == key)
    }
}

/// The value of a key on a function.
pub(crate) enum Found<'a> {
    /// It is written, or what means the same is.
    Written(&'a Setting),
    /// It is not, and its default counts.
    Default(&'a Carried, Expr),
    /// A policy of the function's own brings it.
    Hidden(&'a Setting),
    /// It is not, and it has no default that always counts.
    Missing(&'a Carried),
}

/// Returns what `key` comes to in the policies of that kind, of which there is at least one.
pub(crate) fn find<'a>(key: &Key, kind: &Kind, stack: &'a [Carried]) -> Vec<Found<'a>> {
    let all = || stack.iter().enumerate().filter(|(_, carried)| carried.kind.name == kind.name);
    let written = |key: &str| all().filter_map(|(_, carried)| carried.setting(key)).collect::<Vec<_>>();
    let mut found = written(key.name);
    if found.is_empty()
        && let Some(stand_ins) = key.stand_ins
    {
        let repeats = |others: &[Carried]| others.iter().any(|other| other.repeats);
        let counts = |at: usize| match stand_ins {
            StandIns::Outside(_) => !repeats(&stack[..at]),
            StandIns::Inside(_) => !repeats(&stack[at + 1..]),
        };
        let (StandIns::Outside(names) | StandIns::Inside(names)) = stand_ins;
        found = all()
            .filter(|(at, _)| counts(*at))
            .flat_map(|(_, carried)| names.iter().filter_map(|name| carried.setting(name)))
            .collect();
    }
    if !found.is_empty() {
        return found.into_iter().map(Found::Written).collect();
    }
    all()
        .map(|(_, carried)| {
            let default = key.default.filter(|_| key.unless.is_none_or(|other| carried.setting(other).is_none()));
            match (carried.setting("with").filter(|_| brings_settings(kind) && key.configures), default) {
                (Some(with), _) => Found::Hidden(with),
                (None, Some(default)) => match syn::parse_str(default) {
                    Ok(default) => Found::Default(carried, default),
                    Err(_) => Found::Missing(carried),
                },
                (None, None) => Found::Missing(carried),
            }
        })
        .collect()
}

/// Returns whether the `with` of that kind is a policy: one of a fallback is a function.
fn brings_settings(kind: &Kind) -> bool {
    kind.keys.iter().any(|key| matches!(key.sort, Sort::With))
}

/// The argument as it is written.
pub(crate) fn text(setting: &Setting) -> String {
    match &setting.value {
        Some(value) => format!("{} = {}", setting.key, as_written(value)),
        None => setting.key.to_string(),
    }
}
