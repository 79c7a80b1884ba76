//! Values that rules compare: counts, numbers, durations and words.

use std::cmp::Ordering;
use std::time::Duration;

use quote::ToTokens;
use syn::{Expr, ExprLit, ExprUnary, Lit, UnOp};

use crate::wording::{as_written, shown};
use resilient_words::{parse_duration, percent, unit};

/// A value that is written out.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Measure {
    Count(u64),
    /// A number with a fraction, or a ratio.
    Number(f64),
    Duration(Duration),
    /// So many calls in so long.
    Rate(u64, Duration),
    /// `"exp_jitter"`, `unlimited`, or whatever else only is or is not the same.
    Word(String),
}

impl Measure {
    /// The value of a literal, or one of the words without quotes; `None` if the compiler is the first to know it.
    pub(crate) fn of(expression: &Expr) -> Option<Self> {
        match expression {
            Expr::Lit(ExprLit { lit, .. }) => Some(Self::of_literal(lit)),
            Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr, .. }) => match Self::of(expr)? {
                Self::Count(count) => Some(Self::Number(-(count as f64))),
                Self::Number(number) => Some(Self::Number(-number)),
                Self::Duration(_) | Self::Rate(..) | Self::Word(_) => None,
            },
            Expr::Group(group) => Self::of(&group.expr),
            Expr::Paren(inside) => Self::of(&inside.expr),
            // any other name is that of a constant
            Expr::Path(path) => {
                let word = path.path.get_ident()?.to_string();
                ["none", "off", "unlimited"].contains(&word.as_str()).then_some(Self::Word(word))
            }
            _ => None,
        }
    }

    fn of_literal(literal: &Lit) -> Self {
        match literal {
            Lit::Int(count) => match count.base10_parse() {
                Ok(count) => Self::Count(count),
                Err(_) => Self::Word(literal.to_token_stream().to_string()),
            },
            Lit::Float(number) => match number.base10_parse() {
                Ok(number) => Self::Number(number),
                Err(_) => Self::Word(literal.to_token_stream().to_string()),
            },
            Lit::Str(text) => {
                let text = text.value();
                match (percent(&text), parse_duration(&text)) {
                    (Some(ratio), _) => Self::Number(ratio),
                    (None, Ok(duration)) => Self::Duration(duration),
                    (None, Err(_)) => rate(&text).map_or(Self::Word(text), |(calls, period)| Self::Rate(calls, period)),
                }
            }
            other => Self::Word(other.to_token_stream().to_string()),
        }
    }

    /// Returns how the two compare, if they are of one sort and have an order.
    pub(crate) fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Count(one), Self::Count(other)) => Some(one.cmp(other)),
            (Self::Duration(one), Self::Duration(other)) => Some(one.cmp(other)),
            // 1 in 2 s is less than 1 in 1 s
            (Self::Rate(one, in_one), Self::Rate(other, in_other)) => {
                let calls = |calls: &u64, period: &Duration| u128::from(*calls).checked_mul(period.as_nanos());
                Some(calls(one, in_other)?.cmp(&calls(other, in_one)?))
            }
            (one, other) => one.number()?.partial_cmp(&other.number()?),
        }
    }

    /// Returns whether one is a word: such a pair only is or is not the same.
    pub(crate) fn is_word(&self) -> bool {
        matches!(self, Self::Word(_))
    }

    pub(crate) fn number(&self) -> Option<f64> {
        match self {
            Self::Count(count) => Some(*count as f64),
            Self::Number(number) => Some(*number),
            Self::Duration(_) | Self::Rate(..) | Self::Word(_) => None,
        }
    }

    /// Returns whether the two are of one sort.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Count(_) | Self::Number(_), Self::Count(_) | Self::Number(_)) => true,
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }
}

/// The calls and the period of `100/s`.
fn rate(text: &str) -> Option<(u64, Duration)> {
    let (calls, period) = text.split_once('/')?;
    let (calls, period) = (calls.trim().replace('_', "").parse().ok()?, period.trim());
    let period = unit(period).map_or_else(|| parse_duration(period).ok(), Some)?;
    Some((calls, period))
}

/// The value as people read it in a sentence.
pub(crate) fn in_words(expression: &Expr) -> String {
    match Measure::of(expression) {
        Some(Measure::Duration(duration)) => shown(duration),
        _ => match expression {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) if percent(&text.value()).is_some() => text.value(),
            other => as_written(other),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measure(written: &str) -> Option<Measure> {
        Measure::of(&syn::parse_str(written).unwrap())
    }

    fn compare(one: &str, other: &str) -> Option<Ordering> {
        measure(one).unwrap().compare(&measure(other).unwrap())
    }

    #[test]
    fn values_of_one_sort_compare() {
        for (one, other, order) in [
            ("3", "5", Some(Ordering::Less)),
            ("4_294_967_295", "4294967295", Some(Ordering::Equal)),
            ("2", "1.5", Some(Ordering::Greater)),
            ("\"50%\"", "0.5", Some(Ordering::Equal)),
            ("0.5", "\"51%\"", Some(Ordering::Less)),
            ("-1", "0", Some(Ordering::Less)),
            ("\"1m30s\"", "\"90s\"", Some(Ordering::Equal)),
            ("\"1m\"", "\"90s\"", Some(Ordering::Less)),
            ("\"90s\"", "90", None),
            ("\"100/s\"", "\"6000/min\"", Some(Ordering::Equal)),
            ("\"1/2s\"", "\"1/s\"", Some(Ordering::Less)),
            ("\"1/s\"", "\"1s\"", None),
            ("\"exp\"", "\"exp\"", None),
            ("unlimited", "5", None),
        ] {
            assert_eq!(compare(one, other), order, "{one} {other}");
        }
    }

    #[test]
    fn what_the_compiler_is_the_first_to_know_is_no_measure() {
        for written in ["RETRIES", "crate::RETRIES", "2 + 3", "Duration::from_secs(1)", "{ 3 }", "|n| n"] {
            assert_eq!(measure(written), None, "{written}");
        }
        assert_eq!(measure("(3)"), Some(Measure::Count(3)));
        assert_eq!(measure("none"), Some(Measure::Word("none".to_owned())));
    }
}
