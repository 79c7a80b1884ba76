//! Values that rules compare: counts, numbers, durations, rates and words.

use std::cmp::Ordering;
use std::time::Duration;

use crate::{parse_duration, parse_rate, percent};

/// A value that a rule such as `retry(max <= 5)` compares.
#[derive(Debug, Clone, PartialEq)]
pub enum Measure {
    /// A whole number.
    Count(u64),
    /// A number with a fraction, or a ratio.
    Number(f64),
    /// A time.
    Duration(Duration),
    /// A rate: so many calls in so long.
    Rate(u32, Duration),
    /// A value that only is or is not the same: `exp_jitter`.
    Word(String),
}

impl Measure {
    /// The value of a text: of what stands between quotes.
    pub fn of_text(text: &str) -> Self {
        match (percent(text), parse_duration(text), parse_rate(text)) {
            (Some(ratio), ..) => Self::Number(ratio),
            (None, Ok(time), _) => Self::Duration(time),
            (None, Err(_), Ok((calls, period))) => Self::Rate(calls, period),
            (None, Err(_), Err(_)) => Self::Word(text.to_owned()),
        }
    }

    /// Returns whether it stands to `limit` as the operator says: `<=`, `>=`, `<`, `>`, `==` or `!=`. `None` if the two do not compare.
    pub fn keeps(&self, operator: &str, limit: &Self) -> Option<bool> {
        let order = self.compare(limit);
        match operator {
            "<=" => order.map(Ordering::is_le),
            ">=" => order.map(Ordering::is_ge),
            "<" => order.map(Ordering::is_lt),
            ">" => order.map(Ordering::is_gt),
            "==" => Some(order.map_or(self == limit, Ordering::is_eq)),
            "!=" => Some(order.map_or(self != limit, Ordering::is_ne)),
            _ => None,
        }
    }

    /// Returns how the two compare, if they are of one sort and have an order.
    fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Count(one), Self::Count(other)) => Some(one.cmp(other)),
            (Self::Duration(one), Self::Duration(other)) => Some(one.cmp(other)),
            // 1 in 2 s is less than 1 in 1 s
            (Self::Rate(one, in_one), Self::Rate(other, in_other)) => {
                let calls = |calls: &u32, period: &Duration| u128::from(*calls) * period.as_nanos();
                Some(calls(one, in_other).cmp(&calls(other, in_one)))
            }
            (one, other) => one.number()?.partial_cmp(&other.number()?),
        }
    }

    /// Returns whether it is a word.
    pub fn is_word(&self) -> bool {
        matches!(self, Self::Word(_))
    }

    /// Returns whether the two are of one sort.
    pub fn is_like(&self, other: &Self) -> bool {
        let are_numbers = self.number().is_some() && other.number().is_some();
        are_numbers || std::mem::discriminant(self) == std::mem::discriminant(other)
    }

    fn number(&self) -> Option<f64> {
        match self {
            Self::Count(count) => Some(*count as f64),
            Self::Number(number) => Some(*number),
            Self::Duration(_) | Self::Rate(..) | Self::Word(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Measure::{Count, Number};
    use super::*;

    #[test]
    fn values_of_one_sort_compare() {
        let text = Measure::of_text;
        let word = |word: &str| Measure::Word(word.to_owned());
        for (one, other, order) in [
            (Count(3), Count(5), Some(Ordering::Less)),
            (Count(2), Number(1.5), Some(Ordering::Greater)),
            (text("50%"), Number(0.5), Some(Ordering::Equal)),
            (Number(0.5), text("51 %"), Some(Ordering::Less)),
            (Number(-1.0), Count(0), Some(Ordering::Less)),
            (text("1m30s"), text("90s"), Some(Ordering::Equal)),
            (text("1m"), text("90s"), Some(Ordering::Less)),
            (text("90s"), Count(90), None),
            (text("100/s"), text("6000/min"), Some(Ordering::Equal)),
            (text("1/2s"), text("1/s"), Some(Ordering::Less)),
            (text("1/s"), text("1s"), None),
            (text("exp"), text("exp"), None),
            (word("unlimited"), Count(5), None),
        ] {
            assert_eq!(one.compare(&other), order, "{one:?} {other:?}");
        }
    }

    #[test]
    fn words_only_are_or_are_not_the_same() {
        let (exp, none) = (Measure::of_text("exp"), Measure::of_text("none"));

        assert_eq!(exp.keeps("==", &exp), Some(true));
        assert_eq!(exp.keeps("!=", &none), Some(true));
        assert_eq!(exp.keeps("<=", &exp), None);
        assert_eq!(Count(5).keeps("==", &exp), Some(false));
        assert_eq!(Count(5).keeps("=<", &Count(5)), None);
    }
}
