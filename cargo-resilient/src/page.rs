//! A page of HTML with a profile, tables and plots, in one file without scripts.

use std::fmt::Write as _;

use resilient_simulator::report::Table;

use crate::trials::Line;

/// A plot of some lines.
#[derive(Debug)]
pub struct Plot {
    /// The title.
    pub title: String,
    /// The name of the horizontal axis.
    pub x: &'static str,
    /// The name of the vertical axis.
    pub y: &'static str,
    /// The lines.
    pub lines: Vec<Line>,
}

/// Returns the page.
pub fn page(title: &str, about: &str, profile: &str, setting: &str, tables: &[Table], plots: &[Plot]) -> String {
    let plots: String = plots.iter().map(plot).collect();
    let tables: String = tables.iter().map(table).collect();
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n<h1>{title}</h1>\n<p>{about}</p>\n<pre><code>{profile}</code></pre>\n\
         <h2>Trials</h2>\n<p>{setting}</p>\n<div class=\"plots\">\n{plots}</div>\n{tables}</html>\n",
        title = escaped(title),
        about = escaped(about),
        profile = escaped(profile),
        setting = escaped(setting),
    )
}

fn table(table: &Table) -> String {
    let row = |cells: &[String], tag: &str| {
        let mut text = "<tr>".to_owned();
        for cell in cells {
            let _ = write!(text, "<{tag}>{}</{tag}>", escaped(&cell.replace("**", "")));
        }
        text + "</tr>\n"
    };
    let head: Vec<String> = table.columns().iter().map(|&column| column.to_owned()).collect();
    let rows: String = table.rows().iter().map(|cells| row(cells, "td")).collect();
    format!("<table>\n<caption>{}</caption>\n{}{rows}</table>\n", escaped(table.title()), row(&head, "th"))
}

fn plot(plot: &Plot) -> String {
    let points = || plot.lines.iter().flat_map(|line| &line.points).filter(|(x, y)| x.is_finite() && y.is_finite());
    let right = points().map(|(x, _)| *x).fold(0.0, f64::max);
    let top = points().map(|(_, y)| *y).fold(0.0, f64::max);
    let (right, top) = (nice(right), nice(top));
    let at = |(x, y): (f64, f64)| (LEFT + x / right * WIDTH, TOP + HEIGHT - y / top * HEIGHT);
    let (mut drawn, mut legend) = (String::new(), String::new());
    for part in 0..=4 {
        let share = f64::from(part) / 4.0;
        let (x, y) = at((right * share, top * share));
        let _ = write!(
            drawn,
            "<path class=\"grid\" d=\"M{LEFT} {y:.1}h{WIDTH}\"/><text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>\
             <text x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
            LEFT - 6.0,
            y + 4.0,
            short(top * share),
            TOP + HEIGHT + 16.0,
            short(right * share)
        );
    }
    for (index, line) in plot.lines.iter().enumerate() {
        let class = index % STROKES;
        let mut path = String::new();
        for &point in line.points.iter().filter(|(x, y)| x.is_finite() && y.is_finite()) {
            let (x, y) = at(point);
            let _ = write!(path, "{}{x:.1} {y:.1}", if path.is_empty() { "M" } else { "L" });
        }
        let _ = write!(drawn, "<path class=\"s{class}\" d=\"{path}\"/>");
        let _ = writeln!(
            legend,
            "<li><svg viewBox=\"0 0 24 6\" aria-hidden=\"true\"><path class=\"s{class}\" d=\"M0 3H24\"/></svg>{}</li>",
            escaped(&line.name)
        );
    }
    format!(
        "<figure>\n<figcaption>{title}</figcaption>\n<svg viewBox=\"0 0 560 300\" role=\"img\" aria-label=\"{title}\">{drawn}\
         <text x=\"{}\" y=\"296\" text-anchor=\"middle\">{}</text><text x=\"4\" y=\"12\">{}</text></svg>\n<ul>\n{legend}</ul>\n</figure>\n",
        LEFT + WIDTH / 2.0,
        escaped(plot.x),
        escaped(plot.y),
        title = escaped(&plot.title),
    )
}

/// Returns the next number that has one digit, or one and a half.
fn nice(most: f64) -> f64 {
    if most <= 0.0 {
        return 1.0;
    }
    let scale = 10_f64.powf(most.log10().floor());
    let steps = [1.0, 1.2, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0];
    steps.into_iter().map(|step| step * scale).find(|&step| step >= most * (1.0 - 1e-9)).unwrap_or(10.0 * scale)
}

fn short(number: f64) -> String {
    let text = if number >= 100.0 { format!("{number:.0}") } else { format!("{number:.2}") };
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

const LEFT: f64 = 52.0;
const TOP: f64 = 22.0;
const WIDTH: f64 = 490.0;
const HEIGHT: f64 = 232.0;
/// The number of lines that are told apart by colour and dashes.
const STROKES: usize = 5;

const STYLE: &str = include_str!("page.css");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_fill_the_plot() {
        let line = Line { name: "a<b".to_owned(), points: vec![(0.0, 0.0), (2.0, f64::INFINITY), (3.0, 300.0)] };
        let drawn = plot(&Plot { title: "x".to_owned(), x: "s", y: "ms", lines: vec![line] });

        assert!(drawn.contains("d=\"M52.0 254.0L542.0 22.0\""), "{drawn}");
        assert!(drawn.contains("a&lt;b"), "{drawn}");
    }

    #[test]
    fn axes_end_at_round_numbers() {
        let ends = [0.0, 0.97, 1.0, 13.0, 146.0, 999.0].map(|most| short(nice(most)));
        assert_eq!(ends, ["1", "1", "1", "15", "150", "1000"]);
    }
}
