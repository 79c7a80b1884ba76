//! A limit that machines share: permits that were leased from a store, and the questions to it.
//!
//! A permit is used at most one lease after it was granted, by the clock of the machine that asked for it, counted from the question. The store
//! keeps its slack one lease shorter. So the calls of all machines keep to `burst + rate · w` in any time `w`, whatever becomes of a machine.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::gcra::{Pace, Units};
use super::meter::Blocked;
use super::{RateLimit, units};
use crate::Event;
use crate::clock;
use crate::notes::rate_limit::{DEGRADED, EXCHANGES, FAILED_EXCHANGES};
use crate::shared::{self, Ask, Lease, Local, StoreError, WhenDown};
use crate::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use crate::sync::atomic::{AtomicBool, AtomicU32, AtomicU64};

/// The store of a limit, and the permits that were leased from it.
pub(super) type Link = shared::Link<Pool>;

/// The permits of one machine.
pub(super) struct Pool {
    /// The text of the key that they are for.
    key: Option<Box<str>>,
    /// The zero of the milliseconds of batches.
    origin: Units,
    batches: [AtomicU64; 2],
    /// Set while a question is under way.
    asking: AtomicBool,
    /// When it was last asked, and when it may be asked again.
    last_ask: AtomicU64,
    next_ask: AtomicU64,
    /// The number of permits that were last asked for, and those used since.
    size: AtomicU32,
    used: AtomicU32,
    /// Until when so many permits cannot be had.
    dry_until: AtomicU64,
    dry_least: AtomicU32,
    /// The highest version that was seen.
    seen: AtomicU64,
    /// Set while the store does not answer, and once that was said.
    down: AtomicBool,
    said_down: AtomicBool,
    /// When that was said.
    down_since: AtomicU64,
    has_news: AtomicBool,
    news: Mutex<News>,
    /// Why the store did not answer last.
    failure: Mutex<Option<StoreError>>,
    has_words: AtomicBool,
    words: Mutex<Words>,
    /// Wakes the call whose turn it is.
    pub(super) answered: Notify,
}

/// The words of a server that the store has not heard.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Words {
    owed: i64,
    curbed: Option<u32>,
    paused_until: Option<Units>,
    slowed: bool,
    /// Between calls, and until when.
    spread: Option<(Duration, Units)>,
}

/// The words of a server that the store passed on, and the answers that were not counted yet.
#[derive(Debug, Clone, Copy, Default)]
struct News {
    answers: u64,
    failures: u64,
    paused_until: Option<Units>,
    /// The number of slowdowns in the last answer, and whether one is still to be followed.
    slowdowns: Option<u64>,
    is_slower: bool,
    spread: Option<(Duration, Units)>,
}

/// Permits with one end: 26 bits of their number, 38 of the millisecond at which they run out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Batch(u64);

impl Batch {
    const LEFT: u32 = 26;

    const fn new(left: u32, until: u64) -> Self {
        let most = (1 << (64 - Self::LEFT)) - 1;
        // at the end of the range, permits run out at once
        if until > most { Self(0) } else { Self(until << Self::LEFT | left as u64) }
    }

    const fn left(self) -> u32 {
        (self.0 & MOST as u64) as u32
    }

    const fn until(self) -> u64 {
        self.0 >> Self::LEFT
    }

    /// The number that can be used at that millisecond. None where the clock has gone back since.
    const fn usable(self, now: u64, lease: u64) -> u32 {
        if self.until() > now && self.until() <= now + lease { self.left() } else { 0 }
    }
}

/// The most permits of one question.
pub(super) const MOST: u32 = (1 << Batch::LEFT) - 1;

/// The terms on which a pace is shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Terms {
    /// The time in which a permit can be used.
    pub(super) lease: Units,
    /// The time by which the permits of all machines may run ahead of the rate.
    pub(super) slack: Units,
    /// The least time that each takes up.
    pub(super) interval: Units,
}

