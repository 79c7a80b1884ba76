//! The deadline in force while a future is polled.

use std::cell::Cell;
use std::fmt;
use std::time::Duration;

use tokio::time::Instant;

use crate::clock::{self, Ticks};

/// The deadline in force on this thread, in one word: none, a time from now on, or an instant.
///
/// A time-out starts to count without reading the clock; the instant is worked out when somebody asks for it or
/// when the body first has to wait.
///
/// | bits | none | within | at |
/// |---|---|---|---|
/// | 63 | 0 | 1 | 0 |
/// | 62 | 0 | 0 | 1 |
/// | 61 | 0 | 0 | set if a time-out further out has a timer for it |
/// | 60–0 | 0 | nanoseconds | [ticks](Ticks) |
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limit(u64);

/// The forms of a [`Limit`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    None,
    /// So long from now, and nobody has asked yet. A time-out watches over it.
    Within(u64),
    At {
        instant: Ticks,
        watched: bool,
    },
}

impl Limit {
    pub(crate) const NONE: Self = Self(0);

    /// So long from the first poll on; thirty years at the most.
    pub(crate) const fn within(time: Duration) -> Self {
        let nanos = clock::nanos(time);
        Self(WITHIN | if nanos < FAR { nanos } else { FAR })
    }

    /// At that instant, for which a time-out has a timer.
    pub(crate) const fn at(instant: Ticks) -> Self {
        Self::at_instant(instant, true)
    }

    const fn at_instant(instant: Ticks, watched: bool) -> Self {
        let ticks = if instant.0 < TIME { instant.0 } else { TIME };
        Self(AT | if watched { WATCHED } else { 0 } | ticks)
    }

    #[inline]
    const fn form(self) -> Form {
        let time = self.0 & TIME;
        if self.0 & WITHIN != 0 {
            Form::Within(time)
        } else if self.0 & AT != 0 {
            Form::At { instant: Ticks(time), watched: self.0 & WATCHED != 0 }
        } else {
            Form::None
        }
    }

    #[inline]
    pub(crate) fn current() -> Self {
        CURRENT.get()
    }

    /// Both at once, for a time-out whose own limit is `own`, which is [within](Self::within) some time. A time-out watches over the result.
    ///
    /// Two that have not been worked out yet compare without the clock.
    #[inline]
    pub(crate) fn tighten(self, own: Self) -> Self {
        if self == Self::NONE { own } else { self.tighten_slowly(own) }
    }

    #[cold]
    fn tighten_slowly(self, own: Self) -> Self {
        match self.form() {
            Form::None => own,
            Form::Within(_) => Self(self.0.min(own.0)),
            Form::At { instant, .. } => Self::at(instant.min(own.from(Ticks::now()))),
        }
    }

    /// When a time-out's own limit ends. After the first poll, `known` is what became of the limit that [`tighten`](Self::tighten) made of
    /// this one and `own`.
    pub(crate) fn own_instant(self, own: Self, known: Self) -> Ticks {
        let is_own = match (self.form(), own.form()) {
            (Form::Within(outer), Form::Within(own)) => own < outer,
            (Form::At { instant: outer, .. }, _) => known.instant().is_some_and(|known| known < outer),
            _ => true,
        };
        match known.form() {
            Form::At { instant, .. } if is_own => instant,
            _ => own.from(Ticks::now()),
        }
    }

    /// When a time-out under this limit must wake: at `deadline`, where its own ends, or before that if no time-out further out has a
    /// timer for what ends first.
    #[inline]
    pub(crate) fn first_unwatched(self, deadline: Ticks) -> Ticks {
        match self.form() {
            Form::At { instant, watched: false } => instant.min(deadline),
            _ => deadline,
        }
    }

    /// The earlier of the limit and a known instant.
    #[inline]
    pub(crate) fn tighten_to(self, instant: Ticks, watched: bool) -> Self {
        match self.form() {
            Form::At { instant: outer, .. } if outer <= instant => self,
            Form::None | Form::At { .. } => Self::at_instant(instant, watched),
            Form::Within(_) => {
                let outer = self.from(Ticks::now());
                Self::at_instant(instant.min(outer), watched || outer <= instant)
            }
        }
    }

