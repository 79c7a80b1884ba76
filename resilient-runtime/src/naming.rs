//! Policies of one name: the first `static` of a kind and name is the one for all, and settings that differ are found.

use std::any::Any;
#[cfg(any(feature = "chaos", feature = "config", all(feature = "http-1", feature = "tower-0-5")))]
use std::collections::BTreeSet;
use std::collections::HashMap;
use std::fmt;
use std::panic::Location;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use once_cell::race::OnceBox;

use crate::event::Event;
use crate::vocabulary::PolicyKind;

/// Two policies of one kind and one name whose settings differ, so that they could not be one.
///
/// The second keeps a state of its own. Make the settings equal, or name the two apart.
///
/// ```
/// use resilient::CircuitBreaker;
///
/// static READS: CircuitBreaker = CircuitBreaker::named("disk").consecutive(3);
/// static WRITES: CircuitBreaker = CircuitBreaker::named("disk").consecutive(4);
///
/// assert!(!std::ptr::eq(READS.shared(), WRITES.shared()));
///
/// let conflicts = resilient::conflicts();
/// assert_eq!(conflicts[0].name(), "disk");
/// assert!(conflicts[0].first().line() < conflicts[0].second().line());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conflict {
    policy: PolicyKind,
    name: &'static str,
    first: &'static Location<'static>,
    second: &'static Location<'static>,
}

/// The conflicts between policies that have been used so far, in the order in which they were found.
///
/// A policy is compared when it is first used by its name: by [`CircuitBreaker::shared`](crate::CircuitBreaker::shared),
/// or by a function whose attribute says `name = "…"`. A conflict is also an event of level `ERROR`, and in a test,
/// `resilient::test::assert_no_conflicts` fails on it.
pub fn conflicts() -> Vec<Conflict> {
    found().clone()
}

impl Conflict {
    /// Returns what kind of policy both are.
    pub const fn policy(&self) -> PolicyKind {
        self.policy
    }

    /// The name of both.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Returns where the one is that was used first, and that the name stands for.
    pub const fn first(&self) -> &'static Location<'static> {
        self.first
    }

    /// Returns where the one is that differs from it.
    pub const fn second(&self) -> &'static Location<'static> {
        self.second
    }
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { policy, name, first, second } = self;
        write!(
            f,
            "the {policy} `{name}` has other settings at {second} than at {first}: make them equal, or name the two apart"
        )
    }
}

/// The record of a policy by which its name finds it: the place where it was written, and the policy that its name stands for, or the key
/// that it is for.
///
/// To make a policy shareable: a field of this type, made by `Naming::here()` in a `#[track_caller]` constructor, an
/// `impl Named`, and a public `shared` that calls [`shared`].
pub struct Naming<P: 'static> {
    place: &'static Location<'static>,
    standing: OnceBox<Standing<P>>,
}

/// A policy is one among those of its name, or one among those of the keys of one.
enum Standing<P: 'static> {
    /// The policy that its name stands for.
    Shared(&'static P),
    /// The text of its key, which may be shown.
    Key(Box<str>),
}

/// A policy that is found by its name.
pub trait Named: Any + Send + Sync + Sized {
    /// The kind; names of different kinds have nothing to do with each other.
    const KIND: PolicyKind;

    /// Its name.
    fn name(&self) -> &'static str;

    /// Its naming.
    fn naming(&self) -> &Naming<Self>;

    /// Returns whether both were given the same settings, whatever has happened to them since.
    fn agrees(&self, other: &Self) -> bool;

    /// Is told that it has been looked up by its name, and is the first of that.
    #[doc(hidden)]
    fn is_known(&'static self) {}

    /// The text of its key, if that may be shown.
    #[doc(hidden)]
    fn key(&self) -> Option<&str> {
        None
    }

    /// Lets events and the list show its key.
    #[doc(hidden)]
    #[expect(clippy::boxed_local, reason = "a policy keeps it as it is")]
    fn set_key(&mut self, _key: Box<str>) {}
}

impl<P> Naming<P> {
    /// Records the caller of the constructor, which must be `#[track_caller]` too, as the place.
    #[track_caller]
    pub(crate) const fn here() -> Self {
        Self::at(Location::caller())
    }

    /// Returns the record of a copy, which stands for itself until it is shared.
    pub(crate) const fn again(&self) -> Self {
        Self::at(self.place)
    }

    /// Source location; the policies of all keys of one `PerKey` are written at one place.
    pub(crate) const fn place(&self) -> &'static Location<'static> {
        self.place
    }

    /// The text of the key that it is for, if that may be shown.
    pub(crate) fn key(&self) -> Option<&str> {
        match self.standing.get()? {
            Standing::Key(key) => Some(key),
            Standing::Shared(_) => None,
        }
    }

    /// Lets events and the list show the key that it is for.
    pub(crate) fn set_key(&mut self, key: Box<str>) {
        self.standing = OnceBox::with_value(Box::new(Standing::Key(key)));
    }

    #[inline]
    fn shared(&self) -> Option<&'static P> {
        match self.standing.get()? {
            Standing::Shared(policy) => Some(policy),
            Standing::Key(_) => None,
        }
    }

