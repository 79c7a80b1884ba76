//! One instance of a policy for each key, bounded in number.

pub(crate) mod fingerprint;
mod held;
mod label;
mod shard;
mod turns;

use std::fmt;
use std::hash::Hash;
// std's under loom too: nothing is decided on them that the locks would not decide again
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

pub use self::held::Held;

pub(crate) use self::fingerprint::{Unchanged, fingerprint};

use self::fingerprint::Fingerprint;
use self::label::{SHOWN, label};
use self::shard::{Seat, Shard, Turn, Whose};
use self::turns::Turns;
use crate::Mode;
use crate::book::Record;
use crate::clock::{Ticks, nanos};
#[cfg(feature = "config")]
use crate::list::plan_of;
use crate::list::{Description, KeySnapshot, KeysSnapshot, Listed, Tuned, sealed as listed};
use crate::naming::{self, Named, Naming, Unused};
#[cfg(feature = "config")]
use crate::tune::{Change, Mistakes, Plan, Tunable, Tuning};
use crate::{Event, PolicyKind};

/// One policy for each key: for each host, tenant or region its own circuit breaker, with the same settings.
///
/// It is a value for a `static`. A policy is made when its key is first asked for, and is forgotten when nobody has asked
/// for it for a while. To ask for a key that is there takes a read lock on one of 16 parts and reads no clock; it
/// allocates nothing.
///
/// # Keys
///
/// A key is anything that implements [`Hash`], and is borrowed: `str`, `&str` and `String` of the same text are the same
/// key, as are `(&str, u16)` and `(String, u16)`. A key is not kept and not compared: it is known by a 128-bit hash under
/// secrets that the process drew at its start. So
///
/// * what a key's `Hash` leaves out does not tell keys apart;
/// * two keys that differ could be taken for one. For the most keys that are there at once by default, 10,000, the
///   chance that any two of them meet is about 10⁻³¹, as far as SipHash-1-3 behaves like a random function, and
///   nobody who does not know the secrets can find two that do. Two keys that met would share one policy, and nothing
///   else would happen.
///
/// `None` is a key like another: all calls without a tenant share one policy. To have it otherwise, make the key of what the call has in its place, as in
/// `tenant.ok_or(address)`, or give `None` [settings](Self::of_with) of its own, such as `shared.mode(Mode::Off)` for no limit at all.
///
/// All keys of one `PerKey` should be of one type: `7_u32` and `7_u64` are different keys, and `1_u16` and `(1_u8, 0_u8)` may
/// be the same.
///
/// # How many
///
/// At most [`capacity`](Self::capacity). A policy that nobody holds, and that nobody asked for in the last
/// [`idle`](Self::idle) time, is forgotten at a later call with a new key, and at the latest after about twice that time if
/// there are such calls. When there are as many as there may be, a new key takes the place of one whose policy is as new,
/// so that forgetting it loses nothing but its counts: a bulkhead of a fixed size with nobody inside; a breaker whose key
/// was asked for once only, if it is closed and its window empty. A policy that is in use is never forgotten. So whoever can choose the keys can neither exhaust the memory nor push out the policies of the
/// keys that are in use.
///
/// If there is no such place, the key gets a stand-in until there is room. [`overflowed`](Self::overflowed) and
/// [`overflows`](Self::overflows) count that, and its beginning is an event of level `WARN`. Strangers do not judge
/// each other:
///
/// | policy | stand-in |
/// |---|---|
/// | breaker, throttle | one that is switched off: no verdict on a key comes from other keys |
/// | bulkhead, rate limit, hedge | one of 64 with the same settings, by the key's hash |
///
/// A rate limit takes no place early, since a key that is made up for one call would then be a fresh quota. Made-up keys
/// get at most `capacity` quotas in an idle time and those of the 64 stand-ins, which they share with the honest
/// keys that have no room. A limit on strangers as a whole is one without a key, outside this one.
///
/// An idle policy is forgotten whatever its state is, an open breaker too: otherwise keys that fail once and never
/// come again would fill it for ever. After the idle time its open time is long over, as
/// long as `idle` exceeds [`open_max`](crate::CircuitBreaker::open_max), and what is lost is that the next open time
/// would have been longer. Only what was set by hand is not forgotten: a breaker that was
/// [forced open](crate::CircuitBreaker::force_open), or whose mode was changed.
///
/// # Examples
///
/// ```
/// use resilient::{CircuitBreaker, PerKey, CircuitBreakerState};
///
/// static HOSTS: PerKey<CircuitBreaker> = PerKey::new(CircuitBreaker::named("fetch").consecutive(1));
///
/// fn fetch(host: &str) -> Result<(), Box<dyn std::error::Error>> {
///     let breaker = HOSTS.of(host);
///     let permit = breaker.acquire()?;
///     let down: std::io::Result<()> = Err(std::io::ErrorKind::ConnectionRefused.into());
///     Ok(permit.settle(down)?)
/// }
///
/// fetch("a.example").unwrap_err();
///
/// assert_eq!(HOSTS.of("a.example").state(), CircuitBreakerState::Open);
/// assert_eq!(HOSTS.of("b.example").state(), CircuitBreakerState::Closed);
/// ```
#[must_use = "it does nothing unless it is asked for a key"]
pub struct PerKey<P: 'static> {
    template: P,
    capacity: usize,
    idle: Duration,
    shards: [Shard<P>; SHARDS],
    /// Held to add or take out a policy, and a shard's lock only for the change itself.
    turns: Mutex<Turns<P>>,
    /// Until when it is full for sure, and nothing in it will be idle.
    full_until: AtomicU64,
    stand_ins: OnceLock<Box<[P]>>,
    overflowed: AtomicU64,
    overflows: AtomicU64,
    /// When a key last had no room, to about a second.
    last_overflow: AtomicU64,
    evicted: AtomicU64,
    /// Set once settings were asked for that are a key's own.
    asks: AtomicBool,
    /// Number of times that the settings of keys became out of date.
    outdated: AtomicU64,
    naming: Naming<Self>,
}

