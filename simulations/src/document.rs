//! Tables in Markdown, and their places in a document.

use std::fmt::{Display, Write};

/// A table, and the name of its place.
pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) text: String,
}

impl Table {
    pub(crate) fn new(name: impl Into<String>, head: &[impl Display]) -> Self {
        let mut table = Self { name: name.into(), text: String::new() };
        table.row(head);
        table.row(&vec!["---"; head.len()]);
        table
    }

    pub(crate) fn row(&mut self, cells: &[impl Display]) {
        self.text.push('|');
        for cell in cells {
            write!(self.text, " {cell} |").expect("a string takes everything");
        }
        self.text.push('\n');
    }
}

/// Returns the document with every table in its place.
pub(crate) fn fill(document: &str, tables: &[Table]) -> Result<String, String> {
    let put = |document: String, table: &Table| put(&document, &format!("table: {}", table.name), &table.text);
    tables.iter().try_fold(document.to_owned(), put)
}

/// Returns the document with a text in its place: between a comment that names it and the next one that says `end`.
pub(crate) fn put(document: &str, name: &str, text: &str) -> Result<String, String> {
    let begin = format!("<!-- {name} -->\n");
    let (before, rest) = document.split_once(&begin).ok_or_else(|| format!("no place for `{name}`"))?;
    let (_, after) = rest.split_once(END).ok_or_else(|| format!("the place of `{name}` does not end"))?;
    Ok(format!("{before}{begin}\n{text}\n{END}{after}"))
}

/// Writes three digits of a number that is not negative, and an exponent if the number is small.
pub(crate) fn number(value: f64) -> String {
    match value {
        0.0 => "0".to_owned(),
        _ if value >= 99.95 => format!("{value:.0}"),
        _ if value >= 9.995 => format!("{value:.1}"),
        _ if value >= 0.9995 => format!("{value:.2}"),
        _ if value >= 0.000_999_5 => {
            let digits = (-value.log10()).ceil() as usize + 1;
            format!("{value:.digits$}")
        }
        _ => {
            let exponent = value.log10().floor() as i32;
            // Rounded, 9.7 is ten.
            let (mantissa, exponent) = match (value / 10_f64.powi(exponent)).round() as u32 {
                10 => (1, exponent + 1),
                mantissa => (mantissa, exponent),
            };
            let digits = exponent.unsigned_abs().to_string();
            let superscript: String = digits.bytes().map(|digit| SUPERSCRIPTS[usize::from(digit - b'0')]).collect();
            format!("{mantissa}·10⁻{superscript}")
        }
    }
}

const END: &str = "<!-- end -->";
const SUPERSCRIPTS: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_what_is_between_the_marks_and_nothing_else() {
        let mut table = Table::new("x", &["a", "b"]);
        table.row(&[1, 2]);
        let document = "before\n<!-- table: x -->\nold\n<!-- end -->\nafter\n<!-- end -->";

        let filled = fill(document, &[table]).unwrap();

        let expected =
            "before\n<!-- table: x -->\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n\n<!-- end -->\nafter\n<!-- end -->";
        assert_eq!(filled, expected);
        assert!(fill("nothing", &[Table::new("x", &["a"])]).is_err());
    }

    #[test]
    fn numbers_have_as_many_digits_as_they_deserve() {
        let numbers = [0.0, 0.001, 0.0334, 0.996, 1.0, 9.999, 12.34, 99.96, 123_456.7, 0.000_5, 3.4e-12, 9.7e-12];

        let expected =
            ["0", "0.0010", "0.033", "1.00", "1.00", "10.0", "12.3", "100", "123457", "5·10⁻⁴", "3·10⁻¹²", "1·10⁻¹¹"];
        assert_eq!(numbers.map(number), expected);
    }
}
