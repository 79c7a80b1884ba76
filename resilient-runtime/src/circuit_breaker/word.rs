//! The packing of the state into one atomic word.
//!
//! | bits | closed | open | half-open | recovering | forced open, disabled |
//! |---|---|---|---|---|---|
//! | 63–61 | 0, 6 if machines share it | 1 | 2 | 3 | 4, 5 |
//! | 60–59 | 0 | cause | cause | cause | 0 |
//! | 58–54 | 0 | reopenings | reopenings | reopenings | 0 |
//! | 53–37 | epoch | epoch | epoch | epoch | epoch |
//! | 36–0 | failures in a row, 32 bits | end, in milliseconds | issued, succeeded, failed: 12 bits each | failures in a row | 0 |

use super::epoch::{Epoch, MAX_EPOCH};
use super::state::{Cause, Circuit, MAX_REOPENINGS, Phase, Probes, Trip};
use crate::packed_time::{MAX_MILLIS, Millis};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Word(pub(super) u64);

/// The part of the word by which a permit was given that the permit remembers: its upper half, in which the epoch is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ticket(pub(super) u64);

impl Word {
    pub(super) const NEW: Self = Self(0);
    pub(super) const NEW_DISABLED: Self = Self(DISABLED << KIND);
    pub(super) const NEW_SHARED: Self = Self(CLOSED_SHARED << KIND);

    #[inline]
    pub(super) const fn is_closed(self) -> bool {
        self.0 >> KIND == CLOSED
    }

    /// The ticket of a call that it lets through because it is closed, of a breaker that machines share.
    #[inline]
    pub(super) const fn shared_ticket(self) -> Option<Ticket> {
        if self.0 >> KIND == CLOSED_SHARED { Some(Ticket::closed(self)) } else { None }
    }

    /// Returns whether it is closed, in the ticket's epoch and without a failure since the last success: what the word nearly
    /// always is when a call ends.
    #[inline]
    pub(super) const fn is_quiet(self, ticket: Ticket) -> bool {
        self.0 == ticket.0 << u32::BITS
    }

    pub(super) const fn epoch(self) -> Epoch {
        Epoch((self.0 >> EPOCH & MAX_EPOCH as u64) as u32)
    }

    /// The word for the state. A breaker that machines share looks at their state before each call, and so is never closed at a glance.
    pub(super) fn pack(circuit: Circuit, is_shared: bool) -> Self {
        let state = match circuit.phase {
            Phase::Closed { streak } => (if is_shared { CLOSED_SHARED } else { CLOSED }) << KIND | u64::from(streak),
            Phase::Open { trip, until } => OPEN << KIND | pack_trip(trip) | until.0,
            Phase::HalfOpen { trip, probes } => HALF_OPEN << KIND | pack_trip(trip) | pack_probes(probes),
            Phase::Recovering { trip, streak } => RECOVERING << KIND | pack_trip(trip) | u64::from(streak),
            Phase::ForcedOpen => FORCED_OPEN << KIND,
            Phase::Disabled => DISABLED << KIND,
        };
        Self(state | u64::from(circuit.epoch.0) << EPOCH)
    }

    #[inline]
    pub(super) fn unpack(self) -> Circuit {
        let trip = Trip {
            reopenings: (self.0 >> REOPENINGS & u64::from(MAX_REOPENINGS)) as u32,
            cause: Cause::of_number((self.0 >> CAUSE & MAX_CAUSE) as u32),
        };
        let streak = (self.0 & STREAK) as u32;
        let phase = match self.0 >> KIND {
            CLOSED | CLOSED_SHARED => Phase::Closed { streak },
            OPEN => Phase::Open { trip, until: Millis(self.0 & MAX_MILLIS) },
            HALF_OPEN => Phase::HalfOpen { trip, probes: unpack_probes(self.0) },
            RECOVERING => Phase::Recovering { trip, streak },
            FORCED_OPEN => Phase::ForcedOpen,
            _ => Phase::Disabled,
        };
        Circuit { epoch: self.epoch(), phase }
    }
}

impl Ticket {
    /// Nobody asks how the call ends.
    pub(super) const UNGUARDED: Self = Self(u32::MAX as u64);

    #[inline]
    pub(super) const fn closed(word: Word) -> Self {
        Self(word.0 >> u32::BITS)
    }

    /// Of a call that is counted with care: in no state is the word quiet for it.
    pub(super) const fn guarded(epoch: Epoch) -> Self {
        Self((epoch.0 << EPOCH_IN_TICKET | CARE) as u64)
    }

    /// The same call, when a panic is unwinding already and so is not the call's.
    pub(super) const fn unwinding(self) -> Self {
        Self(self.0 | (UNWINDING | CARE) as u64)
    }

    pub(super) const fn is_unwinding(self) -> bool {
        self.0 & UNWINDING as u64 != 0
    }

    pub(super) fn epoch(self) -> Option<Epoch> {
        (self != Self::UNGUARDED).then_some(Epoch(self.0 as u32 >> EPOCH_IN_TICKET & MAX_EPOCH))
    }
}

