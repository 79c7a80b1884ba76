//! The figures of `docs/reliability.md`, which are those of `docs/scenarios.md` and `docs/scenarios_http.md`.

use std::fs;
use std::path::Path;

/// Compares what the page of the promises says was reached with the tables of the scenarios, both as they are committed.
#[test]
fn the_promises_have_the_figures_of_the_scenarios() {
    let [page, wire, promises] = ["scenarios.md", "scenarios_http.md", "reliability.md"].map(read);
    let [one, two, three, four, five, seven] = [1, 2, 3, 4, 5, 7].map(|number| Tables::of(&page, number));

    let search = one.cells("D0: ", &["**ours**"]);
    promises.say(
        "S1",
        &format!(
            "{} % lower on the paused clock, for {}",
            search("change of p99")[0].abs(),
            &one.text("D0: ", "**ours**", "extra requests")
        ),
    );
    let change = Tables::of(&wire, 1).cells("D0: ", &["**ours**"])("change of p99")[0];
    promises.say("S1", &format!("{} % lower over HTTP", change.abs()));
    let spike = two.cells("", &["**ours", "ρ 0."]);
    let [least, most] = ends(&spike("goodput"));
    promises.say("S2", &format!("{least:.0} to {most:.0} % of the server's capacity"));
    promises.say("S2", &format!("well again {:.1} s after it", ends(&spike("recovery"))[1]));

    let recovered = |trouble: &str| three.cells("Our stack", &[trouble])("recovered");
    assert_eq!(
        (recovered("5 %")[0], recovered("all fail")),
        (100.0, vec![100.0; 4]),
        "all are recovered, as the page says"
    );
    promises.say("S3", "all where one in twenty attempts fails");
    promises.say(
        "S3",
        &format!("{} % where one in ten does, all of them in moments of up to 200 ms", recovered("10 %")[0]),
    );
    let [usual, busy] = recovered("20 %")[..] else { panic!("two rates") };
    promises.say(
        "Where one",
        &format!("{usual:.0} % of the first failures are recovered at 500 calls a second and {busy:.0} % at 2,000"),
    );

    let shared = four.cells("", &["1 ", "5 that", "50 that"]);
    promises.say("S4", &format!("{} % of the calls let through", ends(&shared("let through after 0.5 s"))[1]));
    promises.say("S4", &format!("well again within {} s", ends(&shared("recovery"))[1] / 1_000.0));
    assert!(ends(&five.cells("", &["**ours", "ρ 0."])("goodput"))[0] >= 80.0, "what the page says of a brown-out");
    let [low, high] = ["ρ 0.4", "ρ 0.6"].map(|rho| seven.cells(rho, &["**ours** "])("occupancy")[0]);
    promises.say("S7", &format!("{low:.0} to {high:.0} % at ρ 0.4 to 0.6"));
}

/// A page of `docs`.
struct Page(String);

impl Page {
    /// Checks that the row about a scenario, or the paragraph that begins so, has those words.
    fn say(&self, about: &str, words: &str) {
        let is_row = |part: &&str| part.contains(&format!("[{about}]"));
        let row = self.0.lines().find(is_row);
        let part = row.or_else(|| self.0.split("\n\n").find(|part| part.starts_with(about)));
        let part = part.expect("a row or a paragraph").replace('\n', " ");
        assert!(part.contains(words), "`docs/reliability.md` does not say “{words}”: {part}");
    }
}

/// The tables of a scenario: each its title, its columns and its rows.
struct Tables(Vec<(String, Vec<String>, Vec<Vec<String>>)>);

impl Tables {
    fn of(page: &Page, scenario: u32) -> Self {
        let begin = page.0.find(&format!("\n## S{scenario}:")).expect("a section");
        let section = &page.0[begin + 1..];
        let section = section.find("\n## ").map_or(section, |end| &section[..end]);
        let cells =
            |line: &str| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
        let blocks: Vec<&str> = section.split("\n\n").collect();
        let tables = blocks.windows(2).filter(|pair| pair[1].starts_with("| ")).map(|pair| {
            let mut rows = pair[1].lines().map(cells);
            let columns = rows.next().expect("a head");
            (pair[0].to_owned(), columns, rows.skip(1).collect())
        });
        Self(tables.collect())
    }

    /// Returns a function that gives the numbers of a column, of the rows that begin so in the tables with such a title.
    fn cells(&self, title: &str, rows: &[&str]) -> impl Fn(&str) -> Vec<f64> {
        move |column| {
            let tables = self.0.iter().filter(|(found, ..)| found.starts_with(title));
            let numbers: Vec<f64> = tables
                .flat_map(|(_, columns, found)| {
                    let place = columns.iter().position(|found| found == column).expect("a column");
                    let asked = |row: &&Vec<String>| rows.iter().any(|first| format!("{} ", row[0]).starts_with(first));
                    found.iter().filter(asked).map(move |row| number(&row[place]))
                })
                .collect();
            assert!(!numbers.is_empty(), "no {rows:?} in {title}");
            numbers
        }
    }

    fn text(&self, title: &str, row: &str, column: &str) -> String {
        format!("{} %", self.cells(title, &[row])(column)[0])
    }
}

/// Returns the least and the most.
fn ends(numbers: &[f64]) -> [f64; 2] {
    [numbers.iter().copied().fold(f64::INFINITY, f64::min), numbers.iter().copied().fold(0.0, f64::max)]
}

fn number(cell: &str) -> f64 {
    let number = cell.split(' ').next().and_then(|number| number.parse().ok());
    number.unwrap_or_else(|| panic!("`{cell}` has no number"))
}

fn read(file: &str) -> Page {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(file);
    Page(fs::read_to_string(path).expect("a page of the repository"))
}
