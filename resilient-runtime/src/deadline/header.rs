//! A deadline as a header: how much time is left, in the syntax of `grpc-timeout`.

use std::fmt;
use std::time::Duration;

use super::Deadline;

impl Deadline {
    /// Returns what is left of it for a header, as gRPC writes it in `grpc-timeout`: up to eight digits and a unit.
    ///
    /// The unit is the finest that fits, and what does not divide is dropped, so the receiver's deadline is no later than
    /// this one but for the time on the way. A deadline that has passed is `"0n"`.
    ///
    /// ```
    /// use std::time::Duration;
    /// use resilient::Deadline;
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() {
    /// assert_eq!(Deadline::after(Duration::from_millis(1_500)).to_header(), "1500000u");
    /// # }
    /// ```
    pub fn to_header(self) -> String {
        let nanos = self.remaining().as_nanos();
        let fits = UNITS.iter().map(|&(unit, size)| (unit, nanos / u128::from(size))).find(|&(_, count)| count <= MOST);
        let (unit, count) = fits.unwrap_or(('H', MOST));
        format!("{count}{unit}")
    }

    /// Reads what [`to_header`](Self::to_header) writes, counted from now.
    ///
    /// # Errors
    ///
    /// If it is not one to eight digits and one of the units `H`, `M`, `S`, `m`, `u`, `n`.
    pub fn from_header(header: &str) -> Result<Self, ParseDeadlineError> {
        let (unit, size) = UNITS.iter().find(|&&(unit, _)| header.ends_with(unit)).ok_or(ParseDeadlineError)?;
        let digits = header.strip_suffix(*unit).ok_or(ParseDeadlineError)?;
        if digits.is_empty() || digits.len() > DIGITS || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
            return Err(ParseDeadlineError);
        }
        let count: u64 = digits.parse().map_err(|_| ParseDeadlineError)?;
        // the longest, 99,999,999 hours, is 11,415 years; nanoseconds of it do not fit 64 bits
        let seconds = count.saturating_mul(size / 1_000_000_000);
        let nanos = count.saturating_mul(size % 1_000_000_000);
        Ok(Self::after(Duration::from_secs(seconds).saturating_add(Duration::from_nanos(nanos))))
    }
}

/// A header that is not a deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ParseDeadlineError;

impl fmt::Display for ParseDeadlineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a deadline is one to eight digits and a unit, `H`, `M`, `S`, `m`, `u` or `n`")
    }
}

impl std::error::Error for ParseDeadlineError {}

/// The units from the finest, with their nanoseconds.
const UNITS: [(char, u64); 6] =
    [('n', 1), ('u', 1_000), ('m', 1_000_000), ('S', 1_000_000_000), ('M', 60_000_000_000), ('H', 3_600_000_000_000)];
const DIGITS: usize = 8;
const MOST: u128 = 99_999_999;

#[cfg(all(test, not(resilient_loom)))]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(header: &str) -> Result<Duration, ParseDeadlineError> {
        Deadline::from_header(header).map(Deadline::remaining)
    }

    #[tokio::test(start_paused = true)]
    async fn reads_every_unit() {
        let table = [
            ("0n", Duration::ZERO),
            ("7n", Duration::from_nanos(7)),
            ("250u", Duration::from_micros(250)),
            ("1500m", Duration::from_millis(1_500)),
            ("2S", Duration::from_secs(2)),
            ("3M", Duration::from_secs(180)),
            ("1H", Duration::from_secs(3_600)),
            ("00000001S", Duration::from_secs(1)),
        ];
        for (header, left) in table {
            assert_eq!(read(header), Ok(left), "{header}");
        }
        assert!(read("99999999H").unwrap() > Duration::from_secs(86_400 * 365), "far, and no overflow");
    }

    #[tokio::test(start_paused = true)]
    async fn refuses_what_is_no_deadline() {
        for header in ["", "S", "5", "5s", "-5S", "+5S", "5 S", "1.5S", "123456789S", "S5", "5SS", "５S", "∞"] {
            assert_eq!(read(header), Err(ParseDeadlineError), "{header}");
        }
        assert!(ParseDeadlineError.to_string().starts_with("a deadline is one to eight digits and a unit"));
    }

    #[tokio::test(start_paused = true)]
    async fn writes_the_finest_unit_that_fits() {
        let table = [
            (Duration::ZERO, "0n"),
            (Duration::from_nanos(99_999_999), "99999999n"),
            (Duration::from_nanos(100_000_999), "100000u"),
            (Duration::from_secs(99), "99000000u"),
            (Duration::from_secs(100), "100000m"),
            (Duration::from_secs(100_000), "100000S"),
            (Duration::MAX, "15768000M"),
        ];
        for (left, header) in table {
            assert_eq!(Deadline::after(left).to_header(), header, "{left:?}");
        }
    }

    proptest! {
        #[test]
        fn never_panics_and_never_gains_time(header: String, nanos: u64) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
            runtime.block_on(async {
                let _ = read(&header);

                let left = Duration::from_nanos(nanos);
                let arrived = read(&Deadline::after(left).to_header()).unwrap();
                prop_assert!(arrived <= left);
                // eight digits, of which three are lost where the unit changes
                prop_assert!(left <= arrived + left / 100_000 + Duration::from_nanos(1), "{left:?} {arrived:?}");
                Ok(())
            })?;
        }
    }
}