    /// Returns whether its instant has been worked out.
    #[inline]
    pub(crate) fn is_known(self) -> bool {
        self.0 & AT != 0
    }

    /// Returns whether the limit is known to have passed.
    #[inline]
    pub(crate) fn is_over(self) -> bool {
        self.is_known() && Ticks::now().0 >= self.0 & TIME
    }

    /// Returns whether it has passed at the instant `at`, which is not before the present, `now`.
    #[inline]
    pub(crate) fn ends_by(self, now: Instant, at: Instant) -> bool {
        match self.form() {
            Form::None => false,
            Form::Within(limit) => clock::nanos(at.saturating_duration_since(now)) >= limit,
            Form::At { instant, .. } => instant <= Ticks::at(at),
        }
    }

    /// The instant, if it has been worked out.
    #[inline]
    pub(crate) const fn known_instant(self) -> Option<Ticks> {
        if self.0 & AT != 0 { Some(Ticks(self.0 & TIME)) } else { None }
    }

    /// The instant, if there is a limit at all.
    pub(crate) fn instant(self) -> Option<Ticks> {
        match self.form() {
            Form::None => None,
            Form::At { instant, .. } => Some(instant),
            Form::Within(_) => Some(self.from(Ticks::now())),
        }
    }

    /// The instant of the current limit, from now on the same for whoever asks next, the time-out included.
    pub(super) fn settle(self) -> Option<Ticks> {
        let instant = self.instant()?;
        if !self.is_known() {
            CURRENT.set(Self::at(instant));
        }
        Some(instant)
    }

    /// So long after `start`, for a limit within some time.
    const fn from(self, start: Ticks) -> Ticks {
        Ticks(start.0.saturating_add(self.0 & TIME))
    }

    /// Puts this limit in force, until the scope ends.
    #[inline]
    pub(crate) fn enter(self) -> Scope {
        Scope(CURRENT.replace(self))
    }
}

impl fmt::Debug for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.form().fmt(f)
    }
}

/// The time during which a [limit](Limit::enter) is in force. When it ends, be it by a panic, what was in force before is put back.
#[must_use]
pub(crate) struct Scope(Limit);

impl Drop for Scope {
    #[inline]
    fn drop(&mut self) {
        CURRENT.set(self.0);
    }
}

/// `start + time`, or thirty years on where that cannot be represented.
pub(super) fn far(start: Instant, time: Duration) -> Instant {
    start.checked_add(time).unwrap_or_else(|| start + clock::FAR)
}

const WITHIN: u64 = 1 << 63;
const AT: u64 = 1 << 62;
const WATCHED: u64 = 1 << 61;
const TIME: u64 = WATCHED - 1;
/// The longest time, in nanoseconds: with the origin of the ticks a year back, two of them fit.
const FAR: u64 = clock::nanos(clock::FAR);

thread_local! {
    static CURRENT: Cell<Limit> = const { Cell::new(Limit::NONE) };
}

#[cfg(all(test, not(resilient_loom)))]
mod tests {
    use super::*;

    const fn within(millis: u64) -> Limit {
        Limit::within(Duration::from_millis(millis))
    }

    /// So many milliseconds from now.
    fn after(millis: u64) -> Ticks {
        Ticks(Ticks::now().0 + millis * 1_000_000)
    }

    fn unwatched(millis: u64) -> Limit {
        Limit::at_instant(after(millis), false)
    }

    #[tokio::test(start_paused = true)]
    async fn the_word_has_three_forms() {
        let far = Ticks(TIME);
        let forms = [
            (Limit::NONE, Form::None),
            (within(0), Form::Within(0)),
            (within(5), Form::Within(5_000_000)),
            (Limit::within(Duration::MAX), Form::Within(FAR)),
            (Limit::at(Ticks(7)), Form::At { instant: Ticks(7), watched: true }),
            (Limit::at_instant(Ticks(7), false), Form::At { instant: Ticks(7), watched: false }),
            (Limit::at(Ticks(u64::MAX)), Form::At { instant: far, watched: true }),
        ];
        for (limit, form) in forms {
            assert_eq!(limit.form(), form);
            let known = if let Form::At { instant, .. } = form { Some(instant) } else { None };
            assert_eq!((limit.known_instant(), limit.is_known()), (known, known.is_some()), "{form:?}");
        }
        assert_eq!([Limit::NONE, within(5), unwatched(5)].map(Limit::instant), [None, Some(after(5)), Some(after(5))]);
    }

