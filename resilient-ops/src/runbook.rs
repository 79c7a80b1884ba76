//! The runbook: a section for each kind of alert, and in it the rules of this program.

use std::fmt::Write as _;

use crate::alerts::{self, Alert, KINDS};
use crate::options::Options;
use crate::snapshot::Snapshot;

/// Returns the runbook for a program with those policies, in Markdown.
///
/// Kinds of which the program has no alert are left out.
pub fn page(snapshot: &Snapshot, options: &Options) -> String {
    let alerts = alerts::of(snapshot, options);
    let of = options.job.as_ref().map_or_else(String::new, |job| format!(" of {job}"));
    let mut page = format!(
        "# Alerts{of}\n\nThis page is written by `resilient-ops runbook` from the settings of the running program. The numbers of each alert are those of \
         its rule. A restart or a deploy does not end an alert: its rule looks back over a window.\n"
    );
    for kind in KINDS {
        let own: Vec<&Alert> = alerts.iter().filter(|alert| alert.kind == *kind).collect();
        if own.is_empty() {
            continue;
        }
        let _ = writeln!(page, "\n## {}\n\n{}", kind.name, kind.meaning);
        list(&mut page, "Look at", kind.look);
        list(&mut page, "Switch", kind.switch);
        let _ = writeln!(page, "\n**It worked if:** {}\n\n| alert | urgency | in numbers |\n|---|---|---|", kind.works);
        for alert in own {
            let cell = |text: &str| in_words(text).replace('|', "\\|");
            let _ = writeln!(page, "| {} | {} | {} |", cell(&alert.summary), alert.severity, cell(&alert.description));
        }
    }
    page
}

fn list(page: &mut String, title: &str, points: &[&str]) {
    let _ = writeln!(page, "\n**{title}**\n");
    for (point, number) in points.iter().zip(1..) {
        let _ = writeln!(page, "{number}. {point}");
    }
}

/// The text of an annotation with a word for each value that Prometheus would put in.
fn in_words(text: &str) -> String {
    // a mark that no name of a program's text has
    let text = text.replace(alerts::BRACES, "\u{1}");
    let mut words = String::new();
    let mut rest = text.as_str();
    while let Some((before, inside)) = rest.split_once("{{") {
        let Some((template, after)) = inside.split_once("}}") else { break };
        words.push_str(before);
        words.push_str(if template.contains("$labels.reason") { "*the reason*" } else { "*so much*" });
        rest = after;
    }
    words.push_str(rest);
    words.replace('\u{1}', "{{")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_prometheus_puts_in_is_a_word() {
        let text = r#"Open for {{ $value | printf "%.0f" }} s, refused with {{ $labels.reason }}."#;

        assert_eq!(in_words(text), "Open for *so much* s, refused with *the reason*.");
    }
}
