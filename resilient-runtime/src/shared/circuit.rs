//! The state of a circuit breaker that machines share: the question, the answer, and the decision of a store.

use std::time::Duration;

/// A question to a [`Store`](super::Store) about a circuit breaker: what the machine goes by, how its probes ended, and how many it would make.
///
/// The number of the [epoch](CircuitView::epoch) tells what is late: it rises with each change of the shared state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct CircuitAsk {
    /// The epoch that the machine goes by; 0 if it knows none.
    pub epoch: u64,
    /// The time for which its breaker is still open; zero if that is not open.
    pub open_for: Duration,
    /// The number of times that the breaker opened again since it was last closed.
    pub reopenings: u32,
    /// The cause of the last failure, as a number that the store passes on.
    pub cause: u32,
    /// The epoch in which its probes were leased.
    pub probed: u64,
    /// Probes that succeeded since the last question.
    pub succeeded: u32,
    /// Probes that failed since then.
    pub failed: u32,
    /// Probes that were given up without an outcome, and may be leased again.
    pub returned: u32,
    /// The number of probes that it would make now.
    pub wanted: u32,
    /// The terms of these probes.
    pub terms: ProbeTerms,
}

/// The terms of the probes of a half-open breaker.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct ProbeTerms {
    /// The number of probes at once until one has succeeded.
    pub first: u32,
    /// The number of probes that decide together.
    pub probes: u32,
    /// The share of failed probes that opens it again, in millionths.
    pub failure_rate: u32,
    /// The time in which a probe must end. One that takes longer has failed.
    pub limit: Duration,
    /// The time for which it is open if they fail.
    pub open_for: Duration,
    /// The reopenings that failed probes are at least, if some of them succeeded.
    pub patience: u32,
}

impl CircuitAsk {
    /// The question of a machine that knows nothing and has nothing to say.
    pub const fn new() -> Self {
        Self {
            epoch: 0,
            open_for: Duration::ZERO,
            reopenings: 0,
            cause: 0,
            probed: 0,
            succeeded: 0,
            failed: 0,
            returned: 0,
            wanted: 0,
            terms: ProbeTerms {
                first: 1,
                probes: 1,
                failure_rate: 1_000_000,
                limit: Duration::ZERO,
                open_for: Duration::ZERO,
                patience: 0,
            },
        }
    }
}

impl Default for CircuitAsk {
    fn default() -> Self {
        Self::new()
    }
}

/// The answer of a [`Store`](super::Store): the state of a circuit breaker that machines share.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct CircuitView {
    /// The number of changes of the shared state.
    pub epoch: u64,
    /// The state.
    pub state: SharedState,
    /// The time that an open state has left, or the probes under way; zero otherwise.
    pub left: Duration,
    /// The number of times that it opened again since it was last closed.
    pub reopenings: u32,
    /// The cause of the last failure, as a machine said it.
    pub cause: u32,
    /// The number of probes that the machine may make: at most as many as it wanted.
    pub granted: u32,
}

/// The state of a circuit breaker that machines share.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum SharedState {
    /// Each machine goes by its own window.
    #[default]
    Closed,
    /// No machine lets a call through.
    Open,
    /// Machines make the probes that were leased to them.
    HalfOpen,
}

impl SharedState {
    /// The state of that number, which is its place above.
    pub const fn of(number: u64) -> Self {
        match number {
            1 => Self::Open,
            2 => Self::HalfOpen,
            _ => Self::Closed,
        }
    }
}

/// The state of one circuit breaker in a store, and the decision on each question.
///
/// It is the reference for stores, as [`Ledger`](super::Ledger) is for limits. Times are in whole microseconds of the store's own clock.
///
/// ```
/// use std::time::Duration;
///
/// use resilient::shared::{CircuitAsk, CircuitLedger, SharedState};
///
/// let mut ledger = CircuitLedger::new();
/// let mut opened = CircuitAsk::new();
/// opened.open_for = Duration::from_secs(5);
///
/// let view = ledger.answer(Duration::from_secs(100), &opened);
/// assert_eq!((view.state, view.epoch), (SharedState::Open, 1));
///
/// let view = ledger.answer(Duration::from_secs(101), &CircuitAsk::new());
/// assert_eq!((view.state, view.left), (SharedState::Open, Duration::from_secs(4)));
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct CircuitLedger {
    epoch: u64,
    state: SharedState,
    /// When the open time is over, or the probes are given up; zero while it is closed.
    until: u64,
    /// The length of that time when it began.
    length: u64,
    reopenings: u32,
    cause: u32,
    issued: u32,
    succeeded: u32,
    failed: u32,
    terms: ProbeTerms,
}