fn pack_trip(trip: Trip) -> u64 {
    u64::from(trip.cause.number()) << CAUSE | u64::from(trip.reopenings) << REOPENINGS
}

impl Cause {
    pub(super) const fn number(self) -> u32 {
        match self {
            Self::Transient => 0,
            Self::Throttled => 1,
            Self::Slow => 2,
            Self::Panic => 3,
        }
    }

    pub(super) const fn of_number(number: u32) -> Self {
        match number {
            0 => Self::Transient,
            1 => Self::Throttled,
            2 => Self::Slow,
            _ => Self::Panic,
        }
    }
}

fn pack_probes(probes: Probes) -> u64 {
    u64::from(probes.issued) << ISSUED | u64::from(probes.succeeded) << SUCCEEDED | u64::from(probes.failed)
}

fn unpack_probes(word: u64) -> Probes {
    Probes {
        issued: (word >> ISSUED & PROBES) as u32,
        succeeded: (word >> SUCCEEDED & PROBES) as u32,
        failed: (word & PROBES) as u32,
    }
}

const KIND: u32 = 61;
const CAUSE: u32 = 59;
const MAX_CAUSE: u64 = 3;
const REOPENINGS: u32 = 54;
const EPOCH: u32 = 37;
const STREAK: u64 = (1 << 32) - 1;
const ISSUED: u32 = 24;
const SUCCEEDED: u32 = 12;
const PROBES: u64 = (1 << 12) - 1;

const CLOSED: u64 = 0;
const OPEN: u64 = 1;
const HALF_OPEN: u64 = 2;
const RECOVERING: u64 = 3;
const FORCED_OPEN: u64 = 4;
const DISABLED: u64 = 5;
const CLOSED_SHARED: u64 = 6;

const EPOCH_IN_TICKET: u32 = EPOCH - u32::BITS;
/// Bits 36 and 35 of the word, which are both zero in a closed one.
const CARE: u32 = 1 << 4;
const UNWINDING: u32 = 1 << 3;

#[cfg(all(test, not(resilient_loom)))]
mod tests {
    use super::*;

    #[test]
    fn keeps_every_field_at_its_limits() {
        let trips = [
            Trip { reopenings: 0, cause: Cause::Panic },
            Trip { reopenings: MAX_REOPENINGS, cause: Cause::Transient },
            Trip { reopenings: 1, cause: Cause::Slow },
            Trip { reopenings: 0, cause: Cause::Throttled },
        ];
        let phases = trips.into_iter().flat_map(|trip| {
            let probes = [
                Probes::FIRST,
                Probes { issued: 4095, succeeded: 4095, failed: 0 },
                Probes { issued: 4095, succeeded: 0, failed: 4095 },
            ];
            let half_open = probes.map(|probes| Phase::HalfOpen { trip, probes });
            let open = [0, 1, MAX_MILLIS].map(|end| Phase::Open { trip, until: Millis(end) });
            let closed = [0, 1, u32::MAX].map(|streak| Phase::Closed { streak });
            let recovering = [0, 1, u32::MAX].map(|streak| Phase::Recovering { trip, streak });
            [half_open, open, closed, recovering, [Phase::ForcedOpen, Phase::Disabled, Phase::Disabled]].concat()
        });

        for phase in phases {
            for epoch in [0, 1, MAX_EPOCH].map(Epoch) {
                let circuit = Circuit { epoch, phase };
                let shared = Word::pack(circuit, true);
                assert_eq!((shared.unpack(), shared.epoch(), shared.is_closed()), (circuit, epoch, false));
                assert_eq!(shared.shared_ticket().is_some(), matches!(phase, Phase::Closed { .. }));
                assert!(shared.shared_ticket().is_none_or(|ticket| ticket.epoch() == Some(epoch)));
                let word = Word::pack(circuit, false);
                assert_eq!(word.unpack(), circuit);
                assert_eq!(word.epoch(), epoch);
                assert_eq!(word.is_closed(), matches!(phase, Phase::Closed { .. }));
                assert!(!word.is_quiet(Ticket::guarded(epoch)));
                assert!(!word.is_quiet(Ticket::UNGUARDED));
                assert_eq!(Ticket::guarded(epoch).epoch(), Some(epoch));
                assert_eq!(Ticket::guarded(epoch).unwinding().epoch(), Some(epoch));
            }
        }
        assert_eq!(Ticket::UNGUARDED.epoch(), None);
    }

    #[test]
    fn is_quiet_only_for_a_ticket_of_its_own_epoch_and_without_a_streak() {
        let closed =
            |epoch, streak| Word::pack(Circuit { epoch: Epoch(epoch), phase: Phase::Closed { streak } }, false);

        let ticket = Ticket::closed(closed(7, 3));

        assert_eq!(ticket.epoch(), Some(Epoch(7)));
        assert!(closed(7, 0).is_quiet(ticket));
        assert!(!closed(7, 1).is_quiet(ticket));
        assert!(!closed(8, 0).is_quiet(ticket));
        assert!(!closed(7, 0).is_quiet(ticket.unwinding()));
    }
}
