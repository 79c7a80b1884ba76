//! Text for people: hits, tables and numbers, with text from outside made harmless.

use std::fmt::Write as _;
use std::time::Duration;

use crate::compare::{Agreement, Figures};
use crate::detail::Detail;
use crate::merge::Ranked;
use crate::stats::millis;

/// Returns the hits as lines for a terminal, each with its details.
pub(crate) fn hits(hits: &[Ranked], details: &[Option<Detail>]) -> String {
    let widest = hits.iter().map(|ranked| ranked.hit.name.as_str().chars().count()).max().unwrap_or_default();
    hits.iter().zip(details).fold(String::new(), |mut lines, (Ranked { hit, providers, .. }, detail)| {
        let code = format!("U+{:04X}", u32::from(hit.char));
        let (name, block) = (printable(hit.name.as_str()), printable(hit.block.as_str()));
        let from = if *providers == 1 { "1 provider".to_owned() } else { format!("{providers} providers") };
        let (char, kind) = (visible(hit.char), kind(detail.as_ref()));
        let _ = writeln!(lines, "  {char}\t{code:<8} {:>4}  {name:<widest$}  {block}{kind} ({from})", hit.score);
        lines
    })
}

/// Returns the details of a character, with a comma before them; nothing if there are none.
pub(crate) fn kind(detail: Option<&Detail>) -> String {
    let Some(Detail { kind, counterpart }) = detail else { return String::new() };
    let other = counterpart.map_or_else(String::new, |other| format!(" of {}", visible(other)));
    format!(", {}{other}", printable(kind))
}

/// Returns the comparison as rows of a label and one cell for each strategy.
pub(crate) fn rows(figures: &[Figures]) -> Vec<(&'static str, Vec<String>)> {
    let row = |label, cell: &dyn Fn(&Figures) -> String| (label, figures.iter().map(cell).collect());
    let time = |percent: f64| move |figures: &Figures| format_millis(figures.latency.percentile(percent));
    let mut rows = vec![
        row("searches", &|figures| figures.searches.to_string()),
        row("all providers answered", &|figures| percent(figures.complete)),
        row("provider answers", &|figures| percent(figures.answered)),
        row("p50 ms", &time(50.0)),
        row("p95 ms", &time(95.0)),
        row("p99 ms", &time(99.0)),
        row("max ms", &|figures| format_millis(figures.latency.max())),
        row("p99 ms where all answered", &|Figures { latency_of_complete: latency, .. }| match latency.as_slice() {
            [] => "–".to_owned(),
            _ => format_millis(latency.percentile(99.0)),
        }),
        row("attempts per call", &|figures| format!("{:.3}", figures.attempts_per_call)),
    ];
    if figures.iter().all(|figures| figures.look_ups_per_search.is_some()) {
        rows.push(row("details found", &|figures| percent(figures.described)));
        rows.push(row("details p99 ms", &|figures| format_millis(figures.describing.percentile(99.0))));
        rows.push(row("look-ups per search", &|figures| {
            figures.look_ups_per_search.map_or_else(String::new, |look_ups| format!("{look_ups:.2}"))
        }));
    }
    if figures.iter().all(|figures| figures.right.is_some()) {
        rows.insert(2, row("right hits", &|figures| figures.right.map_or_else(String::new, percent)));
    }
    if figures.iter().all(|figures| figures.left_over.is_some()) {
        rows.push(row("requests abandoned", &|figures| figures.abandoned.map_or_else(String::new, |n| n.to_string())));
        rows.push(row("server work left over", &|figures| {
            figures.left_over.map_or_else(String::new, |n| n.to_string())
        }));
    }
    rows
}

