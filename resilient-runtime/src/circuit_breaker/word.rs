//! The packing of the state into one atomic word.
//!
//! | bits | closed | open | half-open |
//! |---|---|---|---|
//! | 63–61 | 0 | 1 | 2 |
//! | 60 | 0 | opened by a panic | opened by a panic |
//! | 59–55 | 0 | reopenings | reopenings |
//! | 54–38 | epoch | epoch | epoch |
//! | 37–0 | failures in a row | end, in milliseconds | issued, succeeded, failed: 12 bits each |

use super::state::{Circuit, Epoch, MAX_EPOCH, MAX_MILLIS, MAX_REOPENINGS, Millis, Phase, Probes, Trip};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Word(pub(super) u64);

impl Word {
    pub(super) const NEW: Self = Self::quiet(Epoch(0));

    /// Closed, without a failure since the last success: what the word is nearly always.
    pub(super) const fn quiet(epoch: Epoch) -> Self {
        Self((epoch.0 as u64) << EPOCH)
    }

    pub(super) const fn is_closed(self) -> bool {
        self.0 >> KIND == CLOSED
    }

    pub(super) const fn epoch(self) -> Epoch {
        Epoch((self.0 >> EPOCH & MAX_EPOCH as u64) as u32)
    }

    pub(super) fn pack(circuit: Circuit) -> Self {
        let state = match circuit.phase {
            Phase::Closed { streak } => CLOSED << KIND | u64::from(streak),
            Phase::Open { trip, until } => OPEN << KIND | pack_trip(trip) | until.0,
            Phase::HalfOpen { trip, probes } => HALF_OPEN << KIND | pack_trip(trip) | pack_probes(probes),
        };
        Self(state | Self::quiet(circuit.epoch).0)
    }

    pub(super) fn unpack(self) -> Circuit {
        let trip = Trip {
            reopenings: (self.0 >> REOPENINGS & u64::from(MAX_REOPENINGS)) as u32,
            panicked: self.0 >> PANICKED & 1 == 1,
        };
        let phase = match self.0 >> KIND {
            CLOSED => Phase::Closed { streak: (self.0 & STREAK) as u32 },
            OPEN => Phase::Open { trip, until: Millis(self.0 & MAX_MILLIS) },
            _ => Phase::HalfOpen { trip, probes: unpack_probes(self.0) },
        };
        Circuit { epoch: self.epoch(), phase }
    }
}

fn pack_trip(trip: Trip) -> u64 {
    u64::from(trip.panicked) << PANICKED | u64::from(trip.reopenings) << REOPENINGS
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
const PANICKED: u32 = 60;
const REOPENINGS: u32 = 55;
const EPOCH: u32 = 38;
const STREAK: u64 = (1 << 32) - 1;
const ISSUED: u32 = 24;
const SUCCEEDED: u32 = 12;
const PROBES: u64 = (1 << 12) - 1;

const CLOSED: u64 = 0;
const OPEN: u64 = 1;
const HALF_OPEN: u64 = 2;

#[cfg(all(test, not(resilient_loom)))]
mod tests {
    use super::*;

    #[test]
    fn keeps_every_field_at_its_limits() {
        let trips = [Trip { reopenings: 0, panicked: true }, Trip { reopenings: MAX_REOPENINGS, panicked: false }];
        let phases = trips.into_iter().flat_map(|trip| {
            let probes = [
                Probes::FIRST,
                Probes { issued: 4095, succeeded: 4095, failed: 0 },
                Probes { issued: 4095, succeeded: 0, failed: 4095 },
            ];
            let half_open = probes.map(|probes| Phase::HalfOpen { trip, probes });
            let open = [0, 1, MAX_MILLIS].map(|end| Phase::Open { trip, until: Millis(end) });
            let closed = [0, 1, u32::MAX].map(|streak| Phase::Closed { streak });
            [half_open, open, closed].concat()
        });

        for phase in phases {
            for epoch in [0, 1, MAX_EPOCH].map(Epoch) {
                let circuit = Circuit { epoch, phase };
                assert_eq!(Word::pack(circuit).unpack(), circuit);
                assert_eq!(Word::pack(circuit).epoch(), epoch);
                assert_eq!(Word::pack(circuit).is_closed(), matches!(phase, Phase::Closed { .. }));
            }
        }
    }
}
