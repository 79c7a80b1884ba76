//! What was measured, and what is wished for.

use std::time::Duration;

use resilient_simulator::latency::Measured;

/// A function's calls to one upstream as they were measured, and the wishes for them.
#[derive(Debug, Clone)]
pub struct Wish {
    /// The times of attempts that succeed.
    pub times: Measured,
    /// The share of attempts that fail.
    pub errors: f64,
    /// The calls a second, of all instances together.
    pub rate: f64,
    /// The calls a second that the upstream can serve.
    pub capacity: f64,
    /// The calls in a period that the upstream allows, of all instances together; `None` is as many as it can serve.
    pub quota: Option<(u32, Duration)>,
    /// The time within which an answer counts.
    pub slo: Duration,
    /// The number of such calls that one request makes at once, all of which it needs.
    pub fan_out: u32,
    /// The instances of the program, each with policies of its own.
    pub instances: u32,
    /// The share of calls that shall be answered in time.
    pub goal: f64,
    /// Is true if an attempt may run twice at once.
    pub idempotent: bool,
}

impl Wish {
    /// Returns the calls a second that get an answer at most: the capacity or the quota, whichever is less.
    pub fn most(&self) -> f64 {
        self.capacity.min(self.quota_rate())
    }

    /// Returns the calls a second that the quota allows.
    pub fn quota_rate(&self) -> f64 {
        self.quota.map_or(f64::INFINITY, |(calls, period)| f64::from(calls) / period.as_secs_f64())
    }

    /// Returns the name of that which allows the fewest calls.
    pub fn bound(&self) -> &'static str {
        if self.quota_rate() < self.capacity { "quota" } else { "capacity" }
    }

    /// Returns the used share of the capacity or the quota, whichever is less.
    pub fn load(&self) -> f64 {
        self.rate / self.most()
    }

    /// Returns an instance's part of the quota, in the shortest period of which it has a few calls, or in which it is exact.
    /// `None` stands for a part that is less than a call a day.
    pub fn share_of_quota(&self) -> Option<(u32, Duration)> {
        let (calls, period) = self.quota?;
        if self.instances == 1 {
            return Some((calls, period));
        }
        let each = self.quota_rate() / f64::from(self.instances);
        let whole = |period: Duration| (each * period.as_secs_f64() + 1e-9).floor();
        let is_close =
            |period: &Duration| whole(*period) >= 0.99 * each * period.as_secs_f64() && whole(*period) >= 1.0;
        let periods = [1, 60, 3_600, 86_400].map(Duration::from_secs);
        let period = periods.into_iter().find(is_close).or(periods.last().copied().filter(|&day| whole(day) >= 1.0))?;
        Some((whole(period) as u32, period))
    }

    /// Returns the time within which that share of the attempts end.
    pub fn at(&self, share: f64) -> Duration {
        Duration::from_secs_f64(self.times.at(share))
    }

    /// Returns the share of attempts that take longer than so many seconds.
    pub fn longer_than(&self, seconds: f64) -> f64 {
        let (mut low, mut high) = (0.0_f64, 1.0_f64);
        for _ in 0..60 {
            let middle = f64::midpoint(low, high);
            if self.times.at(middle) <= seconds { low = middle } else { high = middle }
        }
        1.0 - low
    }

    /// Returns the share of calls that has to stay within a time so that 99 % of the requests do.
    pub fn tail_share(&self) -> f64 {
        0.99_f64.powf(1.0 / f64::from(self.fan_out))
    }

    /// Returns a message for each wish that no setting can fulfil, with the bound that it breaks.
    pub fn broken_bounds(&self) -> Vec<String> {
        let mut broken = Vec::new();
        let slo = self.slo.as_secs_f64();
        let late = self.longer_than(slo);
        if late >= 0.5 {
            broken.push(format!(
                "half of the attempts take {} or longer, so that most calls cannot be answered within {}: the least time that could be kept for 99 % of the calls is {}",
                millis(self.times.at(0.5)),
                millis(slo),
                millis(self.times.at(0.99)),
            ));
        }
        if self.load() >= 1.0 {
            broken.push(format!(
                "{}/s are {:.0} % of the {} of {}/s: at most {:.1} % of the calls can be answered, whatever the settings",
                round(self.rate),
                self.load() * 100.0,
                self.bound(),
                round(self.most()),
                100.0 / self.load(),
            ));
        } else if self.rate / (1.0 - self.errors) > self.most() {
            broken.push(format!(
                "with {:.1} % errors, {}/s need {}/s attempts until all succeed, and the {} is {}/s",
                self.errors * 100.0,
                round(self.rate),
                round(self.rate / (1.0 - self.errors)),
                self.bound(),
                round(self.most()),
            ));
        }
        if self.quota.is_some() && self.share_of_quota().is_none() {
            broken.push(format!(
                "the quota has less than a call a day for each of {} instances: one limit for all of them needs `shared`",
                self.instances
            ));
        }
        if late < 0.5 && self.load() < 1.0 {
            let best = 1.0 - self.least_failures();
            if best < self.goal {
                broken.push(format!(
                    "{} % of the calls in time is out of reach: within {}, {} attempts fit, of which each fails or is late with {:.2} %, so that at most {:.3} % are answered",
                    trimmed(self.goal * 100.0),
                    millis(slo),
                    self.attempts_that_fit(),
                    self.failing(slo / f64::from(self.attempts_that_fit())) * 100.0,
                    best * 100.0,
                ));
            }
        }
        broken
    }

    /// Returns the number of attempts, one after the other, that have room within the time if each may take as long as 95 % do.
    pub fn attempts_that_fit(&self) -> u32 {
        let fit = self.slo.as_secs_f64() / self.times.at(0.95);
        (fit as u32).clamp(1, 1 + MOST_RETRIES)
    }

    /// Returns the share of attempts that fail, or that take longer than so many seconds.
    pub fn failing(&self, seconds: f64) -> f64 {
        1.0 - (1.0 - self.errors) * (1.0 - self.longer_than(seconds))
    }

    /// Returns the least share of calls without an answer in time that attempts one after the other can reach: the best of all
    /// numbers of attempts that fit.
    pub fn least_failures(&self) -> f64 {
        let slo = self.slo.as_secs_f64();
        let with = |attempts: u32| self.failing(slo / f64::from(attempts)).powf(f64::from(attempts));
        (1..=self.attempts_that_fit()).map(with).fold(1.0, f64::min)
    }
}