/// A policy that there can be many of, one for each key. Those of this crate implement it, and only they.
pub trait Keyed: Named {
    /// One with the same settings and a new state.
    #[must_use]
    fn fresh(&self) -> Self;

    /// As [`fresh`](Self::fresh), and built with the settings that are in force, so that a builder's methods change them.
    #[must_use]
    fn base(&self) -> Self;

    /// One with the settings and the mode that `chosen` was built with, and a new state.
    #[must_use]
    fn chosen(&self, chosen: &Self) -> Self;

    /// Returns whether its settings or its mode differ from those of `other`.
    fn differs_from(&self, other: &Self) -> bool;

    /// Goes by the settings and the mode that `chosen` was built with, and keeps its state. Returns whether it can: a policy that machines share
    /// always does.
    #[cfg(feature = "config")]
    #[doc(hidden)]
    fn go_by(&self, chosen: &Self) -> bool;

    /// Returns whether somebody has set its state by hand, which must not be forgotten.
    fn is_held_by_hand(&self) -> bool;

    /// Returns whether a new one would do the same from now on; `again` says whether its key was asked for more than once.
    fn is_as_new(&self, again: bool) -> bool {
        let _ = again;
        false
    }

    /// Returns whether it refuses calls, or is about to.
    fn is_in_trouble(&self) -> bool {
        false
    }

    /// The number by which the list of policies takes it for busy: of calls that it knows of, or that are under way.
    fn activity(&self) -> u64;

    /// Returns whether machines share it.
    #[doc(hidden)]
    fn is_shared(&self) -> bool {
        false
    }

    /// Says as which key the store of a shared policy knows it.
    #[doc(hidden)]
    #[expect(clippy::boxed_local, reason = "a policy keeps it as it is")]
    fn share_as(&mut self, _key: Box<str>) {}

    /// One for keys that there is no room for.
    #[must_use]
    fn stand_in(&self) -> Self {
        self.fresh()
    }

