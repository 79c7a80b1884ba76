//! The conditions of each request: the time that the provider works on it, and its failure, if it has one.

use std::ops::Range;
use std::time::Duration;

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, LogNormal, Pareto};

/// The usual conditions at one provider.
#[derive(Debug, Clone)]
pub(crate) struct Climate {
    pub(crate) name: &'static str,
    /// Multiplies every latency.
    pub(crate) pace: f64,
    /// Share of the requests that end in a 503.
    pub(crate) unavailable: f64,
    /// Share of the requests whose connection is dropped instead of answered.
    pub(crate) dropped: f64,
    /// Share of the searches that are told to come back later (429) at first.
    pub(crate) throttled: f64,
    /// Is true if the provider works on after the client has gone away, like a server that does not watch its connections.
    pub(crate) detached: bool,
    /// The part of a run, as fractions of its searches, in which the provider is overloaded.
    pub(crate) brownout: Option<Range<f64>>,
}

/// Eight ordinary providers: each has its faults, and one has a bad time in the middle of each run.
pub(crate) const CLIMATES: [Climate; 8] = [
    Climate { name: "oslo", pace: 0.8, unavailable: 0.005, ..FAIR },
    Climate { name: "lima", ..FAIR },
    Climate { name: "cairo", dropped: 0.02, ..FAIR },
    Climate { name: "perth", pace: 1.2, detached: true, ..FAIR },
    Climate { name: "quito", throttled: 0.03, ..FAIR },
    Climate { name: "seoul", pace: 0.9, ..FAIR },
    Climate { name: "turin", pace: 1.1, brownout: Some(0.4..0.6), ..FAIR },
    Climate { name: "dakar", pace: 1.4, unavailable: 0.03, ..FAIR },
];

const FAIR: Climate =
    Climate { name: "", pace: 1.0, unavailable: 0.01, dropped: 0.002, throttled: 0.0, detached: false, brownout: None };

/// The weather of one run: a pure function of the seed, the provider, the search and the attempt, so that two runs with
/// the same seed meet the same conditions however differently they call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Weather {
    pub(crate) seed: u64,
    /// The length of the run; the fractions of a brown-out refer to it.
    pub(crate) searches: u64,
}

/// The conditions of one request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Conditions {
    /// The time that a worker of the provider is busy with it.
    pub(crate) latency: Duration,
    pub(crate) fault: Option<Fault>,
}

/// The failure of a request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Fault {
    /// 503 after the work.
    Unavailable,
    /// The connection ends in the middle of the answer.
    Dropped,
    /// 429 at once, and until the pause is over.
    Throttled { pause: Duration },
}

impl Climate {
    /// Describes the climate in a line.
    pub(crate) fn describe(&self) -> String {
        let percent = |share: f64| format!("{:.1} %", share * 100.0);
        let mut parts = vec![
            format!("latency × {:.1}", self.pace),
            format!("{} answered 503", percent(self.unavailable)),
            format!("{} dropped", percent(self.dropped)),
        ];
        if self.throttled > 0.0 {
            parts.push(format!("{} throttled (429 for {} ms)", percent(self.throttled), THROTTLE_PAUSE.as_millis()));
        }
        if self.detached {
            parts.push("works on after its client has gone".to_owned());
        }
        if let Some(Range { start, end }) = &self.brownout {
            let (from, to) = (start * 100.0, end * 100.0);
            let failing = BROWNOUT_UNAVAILABLE * 100.0;
            parts.push(format!(
                "brown-out from {from:.0} % to {to:.0} % of the run: {BROWNOUT_PACE:.0} times slower, {failing:.0} % answered 503"
            ));
        }
        parts.join(", ")
    }
}

impl Weather {
    /// Returns the conditions of attempt `attempt` of search `search` at provider number `provider`; all count from zero.
    pub(crate) fn conditions(&self, provider: usize, search: u64, attempt: u64) -> Conditions {
        let climate = &CLIMATES[provider];
        let mut random = self.random(provider, search, attempt);
        let brownout = self.is_brownout(provider, search);

        let slower = if brownout { BROWNOUT_PACE } else { 1.0 };
        let latency = (climate.pace * slower * usual_latency(&mut random)).min(LONGEST);
        let throttled = attempt == 0 && random.random_bool(climate.throttled);
        let dropped = random.random_bool(climate.dropped);
        let unavailable = random.random_bool(if brownout { BROWNOUT_UNAVAILABLE } else { climate.unavailable });
        let fault = if throttled {
            Some(Fault::Throttled { pause: THROTTLE_PAUSE })
        } else if dropped {
            Some(Fault::Dropped)
        } else {
            unavailable.then_some(Fault::Unavailable)
        };
        Conditions { latency: Duration::from_secs_f64(latency), fault }
    }

