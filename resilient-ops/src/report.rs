//! A page with the dashboard's plots of a time that has passed, for whoever has no Grafana, and for the record of an incident.
//!
//! It is one HTML document without scripts: the alerts that fired as bars over the time, and below them each panel of the [dashboard] as
//! a plot with its greatest and last values in words.

use std::fmt::Write;

use crate::dashboard::{self, Panel};
use crate::options::Options;
use crate::snapshot::Snapshot;

/// The time that a report is about, in seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Span {
    /// Its beginning.
    pub from: f64,
    /// Its end.
    pub until: f64,
    /// The time between two values of a line.
    pub step: f64,
}

/// One series of an answer of Prometheus.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Line {
    /// The labels.
    pub labels: Vec<(String, String)>,
    /// The times in seconds since 1970, and the values.
    pub values: Vec<(f64, f64)>,
}

impl Span {
    /// The last so many seconds before `now`, with at most some 300 values a line.
    ///
    /// ```
    /// use resilient_ops::report::Span;
    ///
    /// assert_eq!(Span::before(7_200.0, 3_600.0).step, 12.0);
    /// ```
    pub fn before(now: f64, seconds: f64) -> Self {
        Self { from: now - seconds, until: now, step: (seconds / 300.0).max(1.0) }
    }
}

/// Returns the page. `ask` asks Prometheus for the lines of a query over the time.
///
/// # Errors
///
/// The first error of `ask`.
pub fn page<E>(
    snapshot: &Snapshot,
    options: &Options,
    span: Span,
    mut ask: impl FnMut(&str, Span) -> Result<Vec<Line>, E>,
) -> Result<String, E> {
    let mut body = String::new();
    let selector = options.job.as_deref().map_or_else(String::new, |job| format!(",job=\"{}\"", escaped(job)));
    let alerts = ask(&format!("ALERTS{{alertstate=\"firing\",alertname=~\"Resilient.*\"{selector}}}"), span)?;
    section(&mut body, "Alerts that fired", &bars(&alerts, span));
    for (title, panels) in dashboard::panels(snapshot, options) {
        let mut plots = String::new();
        for panel in panels {
            let mut lines = Vec::new();
            for (legend, expr) in panel.queries() {
                let answer = ask(&filled_in(expr, options, span), span)?;
                lines.extend(answer.into_iter().map(|line| (named(legend, &line.labels), line.values)));
            }
            plots += &plot(&panel, &lines, span);
        }
        if !plots.is_empty() {
            section(&mut body, title, &plots);
        }
    }
    let job = options.job.as_deref().unwrap_or("all jobs");
    let heading = format!("Resilience of {job}");
    let time = format!("{} to {}, UTC", clock(span.from), clock(span.until));
    Ok(format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n<h1>{title}</h1>\n<p>{time}</p>\n{body}</html>\n",
        title = html(&heading),
    ))
}

fn section(body: &mut String, title: &str, content: &str) {
    let _ = writeln!(body, "<section>\n<h2>{}</h2>\n<div class=\"plots\">\n{content}</div>\n</section>", html(title));
}

/// The query with the values of the dashboard's variables.
fn filled_in(expr: &str, options: &Options, span: Span) -> String {
    // Grafana's is four scrapes at least, so that each window has a rate
    let window = (4.0 * options.interval.as_secs_f64()).max(span.step).ceil();
    let job = options.job.as_deref().unwrap_or(".*");
    expr.replace("$__rate_interval", &format!("{window}s")).replace("$job", &escaped(job)).replace("$function", ".*")
}

/// A value within quotes of a query.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"")
}

/// The name of a line: the legend with the values of its labels.
fn named(legend: &str, labels: &[(String, String)]) -> String {
    labels.iter().fold(legend.to_owned(), |name, (label, value)| name.replace(&format!("{{{{{label}}}}}"), value))
}

