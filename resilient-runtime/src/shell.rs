//! The shell of a policy: the part that all policies have in common.

use std::fmt;
use std::panic::Location;

use once_cell::race::OnceRef;

use crate::book::{self, Count, Ended, FirstCell, Note, OwnCount, Record, Tally, Total};
use crate::event::Event;
use crate::list;
use crate::mode::Switch;
use crate::naming::{Named, Naming};
use crate::sync::{const_fn, constant};
use crate::{Error, Mode, Reason};

/// The name of a policy, its mode, its counts, and what its name stands for.
///
/// To make a policy: a field `shell` of this type, made by [`named`](Self::named) in a `#[track_caller]` constructor, and
/// a [`shell!`](shell) that says its kind, which settings make two of them equal, and what its `Debug` shows.
pub(crate) struct Shell<P: 'static> {
    name: &'static str,
    /// The mode that it was built with.
    first_mode: Mode,
    /// The mode that it goes by unless somebody changes it: the first, or the one that settings say.
    #[cfg(feature = "config")]
    base_mode: Switch,
    mode: Switch,
    is_of_a_key: bool,
    first_cell: FirstCell,
    /// The counts of one policy, or of all policies of one kind and name that are written at one place.
    record: OnceRef<'static, Record>,
    naming: Naming<P>,
}

impl<P> Shell<P> {
    const_fn! {
        /// The shell of a policy that enforces, written where the caller's caller is.
        #[track_caller]
        pub(crate) fn named(name: &'static str) -> Self {
            Self {
                name,
                first_mode: Mode::Enforce,
                #[cfg(feature = "config")]
                base_mode: constant!(Switch::new(Mode::Enforce)),
                mode: constant!(Switch::new(Mode::Enforce)),
                is_of_a_key: false,
                first_cell: constant!(FirstCell::unknown()),
                record: constant!(OnceRef::new()),
                naming: Naming::here(),
            }
        }
    }

    const_fn! {
        /// Sets the mode that it begins in.
        pub(crate) fn begin_in(&mut self, mode: Mode) {
            self.first_mode = mode;
            #[cfg(feature = "config")]
            {
                self.base_mode = Switch::new(mode);
            }
            self.mode = Switch::new(mode);
        }
    }

    #[inline]
    pub(crate) const fn name(&self) -> &'static str {
        self.name
    }

    /// The mode that it was built with.
    pub(crate) const fn first_mode(&self) -> Mode {
        self.first_mode
    }

    #[inline]
    pub(crate) fn mode(&self) -> Mode {
        self.mode.get()
    }

    pub(crate) fn set_mode(&self, mode: Mode) {
        self.mode.set(mode);
    }

    /// Returns whether somebody has changed the mode.
    pub(crate) fn is_switched(&self) -> bool {
        self.mode() != self.base_mode()
    }

    /// The mode that it goes by unless somebody changes it.
    #[cfg(feature = "config")]
    pub(crate) fn base_mode(&self) -> Mode {
        self.base_mode.get()
    }

    /// The mode that it goes by unless somebody changes it.
    #[cfg(not(feature = "config"))]
    pub(crate) const fn base_mode(&self) -> Mode {
        self.first_mode
    }

    /// Sets the mode that it goes by unless somebody changes it, and returns it.
    #[cfg(feature = "config")]
    pub(crate) fn set_base_mode(&self, mode: Option<Mode>) -> Mode {
        let mode = mode.unwrap_or(self.first_mode);
        self.base_mode.set(mode);
        mode
    }

    pub(crate) const fn naming(&self) -> &Naming<P> {
        &self.naming
    }

    /// The text of the key that it is for, if that may be shown.
    pub(crate) fn key(&self) -> Option<&str> {
        self.naming.key()
    }

    /// Lets events and the list show the key that it is for.
    pub(crate) fn set_key(&mut self, key: Box<str>) {
        self.naming.set_key(key);
    }

    /// The address, by which the list of functions knows it.
    pub(crate) fn address(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    /// The source location of the policy.
    pub(crate) const fn place(&self) -> &'static Location<'static> {
        self.naming.place()
    }
}

impl<P: Named> Shell<P> {
    /// The shell of an instance of the same policy for a key, in the mode that both go by; they count in one book.
    pub(crate) fn again(&self) -> Self {
        let mode = self.base_mode();
        #[cfg(feature = "config")]
        return Self { first_mode: self.first_mode, ..self.again_in(mode) };
        #[cfg(not(feature = "config"))]
        self.again_in(mode)
    }