impl Terms {
    /// A quarter of the time in which the burst comes back is for leases. A limit without a burst has its calls further apart by a sixteenth at the most.
    pub(super) const fn of(pace: Pace) -> Self {
        let slack = pace.slack().0;
        if pace.burst > 1 {
            let lease = least(slack / 4, LONGEST_LEASE);
            return Self { lease: Units(lease), slack: Units(slack - lease), interval: pace.interval };
        }
        let lease = least(pace.interval.0 / 16, LONGEST_LEASE);
        Self { lease: Units(lease), slack: Units(0), interval: Units(pace.interval.0 + lease) }
    }

    /// Returns why machines cannot share that pace, if they cannot.
    pub(super) const fn refuses(pace: Pace) -> Option<&'static str> {
        if Self::of(pace).lease.0 < SHORTEST_LEASE {
            Some(
                "a shared limit needs a burst of at least 40 ms' worth of calls and one more: permits are leased for a quarter of that time",
            )
        } else if pace.burst > MOST {
            Some("the burst of a shared limit is at most 67,108,863")
        } else {
            None
        }
    }

    /// The most permits that the store grants at once.
    pub(super) const fn at_once(self) -> u32 {
        let most = self.slack.0 / self.interval.0 + 1;
        if most > MOST as u64 { MOST } else { most as u32 }
    }

    /// In milliseconds, rounded down.
    const fn lease_millis(self) -> u64 {
        self.lease.0 / MILLI
    }
}

const fn least(one: u64, other: u64) -> u64 {
    if one < other { one } else { other }
}

const MILLI: u64 = 8_000_000;
const LONGEST_LEASE: u64 = 250 * MILLI;
const SHORTEST_LEASE: u64 = 10 * MILLI;
/// The time after which a store that gave no answer is asked again.
const AGAIN: Duration = Duration::from_millis(100);
/// The time for which a store keeps a limit at least.
const FORGOTTEN: Duration = Duration::from_secs(3_600);
/// A store keeps to its time-out by itself, and learns from it.
const LATE: Duration = Duration::from_millis(1);
/// Timers tick in milliseconds: a call waits so much longer than the store's time-out, so that it sees the end of that.
const GRACE: Duration = Duration::from_millis(3);

impl Link {
    pub(super) fn pool(&self) -> &Arc<Pool> {
        self.local()
    }

    /// The longest that a call waits for an answer of the store.
    pub(super) fn patience(&self, pace: Pace) -> Duration {
        self.timeout(Terms::of(pace)) + GRACE
    }

    /// An answer that takes half a lease brings permits of little use.
    fn timeout(&self, terms: Terms) -> Duration {
        self.store.timeout().min(terms.lease.since(Units(0)) / 2)
    }
}

impl Local for Pool {
    fn new(key: Option<Box<str>>) -> Self {
        Self {
            key,
            origin: units(clock::now()),
            batches: [AtomicU64::new(0), AtomicU64::new(0)],
            asking: AtomicBool::new(false),
            last_ask: AtomicU64::new(0),
            next_ask: AtomicU64::new(0),
            size: AtomicU32::new(1),
            used: AtomicU32::new(0),
            dry_until: AtomicU64::new(0),
            dry_least: AtomicU32::new(0),
            seen: AtomicU64::new(0),
            down: AtomicBool::new(false),
            said_down: AtomicBool::new(false),
            down_since: AtomicU64::new(0),
            has_news: AtomicBool::new(false),
            news: Mutex::default(),
            failure: Mutex::default(),
            has_words: AtomicBool::new(false),
            words: Mutex::default(),
            answered: Notify::new(),
        }
    }

    fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    fn is_down(&self) -> bool {
        self.down.load(Relaxed)
    }

    fn failure(&self) -> Option<StoreError> {
        let failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.clone().filter(|_| self.is_down())
    }
}

impl Pool {
    fn words(&self) -> MutexGuard<'_, Words> {
        self.words.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_words(&self) -> Words {
        self.has_words.store(false, Relaxed);
        std::mem::take(&mut *self.words())
    }

    fn news(&self) -> MutexGuard<'_, News> {
        self.news.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The milliseconds since the origin, rounded up for the present and down for an end.
    fn millis(&self, at: Units) -> u64 {
        at.before_by(self.origin).0.div_ceil(MILLI)
    }