    /// The policies of all keys, as the list has them.
    #[doc(hidden)]
    fn all_listed(all: &'static PerKey<Self>) -> Option<&'static dyn Listed>;

    /// Number of those; the key's hash says which of them.
    const STAND_INS: usize = 64;

    /// Set if those are switched off, whatever mode the policy is in.
    #[doc(hidden)]
    const STAND_INS_ARE_OFF: bool = false;
}

impl<P> PerKey<P> {
    /// One policy like `template` for each key, at most 10,000 of them, each forgotten after ten minutes without use.
    #[track_caller]
    pub const fn new(template: P) -> Self {
        Self {
            template,
            capacity: 10_000,
            idle: Duration::from_secs(600),
            shards: [const { Shard::new() }; SHARDS],
            turns: Mutex::new(Turns::new()),
            full_until: AtomicU64::new(0),
            stand_ins: OnceLock::new(),
            overflowed: AtomicU64::new(0),
            overflows: AtomicU64::new(0),
            last_overflow: AtomicU64::new(0),
            evicted: AtomicU64::new(0),
            asks: AtomicBool::new(false),
            outdated: AtomicU64::new(0),
            naming: Naming::here(),
        }
    }

    /// Greatest number of policies, besides the stand-ins; 10,000 unless set.
    ///
    /// A circuit breaker takes some 370 bytes, so 10,000 of them are 3.7 MB; more, once calls of a key have failed.
    ///
    /// # Panics
    ///
    /// If it is 0; at compile time in a `static`.
    pub const fn capacity(mut self, keys: usize) -> Self {
        assert!(keys >= 1, "`capacity` must be at least 1");
        self.capacity = keys;
        self
    }

    /// Sets how long a policy must not have been used before it may be forgotten; 10 min unless set. With `Duration::MAX`
    /// none ever is.
    ///
    /// # Panics
    ///
    /// If it is zero; at compile time in a `static`.
    pub const fn idle(mut self, time: Duration) -> Self {
        assert!(!time.is_zero(), "`idle` must be longer than zero");
        self.idle = time;
        self
    }
}

impl<P: Keyed> PerKey<P> {
    /// The policy of that key, or a stand-in if there is no room for it.
    ///
    /// Keep the result for as long as the call takes: a policy that is held is not forgotten.
    ///
    /// # Panics
    ///
    /// If the key's `Hash` does; everything is then as it was. If the policy is shared through a store, which needs a text of the key: use
    /// [`of_logged`](Self::of_logged).
    #[inline]
    pub fn of<K: Hash + ?Sized>(&self, key: &K) -> Held<'_, P> {
        // the user's code, and so before any lock
        let key = fingerprint(key);
        match self.shard(key).get(key) {
            Some(policy) => Held::own(policy),
            None => self.of_new(key, &|_| None, None),
        }
    }