impl CircuitLedger {
    /// The state of a breaker that is not known: closed.
    pub fn new() -> Self {
        Self::default()
    }

    /// Answers a question at that time of the store's clock.
    pub fn answer(&mut self, now: Duration, ask: &CircuitAsk) -> CircuitView {
        let now = micros(now);
        if self.epoch < ask.epoch {
            // the store has lost what a machine has seen, and learns from the machines what is so
            *self = Self { epoch: ask.epoch, ..Self::default() };
        }
        // what lies further ahead was written before the clock was set back
        self.until = self.until.min(now.saturating_add(self.length));

        if self.state == SharedState::HalfOpen {
            if ask.probed == self.epoch {
                self.count(ask);
            }
            self.settle(now);
        }
        if self.state == SharedState::Closed && ask.epoch == self.epoch && !ask.open_for.is_zero() {
            (self.reopenings, self.cause) = (ask.reopenings, ask.cause);
            self.open(now, ask.open_for);
        }
        let granted = self.grant(now, ask);
        CircuitView {
            epoch: self.epoch,
            state: self.state,
            left: Duration::from_micros(self.until.saturating_sub(now)),
            reopenings: self.reopenings,
            cause: self.cause,
            granted,
        }
    }

    /// Counts the probes of a machine that have ended.
    fn count(&mut self, ask: &CircuitAsk) {
        let under_way = self.issued.saturating_sub(self.succeeded + self.failed);
        let succeeded = ask.succeeded.min(under_way);
        let failed = ask.failed.min(under_way - succeeded);
        let returned = ask.returned.min(under_way - succeeded - failed);
        self.succeeded += succeeded;
        self.failed += failed;
        self.issued -= returned;
        if failed > 0 {
            self.cause = ask.cause;
        }
    }

    /// Decides the half-open state, if its probes have ended or their time is over.
    fn settle(&mut self, now: u64) {
        let late = now >= self.until && self.issued > 0;
        let failed = if late { self.issued - self.succeeded } else { self.failed };
        let ended = self.succeeded + failed;
        if !late && ended < self.most() {
            return;
        }
        if u64::from(failed) * 1_000_000 >= u64::from(self.terms.failure_rate) * u64::from(ended) {
            // a server that answers some probes and not the others is overloaded, and needs a longer rest
            let already = if self.succeeded == 0 { 0 } else { self.terms.patience };
            self.reopenings = self.reopenings.max(already).saturating_add(1);
            self.open(now, self.terms.open_for);
        } else {
            *self = Self { epoch: self.epoch + 1, ..Self::default() };
        }
    }

    fn open(&mut self, now: u64, time: Duration) {
        let length = micros(time);
        *self = Self {
            epoch: self.epoch + 1,
            state: SharedState::Open,
            until: now.saturating_add(length),
            length,
            reopenings: self.reopenings,
            cause: self.cause,
            ..Self::default()
        };
    }

    const fn most(&self) -> u32 {
        if self.succeeded == 0 { self.terms.first } else { self.terms.probes }
    }

    /// The number of probes that the machine may make.
    fn grant(&mut self, now: u64, ask: &CircuitAsk) -> u32 {
        match self.state {
            // the machine is alone with what it saw, and finds out by itself
            SharedState::Closed => return ask.wanted,
            SharedState::Open if ask.wanted > 0 && now >= self.until => {
                *self = Self {
                    epoch: self.epoch + 1,
                    state: SharedState::HalfOpen,
                    reopenings: self.reopenings,
                    cause: self.cause,
                    terms: ask.terms,
                    ..Self::default()
                };
            }
            SharedState::Open => return 0,
            SharedState::HalfOpen => {}
        }
        let granted = self.most().saturating_sub(self.issued).min(ask.wanted);
        if granted > 0 {
            self.issued += granted;
            self.length = micros(self.terms.limit);
            self.until = now.saturating_add(self.length);
        }
        granted
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(all(test, not(resilient_loom)))]
mod tests {
    use super::SharedState::{Closed, HalfOpen, Open};
    use super::*;

    const START: Duration = Duration::from_secs(1_000);
    const SECOND: Duration = Duration::from_secs(1);