    #[tokio::test(start_paused = true)]
    async fn the_earlier_of_two_limits_holds() {
        assert_eq!(Limit::NONE.tighten(within(5)), within(5));
        assert_eq!(within(5).tighten(within(10)), within(5));
        assert_eq!(within(10).tighten(within(5)), within(5));
        assert_eq!(unwatched(5).tighten(within(10)), Limit::at(after(5)));
        assert_eq!(unwatched(10).tighten(within(5)), Limit::at(after(5)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_time_out_ends_at_what_became_of_its_limit_if_that_was_its_own() {
        let known = Limit::at(after(3));
        let (own, anew) = (within(10), after(10));
        let table = [
            (Limit::NONE, within(10), anew),
            (Limit::NONE, known, after(3)),
            (within(20), known, after(3)),
            (within(10), known, anew),
            (within(5), known, anew),
            (unwatched(4), known, after(3)),
            (unwatched(3), known, anew),
            (unwatched(2), known, anew),
            (unwatched(20), within(10), anew),
        ];
        for (outer, known, end) in table {
            assert_eq!(outer.own_instant(own, known), end, "{outer:?}, {known:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn only_an_instant_for_which_nobody_has_a_timer_needs_another() {
        assert_eq!(unwatched(5).first_unwatched(after(10)), after(5));
        assert_eq!(unwatched(10).first_unwatched(after(5)), after(5));
        for outer in [Limit::NONE, within(5), Limit::at(after(5))] {
            assert_eq!(outer.first_unwatched(after(10)), after(10), "{outer:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_known_instant_is_watched_over_where_what_it_comes_from_is() {
        for watched in [true, false] {
            let at = |millis, watched| Limit::at_instant(after(millis), watched);
            assert_eq!(Limit::NONE.tighten_to(after(5), watched), at(5, watched));
            assert_eq!(at(4, !watched).tighten_to(after(5), watched), at(4, !watched));
            assert_eq!(at(5, !watched).tighten_to(after(5), watched), at(5, !watched));
            assert_eq!(at(6, !watched).tighten_to(after(5), watched), at(5, watched));
            assert_eq!(within(6).tighten_to(after(5), watched), at(5, watched));
            assert_eq!(within(5).tighten_to(after(5), watched), at(5, true));
            assert_eq!(within(4).tighten_to(after(5), watched), at(4, true));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn ends_at_its_instant() {
        let now = clock::now();
        for limit in [within(5), unwatched(5)] {
            let end = now + Duration::from_millis(5);
            assert!(!limit.ends_by(now, end - Duration::from_nanos(1)), "{limit:?}");
            assert!(limit.ends_by(now, end), "{limit:?}");
            assert!(limit.ends_by(now, end + Duration::from_nanos(1)), "{limit:?}");
        }
        assert!(!Limit::NONE.ends_by(now, now + clock::FAR));

        assert!(unwatched(0).is_over());
        assert!(![unwatched(1), within(0), Limit::NONE].into_iter().any(Limit::is_over));
    }

    #[tokio::test(start_paused = true)]
    async fn an_instant_that_was_worked_out_is_the_same_for_whoever_asks_next() {
        for limit in [Limit::NONE, within(5), unwatched(5)] {
            let scope = limit.enter();
            let settled = limit.settle();
            assert_eq!(settled, limit.instant());
            assert_eq!(Limit::current().known_instant(), settled, "{limit:?}");
            tokio::time::advance(Duration::from_millis(1)).await;
            assert_eq!(Limit::current().settle(), settled, "{limit:?}");
            drop(scope);
            assert_eq!(Limit::current(), Limit::NONE);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_time_that_cannot_be_represented_is_thirty_years_on() {
        let now = clock::now();

        assert_eq!(far(now, Duration::from_secs(5)), now + Duration::from_secs(5));
        assert_eq!(far(now, Duration::MAX), now + clock::FAR);
    }
}