    /// As [`of`](Self::of), and lets events and the [list of policies](crate::policies) show the key, by the first 64 characters of its `Debug`.
    ///
    /// The text is made and kept when the key gets its policy. Without this, nothing that the crate says has a key: neither events and the list nor
    /// metrics, which never have one. The store of a shared policy knows the key by the whole of its `Debug`.
    ///
    /// # Panics
    ///
    /// If the key's `Hash` or `Debug` does; everything is then as it was.
    #[inline]
    pub fn of_logged<K: Hash + fmt::Debug + ?Sized>(&self, key: &K) -> Held<'_, P> {
        let hash = fingerprint(key);
        match self.shard(hash).get(hash) {
            Some(policy) => Held::own(policy),
            None => self.of_new(hash, &|most| Some(label(key, most)), None),
        }
    }

    /// As [`of`](Self::of), with settings of the key's own: `settings` is given the key and a policy with the shared settings, and returns one with those that
    /// the key is to have.
    ///
    /// ```
    /// use std::time::Duration;
    /// use resilient::{PerKey, RateLimit};
    ///
    /// static TENANTS: PerKey<RateLimit> =
    ///     PerKey::new(RateLimit::named("tenants").rate(100, Duration::from_secs(1)));
    ///
    /// fn plan_of(tenant: &str, shared: RateLimit) -> RateLimit {
    ///     if tenant == "acme" { shared.rate(1_000, Duration::from_secs(1)) } else { shared }
    /// }
    ///
    /// let limit = TENANTS.of_with("acme", plan_of);
    /// assert!(limit.try_acquire_many(1_000).is_ok());
    /// assert!(TENANTS.of_with("other", plan_of).try_acquire_many(1_000).is_err());
    /// ```
    ///
    /// # When it is asked
    ///
    /// At the first use of a key, and at its first use after the key was forgotten. With the feature `config` also at its first use after live settings have
    /// changed the shared ones, or after `ask_again`. What it then returns takes the place of the key's settings, and the key's state stays; only a bulkhead
    /// whose kind of limit is another begins anew. Between two such times it costs nothing. Threads that meet at a new key may each ask, and one answer counts.
    ///
    /// A key that there is no room for is not asked about: its stand-in goes by the shared settings. A key whose policy [`of`](Self::of) has made keeps the
    /// shared settings until it is forgotten; so use one of the two for all calls.
    ///
    /// It runs on the way of a call and under no lock. It should only look up what the program knows already.
    ///
    /// # What counts
    ///
    /// The settings that the builder's methods set, and the mode. The name, the counts in metrics and the place stay those of all keys. The shared settings that it
    /// begins with are those in force: live settings hold for all keys, save for what `settings` sets itself. A breaker that live settings force into a state
    /// is forced for every key.
    ///
    /// # Panics
    ///
    /// If the key's `Hash` or `settings` does, as a builder's method does with a value that it refuses; everything is then as it was, and the next
    /// use of the key asks again. If it returns a policy that is shared through a store, and the shared settings are not.
    #[inline]
    pub fn of_with<K: Hash + ?Sized>(&self, key: &K, settings: impl Fn(&K, P) -> P) -> Held<'_, P> {
        let hash = fingerprint(key);
        match self.shard(hash).get_current(hash) {
            Some(policy) => Held::own(policy),
            None => self.of_asked(hash, &|_| None, &|shared| settings(key, shared)),
        }
    }

    /// As [`of_with`](Self::of_with), and shows the key as [`of_logged`](Self::of_logged) does.
    ///
    /// # Panics
    ///
    /// As both.
    #[inline]
    pub fn of_logged_with<K: Hash + fmt::Debug + ?Sized>(&self, key: &K, settings: impl Fn(&K, P) -> P) -> Held<'_, P> {
        let hash = fingerprint(key);
        match self.shard(hash).get_current(hash) {
            Some(policy) => Held::own(policy),
            None => self.of_asked(hash, &|most| Some(label(key, most)), &|shared| settings(key, shared)),
        }
    }

    /// Has the function of [`of_with`](Self::of_with) asked again at the next use of each key, as after a customer has changed to another plan.
    ///
    /// Windows, quotas, permits and states are kept.
    #[cfg(feature = "config")]
    pub fn ask_again(&self) {
        let turns = self.turns();
        self.outdate();
        drop(turns);
    }

    /// The `PerKey` that this one's name stands for: the first `static` of that name whose `shared` was called.
    ///
    /// As [`CircuitBreaker::shared`](crate::CircuitBreaker::shared), for the policies of all keys together; the
    /// capacity and the idle time are among the settings that must be equal.
    #[inline]
    pub fn shared(&'static self) -> &'static Self {
        naming::shared(self)
    }

    /// The policy of a key that has none, or whose settings are out of date.
    #[cold]
    fn of_asked(&self, key: Fingerprint, text: Text<'_>, settings: &dyn Fn(P) -> P) -> Held<'_, P> {
        match self.shard(key).get(key) {
            #[cfg(feature = "config")]
            Some(policy) => Held::own(self.ask_for(policy, settings)),
            #[cfg(not(feature = "config"))]
            Some(policy) => Held::own(policy),
            None => self.of_new(key, text, Some(settings)),
        }
    }

    /// Has a policy go by settings that are asked for again.
    #[cfg(feature = "config")]
    fn ask_for(&self, policy: Arc<Seat<P>>, settings: &dyn Fn(P) -> P) -> Arc<Seat<P>> {
        // Acquire pairs with the Release of `outdate`: the shared settings are at least as new as this number.
        let outdated = self.outdated.load(Acquire);
        // the user's code, and whoever hears of the change, and so before the lock
        let chosen = settings(self.template.base());
        let policy = if policy.go_by(&chosen) {
            policy
        } else {
            let mut new = self.template.chosen(&chosen);
            if let Some(text) = policy.key() {
                new.set_key(text.into());
            }
            Arc::new(Seat::new(policy.fingerprint(), new, Whose::Outdated, policy.last_turn()))
        };
        let _turns = self.turns();
        // Relaxed: it only changes under the lock.
        self.shard(policy.fingerprint()).put_current(&policy, self.outdated.load(Relaxed) == outdated);
        policy
    }

    /// Has every key that was asked about be asked about again. The caller holds the turns.
    #[cfg(feature = "config")]
    fn outdate(&self) {
        self.outdated.fetch_add(1, Release);
        self.shards.iter().for_each(Shard::outdate);
    }

    #[cold]
    fn of_new(&self, key: Fingerprint, text: Text<'_>, settings: Option<&dyn Fn(P) -> P>) -> Held<'_, P> {
        let now = Ticks::now();
        // Acquire pairs with the Release below: whoever sees that it is full also sees what filled it, which may be this very
        // key. An old value only means the long way.
        let full_until = self.full_until.load(Acquire);
        if !Ticks(full_until).has_come(now, nanos(self.idle)) {
            return self.shard(key).get(key).map_or_else(|| self.overflow(key, now), Held::own);
        }
        // the user's code, and so before the locks
        let (text, shared_as) = (text(SHOWN), self.template.is_shared().then(|| text(usize::MAX)));
        // Acquire as in `ask_for`
        let outdated = self.outdated.load(Acquire);
        let asked = settings.map(|settings| self.template.chosen(&settings(self.template.base())));
        if asked.is_some() && !self.asks.load(Relaxed) {
            self.asks.store(true, Relaxed);
        }
        let mut forgotten = Vec::new();
        let mut turns = self.turns();
        // Relaxed: it only changes under the lock.
        let whose = match &asked {
            None => Whose::Shared,
            Some(_) if self.outdated.load(Relaxed) == outdated => Whose::Own,
            Some(_) => Whose::Outdated,
        };
        let shared_as = shared_as.map(|text| text.expect("the store of a shared policy knows each key by its text, so that has to be one that may be shown: use `of_logged` in place of `of`, or `log_key` beside `key`"));
        let new = New { key, policy: || asked.unwrap_or_else(|| self.template.fresh()), text, shared_as, whose };
        self.sweep(&mut turns, now, &mut forgotten);
        let policy = match self.shard(key).get(key) {
            Some(policy) => Some(policy),
            None if turns.len() < self.capacity => {
                let seat = self.insert(new, now);
                turns.add(seat.clone());
                Some(seat)
            }
            None => {
                let policy = self.replace(&mut turns, new, &mut forgotten);
                if policy.is_none() {
                    let soon = now.0.saturating_add(nanos(LOOK_AGAIN));
                    self.full_until.store(soon.min(turns.next_due(nanos(self.idle))), Release);
                }
                policy
            }
        };
        drop(turns);
        drop(forgotten);
        policy.map_or_else(|| self.overflow(key, now), Held::own)
    }

    /// Gives the key the place of a policy that is as new, if one of the next few is.
    ///
    /// The turn comes when that of the other would have come, so that the order of the turns stays that of their times.
    fn replace(
        &self,
        turns: &mut Turns<P>,
        new: New<impl FnOnce() -> P>,
        forgotten: &mut Vec<Arc<Seat<P>>>,
    ) -> Option<Arc<Seat<P>>> {
        for _ in 0..MOST_LOOKS.min(turns.len()) {
            let place = turns.next_place();
            let other = turns.at(place);
            if let Some(policy) = self.shard(other.fingerprint()).take_if_as_new(other) {
                let seat = self.insert(new, policy.last_turn());
                forgotten.push(policy);
                // Relaxed: a count, on which nothing is decided.
                self.evicted.fetch_add(1, Relaxed);
                turns.replace(place, seat.clone());
                return Some(seat);
            }
        }
        None
    }

    fn insert(&self, new: New<impl FnOnce() -> P>, last_turn: Ticks) -> Arc<Seat<P>> {
        let mut policy = (new.policy)();
        if let Some(text) = new.text {
            policy.set_key(text);
        }
        if let Some(text) = new.shared_as {
            policy.share_as(text);
        }
        let seat = Arc::new(Seat::new(new.key, policy, new.whose, last_turn));
        self.shard(new.key).insert(seat.clone());
        seat
    }

    /// Looks at the policies whose turn it is, and takes out those that are idle.
    ///
    /// A turn comes once in an idle time. One that was used since its last turn, or is in use, gets another, so that
    /// none is looked at more often than that, however many new keys come. One call looks at no more than 64, unless
    /// it finds no room otherwise.
    fn sweep(&self, turns: &mut Turns<P>, now: Ticks, forgotten: &mut Vec<Arc<Seat<P>>>) {
        let mut looked_at = 0;
        while looked_at < MOST_TURNS || turns.len() >= self.capacity {
            let Some(seat) = turns.take_due(now, nanos(self.idle)) else { break };
            match self.shard(seat.fingerprint()).turn(seat, now) {
                Turn::Forgotten(policy) => forgotten.push(policy),
                Turn::Stays(seat) => turns.add(seat),
            }
            looked_at += 1;
        }
        // Relaxed: a count, on which nothing is decided.
        self.evicted.fetch_add(forgotten.len() as u64, Relaxed);
    }

    #[cold]
    fn overflow(&self, key: Fingerprint, now: Ticks) -> Held<'_, P> {
        // Relaxed throughout: counts, and the one thread that changes the time says that it begins.
        let overflowed = self.overflowed.fetch_add(1, Relaxed) + 1;
        let last = self.last_overflow.load(Relaxed);
        let passed = now.0.saturating_sub(last);
        if passed >= nanos(Duration::from_secs(1))
            && self.last_overflow.compare_exchange(last, now.0, Relaxed, Relaxed).is_ok()
            && (last == 0 || passed >= nanos(QUIET))
        {
            self.overflows.fetch_add(1, Relaxed);
            let (policy, capacity) = (self.template.name(), self.capacity);
            Event::KeysOverflowed { policy, capacity, overflowed }.emit();
        }
        let stand_ins = self.stand_ins.get_or_init(|| (0..P::STAND_INS).map(|_| self.template.stand_in()).collect());
        Held::stand_in(&stand_ins[key.share(stand_ins.len())])
    }
}

impl<P> PerKey<P> {
    /// Number of policies now, without the stand-ins.
    pub fn len(&self) -> usize {
        self.turns().len()
    }

    /// Returns whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns how often a key was asked for that there was no room for, ever.
    ///
    /// If it grows, more keys are in use than [`capacity`](Self::capacity) allows, or somebody makes them up.
    pub fn overflowed(&self) -> u64 {
        self.overflowed.load(Relaxed)
    }

    /// Number of times that began, ever, each time after a minute in which there was room.
    pub fn overflows(&self) -> u64 {
        self.overflows.load(Relaxed)
    }

    /// Number of policies forgotten because they were idle, or made room because they were as new, ever.
    pub fn evicted(&self) -> u64 {
        self.evicted.load(Relaxed)
    }

    fn shard(&self, key: Fingerprint) -> &Shard<P> {
        &self.shards[key.shard(SHARDS)]
    }

    /// Poisoned or not: nothing that runs under it can panic between two changes that belong together.
    fn turns(&self) -> MutexGuard<'_, Turns<P>> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<P: Keyed> Named for PerKey<P> {
    const KIND: PolicyKind = P::KIND;

    fn name(&self) -> &'static str {
        self.template.name()
    }

    fn naming(&self) -> &Naming<Self> {
        &self.naming
    }

    #[cfg(feature = "config")]
    fn is_known(&'static self) {
        if let Some(all) = P::all_listed(self) {
            crate::list::met(all);
        }
    }

    fn agrees(&self, other: &Self) -> bool {
        self.template.agrees(&other.template) && (self.capacity, self.idle) == (other.capacity, other.idle)
    }
}