    /// Uses so many permits, of those that run out first, and returns how many are left.
    ///
    /// Relaxed: a permit is a number and nothing else, and each word is its own count.
    fn take(&self, now: Units, calls: u32, terms: Terms) -> Option<u32> {
        let (now, lease) = (self.millis(now), terms.lease_millis());
        let until = |index: usize| Batch(self.batches[index].load(Relaxed)).until();
        let order = if until(1) < until(0) { [1, 0] } else { [0, 1] };
        for index in order {
            let take = |word: u64| (Batch(word).usable(now, lease) >= calls).then(|| word - u64::from(calls));
            if self.batches[index].fetch_update(Relaxed, Relaxed, take).is_ok() {
                self.used.fetch_add(calls, Relaxed);
                return Some(self.usable(now, lease));
            }
        }
        None
    }

    fn usable(&self, now: u64, lease: u64) -> u32 {
        self.batches.iter().map(|batch| Batch(batch.load(Relaxed)).usable(now, lease)).sum()
    }

    /// Adds permits that were asked for at that time. Only the task that asked does so.
    fn add(&self, permits: u32, asked: Units, terms: Terms) {
        let now = self.millis(asked);
        let lease = terms.lease_millis();
        // one millisecond less, since the present is rounded up
        let until = (asked.before_by(self.origin).0 + terms.lease.0) / MILLI;
        let place = self.batches.iter().min_by_key(|batch| Batch(batch.load(Relaxed)).usable(now, lease));
        if let Some(place) = place {
            place.store(Batch::new(permits, until).0, Relaxed);
        }
    }

    /// Gives up the permits that are held.
    fn discard(&self) {
        self.batches.iter().for_each(|batch| batch.store(0, Relaxed));
    }

    /// Returns whether it may be asked again.
    fn may_ask(&self, now: Units) -> bool {
        let next = Units(self.next_ask.load(Relaxed));
        // one further away is of a time from which the clock has gone back
        next <= now || next > now.after(Duration::from_secs(1))
    }

    /// Waits at least so long before it is asked again.
    fn hold_off(&self, until: Units) {
        self.next_ask.store(until.0, Relaxed);
    }

    /// The number of permits to ask for, for a call of that weight: those of one lease at the pace of the calls so far.
    fn size_for(&self, calls: u32, now: Units, interval: Units, terms: Terms) -> u32 {
        let used = u64::from(self.used.swap(0, Relaxed));
        let since = now.0.saturating_sub(self.last_ask.swap(now.0, Relaxed)).max(MILLI / 8);
        let measured = u128::from(used) * u128::from(terms.lease.0) / u128::from(since);
        let measured = u64::try_from(measured).unwrap_or(u64::MAX);
        let ran_dry = since < terms.lease.0 && self.usable(self.millis(now), terms.lease_millis()) == 0;
        let size = if ran_dry { measured.max(u64::from(self.size.load(Relaxed)) * 2) } else { measured };
        // more than the whole rate is never of use
        let most = (terms.lease.0 / interval.0).clamp(1, u64::from(terms.at_once()));
        let size = size.clamp(1, most) as u32;
        self.size.store(size, Relaxed);
        size.max(calls)
    }
}

/// A question that is under way; at its end, another can be asked, and a call that waits for it looks again.
struct Asking(Arc<Pool>);

impl Drop for Asking {
    fn drop(&mut self) {
        self.0.asking.store(false, Release);
        self.0.answered.notify_one();
    }
}