/// The alerts as bars over the time.
fn bars(alerts: &[Line], span: Span) -> String {
    if alerts.is_empty() {
        return "<p>None.</p>\n".to_owned();
    }
    let mut rows = String::new();
    for Line { labels, values } in alerts {
        let label = |name: &str| labels.iter().find(|(label, _)| label == name).map_or("", |(_, value)| value.as_str());
        let about = if label("function").is_empty() { label("policy") } else { label("function") };
        let name = label("alertname").trim_start_matches("Resilient");
        let (Some((first, _)), Some((last, _))) = (values.first(), values.last()) else { continue };
        let mut marks = String::new();
        for (begin, end) in runs(values, span.step) {
            let (x, width) = (at(begin, span), (at(end + span.step, span) - at(begin, span)).max(1.0));
            let _ = write!(marks, "<rect x=\"{x:.1}\" y=\"2\" width=\"{width:.1}\" height=\"10\"/>");
        }
        let (from, to) = (clock(*first), clock(*last));
        let _ = writeln!(
            rows,
            "<tr><th scope=\"row\">{}</th><td>{} {}</td><td>{from} to {to}</td><td><svg viewBox=\"0 0 {WIDTH} 14\" role=\"img\" \
             aria-label=\"from {from} to {to}\" preserveAspectRatio=\"none\">{marks}</svg></td></tr>",
            html(name),
            html(about),
            html(label("severity")),
        );
    }
    format!(
        "<table>\n<thead><tr><th>alert</th><th>about</th><th>fired</th><th>over the time</th></tr></thead>\n<tbody>\n{rows}</tbody>\n</table>\n"
    )
}

/// The times without a gap, each from its first value to its last.
fn runs(values: &[(f64, f64)], step: f64) -> Vec<(f64, f64)> {
    let mut runs: Vec<(f64, f64)> = Vec::new();
    for &(time, _) in values {
        match runs.last_mut() {
            Some((_, end)) if time - *end <= step * 1.5 => *end = time,
            _ => runs.push((time, time)),
        }
    }
    runs
}

/// A panel as a plot, with what it says in words.
fn plot(panel: &Panel, lines: &[(String, Vec<(f64, f64)>)], span: Span) -> String {
    let finite =
        |values: &[(f64, f64)]| values.iter().filter(|(_, value)| value.is_finite()).copied().collect::<Vec<_>>();
    let mut lines: Vec<(&str, Vec<(f64, f64)>)> = lines
        .iter()
        .map(|(name, values)| (name.as_str(), finite(values)))
        .filter(|(_, values)| !values.is_empty())
        .collect();
    let peak = |values: &[(f64, f64)]| values.iter().map(|(_, value)| *value).fold(0.0, f64::max);
    // the greatest first, for which there are the most distinct strokes
    lines.sort_by(|one, other| peak(&other.1).total_cmp(&peak(&one.1)));
    let most = lines.iter().map(|(_, values)| peak(values)).fold(0.0, f64::max);
    let top = panel.max().unwrap_or(0.0).max(most);
    let top = if top > 0.0 { top } else { 1.0 };

    let (mut paths, mut legend) = (String::new(), String::new());
    for (index, (name, values)) in lines.iter().enumerate() {
        let class = index % STROKES;
        let mut d = String::new();
        let mut before = f64::NEG_INFINITY;
        for &(time, value) in values {
            let begins = time - before > span.step * 1.5;
            let (x, y) = (at(time, span), HEIGHT - value / top * HEIGHT);
            let _ = write!(d, "{}{x:.1} {y:.1}", if begins { "M" } else { "L" });
            before = time;
        }
        let _ = write!(paths, "<path class=\"s{class}\" d=\"{d}\"/>");
        if index < MOST_NAMED && peak(values) > 0.0 {
            let (peak, last) = (shown(peak(values), panel.unit()), shown(values[values.len() - 1].1, panel.unit()));
            let _ = writeln!(
                legend,
                "<li><svg class=\"key\" viewBox=\"0 0 24 6\" aria-hidden=\"true\"><path class=\"s{class}\" d=\"M0 3L24 3\"/></svg>{}: \
                 most {peak}, last {last}</li>",
                html(name)
            );
        }
    }
    let moved = lines.iter().filter(|(_, values)| peak(values) > 0.0).count();
    if moved > MOST_NAMED {
        let _ = writeln!(legend, "<li>and {} more</li>", moved - MOST_NAMED);
    }
    if moved < lines.len() {
        let _ = writeln!(legend, "<li>at 0 all the time: {}</li>", lines.len() - moved);
    }
    if lines.is_empty() {
        legend.push_str("<li>no values in this time</li>\n");
    }
    let (title, top) = (html(panel.title()), shown(top, panel.unit()));
    format!(
        "<figure>\n<figcaption>{title}</figcaption>\n<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{title}: {} lines up to {top}\" \
         preserveAspectRatio=\"none\"><path class=\"grid\" d=\"M0 0H{WIDTH}M0 {half}H{WIDTH}M0 {HEIGHT}H{WIDTH}\"/>{paths}</svg>\n\
         <div class=\"axis\"><span>{}</span><span>up to {top}</span><span>{}</span></div>\n<ul>\n{legend}</ul>\n</figure>\n",
        lines.len(),
        clock(span.from),
        clock(span.until),
        half = HEIGHT / 2.0,
    )
}

