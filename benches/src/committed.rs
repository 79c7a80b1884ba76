//! The committed file of counts, and the differences between two of them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The cost of one call, or of one item of a call that handles many.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Count {
    /// Instructions; `None` where they cannot be counted.
    pub(crate) instructions: Option<f64>,
    pub(crate) allocations: f64,
}

/// The counts under the titles of their table and row.
pub(crate) type Counts = BTreeMap<String, Count>;

/// The content of the file.
#[derive(Debug, PartialEq)]
pub(crate) struct Committed {
    /// The processor and system on which the instructions were counted.
    pub(crate) machine: String,
    pub(crate) counts: Counts,
}

impl Committed {
    pub(crate) fn to_text(&self) -> String {
        let mut text = format!("{}\ninstructions allocations  row\n", self.machine);
        for (title, count) in &self.counts {
            let instructions = count.instructions.unwrap_or(f64::NAN);
            writeln!(text, "{instructions:>12.1} {:>11.3}  {title}", count.allocations).expect(TAKES_ALL);
        }
        text
    }

    /// # Errors
    ///
    /// If a line is no count; the message shows it.
    pub(crate) fn from_text(text: &str) -> Result<Self, String> {
        let mut lines = text.lines();
        let machine = lines.next().unwrap_or_default().to_owned();
        let counts: Result<_, _> =
            lines.skip(1).map(|line| row(line).ok_or_else(|| format!("`{line}` is no count"))).collect();
        Ok(Self { machine, counts: counts? })
    }
}

fn row(line: &str) -> Option<(String, Count)> {
    let (instructions, rest) = line.trim_start().split_once(' ')?;
    let (allocations, title) = rest.trim_start().split_once("  ")?;
    let count = Count { instructions: Some(instructions.parse().ok()?), allocations: allocations.parse().ok()? };
    Some((title.to_owned(), count))
}

/// Returns a table of the rows that are not what they were, which is empty if there are none.
///
/// Instructions may differ by 3 % or by 4, whichever is more, and allocations by less than one in a call of a thousand
/// items. From run to run, a random hash or a measured time moves an instruction count by up to 0.6 %.
pub(crate) fn differences(committed: &Counts, measured: &Counts) -> String {
    let mut report = String::new();
    let mut line = |title: &str, what: &str, was: Option<f64>, is: Option<f64>, verdict: &str| {
        if report.is_empty() {
            report.push_str(" committed   measured  difference\n");
        }
        let number = |value: Option<f64>| value.map_or_else(|| "—".to_owned(), |value| format!("{value:.1}"));
        let difference = is.zip(was).map_or_else(String::new, |(is, was)| format!("{:+.1}", is - was));
        let (was, is) = (number(was), number(is));
        writeln!(report, "{was:>10} {is:>10} {difference:>11}  {title}: {what}{verdict}").expect(TAKES_ALL);
    };

    for (title, is) in measured {
        let Some(was) = committed.get(title) else {
            line(title, "the row ", None, is.instructions, "is new: run --write");
            continue;
        };
        let tolerated = was.instructions.map_or(0.0, |was| (was * SHARE).max(FEW));
        for (what, was, is, tolerated) in [
            ("instructions", was.instructions, is.instructions, tolerated),
            ("allocations", Some(was.allocations), Some(is.allocations), BELOW_ONE),
        ] {
            let more = is.zip(was).map_or(0.0, |(is, was)| is - was);
            if more > tolerated {
                line(title, what, was, is, " GREW");
            } else if more < -tolerated {
                line(title, what, was, is, " shrank: run --write");
            }
        }
    }
    for (title, was) in committed.iter().filter(|(title, _)| !measured.contains_key(*title)) {
        line(title, "the row ", was.instructions, None, "is gone: run --write");
    }
    report
}

/// The share of the instructions, the number of them, and the number of allocations by which they may differ.
const SHARE: f64 = 0.03;
const FEW: f64 = 4.0;
const BELOW_ONE: f64 = 0.000_7;
const TAKES_ALL: &str = "a string takes everything";