impl RateLimit {
    /// Lets so many calls through: with permits of the pool, and by a rule of its own while the store is down.
    #[inline(never)]
    pub(super) fn admit_shared(&self, link: &Link, now: Units, calls: u32) -> Result<(), Blocked> {
        let pool = link.pool();
        if pool.has_news.load(Relaxed) {
            self.hear(pool, now);
        }
        let pace = self.meter.pace();
        let terms = Terms::of(pace);
        let most = terms.at_once();
        if self.meter.pressure.paused_until() > now || calls > most {
            if pool.has_words.load(Relaxed) && pool.may_ask(now) {
                self.ask(link, now, None);
            }
            let blocked = self.meter.glimpse(now, calls);
            let outweighed = (calls > most).then_some(most);
            return Err(if outweighed.is_some() {
                Blocked { slot: Units::NEVER, outweighed, ..blocked }
            } else {
                blocked
            });
        }
        if let Some(left) = pool.take(now, calls, terms) {
            let size = pool.size.load(Relaxed);
            let is_low = size >= 4 && (left < size / 4 || pool.is_old(now, terms));
            if is_low && pool.may_ask(now) {
                self.ask(link, now, Some(1));
            }
            return Ok(());
        }
        let may_ask = pool.may_ask(now);
        let asks = (may_ask && self.ask(link, now, Some(calls))) || pool.asking.load(Acquire);
        if pool.is_down() {
            return self.admit_alone(link, now, calls);
        }
        let interval = self.meter.pressure.interval(pace, now, 1);
        let plain = Blocked { slot: now, outweighed: None, paused: None, interval, is_plain: true, asks };
        if asks {
            return Err(Blocked { slot: now.after(link.patience(pace)), ..plain });
        }
        let dry = if calls >= pool.dry_least.load(Relaxed) { pool.dry_until.load(Relaxed) } else { 0 };
        let slot = Units(pool.next_ask.load(Relaxed)).max(Units(dry)).max(Units(now.0 + MILLI));
        Err(Blocked { slot, ..plain })
    }

    /// Goes by the rule for a store that is down.
    fn admit_alone(&self, link: &Link, now: Units, calls: u32) -> Result<(), Blocked> {
        match self.config.when_down() {
            WhenDown::Open => self.meter.admit(now, calls),
            WhenDown::Local => self.meter.admit_share(now, calls, link.store.machines().max(1)),
            WhenDown::Closed => {
                let next = link.pool().next_ask.load(Relaxed);
                let slot = Units(next).max(now.after(link.patience(self.meter.pace())));
                let interval = self.meter.pace().interval;
                Err(Blocked { slot, outweighed: None, paused: None, interval, is_plain: true, asks: false })
            }
        }
    }

    /// Asks the store in the background, for a call of that weight or only to pass words on. Says whether a question is under way.
    ///
    /// Nobody can be asked off a tokio runtime with timers.
    #[cold]
    fn ask(&self, link: &Link, now: Units, calls: Option<u32>) -> bool {
        let pool = link.pool();
        // Acquire pairs with the Release at the end of the last question: what it brought is there.
        if pool.asking.swap(true, AcqRel) {
            return true;
        }
        let asking = Asking(pool.clone());
        if !clock::has_timers() {
            return false;
        }
        let pace = self.meter.pace();
        let terms = Terms::of(pace);
        let interval = self.meter.pressure.interval(pace, now, 1).max(terms.interval);
        // the store forgets a limit that nobody has used for so long
        if now.before(FORGOTTEN).0 > pool.last_ask.load(Relaxed) {
            pool.seen.store(0, Relaxed);
        }
        let wanted = calls.map_or(0, |calls| pool.size_for(calls, now, interval, terms));
        let (store, name, timeout) = (link.store, shared::name(self.name(), link.key()), link.timeout(terms));
        let debt = self.config.max_pause();
        drop(tokio::spawn(async move {
            let pool = asking.0.clone();
            let mut now = now;
            let mut request = Ask {
                least: calls.unwrap_or(0),
                debt,
                ..Ask::new(
                    wanted,
                    interval.since(Units(0)),
                    terms.slack.before_by(Units(SLACK_ROUNDING)).since(Units(0)),
                )
            };
            loop {
                let words = pool.take_words();
                words.say(&mut request, now);
                request.seen = pool.seen.load(Relaxed);
                let answer = tokio::time::timeout(timeout + LATE, store.lease(&name, request)).await;
                let answer = answer.unwrap_or_else(|_| Err(StoreError::new("no answer in time")));
                let is_answered = answer.is_ok();
                pool.settle(answer, request, now, terms, words);
                if !is_answered || !pool.has_words.load(Relaxed) {
                    return;
                }
                // a server has said something meanwhile
                now = units(clock::now());
                request = Ask { wanted: 0, least: 0, ..request };
            }
        }));
        true
    }

