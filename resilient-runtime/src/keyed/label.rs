//! The text of a key: for people never long, and for a store that machines share whole.

use std::fmt::{self, Debug, Write};

/// The largest number of characters of a key that events and the list show.
pub(super) const SHOWN: usize = 64;

/// The `Debug` of the key, or so many characters of it.
pub(super) fn label<K: Debug + ?Sized>(key: &K, most: usize) -> Box<str> {
    let mut bounded = Bounded { text: String::new(), left: most };
    if write!(bounded, "{key:?}").is_err() {
        bounded.text.push('…');
    }
    bounded.text.into_boxed_str()
}

/// A text that takes no more than so many characters.
struct Bounded {
    text: String,
    left: usize,
}

impl Write for Bounded {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        for character in more.chars() {
            self.left = self.left.checked_sub(1).ok_or(fmt::Error)?;
            // one key is one line, whatever its `Debug` writes
            self.text.push(if character.is_control() { ' ' } else { character });
        }
        Ok(())
    }
}

#[cfg(all(test, not(resilient_loom)))]
mod tests {
    use super::*;

    struct Lines;

    impl Debug for Lines {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("two\nlines")
        }
    }

    #[test]
    fn it_is_one_short_line() {
        assert_eq!(&*label("a.example", SHOWN), "\"a.example\"");
        assert_eq!(&*label(&("a", 7), SHOWN), "(\"a\", 7)");
        let long = label("x".repeat(1_000_000).as_str(), SHOWN);
        assert_eq!((long.chars().count(), long.chars().last()), (SHOWN + 1, Some('…')));
        assert_eq!(&*label(&Lines, SHOWN), "two lines");
    }
}