impl<P: Keyed + Listed + Tuned> listed::Listed for PerKey<P> {
    fn kind(&self) -> PolicyKind {
        P::KIND
    }

    fn address(&self) -> usize {
        self.template.address()
    }

    fn record(&self) -> &'static Record {
        self.template.record()
    }

    fn known(&'static self, unused: &mut Unused) -> &'static dyn Listed {
        let known: &'static Self = naming::known(self, unused);
        known
    }

    fn mode(&self) -> Mode {
        self.template.mode()
    }

    fn describe(&self, description: &mut Description) {
        self.template.describe(description);
        // the template itself is never called
        (description.state, description.state_for) = (None, None);
        description.levels.clear();
        description.counts.clear();
        description.level("keys", self.len() as f64);
        description.level("key_capacity", self.capacity as f64);
        // Relaxed: a key that is new may be missing
        if self.asks.load(Relaxed) {
            let all = self.shards.iter().flat_map(Shard::all);
            let others = all.filter(|policy| policy.differs_from(&self.template)).count();
            description.level("keys_with_own_settings", others as f64);
        }
        description.count("key_overflows", "", self.overflowed());
        description.count("keys_forgotten", "", self.evicted());
    }

    fn keys(&self) -> Option<KeysSnapshot> {
        let mut unhealthy = 0;
        let (mut in_trouble, mut busiest) = (Busiest::default(), Busiest::default());
        for shard in &self.shards {
            for policy in shard.all() {
                let activity = policy.activity();
                if policy.is_in_trouble() {
                    unhealthy += 1;
                    in_trouble.offer(activity, &policy);
                }
                if activity > 0 {
                    busiest.offer(activity, &policy);
                }
            }
        }
        let (len, capacity, overflowed) = (self.len(), self.capacity, self.overflowed());
        let (in_trouble, busiest) = (in_trouble.snapshots(), busiest.snapshots());
        Some(KeysSnapshot { len, capacity, unhealthy, overflowed, in_trouble, busiest })
    }

    fn reset(&self) {
        for shard in &self.shards {
            shard.all().iter().for_each(|policy| listed::Listed::reset(&***policy));
        }
    }

    #[cfg(feature = "config")]
    fn ask_again(&self) -> bool {
        self.ask_again();
        true
    }

    #[cfg(feature = "config")]
    fn plan(&'static self, changes: &[Change], before: &[Change]) -> Result<Plan, Mistakes> {
        let tuning = Tuning::read(&self.template, changes)?;
        let before = Tuning::read(&self.template, before).ok();
        Ok(plan_of(tuning.config(), move || self.tune(&tuning, before.as_ref())))
    }
}

