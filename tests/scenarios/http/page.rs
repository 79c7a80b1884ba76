//! The report: an HTML page that needs nothing else, and the tables as Markdown.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use resilient_scenarios::report::Table;

use crate::cli::{Args, Scenario};
use crate::plot::{Plot, draw, standalone};
use crate::verdict::Check;

/// The part of the report that describes one scenario.
pub(crate) struct Section {
    pub(crate) scenario: Scenario,
    pub(crate) what: &'static str,
    pub(crate) tables: Vec<Table>,
    pub(crate) checks: Vec<Check>,
    pub(crate) plot: Plot,
}

pub(crate) struct Page<'a> {
    pub(crate) args: &'a Args,
    pub(crate) sections: Vec<Section>,
    pub(crate) took: Duration,
}

impl Section {
    pub(crate) fn to_markdown(&self) -> String {
        self.to_markdown_with("")
    }

    /// Returns the same with some text before the tables.
    fn to_markdown_with(&self, before: &str) -> String {
        let mut text = format!("## {}\n\n{}\n\n{before}", self.scenario.title(), wrapped(self.what.trim()));
        text.truncate(text.trim_end().len());
        text.push('\n');
        let checks = Check::table(&self.checks);
        for table in self.tables.iter().chain([&checks]) {
            text.push('\n');
            text.push_str(&table.to_markdown());
        }
        text
    }

    fn to_html(&self) -> String {
        let mut text =
            format!("<h2>{}</h2>\n<p class=\"note\">{}</p>\n", self.scenario.title(), escaped(self.what.trim()));
        text.push_str(&draw(&self.plot));
        let checks = Check::table(&self.checks);
        for table in self.tables.iter().chain([&checks]) {
            text.push_str(&html(table));
        }
        text
    }
}

impl Page<'_> {
    /// Returns every *must* that was not met.
    pub(crate) fn missed(&self) -> impl Iterator<Item = String> {
        self.sections.iter().flat_map(|section| section.checks.iter().filter_map(Check::missed))
    }

    pub(crate) fn write(&self, path: &Path) -> Result<(), String> {
        let mut page = format!(
            "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>Scenarios over HTTP</title>\n<style>\n{STYLE}</style>\n<main>\n<h1>Scenarios over HTTP</h1>\n\
             <p class=\"lead\">{}</p>\n\
             <p class=\"legend\"><span><i class=\"offered\"></i>offered, a second</span>\
             <span><i class=\"good\"></i>good within a second</span><span><i class=\"capacity\"></i>what the server \
             could serve while something was wrong</span></p>\n",
            escaped(&self.summary())
        );
        for section in &self.sections {
            page.push_str(&section.to_html());
        }
        page.push_str("</main>\n</html>\n");
        save(path, &page)
    }

    pub(crate) fn write_markdown(&self, path: &Path) -> Result<(), String> {
        let mut page = format!("{}\n\n{}\n", PREFACE.trim(), wrapped(&self.summary()));
        let plots = path.with_extension("");
        let name = plots.file_name().unwrap_or_default().to_string_lossy();
        page.push_str(
            "\nIn the plots but the first, grey is what is offered and blue what is answered well within a second, both a second; \
             the\nband is the time in which something is wrong, and the dashed line what the server could serve then.\n",
        );
        for section in &self.sections {
            let plot = format!("{}.svg", section.scenario.name());
            let _ = write!(page, "\n{}", section.to_markdown_with(&format!("![]({name}/{plot})\n\n")));
            save(&plots.join(plot), &standalone(&section.plot))?;
        }
        save(path, &page)
    }

    fn summary(&self) -> String {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let missed = self.missed().count();
        let checks: usize = self.sections.iter().map(|section| section.checks.len()).sum();
        let mut summary = format!(
            "This run took {} s on {cores} cores, with servers and clients on the same machine",
            self.took.as_secs(),
        );
        let _ = match &self.args.seeds[..] {
            [seed] => write!(summary, ", with the seed {seed}."),
            seeds => write!(summary, ". Each figure is the worst of the seeds {seeds:?}."),
        };
        let _ = match missed {
            0 => write!(summary, " Of {checks} figures, none missed its must."),
            _ => write!(summary, " Of {checks} figures, {missed} missed their must."),
        };
        summary
    }
}

fn save(path: &Path, text: &str) -> Result<(), String> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

fn html(table: &Table) -> String {
    let mut text = format!("<p class=\"title\">{}</p>\n<div class=\"wide\"><table><thead><tr>", escaped(table.title()));
    for column in table.columns() {
        let _ = write!(text, "<th>{}</th>", escaped(column));
    }
    text.push_str("</tr></thead><tbody>\n");
    for row in table.rows() {
        text.push_str("<tr>");
        for cell in row {
            match cell.split_once("**").and_then(|(before, rest)| Some((before, rest.rsplit_once("**")?))) {
                Some((before, (bold, after))) => {
                    let [before, bold, after] = [before, bold, after].map(escaped);
                    let _ = write!(text, "<td>{before}<b>{bold}</b>{after}</td>");
                }
                None => drop(write!(text, "<td>{}</td>", escaped(cell))),
            }
        }
        text.push_str("</tr>\n");
    }
    text.push_str("</tbody></table></div>\n");
    text
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Breaks the text into lines of at most 120 characters.
fn wrapped(text: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().expect("there is one");
        if line.is_empty() {
            line.push_str(word);
        } else if line.chars().count() + 1 + word.chars().count() > 120 {
            lines.push(word.to_owned());
        } else {
            line.push(' ');
            line.push_str(word);
        }
    }
    lines.join("\n")
}

const STYLE: &str = include_str!("style.css");
const PREFACE: &str = include_str!("preface.md");

#[test]
fn a_table_is_shown_with_its_stresses_and_nothing_of_it_is_markup() {
    let mut table = Table::new("a < b", &["client", "late"]);
    table.row(vec!["**ours**, 8".into(), "≤ 1 <b>".into()]);

    let html = html(&table);

    assert!(html.contains("<td><b>ours</b>, 8</td><td>≤ 1 &lt;b&gt;</td>"), "{html}");
    assert!(html.contains("a &lt; b"), "{html}");
}
