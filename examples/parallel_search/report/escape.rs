//! Text in HTML: no part of it is markup, and no character turns the line around.

use std::fmt::{self, Display, Formatter, Write};

use crate::text::visible;

/// Text that is shown unchanged, in an element or in a quoted attribute.
pub(super) struct Escaped<'a>(pub(super) &'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|char| match char {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            '\'' => f.write_str("&#39;"),
            '\n' => f.write_char('\n'),
            other => f.write_char(visible(other)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_what_html_would_read() {
        assert_eq!(Escaped("a<b> & \"c\" 'd' ☃").to_string(), "a&lt;b&gt; &amp; &quot;c&quot; &#39;d&#39; ☃");
    }

    #[test]
    fn leaves_out_controls() {
        assert_eq!(Escaped("a\u{0}\u{202e}b").to_string(), "a  b");
    }
}