    /// Passes a word of a server on to the other machines.
    fn tell(&self, now: Units, is_urgent: bool, word: impl FnOnce(&mut Words)) {
        let Some(link) = &self.shared else { return };
        let pool = link.pool();
        word(&mut pool.words());
        pool.has_words.store(true, Relaxed);
        let lease = Terms::of(self.meter.pace()).lease;
        let is_due = pool.last_ask.load(Relaxed).saturating_add(lease.0 / 2) <= now.0;
        if is_urgent || is_due && pool.may_ask(now) {
            self.ask(link, now, None);
        }
    }

    /// Tells all machines of a pause.
    pub(super) fn tell_pause(&self, until: Units, now: Units) {
        if let Some(link) = &self.shared {
            link.pool().discard();
            self.tell(now, true, |words| words.paused_until = words.paused_until.max(Some(until)));
        }
    }

    /// Tells all machines of a server that refuses calls without a time.
    pub(super) fn tell_slowed(&self, now: Units) {
        if let Some(link) = &self.shared {
            link.pool().discard();
            self.tell(now, true, |words| {
                words.slowed = true;
                words.curbed = Some(1);
            });
        }
    }

    /// Tells all machines of a quota that remains.
    pub(super) fn tell_curbed(&self, now: Units, calls: u64) {
        if let Some(link) = &self.shared {
            link.pool().discard();
            let calls = super::saturated(calls);
            self.tell(now, true, |words| words.curbed = Some(words.curbed.map_or(calls, |curbed| curbed.min(calls))));
        }
    }

    /// Tells all machines of a quota that is spread until then, or is so no more.
    pub(super) fn tell_spread(&self, interval: Option<Units>, until: Units, now: Units) {
        let spread = interval.map_or((Duration::ZERO, until), |interval| (interval.since(Units(0)), until));
        self.tell(now, interval.is_some(), |words| words.spread = Some(spread));
    }

    /// Charges so many permits more at the store, or gives them back. Says whether that is for the store to do.
    #[inline]
    pub(super) fn owe(&self, now: Units, calls: i64) -> bool {
        match &self.shared {
            None => false,
            Some(link) => self.owe_store(link, now, calls),
        }
    }

    #[inline(never)]
    fn owe_store(&self, link: &Link, now: Units, calls: i64) -> bool {
        let is_up = !link.pool().is_down();
        if is_up {
            self.tell(now, false, |words| words.owed = words.owed.saturating_add(calls));
        }
        is_up
    }

    /// Follows what the store passed on, and says whether it answers.
    #[cold]
    fn hear(&self, pool: &Pool, now: Units) {
        pool.has_news.store(false, Relaxed);
        let mut news = pool.news();
        let heard = *news;
        *news = News { slowdowns: heard.slowdowns, ..News::default() };
        drop(news);
        self.shell.note(EXCHANGES, heard.answers);
        self.shell.note(FAILED_EXCHANGES, heard.failures);
        self.say_down(pool, now);
        if self.config.max_pause().is_zero() {
            return;
        }
        if let Some(until) = heard.paused_until {
            self.pause_until(until.min(now.after(self.config.max_pause())), now);
        }
        if heard.is_slower {
            self.slow(now);
        }
        if let Some((interval, until)) = heard.spread {
            let interval = Units(0).after(interval);
            if until > now && interval > self.meter.pace().interval {
                self.meter.pressure.spread(interval, until.min(now.after(self.config.max_pause())), now);
            }
        }
    }

    fn say_down(&self, pool: &Pool, now: Units) {
        let is_down = pool.is_down();
        if pool.said_down.swap(is_down, Relaxed) == is_down {
            return;
        }
        let (policy, place) = (self.name(), self.shell.place());
        if is_down {
            // what was leased is used up, and the machine begins without a burst
            self.meter.drain(now);
            pool.down_since.store(now.0, Relaxed);
            self.shell.note(DEGRADED, 1);
            self.shell.emit(Event::Degraded { policy, place, rule: self.config.when_down() });
        } else {
            let after = now.since(Units(pool.down_since.load(Relaxed)));
            self.shell.emit(Event::Recovered { policy, place, after });
        }
    }
}

