//! The committed counts: their file, and what counts as a difference.

// the program's own module, so that its tests need not compile the peers a second time
#[path = "../src/committed.rs"]
mod committed;

use committed::{Committed, Count, Counts, differences};

fn counts(rows: &[(&str, f64, f64)]) -> Counts {
    let count = |&(title, instructions, allocations): &(&str, f64, f64)| {
        (title.to_owned(), Count { instructions: Some(instructions), allocations })
    };
    rows.iter().map(count).collect()
}

#[test]
fn what_is_written_is_read_again() {
    let rows = [("Retry: resilient `#[retry]`", 86.5, 0.0), ("Fan-out,  a task: resilient", 2_548.0, 1.041)];
    let committed = Committed { machine: "x86_64 linux".to_owned(), counts: counts(&rows) };

    assert_eq!(Committed::from_text(&committed.to_text()), Ok(committed));
}

#[test]
fn a_line_that_is_no_count_is_shown() {
    let complaint = Committed::from_text("x86_64 linux\nhead\n  86.0 none  Retry").unwrap_err();

    assert_eq!(complaint, "`  86.0 none  Retry` is no count");
}

#[test]
fn noise_is_no_difference() {
    let was = counts(&[("small", 86.0, 0.0), ("large", 1_000.0, 0.234)]);

    assert_eq!(differences(&was, &counts(&[("small", 90.0, 0.0), ("large", 970.0, 0.234_4)])), "");
}

#[test]
fn each_row_that_changed_is_a_line() {
    let was = counts(&[("a", 86.0, 0.0), ("b", 1_000.0, 0.0), ("c", 50.0, 2.0), ("d", 50.0, 0.0), ("gone", 7.0, 0.0)]);
    let is = counts(&[("a", 90.1, 0.0), ("b", 969.9, 0.0), ("c", 50.0, 1.0), ("d", 50.0, 1.0), ("new", 8.0, 0.0)]);

    assert_eq!(
        differences(&was, &is).lines().collect::<Vec<_>>(),
        [
            " committed   measured  difference",
            "      86.0       90.1        +4.1  a: instructions GREW",
            "    1000.0      969.9       -30.1  b: instructions shrank: run --write",
            "       2.0        1.0        -1.0  c: allocations shrank: run --write",
            "       0.0        1.0        +1.0  d: allocations GREW",
            "         —        8.0              new: the row is new: run --write",
            "       7.0          —              gone: the row is gone: run --write",
        ]
    );
}

#[test]
fn allocations_are_compared_where_instructions_are_not_counted() {
    let was = counts(&[("a", 86.0, 0.0), ("b", 86.0, 0.0)]);
    let mut is = counts(&[("a", 86.0, 0.0), ("b", 86.0, 1.0)]);
    for count in is.values_mut() {
        count.instructions = None;
    }

    let lines = differences(&was, &is);

    assert_eq!(lines.lines().skip(1).collect::<Vec<_>>(), ["       0.0        1.0        +1.0  b: allocations GREW"]);
}
