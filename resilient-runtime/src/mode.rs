//! The mode of a policy: whether it acts on what it decides.

use std::fmt;

use crate::sync::atomic::AtomicU8;
use crate::sync::atomic::Ordering::Relaxed;
use crate::sync::const_fn;

/// Decides whether a policy that can refuse calls does so.
///
/// ```
/// use resilient::{CircuitBreaker, Mode};
///
/// static PAYMENTS: CircuitBreaker = CircuitBreaker::named("payments").mode(Mode::Observe);
///
/// PAYMENTS.set_mode(Mode::Enforce);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Mode {
    /// It refuses what it should; the default.
    #[default]
    Enforce,
    /// It decides and counts as ever, and lets through what it would have refused.
    ///
    /// So that a policy can be tried on live traffic before anything depends on it.
    Observe,
    /// It does nothing at all.
    Off,
}

impl Mode {
    /// The mode's name: `enforce`, `observe` or `off`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::Observe => "observe",
            Self::Off => "off",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A mode that can change while the policy is in use.
#[derive(Debug)]
pub(crate) struct Switch(AtomicU8);

impl Switch {
    const_fn! {
        pub(crate) fn new(mode: Mode) -> Self {
            Self(AtomicU8::new(mode as u8))
        }
    }

    /// Relaxed, like `set`: nothing else is read on the strength of it.
    #[inline]
    pub(crate) fn get(&self) -> Mode {
        match self.0.load(Relaxed) {
            0 => Mode::Enforce,
            1 => Mode::Observe,
            _ => Mode::Off,
        }
    }

    pub(crate) fn set(&self, mode: Mode) {
        self.0.store(mode as u8, Relaxed);
    }
}