/// Times go to the store in whole nanoseconds, and the slack must not become longer by that.
const SLACK_ROUNDING: u64 = super::gcra::PER_NANO - 1;

impl Words {
    /// Puts them into a question.
    fn say(self, ask: &mut Ask, now: Units) {
        ask.owed = self.owed;
        ask.curbed = self.curbed;
        ask.slowed = self.slowed;
        ask.pause = self.paused_until.map(|until| until.since(now)).filter(|pause| !pause.is_zero());
        ask.spread = self.spread.map(|(interval, until)| (interval, until.since(now)));
    }

    /// Adds later words to those that the store did not hear.
    fn with_later(self, later: Self) -> Self {
        Self {
            owed: self.owed.saturating_add(later.owed),
            curbed: match (self.curbed, later.curbed) {
                (Some(one), Some(other)) => Some(one.min(other)),
                (one, other) => one.or(other),
            },
            paused_until: self.paused_until.max(later.paused_until),
            slowed: self.slowed || later.slowed,
            spread: later.spread.or(self.spread),
        }
    }
}

impl Pool {
    /// Returns whether the permits that it holds are about to run out.
    fn is_old(&self, now: Units, terms: Terms) -> bool {
        self.last_ask.load(Relaxed).saturating_add(terms.lease.0 / 4 * 3) <= now.0
    }

    /// Takes in an answer.
    fn settle(&self, answer: Result<Lease, StoreError>, ask: Ask, asked: Units, terms: Terms, words: Words) {
        let mut news = self.news();
        match answer {
            Ok(lease) => {
                news.answers += 1;
                self.seen.fetch_max(lease.version, Relaxed);
                // A machine that comes later has nothing to follow. A store that has lost its memory counts anew.
                let before = news.slowdowns.replace(lease.slowdowns);
                news.is_slower |= before.is_some_and(|before| lease.slowdowns > before);
                if !lease.pause.is_zero() {
                    news.paused_until = Some(asked.after(lease.pause));
                }
                if !lease.spread.1.is_zero() {
                    news.spread = Some((lease.spread.0, asked.after(lease.spread.1)));
                }
                let granted = lease.granted.min(ask.wanted);
                if granted > 0 {
                    self.add(granted, asked, terms);
                }
                if granted < ask.wanted {
                    let now = units(clock::now());
                    let gap = Units(terms.lease.0 / 8).since(Units(0));
                    let wait = lease.wait.clamp(gap, terms.lease.since(Units(0)));
                    self.hold_off(now.after(if granted == 0 { wait } else { gap }));
                    self.dry_least.store(ask.least, Relaxed);
                    self.dry_until.store(if granted == 0 { now.after(lease.wait).0 } else { 0 }, Relaxed);
                } else {
                    self.hold_off(Units(0));
                    self.dry_until.store(0, Relaxed);
                }
                self.down.store(false, Relaxed);
            }
            Err(error) => {
                news.failures += 1;
                *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                let mut later = self.words();
                // the store may have heard them all the same, and must not give back twice
                *later = Words { owed: words.owed.max(0), ..words }.with_later(*later);
                let is_said = *later == Words::default();
                drop(later);
                self.has_words.store(!is_said, Relaxed);
                self.hold_off(units(clock::now()).after(AGAIN));
                self.down.store(true, Relaxed);
            }
        }
        drop(news);
        self.has_news.store(true, Relaxed);
    }

    /// Forgets all.
    pub(super) fn reset(&self) {
        self.discard();
        for word in [&self.last_ask, &self.next_ask, &self.dry_until, &self.seen] {
            word.store(0, Relaxed);
        }
        self.take_words();
        *self.news() = News::default();
        self.has_news.store(false, Relaxed);
        self.down.store(false, Relaxed);
        self.said_down.store(false, Relaxed);
    }
}

#[cfg(all(test, not(resilient_loom)))]
mod tests;