    /// Returns the searches that meet provider `provider` in its brown-out.
    pub(crate) fn brownout(&self, provider: usize) -> Range<u64> {
        #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let at = |fraction: f64| (fraction * self.searches as f64) as u64;
        CLIMATES[provider].brownout.as_ref().map_or(0..0, |window| at(window.start)..at(window.end))
    }

    /// Returns whether `search` falls into a brown-out. A provider that runs for longer has one again in each full run.
    fn is_brownout(&self, provider: usize, search: u64) -> bool {
        self.brownout(provider).contains(&(search % self.searches.max(1)))
    }

    fn random(&self, provider: usize, search: u64, attempt: u64) -> ChaCha8Rng {
        let mut key = [0; 32];
        for (word, value) in key.chunks_exact_mut(8).zip([self.seed, provider as u64, search, attempt]) {
            word.copy_from_slice(&value.to_le_bytes());
        }
        ChaCha8Rng::from_seed(key)
    }
}

/// Draws seconds: mostly lognormal around 15 ms, and 3 in 100 from a heavy tail that begins at 80 ms.
fn usual_latency(random: &mut ChaCha8Rng) -> f64 {
    if random.random_bool(0.03) {
        Pareto::new(0.080, 1.8).map_or(LONGEST, |tail| tail.sample(random)).min(LONGEST)
    } else {
        LogNormal::new(0.015_f64.ln(), 0.4).map_or(LONGEST, |body| body.sample(random))
    }
}

/// The seconds after which a provider has always answered.
const LONGEST: f64 = 3.0;
const BROWNOUT_PACE: f64 = 8.0;
const BROWNOUT_UNAVAILABLE: f64 = 0.25;
const THROTTLE_PAUSE: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;

    const LIMA: usize = 1;
    const QUITO: usize = 4;
    const TURIN: usize = 6;

    #[test]
    fn the_same_seed_brings_the_same_weather() {
        let (one, two) = (Weather { seed: 7, searches: 100 }, Weather { seed: 7, searches: 100 });
        let other = Weather { seed: 8, searches: 100 };

        let forecast = |weather: Weather| -> Vec<Conditions> {
            (0..8).flat_map(|p| (0..50).map(move |s| weather.conditions(p, s, s % 3))).collect()
        };

        assert_eq!(forecast(one), forecast(two));
        assert_ne!(forecast(one), forecast(other));
    }

    #[test]
    fn latency_has_the_quantiles_that_it_promises() {
        let weather = Weather { seed: 1, searches: 100_000 };
        let mut latencies: Vec<f64> =
            (0..100_000).map(|search| weather.conditions(LIMA, search, 0).latency.as_secs_f64() * 1e3).collect();
        latencies.sort_unstable_by(f64::total_cmp);

        for (rank, expected, tolerance) in [(50_000, 15.0, 0.5), (95_000, 34.0, 2.5), (99_000, 146.0, 10.0)] {
            let latency = latencies[rank];
            assert!((latency - expected).abs() < tolerance, "{latency} ms at {rank}, expected {expected}");
        }
        assert!(latencies[99_999] <= 3000.0);
    }

    #[test]
    fn a_brownout_is_slow_and_ends() {
        let weather = Weather { seed: 1, searches: 1000 };
        let mean = |searches: Range<u64>| -> f64 {
            let count = f64::from(u32::try_from(searches.end - searches.start).unwrap());
            searches.map(|search| weather.conditions(TURIN, search, 0).latency.as_secs_f64()).sum::<f64>() / count
        };

        assert_eq!(weather.brownout(TURIN), 400..600);
        assert!(mean(400..600) > 4.0 * mean(0..400));
        assert!(mean(400..600) > 4.0 * mean(600..1000));
        assert!(weather.brownout(LIMA).is_empty());
    }

    #[test]
    fn only_first_attempts_are_throttled() {
        let weather = Weather { seed: 1, searches: 1000 };
        let throttled = |attempt| {
            let fault = |search| weather.conditions(QUITO, search, attempt).fault;
            (0..1000).filter(|search| matches!(fault(*search), Some(Fault::Throttled { .. }))).count()
        };

        assert!((15..=50).contains(&throttled(0)), "{}", throttled(0));
        assert_eq!(throttled(1), 0);
    }
}