/// Returns the rows in columns.
pub(crate) fn table(header: &[&str], rows: &[(&'static str, Vec<String>)]) -> String {
    let label_width = rows.iter().map(|(label, _)| label.len()).max().unwrap_or_default();
    let line = |label: &str, cells: &mut dyn Iterator<Item = &str>| {
        cells.fold(format!("  {label:<label_width$}"), |mut line, cell| {
            let _ = write!(line, "  {cell:>10}");
            line
        })
    };
    let head = line("", &mut header.iter().copied());
    let rule = format!("  {}", "─".repeat(head.chars().count() - 2));
    let body = rows.iter().map(|(label, cells)| line(label, &mut cells.iter().map(String::as_str)));
    [head, rule].into_iter().chain(body).fold(String::new(), |table, line| table + &line + "\n")
}

/// Describes the parts of the calls' time, in a sentence.
pub(crate) fn split(figures: &Figures) -> String {
    let split = &figures.split;
    let mut parts = vec![
        ("providers working", split.working),
        ("queueing for them", split.queued),
        ("attempts given up", split.abandoned),
        ("network and client", split.network),
        ("between attempts", split.waiting),
    ];
    parts.retain(|(_, share)| *share >= 0.001);
    let parts: Vec<String> = parts.into_iter().map(|(what, share)| format!("{what} {}", percent(share))).collect();
    format!("{}; client threads {} busy; {}", parts.join(", "), percent(split.busy), split.bottleneck())
}

/// Describes the agreement between the strategies, in a sentence.
pub(crate) fn agreement(agreement: &Agreement, with_reference: bool) -> String {
    let Agreement { compared, equal } = agreement;
    let among = if with_reference { "all strategies and an index of all characters" } else { "all strategies" };
    if *compared == 0 {
        "no search was answered by all providers under every strategy, so there is nothing to compare".to_owned()
    } else {
        format!(
            "identical results: {equal} of the {} that all providers answered every time, by {among}",
            searches(*compared)
        )
    }
}

/// Describes the change from `before` to `after`, in a phrase.
pub(crate) fn change(label: &str, before: Duration, after: Duration) -> String {
    let (before_ms, after_ms) = (format_millis(before), format_millis(after));
    if before.is_zero() {
        return format!("{label} {before_ms} → {after_ms} ms");
    }
    // Adding zero makes a negative zero positive.
    let change = ((after.as_secs_f64() / before.as_secs_f64() - 1.0) * 100.0).round() + 0.0;
    format!("{label} {before_ms} → {after_ms} ms ({change:+.0}\u{a0}%)")
}

/// Writes a number of searches, in words.
pub(crate) fn searches(count: usize) -> String {
    if count == 1 { "1 search".to_owned() } else { format!("{count} searches") }
}

pub(crate) fn percent(share: f64) -> String {
    // Rounding must not turn "nearly all" into "all", nor "hardly any" into "none".
    let percent = share * 100.0;
    if share < 1.0 && percent > 99.9 { "99.9\u{a0}%".to_owned() } else { format!("{percent:.1}\u{a0}%") }
}

pub(crate) fn format_millis(duration: Duration) -> String {
    let millis = millis(duration);
    if millis < 9.95 { format!("{millis:.1}") } else { format!("{millis:.0}") }
}

/// Returns a character that shows and stays in its place, or a blank for any other: a control, a direction mark, a character that
/// combines.
pub(crate) fn visible(char: char) -> char {
    let directional = matches!(char, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}');
    if directional || char.escape_debug().len() > 1 && !matches!(char, '"' | '\'' | '\\') { ' ' } else { char }
}

/// Returns text from outside without the characters that could steer a terminal or turn the line around.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(visible).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_only_what_shows() {
        assert_eq!(printable("\u{1b}[31mred\u{202e}\n☃"), " [31mred  ☃");
        assert_eq!(visible('\u{301}'), ' ');
        assert_eq!(visible('"'), '"');
    }

    #[test]
    fn never_rounds_to_all() {
        assert_eq!(percent(0.9996), "99.9\u{a0}%");
        assert_eq!(percent(1.0), "100.0\u{a0}%");
        assert_eq!(percent(0.0), "0.0\u{a0}%");
    }

    #[test]
    fn says_how_much_lower() {
        let ms = Duration::from_millis;

        assert_eq!(change("p99", ms(400), ms(100)), "p99 400 → 100 ms (-75\u{a0}%)");
        assert_eq!(change("p99", ms(0), ms(100)), "p99 0.0 → 100 ms");
    }

    #[test]
    fn aligns_the_columns() {
        let table =
            table(&["a", "b"], &[("first", vec!["1".into(), "22".into()]), ("x", vec!["3".into(), "4".into()])]);

        let widths: Vec<usize> = table.lines().map(|line| line.chars().count()).collect();
        assert_eq!(widths, [widths[0]; 4]);
    }
}
