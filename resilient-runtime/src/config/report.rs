//! The result of settings: applied, or refused with every mistake.

use std::fmt;

/// The result of settings that were applied.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Applied {
    pub(super) changed: usize,
    pub(super) waiting: Vec<Mistake>,
    pub(super) overruled: Vec<Mistake>,
    pub(super) news: Vec<String>,
}

impl Applied {
    /// The number of policies whose settings are others now.
    pub const fn changed(&self) -> usize {
        self.changed
    }

    /// The changed policies and all that settings now say of each, in words: ``retry `fetch`: max = 1``.
    pub fn news(&self) -> &[String] {
        &self.news
    }

    /// The keys that stay as they are, because code has set them, or the mode of one policy in place of that of all.
    pub fn overruled(&self) -> &[Mistake] {
        &self.overruled
    }

    /// The tables for which there is no policy yet. Their settings are applied once there is one.
    pub fn waiting(&self) -> &[Mistake] {
        &self.waiting
    }
}

/// Settings that were not applied, nor any part of them.
///
/// Its `Display` has a line for each mistake: `resilient.toml:3:7: …`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    pub(super) source: String,
    pub(super) mistakes: Vec<Mistake>,
}

impl Refused {
    pub(super) fn of(source: &str, mistakes: Vec<Mistake>) -> Self {
        Self { source: source.to_owned(), mistakes }
    }

    pub(super) fn because(source: &str, message: impl Into<String>) -> Self {
        Self::of(source, vec![Mistake { line: 0, column: 0, message: message.into() }])
    }

    /// The source of the settings: the path of the file, or the name that [`apply`](super::apply) was given.
    pub fn source_name(&self) -> &str {
        &self.source
    }

    /// The mistakes, in the order of the file; at least one.
    pub fn mistakes(&self) -> &[Mistake] {
        &self.mistakes
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, mistake) in self.mistakes.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{}{}{mistake}", self.source, if mistake.line == 0 { ": " } else { ":" })?;
        }
        Ok(())
    }
}

impl std::error::Error for Refused {}

/// A mistake in settings, and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mistake {
    /// The line, counted from one; 0 for what concerns all of the file, and for settings from code.
    pub line: usize,
    /// The column in characters, counted from one; 0 where the line is.
    pub column: usize,
    /// Says what is wrong, and what to write.
    pub message: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 0 {
            write!(f, "{}:{}: ", self.line, self.column)?;
        }
        f.write_str(&self.message)
    }
}
