//! The text of `/metrics`, read as Prometheus reads it.

/// Returns the lines that have a value other than zero.
pub(crate) fn not_zero(scrape: &str) -> impl Iterator<Item = &str> {
    series(scrape).filter(|(_, value)| *value != 0.0).map(|(line, _)| line)
}

/// Returns the number of attempts that the body of a function was begun for, by the innermost of its policies: the time-out of
/// an attempt. An attempt that came after the deadline of the call was not begun.
pub(crate) fn attempts(scrape: &str, function: &str) -> u64 {
    let labels = [format!("function=\"{function}\""), "layer=\"attempt_timeout\"".to_owned()];
    let of_attempts = |line: &str| labels.iter().all(|label| line.contains(label));
    let begun = |line: &str| {
        line.starts_with("resilient_calls_total{")
            || line.starts_with("resilient_rejections_total{") && line.contains("reason=\"timed_out\"")
    };
    let values = series(scrape).filter(|(line, _)| of_attempts(line) && begun(line));
    values.map(|(_, value)| value).sum::<f64>() as u64
}

/// Returns each line that has a value, and the value.
fn series(scrape: &str) -> impl Iterator<Item = (&str, f64)> {
    let lines = scrape.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| Some((line, line.rsplit_once(' ')?.1.parse().ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCRAPE: &str = r#"# HELP resilient_calls Calls.
resilient_calls_total{policy="a",function="b::a",layer="attempt_timeout",outcome="success"} 7.0
resilient_calls_total{policy="a",function="b::a",layer="retry",outcome="success"} 5.0
resilient_calls_total{policy="a",function="b::a",layer="attempt_timeout",outcome="abandoned"} 0.0
resilient_rejections_total{policy="a",function="b::a",layer="attempt_timeout",reason="timed_out"} 2.0
resilient_rejections_total{policy="a",function="b::a",layer="attempt_timeout",reason="deadline_exceeded"} 3.0
"#;

    #[test]
    fn an_attempt_that_was_not_begun_is_none() {
        assert_eq!((attempts(SCRAPE, "b::a"), attempts(SCRAPE, "b::c")), (9, 0));
    }

    #[test]
    fn comments_and_zeros_are_left_out() {
        assert_eq!(not_zero(SCRAPE).count(), 4);
    }
}