fn at(time: f64, span: Span) -> f64 {
    (time - span.from) / (span.until - span.from).max(f64::MIN_POSITIVE) * WIDTH
}

/// A value with its unit, as Grafana calls that.
fn shown(value: f64, unit: &str) -> String {
    let rounded = |value: f64| {
        let digits = if value.abs() >= 100.0 {
            0
        } else if value.abs() >= 10.0 {
            1
        } else {
            3
        };
        let text = format!("{value:.digits$}");
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
    };
    match unit {
        "percentunit" => format!("{} %", rounded(value * 100.0)),
        "s" if value < 1.0 => format!("{} ms", rounded(value * 1_000.0)),
        "s" => format!("{} s", rounded(value)),
        "short" | "none" => rounded(value),
        per_second => format!("{} {per_second}", rounded(value)),
    }
}

/// The time of the day, in UTC.
fn clock(seconds: f64) -> String {
    let second = seconds.max(0.0) as u64 % 86_400;
    format!("{:02}:{:02}:{:02}", second / 3_600, second / 60 % 60, second % 60)
}

fn html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

const WIDTH: f64 = 480.0;
const HEIGHT: f64 = 120.0;
/// The number of lines that are told apart by colour and dashes.
const STROKES: usize = 8;
/// The number of lines of a plot that are named.
const MOST_NAMED: usize = 8;

const STYLE: &str = include_str!("report.css");

#[cfg(test)]
mod tests {
    use super::*;

    const SPAN: Span = Span { from: 0.0, until: 100.0, step: 1.0 };

    #[test]
    fn a_line_has_a_gap_where_there_is_no_value() {
        let panel = dashboard::Panel::of("Calls", "cps");
        let line = |values: &[(f64, f64)]| vec![("a<b".to_owned(), values.to_vec())];

        let plot = plot(&panel, &line(&[(0.0, 1.0), (1.0, 2.0), (50.0, f64::NAN), (99.0, 4.0)]), SPAN);

        assert!(plot.contains("d=\"M0.0 90.0L4.8 60.0M475.2 0.0\""), "{plot}");
        assert!(plot.contains("a&lt;b: most 4 cps, last 4 cps"), "{plot}");
        let still = super::plot(&panel, &line(&[(0.0, 0.0), (1.0, 0.0)]), SPAN);
        assert!(still.contains("<li>at 0 all the time: 1</li>") && !still.contains("most"), "{still}");
    }

    #[test]
    fn alerts_are_bars_for_as_long_as_they_fired() {
        let labels = [("alertname", "ResilientBreakerOpened"), ("function", "shop::pay"), ("severity", "ticket")];
        let labels = labels.map(|(label, value)| (label.to_owned(), value.to_owned())).to_vec();
        let values = [10.0, 11.0, 12.0, 40.0].map(|time| (time, 1.0)).to_vec();

        let bars = bars(&[Line { labels, values }], SPAN);

        assert!(
            bars.contains("<th scope=\"row\">BreakerOpened</th><td>shop::pay ticket</td><td>00:00:10 to 00:00:40</td>"),
            "{bars}"
        );
        assert_eq!(bars.matches("<rect").count(), 2, "{bars}");
        assert!(bars.contains("x=\"48.0\" y=\"2\" width=\"14.4\""), "{bars}");
    }

    #[test]
    fn values_have_the_units_of_people() {
        for (value, unit, text) in [
            (0.0532, "s", "53.2 ms"),
            (2.5, "s", "2.5 s"),
            (0.3197, "percentunit", "32 %"),
            (1_234.5, "cps", "1234 cps"),
            (3.0, "short", "3"),
            (0.0, "s", "0 ms"),
        ] {
            assert_eq!(shown(value, unit), text, "{value} {unit}");
        }
        assert_eq!(clock(86_400.0 + 3_661.0), "01:01:01");
        assert_eq!(
            named("{{policy}} {{state}}", &[("policy".into(), "pay".into()), ("state".into(), "open".into())]),
            "pay open"
        );
    }
}