/// Writes seconds as milliseconds.
pub fn millis(seconds: f64) -> String {
    let millis = seconds * 1_000.0;
    if millis >= 100.0 { format!("{millis:.0}ms") } else { format!("{}ms", (millis * 10.0).round() / 10.0) }
}

/// Writes a number without decimals that say nothing.
pub fn round(number: f64) -> String {
    if number >= 100.0 { format!("{number:.0}") } else { trimmed((number * 10.0).round() / 10.0) }
}

fn trimmed(number: f64) -> String {
    let text = format!("{number:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The most retries that are ever advised: where three fail, a fourth seldom helps, and it multiplies the load.
pub const MOST_RETRIES: u32 = 3;

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// The wish of the page: the times of the scenarios.
    pub(crate) fn usual() -> Wish {
        Wish {
            times: Measured::through(&[(0.5, 0.015), (0.95, 0.034), (0.99, 0.146)]).unwrap(),
            errors: 0.01,
            rate: 90.0,
            capacity: 954.0,
            quota: None,
            slo: Duration::from_secs(1),
            fan_out: 1,
            instances: 1,
            goal: 0.999,
            idempotent: false,
        }
    }

    #[test]
    fn shares_and_times_are_each_other_s_inverse() {
        let wish = usual();
        for (seconds, longer) in [(0.015, 0.5), (0.034, 0.05), (0.146, 0.01)] {
            assert!((wish.longer_than(seconds) - longer).abs() < 1e-6, "{seconds}: {}", wish.longer_than(seconds));
        }
    }

    #[test]
    fn what_can_be_had_breaks_no_bound() {
        assert_eq!(usual().broken_bounds(), Vec::<String>::new());
    }

    #[test]
    fn a_wish_that_cannot_be_fulfilled_names_its_bound() {
        let broken = |wish: Wish| wish.broken_bounds().join("; ");

        let overloaded = broken(Wish { rate: 1_908.0, ..usual() });
        assert!(overloaded.contains("at most 50.0 % of the calls"), "{overloaded}");
        let soon = broken(Wish { slo: Duration::from_millis(10), ..usual() });
        assert!(soon.contains("the least time that could be kept for 99 % of the calls is 146ms"), "{soon}");
        let never = broken(Wish { goal: 0.999_999, errors: 0.2, ..usual() });
        assert!(never.contains("4 attempts fit") && never.contains("out of reach"), "{never}");
        let failing = broken(Wish { errors: 0.5, rate: 600.0, ..usual() });
        assert!(failing.contains("need 1200/s attempts"), "{failing}");
        let over = broken(Wish { quota: Some((60, SECOND)), ..usual() });
        assert!(over.contains("90/s are 150 % of the quota of 60/s: at most 66.7 %"), "{over}");
        let rare = broken(Wish { rate: 1e-6, quota: Some((9, 86_400 * SECOND)), instances: 10, ..usual() });
        assert!(rare.contains("less than a call a day for each of 10 instances"), "{rare}");
    }

    #[test]
    fn instances_share_a_quota_in_whole_calls() {
        let share = |quota, instances| Wish { quota: Some(quota), instances, ..usual() }.share_of_quota();

        assert_eq!(share((1_000, 60 * SECOND), 1), Some((1_000, 60 * SECOND)));
        assert_eq!(share((100, SECOND), 4), Some((25, SECOND)));
        // 14/s would leave two of a hundred unused
        assert_eq!(share((100, SECOND), 7), Some((857, 60 * SECOND)));
        assert_eq!(share((10, SECOND), 50), Some((12, 60 * SECOND)));
        assert_eq!(share((9, 86_400 * SECOND), 10), None);
    }

    #[test]
    fn a_wide_request_needs_a_better_tail() {
        let share = Wish { fan_out: 8, ..usual() }.tail_share();
        assert!((share - 0.998_74).abs() < 1e-4, "{share}");
    }
}