    const fn at(place: &'static Location<'static>) -> Self {
        Self { place, standing: const { OnceBox::new() } }
    }
}

impl<P> fmt::Debug for Naming<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.place, f)
    }
}

/// The policy that this one's name stands for: itself if it is the first of its kind and name, or if it differs from the
/// first.
#[inline]
pub(crate) fn shared<P: Named>(policy: &'static P) -> &'static P {
    match policy.naming().shared() {
        Some(shared) => shared,
        None => look_up(policy),
    }
}

#[cold]
fn look_up<P: Named>(policy: &'static P) -> &'static P {
    let place = policy.naming().place;
    let first = *registry().entry((P::KIND, policy.name())).or_insert(First { policy, place });
    let as_first: &'static dyn Any = first.policy;
    let shared = as_first.downcast_ref::<P>().filter(|first| first.agrees(policy));
    // Threads that look the same policy up at once come to the same answer, and one of them reports it, outside the
    // locks, because whoever hears of it may come back here.
    let is_news = policy.naming().standing.set(Box::new(Standing::Shared(shared.unwrap_or(policy)))).is_ok();
    if is_news && shared.is_none() {
        let conflict = Conflict { policy: P::KIND, name: policy.name(), first: first.place, second: place };
        found().push(conflict);
        let Conflict { policy: kind, name, first, second } = conflict;
        Event::SettingsDiffer { policy: name, kind, first, second }.emit();
    }
    let shared = shared.unwrap_or(policy);
    if is_news {
        shared.is_known();
    }
    shared
}

/// The policy that this one's name stands for now, or would if the unused policies were used in the order in which they
/// are asked for.
///
/// It makes nothing known: whoever only looks must not decide which policy is the first, nor report a conflict.
pub(crate) fn known<P: Named>(policy: &'static P, unused: &mut Unused) -> &'static P {
    if let Some(shared) = policy.naming().shared() {
        return shared;
    }
    let key = (P::KIND, policy.name());
    let used = registry().get(&key).copied();
    let first = used.unwrap_or_else(|| *unused.0.entry(key).or_insert(First { policy, place: policy.naming().place }));
    let first: &'static dyn Any = first.policy;
    first.downcast_ref::<P>().filter(|first| first.agrees(policy)).unwrap_or(policy)
}

/// The first policies of names of which none has been used.
#[derive(Default)]
pub struct Unused(Registry);

/// The policy that a name stands for.
#[derive(Clone, Copy)]
struct First {
    policy: &'static (dyn Any + Send + Sync),
    place: &'static Location<'static>,
}

type Registry = HashMap<(PolicyKind, &'static str), First>;

/// The names, which are no more than were written in the program's text.
fn registry() -> MutexGuard<'static, Registry> {
    static REGISTRY: LazyLock<Mutex<Registry>> = LazyLock::new(Mutex::default);
    REGISTRY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The name, kept for the life of the process, since events have it. There are as many as the program's text and its settings files have.
#[cfg(any(feature = "chaos", feature = "config", all(feature = "http-1", feature = "tower-0-5")))]
pub(crate) fn kept_name(name: &str) -> &'static str {
    static NAMES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());

    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = names.get(name) {
        return known;
    }
    let name: &'static str = name.to_owned().leak();
    names.insert(name);
    name
}

fn found() -> MutexGuard<'static, Vec<Conflict>> {
    static FOUND: Mutex<Vec<Conflict>> = Mutex::new(Vec::new());
    FOUND.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(all(test, not(resilient_loom)))]
mod tests {
    use std::ptr;
    use std::time::Duration;

    use super::*;
    use crate::{CircuitBreaker, Mode, PerKey};

    fn same<P>(one: &P, other: &P) -> bool {
        ptr::eq(one, other)
    }

    fn conflicts_of(name: &str) -> Vec<Conflict> {
        conflicts().into_iter().filter(|conflict| conflict.name == name).collect()
    }

    #[test]
    fn equal_policies_of_one_name_are_one() {
        static FIRST: CircuitBreaker = CircuitBreaker::named("naming: equal").consecutive(2);
        static SECOND: CircuitBreaker = CircuitBreaker::named("naming: equal").consecutive(2);

        let (first, second) = (FIRST.shared(), SECOND.shared());

        assert!(same(first, second));
        assert!(same(second, &FIRST), "the one that was used first");
        assert!(conflicts_of("naming: equal").is_empty());
    }

    #[test]
    fn what_happened_to_the_first_is_no_difference() {
        static FIRST: CircuitBreaker = CircuitBreaker::named("naming: changed");
        static SECOND: CircuitBreaker = CircuitBreaker::named("naming: changed");
        FIRST.shared().set_mode(Mode::Observe);
        FIRST.shared().force_open();

        assert!(same(SECOND.shared(), &FIRST));
    }

    #[test]
    fn other_names_are_others() {
        static ONE: CircuitBreaker = CircuitBreaker::named("naming: one");
        static OTHER: CircuitBreaker = CircuitBreaker::named("naming: other");

        assert!(!same(ONE.shared(), OTHER.shared()));
        assert!(conflicts_of("naming: one").is_empty() && conflicts_of("naming: other").is_empty());
    }

    #[test]
    fn without_being_asked_to_nothing_is_shared() {
        static FIRST: CircuitBreaker = CircuitBreaker::named("naming: unasked");
        static SECOND: CircuitBreaker = CircuitBreaker::named("naming: unasked");
        FIRST.force_open();

        assert!(SECOND.acquire().is_ok());
    }

    #[test]
    fn different_settings_are_a_conflict_that_names_both_places_once() {
        static FIRST: CircuitBreaker = CircuitBreaker::named("naming: differ").consecutive(2);
        static SECOND: CircuitBreaker = CircuitBreaker::named("naming: differ").consecutive(3);
        static THIRD: CircuitBreaker = CircuitBreaker::named("naming: differ").consecutive(2);
        let line = line!() - 3;

        for _ in 0..3 {
            assert!(same(FIRST.shared(), &FIRST));
            assert!(same(SECOND.shared(), &SECOND), "it has a state of its own");
            assert!(same(THIRD.shared(), &FIRST), "the third is the first");
        }
        // what a thread does that looked it up at the same time
        assert!(same(look_up(&SECOND), &SECOND));

        let [conflict] = *conflicts_of("naming: differ") else { panic!("{:?}", conflicts_of("naming: differ")) };
        assert_eq!(conflict.policy(), PolicyKind::CircuitBreaker);
        assert_eq!((conflict.first().line(), conflict.second().line()), (line, line + 1));
        let places = format!("at {} than at {}", conflict.second(), conflict.first());
        assert_eq!(
            conflict.to_string(),
            format!(
                "the circuit breaker `naming: differ` has other settings {places}: make them equal, or name the two apart"
            )
        );
        assert!(places.contains("naming.rs:"), "{places}");
    }

    #[test]
    fn every_setting_counts() {
        let plain = || CircuitBreaker::named("naming: every");
        let others = vec![
            plain().failure_rate(0.4),
            plain().window(Duration::from_secs(9)),
            plain().count_window(100),
            plain().min_calls(19),
            plain().consecutive(4),
            plain().without_consecutive(),
            plain().open_for(Duration::from_secs(2)),
            plain().open_max(Duration::from_secs(29)),
            plain().open_growth(3.0),
            plain().open_jitter(0.2),
            plain().probes(2),
            plain().probe_timeout(Duration::from_secs(1)),
            plain().slow_call(Duration::from_secs(1)),
            plain().slow_rate(0.7),
            plain().recover(Duration::from_secs(1)),
            plain().throttled_fails(),
            plain().mode(Mode::Observe),
        ];

        assert!(plain().agrees(&plain()));
        for other in others {
            assert!(!plain().agrees(&other), "{other:?}");
        }
    }

    #[test]
    fn with_and_without_a_key_are_a_conflict() {
        static PLAIN: CircuitBreaker = CircuitBreaker::named("naming: keyed");
        static KEYED: PerKey<CircuitBreaker> = PerKey::new(CircuitBreaker::named("naming: keyed"));

        PLAIN.shared();
        assert!(same(KEYED.shared(), &KEYED));

        let [conflict] = *conflicts_of("naming: keyed") else { panic!("{:?}", conflicts_of("naming: keyed")) };
        assert!(conflict.first().line() < conflict.second().line());
    }

    #[test]
    fn keyed_policies_share_all_their_keys() {
        static FIRST: PerKey<CircuitBreaker> = PerKey::new(CircuitBreaker::named("naming: keys"));
        static SECOND: PerKey<CircuitBreaker> = PerKey::new(CircuitBreaker::named("naming: keys"));
        static SMALLER: PerKey<CircuitBreaker> = PerKey::new(CircuitBreaker::named("naming: keys")).capacity(9);

        FIRST.shared().of("a").force_open();

        assert!(SECOND.shared().of("a").acquire().is_err());
        assert!(SMALLER.shared().of("a").acquire().is_ok());
        assert_eq!(conflicts_of("naming: keys").len(), 1);
    }

    #[test]
    fn threads_that_meet_agree_on_one() {
        static STATICS: [CircuitBreaker; 8] = [const { CircuitBreaker::named("naming: meet") }; 8];
        static DIFFERS: CircuitBreaker = CircuitBreaker::named("naming: meet alone").probes(1);
        static ALONE: CircuitBreaker = CircuitBreaker::named("naming: meet alone");
        ALONE.shared();
        let barrier = std::sync::Barrier::new(STATICS.len());

        let shared: Vec<_> = std::thread::scope(|scope| {
            let ask = |policy: &'static CircuitBreaker| {
                let barrier = &barrier;
                scope.spawn(move || {
                    barrier.wait();
                    DIFFERS.shared();
                    policy.shared()
                })
            };
            let threads: Vec<_> = STATICS.iter().map(ask).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });

        assert!(shared.iter().all(|policy| same(*policy, shared[0])));
        assert_eq!(conflicts_of("naming: meet alone").len(), 1, "reported once");
    }
}