    const TERMS: ProbeTerms = ProbeTerms {
        first: 1,
        probes: 3,
        failure_rate: 500_000,
        limit: Duration::from_secs(2),
        open_for: Duration::from_secs(4),
        patience: 12,
    };

    fn machine(epoch: u64) -> CircuitAsk {
        CircuitAsk { epoch, terms: TERMS, ..CircuitAsk::new() }
    }

    /// A breaker that a machine has opened for a second.
    fn opened() -> CircuitLedger {
        let mut ledger = CircuitLedger::new();
        let view = ledger.answer(START, &CircuitAsk { open_for: SECOND, cause: 3, ..machine(0) });
        assert_eq!((view.state, view.epoch, view.left, view.cause), (Open, 1, SECOND, 3));
        ledger
    }

    /// One in whose first half-open state a probe was leased.
    fn probed() -> CircuitLedger {
        let mut ledger = opened();
        let view = ledger.answer(START + SECOND, &CircuitAsk { wanted: 5, ..machine(1) });
        assert_eq!((view.state, view.epoch, view.granted), (HalfOpen, 2, 1));
        ledger
    }

    #[test]
    fn an_open_breaker_grants_nothing_before_its_time() {
        let mut ledger = opened();

        let view = ledger.answer(START + SECOND / 2, &CircuitAsk { wanted: 1, ..machine(1) });

        assert_eq!((view.state, view.granted, view.left), (Open, 0, SECOND / 2));
    }

    #[test]
    fn the_fleet_has_one_first_probe_and_then_the_others() {
        let mut ledger = probed();
        let now = START + SECOND;
        assert_eq!(ledger.answer(now, &CircuitAsk { wanted: 1, ..machine(2) }).granted, 0);

        let view = ledger.answer(now, &CircuitAsk { probed: 2, succeeded: 1, wanted: 5, ..machine(2) });
        assert_eq!((view.state, view.granted), (HalfOpen, 2));
        let view = ledger.answer(now, &CircuitAsk { probed: 2, succeeded: 1, failed: 1, ..machine(2) });
        assert_eq!((view.state, view.epoch, view.reopenings), (Closed, 3, 0));
    }

    #[test]
    fn failed_probes_open_it_again_and_for_longer() {
        let mut ledger = probed();

        let view = ledger.answer(START + SECOND, &CircuitAsk { probed: 2, failed: 1, cause: 1, ..machine(2) });

        assert_eq!((view.state, view.epoch, view.left), (Open, 3, TERMS.open_for));
        assert_eq!((view.reopenings, view.cause), (1, 1));
    }

    #[test]
    fn a_probe_that_never_ends_has_failed() {
        let mut ledger = probed();

        let view = ledger.answer(START + SECOND + TERMS.limit, &machine(2));

        assert_eq!((view.state, view.epoch), (Open, 3));
    }

    #[test]
    fn a_probe_that_is_given_back_is_leased_again() {
        let mut ledger = probed();

        let view = ledger.answer(START + SECOND, &CircuitAsk { probed: 2, returned: 1, wanted: 1, ..machine(2) });

        assert_eq!((view.state, view.granted), (HalfOpen, 1));
    }

    #[test]
    fn each_state_has_the_number_of_its_place() {
        for state in [Closed, Open, HalfOpen] {
            assert_eq!(SharedState::of(state as u64), state);
        }
        assert_eq!(SharedState::of(3), Closed, "what is not known");
    }

    #[test]
    fn a_machine_gives_back_no_more_probes_than_are_under_way() {
        let mut ledger = probed();
        let now = START + SECOND;
        ledger.answer(now, &CircuitAsk { probed: 2, succeeded: 1, wanted: 2, ..machine(2) });
        ledger.answer(now, &CircuitAsk { probed: 2, failed: 1, ..machine(2) });

        let view = ledger.answer(now, &CircuitAsk { probed: 2, returned: 2, wanted: 5, ..machine(2) });

        assert_eq!((view.state, view.granted), (HalfOpen, 1));
    }

    #[test]
    fn the_time_of_probes_that_were_given_back_is_over_for_nobody() {
        let mut ledger = probed();
        ledger.answer(START + SECOND, &CircuitAsk { probed: 2, returned: 1, ..machine(2) });

        let view = ledger.answer(START + SECOND + TERMS.limit, &machine(2));

        assert_eq!((view.state, view.epoch), (HalfOpen, 2));
    }

