//! The place of a retry's budget.

use std::collections::BTreeMap;
use std::mem::ManuallyDrop;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use crate::Budget;
use crate::sync::const_fn;

/// A retry's budget, or where to find it.
#[derive(Debug)]
pub(super) enum Funds {
    Own(Budget),
    Shared(&'static Budget),
    /// The one of the policy's name, looked up at the first call. `ManuallyDrop`, so that a builder can replace it in a
    /// `const`; there is nothing to drop in a reference.
    ByName(ManuallyDrop<OnceLock<&'static Budget>>),
    Unlimited,
}

impl Funds {
    const_fn! {
        pub(super) fn own() -> Self {
            Self::Own(Budget::new())
        }
    }

    pub(super) const fn by_name() -> Self {
        Self::ByName(ManuallyDrop::new(OnceLock::new()))
    }

    /// Returns whether both would draw on the same budget, or each on one like the other's.
    pub(super) fn agree(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Shared(one), Self::Shared(other)) => std::ptr::eq(*one, *other),
            (Self::Own(_), Self::Own(_)) | (Self::ByName(_), Self::ByName(_)) | (Self::Unlimited, Self::Unlimited) => {
                true
            }
            _ => false,
        }
    }

    /// Whose budget it is, in a word.
    pub(super) const fn as_str(&self) -> &'static str {
        match self {
            Self::Own(_) => "own",
            Self::Shared(_) => "shared",
            Self::ByName(_) => "by name",
            Self::Unlimited => "none",
        }
    }

    /// Pays in for one call of the policy of that name.
    #[inline]
    pub(super) fn deposit(&self, name: &'static str) {
        match self {
            Self::Own(budget) => budget.deposit(),
            _ => self.deposit_elsewhere(name),
        }
    }

    #[inline(never)]
    fn deposit_elsewhere(&self, name: &'static str) {
        if let Some(budget) = self.budget(name) {
            budget.deposit();
        }
    }

    pub(super) fn budget(&self, name: &'static str) -> Option<&Budget> {
        match self {
            Self::Own(budget) => Some(budget),
            Self::Shared(budget) => Some(budget),
            Self::ByName(budget) => Some(budget.get_or_init(|| named(name))),
            Self::Unlimited => None,
        }
    }
}

/// The budget of that name, made at its first mention. Names are `&'static str`s from the program's text, so there are
/// no more of them than were written.
#[cold]
fn named(name: &'static str) -> &'static Budget {
    all().entry(name).or_insert_with(|| Box::leak(Box::default()))
}

/// The budget of that name, if a retry has mentioned it.
pub(crate) fn existing(name: &str) -> Option<&'static Budget> {
    all().get(name).copied()
}

fn all() -> MutexGuard<'static, BTreeMap<&'static str, &'static Budget>> {
    static NAMED: Mutex<BTreeMap<&'static str, &'static Budget>> = Mutex::new(BTreeMap::new());
    NAMED.lock().unwrap_or_else(PoisonError::into_inner)
}