#[cfg(feature = "config")]
impl<P: Keyed + Listed> PerKey<P> {
    /// Has the policies of all keys go by settings, and those of keys that come later.
    fn tune(&self, tuning: &Tuning<P::Config>, before: Option<&Tuning<P::Config>>)
    where
        P: Tunable,
    {
        tuning.put(&self.template, before);
        // Keys get their policies under this lock: those that have one already are found here, and the others copy the template. Whoever
        // hears of a forced state may come back here, so that is said outside the lock.
        let turns = self.turns();
        self.outdate();
        let (asked, others): (Vec<_>, Vec<_>) =
            self.shards.iter().flat_map(Shard::all).partition(|policy| policy.was_asked_for());
        drop(turns);
        for policy in &others {
            tuning.put(&***policy, before);
        }
        for policy in &asked {
            tuning.force_only(&***policy, before);
        }
        for stand_in in self.stand_ins.get().into_iter().flatten() {
            if P::STAND_INS_ARE_OFF { tuning.put_in_stand_in(stand_in, before) } else { tuning.put(stand_in, before) }
        }
    }
}

impl<P: fmt::Debug> fmt::Debug for PerKey<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PerKey")
            .field("template", &self.template)
            .field("capacity", &self.capacity)
            .field("idle", &self.idle)
            .field("len", &self.len())
            .field("overflowed", &self.overflowed())
            .field("overflows", &self.overflows())
            .field("evicted", &self.evicted())
            .finish_non_exhaustive()
    }
}