    /// As [`again`](Self::again), in another mode.
    pub(crate) fn again_in(&self, mode: Mode) -> Self {
        let again = Self {
            name: self.name,
            first_mode: mode,
            #[cfg(feature = "config")]
            base_mode: Switch::new(mode),
            mode: Switch::new(mode),
            is_of_a_key: true,
            first_cell: FirstCell::unknown(),
            record: OnceRef::new(),
            naming: self.naming.again(),
        };
        again.keep(self.record());
        again
    }

    /// Counts the end of a call.
    #[inline]
    pub(crate) fn count(&self, ended: Ended) {
        if !self.first_cell.count(ended) {
            self.count_slowly(ended);
        }
    }

    /// Counts units of calls that say their weight.
    #[inline]
    pub(crate) fn tally(&self, tally: Tally, units: u64) {
        if !self.first_cell.tally(tally, units) {
            self.record().tally_slowly(tally, units);
        }
    }

    #[cold]
    #[inline(never)]
    fn count_slowly(&self, ended: Ended) {
        self.record().count_slowly(ended);
    }

    /// Tells everybody who listens of something that the policy does.
    #[inline]
    pub(crate) fn emit(&self, event: Event) {
        event.emit_in(|| list::function_of(self.record().layer), self.key());
    }

    /// Counts one more in a count of this policy that is part of a count of its book.
    #[inline]
    pub(crate) fn count_own(&self, own: &OwnCount, total: Total) {
        if !own.try_add_one() {
            self.count_own_slowly(own, total);
        }
    }

    #[cold]
    #[inline(never)]
    fn count_own_slowly(&self, own: &OwnCount, total: Total) {
        own.add_one_slowly(self.record(), total, self.is_of_a_key);
    }

    /// Counts one more in a count of this policy that is no part of its book.
    ///
    /// Of a key, it is one word that all threads write, as there is no end of keys.
    #[inline]
    pub(crate) fn count_alone(&self, count: &Count) {
        if self.is_of_a_key {
            count.add_one_in_place();
        } else {
            count.add_one_alone();
        }
    }

    /// Adds to one of the policy's own numbers.
    #[cold]
    pub(crate) fn note(&self, note: Note, more: u64) {
        self.record().note(note, more);
    }

    /// Counts a refusal, and makes it.
    #[cold]
    pub(crate) fn reject(&self, reason: Reason) -> Error {
        let rejection = self.rejection(reason);
        self.record().reject(rejection.number());
        rejection
    }

    /// As [`reject`](Self::reject), for a policy that refuses most calls in an outage, and counts them: no reason is moved through memory.
    #[inline]
    pub(crate) fn reject_own(&self, reason: Reason, own: &OwnCount) -> Error {
        let rejection = self.rejection(reason);
        self.count_own(own, Total::Rejected(rejection.number()));
        rejection
    }

    /// The refusal for this reason, which is counted elsewhere.
    #[expect(clippy::inline_always, reason = "as for `Error::new`")]
    #[inline(always)]
    pub(crate) const fn rejection(&self, reason: Reason) -> Error {
        Error::new(P::KIND, self.name, reason)
    }

    /// The counts.
    pub(crate) fn record(&self) -> &'static Record {
        self.record.get().unwrap_or_else(|| self.enrol())
    }

    /// The record, which is made at the first use of any policy of this kind, name and place.
    #[cold]
    #[inline(never)]
    fn enrol(&self) -> &'static Record {
        self.keep(book::record(P::KIND, self.name, self.place(), list::layer_at(self.address())))
    }

    fn keep(&self, record: &'static Record) -> &'static Record {
        self.first_cell.set(record);
        self.record.get_or_init(|| record)
    }
}

impl<P> fmt::Debug for Shell<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shell").field("name", &self.name).field("mode", &self.mode()).finish_non_exhaustive()
    }
}

