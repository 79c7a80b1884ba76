//! A key of a policy that can change while the policy is in use: how its value is read, and which values are refused.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use resilient_words::{nearest, other_formula, parse_duration, percent};

/// The value of a setting.
///
/// In a file it is a number, a string or a boolean. From code it may also be a [`Duration`].
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// A whole number.
    Integer(i64),
    /// A number that may have a fraction.
    Number(f64),
    /// A string: a duration such as `250ms`, a ratio such as `50%`, a rate such as `100/s`, or a word.
    Text(Cow<'static, str>),
    /// A time.
    Time(Duration),
    /// `true` or `false`, which no key takes.
    Flag(bool),
}

/// A key, and what its value does to the settings.
pub(crate) struct Key<C: 'static> {
    pub(crate) name: &'static str,
    /// A value, as it is written.
    example: &'static str,
    sets: Sets<C>,
    /// A word that stands in place of such a value, as `off` for a number.
    word: Option<Word<C>>,
}

/// A word, and what it does to the settings.
type Word<C> = (&'static str, fn(&mut C));

/// The reason for which a value is refused, if it is.
type Rule<T> = fn(T) -> Option<&'static str>;

enum Sets<C: 'static> {
    Time(Rule<Duration>, fn(&mut C, Duration)),
    Count(Rule<u32>, fn(&mut C, u32)),
    Number(Rule<f64>, fn(&mut C, f64)),
    Ratio(Rule<f64>, fn(&mut C, f64)),
    Own(fn(&mut C, &Given<'_>) -> Result<(), String>),
}

/// A value for a key.
pub(crate) struct Given<'a> {
    pub(crate) key: &'a str,
    pub(crate) example: &'a str,
    pub(crate) value: &'a Value,
    /// The word that may stand in place of such a value.
    pub(crate) word: Option<&'static str>,
}

/// The rule of a key that takes every value of its type.
pub(crate) const fn every_value<T: Copy>(_: T) -> Option<&'static str> {
    None
}

impl<C> Key<C> {
    pub(crate) const fn time(
        name: &'static str,
        example: &'static str,
        rule: Rule<Duration>,
        set: fn(&mut C, Duration),
    ) -> Self {
        Self { name, example, sets: Sets::Time(rule, set), word: None }
    }

    pub(crate) const fn count(
        name: &'static str,
        example: &'static str,
        rule: Rule<u32>,
        set: fn(&mut C, u32),
    ) -> Self {
        Self { name, example, sets: Sets::Count(rule, set), word: None }
    }

    pub(crate) const fn number(
        name: &'static str,
        example: &'static str,
        rule: Rule<f64>,
        set: fn(&mut C, f64),
    ) -> Self {
        Self { name, example, sets: Sets::Number(rule, set), word: None }
    }

    pub(crate) const fn ratio(
        name: &'static str,
        example: &'static str,
        rule: Rule<f64>,
        set: fn(&mut C, f64),
    ) -> Self {
        Self { name, example, sets: Sets::Ratio(rule, set), word: None }
    }

    pub(crate) const fn own(
        name: &'static str,
        example: &'static str,
        set: fn(&mut C, &Given<'_>) -> Result<(), String>,
    ) -> Self {
        Self { name, example, sets: Sets::Own(set), word: None }
    }

    /// Takes that word as well.
    pub(crate) const fn or_word(self, word: &'static str, set: fn(&mut C)) -> Self {
        Self { word: Some((word, set)), ..self }
    }

    /// Returns whether there is a value that it takes: some are only there to say what to write instead.
    #[cfg(test)]
    pub(crate) const fn is_settable(&self) -> bool {
        !self.example.is_empty()
    }

    /// The key with an example, for the documentation.
    #[cfg(test)]
    pub(crate) fn documented(&self) -> String {
        let word = self.word.map_or_else(String::new, |(word, _)| format!(" or `\"{word}\"`"));
        format!("`{} = {}`{word}", self.name, self.example)
    }

    /// Sets the key to a value.
    ///
    /// # Errors
    ///
    /// A message that says what to write.
    pub(crate) fn set(&self, settings: &mut C, value: &Value) -> Result<(), String> {
        if let (Some((word, set)), Value::Text(text)) = (self.word, value)
            && text == word
        {
            set(settings);
            return Ok(());
        }
        let given = Given { key: self.name, example: self.example, value, word: self.word.map(|(word, _)| word) };
        match self.sets {
            Sets::Time(rule, set) => set(settings, refused(rule, given.time()?)?),
            Sets::Count(rule, set) => set(settings, refused(rule, given.count()?)?),
            Sets::Number(rule, set) => set(settings, refused(rule, given.number()?)?),
            Sets::Ratio(rule, set) => {
                let ratio = given.ratio()?;
                let said = |reason| match value {
                    Value::Text(_) => format!("{reason}, and {value} is {ratio}"),
                    _ => reason,
                };
                set(settings, refused(rule, ratio).map_err(said)?);
            }
            Sets::Own(set) => set(settings, &given)?,
        }
        Ok(())
    }
}

fn refused<T: Copy>(rule: Rule<T>, value: T) -> Result<T, String> {
    rule(value).map_or(Ok(value), |reason| Err(reason.to_owned()))
}

impl Given<'_> {
    fn takes<T>(&self, what: &str) -> Result<T, String> {
        let Self { key, example, value, word } = self;
        let word = word.map_or_else(String::new, |word| format!(" or `{key} = \"{word}\"`"));
        Err(format!("`{key}` takes {what}, and not {value}: write `{key} = {example}`{word}"))
    }