/// A key that gets a policy, and how.
struct New<F> {
    key: Fingerprint,
    /// Makes the policy.
    policy: F,
    text: Option<Box<str>>,
    /// The key as a store knows it, if machines share the policy.
    shared_as: Option<Box<str>>,
    whose: Whose,
}

/// The text of a key, of which at most so many characters are needed; `None` if it may not be shown.
type Text<'t> = &'t dyn Fn(usize) -> Option<Box<str>>;

/// The busiest of the policies that it was offered, no more than are listed.
struct Busiest<P>(Vec<(u64, Arc<Seat<P>>)>);

impl<P> Default for Busiest<P> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<P: Keyed + Listed> Busiest<P> {
    fn offer(&mut self, activity: u64, policy: &Arc<Seat<P>>) {
        let order = |activity: u64, policy: &Seat<P>| (activity, policy.fingerprint().whole());
        let is_less = |(other, seat): &(u64, Arc<Seat<P>>)| order(*other, seat) < order(activity, policy);
        let place = self.0.iter().position(is_less).unwrap_or(self.0.len());
        if place < MOST_LISTED {
            self.0.insert(place, (activity, policy.clone()));
            self.0.truncate(MOST_LISTED);
        }
    }

    fn snapshots(self) -> Vec<KeySnapshot> {
        let snapshot = |(activity, seat): (u64, Arc<Seat<P>>)| {
            let policy: &P = &seat;
            // the number says nothing of the key, and is another in each process
            let text =
                policy.key().map_or_else(|| format!("#{:08x}", seat.fingerprint().whole() as u32), str::to_owned);
            let mut description = Description::default();
            listed::Listed::describe(policy, &mut description);
            KeySnapshot { key: text, state: description.state, activity }
        };
        self.0.into_iter().map(snapshot).collect()
    }
}