/// Gives a policy with a field `shell` its name, the methods that share it by name and change its mode, and its `Debug`.
///
/// A policy with more to reset than its mode names the method for it as `resets`; one with settings that can change, their type as `tunes`. One for which a mode is more than that writes `mode` and `set_mode` itself and leaves `modes` out.
macro_rules! shell {
    ($policy:ident is $kind:ident $(, modes: $(#[$changes:meta])+)?, agrees: |$one:ident, $other:ident| $agrees:expr,
        shows: |$this:ident| { $($field:ident: $value:expr),* $(,)? } $(, resets: $reset:ident)?
        $(, tunes: $config:ty $(, adopts: $adopt:ident)? $(, forces: $force:ident)? $(, modes: $has_modes:literal)?)?) => {
        crate::shell::tunable!($policy $(is $config $(, adopts $adopt)? $(, forces $force)? $(, modes $has_modes)?)?);

        impl $policy {
            /// The name it was given.
            pub const fn name(&self) -> &'static str {
                self.shell.name()
            }

            /// The policy that this one's name stands for: the first `static` of its kind and name whose `shared` was called.
            ///
            /// Policies of one name are one, wherever they are written, if they have the same settings. If these differ, this
            /// one keeps a state of its own, which is an event of level `ERROR` and one of the
            /// [`conflicts`](crate::conflicts). It is looked up once; from then on it costs one load.
            #[inline]
            pub fn shared(&'static self) -> &'static Self {
                crate::naming::shared(self)
            }

            /// The mode that it is in.
            pub fn current_mode(&self) -> crate::Mode {
                self.shell.mode()
            }

            $(
                crate::sync::const_fn! {
                    /// The mode that it begins in; [`Mode::Enforce`](crate::Mode::Enforce) unless set.
                    /// [`set_mode`](Self::set_mode) changes it later.
                    $(#[$changes])+
                    pub fn mode(mut self, mode: crate::Mode) -> Self {
                        self.shell.begin_in(mode);
                        self
                    }
                }

                /// Changes the mode.
                $(#[$changes])+
                pub fn set_mode(&self, mode: crate::Mode) {
                    self.shell.set_mode(mode);
                }
            )?
        }

        impl crate::naming::Named for $policy {
            const KIND: crate::PolicyKind = crate::PolicyKind::$kind;

            fn name(&self) -> &'static str {
                self.shell.name()
            }

            fn naming(&self) -> &crate::naming::Naming<Self> {
                self.shell.naming()
            }

            fn agrees(&self, other: &Self) -> bool {
                let ($one, $other) = (self, other);
                $one.shell.first_mode() == $other.shell.first_mode() && $agrees
            }

            #[cfg(feature = "config")]
            fn is_known(&'static self) {
                crate::list::met(self);
            }

            fn key(&self) -> Option<&str> {
                self.shell.key()
            }

            fn set_key(&mut self, key: Box<str>) {
                self.shell.set_key(key);
            }
        }

        impl crate::list::sealed::Listed for $policy {
            fn kind(&self) -> crate::PolicyKind {
                crate::PolicyKind::$kind
            }

            fn address(&self) -> usize {
                self.shell.address()
            }

            fn record(&self) -> &'static crate::book::Record {
                self.shell.record()
            }

            fn known(&'static self, unused: &mut crate::naming::Unused) -> &'static dyn crate::list::Listed {
                let known: &'static Self = crate::naming::known(self, unused);
                known
            }

            fn mode(&self) -> crate::Mode {
                self.current_mode()
            }

            fn describe(&self, description: &mut crate::list::Description) {
                self.describe_to(description);
            }

            fn reset(&self) {
                self.set_mode(self.shell.base_mode());
                $(self.$reset();)?
            }

            #[cfg(feature = "config")]
            fn plan(
                &'static self,
                changes: &[crate::tune::Change],
                before: &[crate::tune::Change],
            ) -> Result<crate::tune::Plan, crate::tune::Mistakes> {
                crate::list::plan(self, changes, before)
            }
        }

        impl std::fmt::Debug for $policy {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                let $this = self;
                f.debug_struct(stringify!($policy))
                    .field("name", &$this.name())
                    $(.field(stringify!($field), &$value))*
                    .field("mode", &$this.current_mode())
                    .finish_non_exhaustive()
            }
        }
    };
}

/// Says which settings of a policy can change while it is in use.
#[cfg(feature = "config")]
macro_rules! tunable {
    ($policy:ident) => {
        impl crate::tune::Tunable for $policy {
            type Config = crate::tune::NoSettings;

            fn live(&self) -> &crate::tune::Live<Self::Config> {
                &crate::tune::NO_SETTINGS
            }

            fn tune_mode(&self, mode: Option<crate::Mode>) {
                self.set_mode(self.shell.set_base_mode(mode));
            }
        }
    };
    ($policy:ident is $config:ty $(, adopts $adopt:ident)? $(, forces $force:ident)? $(, modes $has_modes:literal)?) => {
        impl crate::tune::Tunable for $policy {
            type Config = $config;

            fn live(&self) -> &crate::tune::Live<Self::Config> {
                &self.config
            }

            fn tune_mode(&self, mode: Option<crate::Mode>) {
                self.set_mode(self.shell.set_base_mode(mode));
            }

            $(fn adopt(&self, before: &Self::Config) {
                self.$adopt(before);
            })?

            $(const HAS_A_STATE: bool = true;

            fn force(&self, state: Option<crate::tune::Forced>) {
                self.$force(state);
            })?

            $(const HAS_MODES: bool = $has_modes;)?
        }
    };
}

/// Without the feature, none can.
#[cfg(not(feature = "config"))]
macro_rules! tunable {
    ($($settings:tt)*) => {};
}

pub(crate) use {shell, tunable};