    pub(crate) fn time(&self) -> Result<Duration, String> {
        match self.value {
            Value::Time(time) => Ok(*time),
            Value::Text(text) => parse_duration(text),
            Value::Integer(number) => Err(self.unit(number)),
            Value::Number(number) => Err(self.unit(number)),
            Value::Flag(_) => self.takes("a duration"),
        }
    }

    fn unit(&self, number: impl fmt::Display) -> String {
        let key = self.key;
        format!("a duration needs a unit: write `{key} = \"{number}s\"` or `{key} = \"{number}ms\"`")
    }

    pub(crate) fn count(&self) -> Result<u32, String> {
        let Self { key, example, .. } = self;
        match self.value {
            Value::Integer(number) => u32::try_from(*number).map_err(|_| {
                if *number < 0 {
                    format!("`{key}` cannot be negative: write a whole number, such as `{key} = {example}`")
                } else {
                    format!("`{key}` is a whole number up to {}", u32::MAX)
                }
            }),
            Value::Text(text) if text.trim().parse::<u32>().is_ok() => {
                Err(format!("`{key}` takes a whole number: write `{key} = {}`", text.trim()))
            }
            _ => self.takes("a whole number"),
        }
    }

    pub(crate) fn number(&self) -> Result<f64, String> {
        match self.value {
            Value::Integer(number) => Ok(*number as f64),
            Value::Number(number) if number.is_finite() => Ok(*number),
            _ => self.takes("a number"),
        }
    }

    pub(crate) fn ratio(&self) -> Result<f64, String> {
        let key = self.key;
        match self.value {
            Value::Text(text) => match percent(text) {
                Some(ratio) => Ok(ratio),
                None => Err(format!("`{key}` takes a ratio: write `{key} = \"50%\"` or `{key} = 0.5`")),
            },
            _ => {
                let ratio = self.number()?;
                if ratio > 1.0 && ratio <= 100.0 {
                    let meant = ratio / 100.0;
                    return Err(format!(
                        "`{key}` is a ratio between 0 and 1: write `{key} = \"{ratio}%\"` or `{key} = {meant}`"
                    ));
                }
                Ok(ratio)
            }
        }
    }

    /// One of those words, by its place among them.
    pub(crate) fn word(&self, accepted: &[&str]) -> Result<usize, String> {
        let key = self.key;
        let Value::Text(text) = self.value else { return self.takes("a word") };
        if let Some(place) = accepted.iter().position(|word| word == text) {
            return Ok(place);
        }
        let other = other_formula(text).filter(|meant| accepted.contains(meant));
        Err(match other.or_else(|| nearest(text, accepted.iter().copied())) {
            Some(meant) => format!("unknown `{key}` `\"{text}\"`: did you mean `\"{meant}\"`?"),
            None => {
                let all: Vec<String> = accepted.iter().map(|word| format!("`\"{word}\"`")).collect();
                format!("unknown `{key}` `\"{text}\"`: write one of {}", all.join(", "))
            }
        })
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(number) => write!(f, "{number}"),
            Self::Number(number) => write!(f, "{number:?}"),
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Time(time) => write!(f, "\"{time:?}\""),
            Self::Flag(flag) => write!(f, "{flag}"),
        }
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Integer(number.into())
    }
}

impl From<i32> for Value {
    fn from(number: i32) -> Self {
        Self::Integer(number.into())
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<Duration> for Value {
    fn from(time: Duration) -> Self {
        Self::Time(time)
    }
}

impl From<&'static str> for Value {
    fn from(text: &'static str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}