/// Makes policies by `made(shell, settings)`, which gives one with a new state.
macro_rules! by_settings {
    () => {
        crate::keyed::by_settings!(|_one, _other| true);
    };
    (|$one:ident, $other:ident| $can:expr) => {
        fn fresh(&self) -> Self {
            self.made(self.shell.again(), self.config.again())
        }

        fn base(&self) -> Self {
            self.made(self.shell.again_in(self.shell.base_mode()), crate::tune::Live::new(*self.config))
        }

        fn chosen(&self, chosen: &Self) -> Self {
            let mode = chosen.shell.first_mode();
            self.made(self.shell.again_in(mode), crate::tune::Live::new(chosen.config.built))
        }

        fn differs_from(&self, other: &Self) -> bool {
            *self.config != *other.config || self.shell.base_mode() != other.shell.base_mode()
        }

        #[cfg(feature = "config")]
        fn go_by(&self, chosen: &Self) -> bool {
            let ($one, $other) = (&self.config, &chosen.config.built);
            let can = $can;
            if can {
                let mode = chosen.shell.first_mode();
                let changed = (mode != self.shell.base_mode()).then_some(mode);
                crate::tune::take_over(self, chosen.config.built, changed);
            }
            can
        }

        fn all_listed(all: &'static crate::PerKey<Self>) -> Option<&'static dyn crate::list::Listed> {
            Some(all)
        }
    };
}

pub(crate) use by_settings;

/// The number of keys that the list names.
const MOST_LISTED: usize = 10;
/// Into how many parts the keys are divided, so that callers with different keys seldom wait for each other: a power of two.
const SHARDS: usize = 16;
/// The number of policies that one call with a new key looks at, if there is room.
const MOST_TURNS: usize = 64;
/// Number of policies that one call with a new key looks at for one that is as new, if there is no room.
const MOST_LOOKS: usize = 16;
/// Time new keys wait for the next such look, if none was found.
const LOOK_AGAIN: Duration = Duration::from_millis(10);
/// The keys are too many anew after so long a time in which they were not.
const QUIET: Duration = Duration::from_secs(60);

/// The settings of a policy that has none.
#[cfg(all(test, not(resilient_loom)))]
macro_rules! without_settings {
    () => {
        fn activity(&self) -> u64 {
            0
        }

        fn all_listed(_: &'static PerKey<Self>) -> Option<&'static dyn Listed> {
            None
        }

        fn base(&self) -> Self {
            self.fresh()
        }

        fn chosen(&self, _: &Self) -> Self {
            self.fresh()
        }

        fn differs_from(&self, _: &Self) -> bool {
            false
        }

        #[cfg(feature = "config")]
        fn go_by(&self, _: &Self) -> bool {
            true
        }
    };
}

#[cfg(all(test, not(resilient_loom)))]
mod model;

#[cfg(all(test, not(resilient_loom)))]
mod tests;
