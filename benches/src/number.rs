//! Numbers as people read them.

/// Writes three digits, or a dash.
pub(crate) fn number(value: Option<f64>) -> String {
    let Some(value) = value else { return "—".to_owned() };
    let whole = value.round();
    match value {
        // below that, what a process does besides may even make it negative
        _ if value.abs() < 0.005 => "0".to_owned(),
        _ if value >= 100_000.0 => grouped(value),
        _ if value >= 100.0 || (value - whole).abs() < 0.005 => grouped(value),
        _ if value >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
