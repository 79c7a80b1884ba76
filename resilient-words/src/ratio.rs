//! Ratios: `50%`.

/// The ratio of a `50%`.
pub fn percent(text: &str) -> Option<f64> {
    let percent: f64 = text.trim().strip_suffix('%')?.trim().parse().ok()?;
    percent.is_finite().then(|| percent_to_ratio(percent))
}

/// Dividing by 100 in decimal, so that `"7%"` is 0.07.
fn percent_to_ratio(percent: f64) -> f64 {
    format!("{percent}e-2").parse().unwrap_or(percent / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percents_are_exact_decimals() {
        for (percent, ratio) in [(7.0, 0.07), (50.0, 0.5), (29.0, 0.29), (99.9, 0.999)] {
            assert_eq!(percent_to_ratio(percent).to_bits(), f64::to_bits(ratio));
        }
    }
}