    #[test]
    fn exactly_the_share_of_failed_probes_opens_it_again() {
        let terms = ProbeTerms { probes: 2, ..TERMS };
        let mut ledger = opened();
        let now = START + SECOND;
        let ask = |epoch| CircuitAsk { probed: epoch, terms, ..machine(epoch) };
        ledger.answer(now, &CircuitAsk { wanted: 1, ..ask(1) });

        ledger.answer(now, &CircuitAsk { succeeded: 1, wanted: 1, ..ask(2) });
        let view = ledger.answer(now, &CircuitAsk { failed: 1, ..ask(2) });

        assert_eq!((view.state, view.epoch), (Open, 3));
    }

    #[test]
    fn the_longest_open_time_is_no_trouble() {
        let mut ledger = CircuitLedger::new();
        ledger.answer(START, &CircuitAsk { open_for: Duration::MAX, ..machine(0) });

        let view = ledger.answer(START + SECOND, &CircuitAsk { wanted: 1, ..machine(1) });

        assert_eq!((view.state, view.granted), (Open, 0));
        assert_eq!(view.left + START + SECOND, Duration::from_micros(u64::MAX));
    }

    #[test]
    fn only_a_failure_changes_the_cause() {
        let mut ledger = probed();
        let now = START + SECOND;

        let view = ledger.answer(now, &CircuitAsk { probed: 2, succeeded: 1, cause: 7, ..machine(2) });
        assert_eq!(view.cause, 3);
        let view = ledger.answer(now, &CircuitAsk { wanted: 1, ..machine(2) });
        assert_eq!((view.granted, view.left), (1, TERMS.limit));
        let view = ledger.answer(now, &CircuitAsk { probed: 2, failed: 1, cause: 7, ..machine(2) });
        assert_eq!(view.cause, 7);
    }

    #[test]
    fn late_ends_and_late_openings_change_nothing() {
        let mut ledger = probed();
        let now = START + SECOND;
        ledger.answer(now, &CircuitAsk { probed: 2, failed: 1, ..machine(2) });

        let late = ledger.answer(now, &CircuitAsk { probed: 2, succeeded: 3, ..machine(2) });
        assert_eq!((late.state, late.epoch), (Open, 3));

        let mut ledger = probed();
        let now = START + SECOND;
        ledger.answer(now, &CircuitAsk { probed: 2, succeeded: 1, wanted: 2, ..machine(2) });
        ledger.answer(now, &CircuitAsk { probed: 2, succeeded: 2, ..machine(2) });
        let late = ledger.answer(now, &CircuitAsk { open_for: SECOND, ..machine(1) });
        assert_eq!((late.state, late.epoch), (Closed, 3), "what it saw was before the fleet's probes");
    }

    #[test]
    fn a_store_that_was_emptied_learns_from_the_machines() {
        let mut ledger = CircuitLedger::new();

        assert_eq!(ledger.answer(START, &machine(7)).state, Closed);
        let view = ledger.answer(START, &CircuitAsk { open_for: SECOND, ..machine(7) });

        assert_eq!((view.state, view.epoch), (Open, 8));
    }

    #[test]
    fn a_clock_that_is_set_back_makes_no_open_time_longer() {
        let mut ledger = opened();

        let view = ledger.answer(START / 2, &machine(1));

        assert_eq!(view.left, SECOND);
    }

    proptest::proptest! {
        /// Between two decisions, no more probes are out than the terms say, whatever machines claim.
        #[test]
        fn never_more_probes_than_the_terms_say(steps in proptest::collection::vec((0..4_u32, 0..4_u32, 0..4_u32, 0..4_u32, 0..3_000_u64), 0..60)) {
            let mut ledger = opened();
            let mut now = START;
            let (mut epoch, mut out) = (1, 0);
            for (succeeded, failed, returned, wanted, millis) in steps {
                now += Duration::from_millis(millis);
                let ask = CircuitAsk { probed: epoch, succeeded, failed, returned, wanted, ..machine(epoch) };
                let view = ledger.answer(now, &ask);
                out = if view.epoch == epoch { out } else { 0 };
                epoch = view.epoch;
                if view.state == HalfOpen {
                    out += view.granted;
                    proptest::prop_assert!(ledger.issued <= TERMS.probes);
                    proptest::prop_assert!(ledger.succeeded + ledger.failed <= ledger.issued);
                } else if view.state == Open {
                    proptest::prop_assert_eq!(view.granted, 0);
                }
            }
        }
    }
}
