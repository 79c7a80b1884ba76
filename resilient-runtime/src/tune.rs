//! Settings that can change while their policy is in use.

use std::ops::Deref;
#[cfg(feature = "config")]
use std::sync::atomic::AtomicU32;
#[cfg(feature = "config")]
use std::sync::atomic::Ordering::{Relaxed, Release};

#[cfg(feature = "config")]
mod change;
#[cfg(feature = "config")]
mod kept;
#[cfg(feature = "config")]
mod key;

#[cfg(feature = "config")]
pub(crate) use self::change::{
    Change, Facts, Forced, Mistakes, NO_SETTINGS, NoSettings, Origins, Plan, RELOADS, Settings, Tunable, Tuning,
    origin, set_origins, take_over,
};
#[cfg(feature = "config")]
pub(crate) use self::kept::Kept;
#[cfg(feature = "config")]
pub use self::key::Value;
#[cfg(feature = "config")]
pub(crate) use self::key::{Given, Key, every_value};

/// The settings of a policy: those that it was built with, or others in their place.
///
/// It derefs to the ones that count, which takes one load. Without the feature `config`, nothing can take their place, and it takes none.
pub(crate) struct Live<C: 'static> {
    /// The settings that it was built with.
    pub(crate) built: C,
    /// The number of those in their place among all that are kept; 0 if there are none.
    #[cfg(feature = "config")]
    number: AtomicU32,
}

impl<C> Live<C> {
    pub(crate) const fn new(built: C) -> Self {
        Self {
            built,
            #[cfg(feature = "config")]
            number: AtomicU32::new(0),
        }
    }
}

impl<C: Copy> Live<C> {
    /// The same settings for another instance of the policy.
    pub(crate) fn again(&self) -> Self {
        Self {
            built: self.built,
            #[cfg(feature = "config")]
            number: AtomicU32::new(self.number.load(Relaxed)),
        }
    }
}

#[cfg(feature = "config")]
impl<C: Settings> Live<C> {
    /// Puts settings in the place of those that it was built with.
    pub(crate) fn put(&self, settings: C) {
        let number = if settings == self.built { 0 } else { C::kept().number(settings) };
        self.number.store(number, Release);
    }

    /// Returns whether others are in the place of those that it was built with.
    pub(crate) fn is_changed(&self) -> bool {
        self.number.load(Relaxed) != 0
    }

    /// The settings of that number. A thread that sees the number before the settings goes by those that were built in for that call.
    #[cold]
    #[inline(never)]
    fn changed(&self, number: u32) -> &C {
        C::kept().get(number).unwrap_or(&self.built)
    }
}

#[cfg(not(feature = "config"))]
impl<C> Live<C> {
    /// Returns whether others are in the place of those that it was built with.
    #[expect(clippy::unused_self, reason = "with the feature `config` it depends")]
    pub(crate) const fn is_changed(&self) -> bool {
        false
    }
}

impl<C: Settings> Deref for Live<C> {
    type Target = C;

    #[inline]
    fn deref(&self) -> &C {
        #[cfg(feature = "config")]
        {
            // Relaxed: a call that has begun may go by the old settings or by the new ones.
            let number = self.number.load(Relaxed);
            if number != 0 {
                return self.changed(number);
            }
        }
        &self.built
    }
}

#[cfg(not(feature = "config"))]
pub(crate) trait Settings {}

#[cfg(not(feature = "config"))]
impl<C> Settings for C {}

/// Panics with the reason for which a value is refused, if there is one: in a `const` or `static`, a compile error.
#[track_caller]
pub(crate) const fn accept(refused: Option<&'static str>) {
    if let Some(reason) = refused {
        panic!("{}", reason);
    }
}

#[cfg(all(test, feature = "config", not(resilient_loom)))]
mod tests;
