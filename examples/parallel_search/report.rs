//! The report of a comparison: one HTML page that needs nothing else, in light and dark.

mod escape;
mod latencies;
mod plot;
mod providers;
mod timeline;

use std::fmt::{self, Write};

use escape::Escaped;

use crate::client;
use crate::compare::{Agreement, Figures, Measured};
use crate::detail::Detail;
use crate::load::Plan;
use crate::merge::Ranked;
use crate::strategy::{PATIENCE, Strategy};
use crate::text;
use crate::weather::{CLIMATES, Weather};

/// The contents of the page.
pub(crate) struct Report<'a> {
    pub(crate) words: &'a str,
    pub(crate) hits: &'a [Ranked],
    /// The details of each hit.
    pub(crate) details: &'a [Option<Detail>],
    /// The names of the providers.
    pub(crate) names: &'a [String],
    pub(crate) plan: &'a Plan,
    /// The weather of our own providers; `None` if the user named others.
    pub(crate) weather: Option<Weather>,
    pub(crate) seed: u64,
    pub(crate) rate: f64,
    pub(crate) measured: &'a [Measured],
    pub(crate) figures: &'a [Figures],
    pub(crate) agreement: &'a Agreement,
}

impl Report<'_> {
    pub(crate) fn to_html(&self) -> String {
        let mut page = String::new();
        // Writing to a `String` cannot fail.
        let _ = self.write(&mut page);
        page
    }

    fn write(&self, page: &mut String) -> fmt::Result {
        let words = Escaped(self.words);
        writeln!(page, "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">")?;
        writeln!(page, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">")?;
        writeln!(page, "<title>Parallel search for {words}</title>\n<style>\n{STYLE}</style>\n<main>")?;
        writeln!(page, "<h1>Parallel search</h1>")?;
        writeln!(page, "<p class=\"lead\">{}</p>", Escaped(&self.summary()))?;
        legend(page)?;
        self.section_figures(page)?;

        section(page, "How long a search took", LATENCIES)?;
        latencies::plot(page, self.figures)?;
        section(page, "Each provider", PROVIDERS)?;
        providers::plot(page, self.names, self.measured)?;
        if let Some(weather) = self.weather {
            self.section_brownout(page, weather)?;
        }
        self.section_hits(page)?;
        self.section_settings(page)?;
        writeln!(page, "</main>\n</html>")
    }

    fn summary(&self) -> String {
        let Report { rate, names, .. } = self;
        let searches = self.plan.searches.len();
        let mut summary = format!(
            "{} at {rate} a second, each at {} providers, once with each of three strategies, with latency counted \
             from the planned arrival. ",
            text::searches(searches),
            names.len()
        );
        if let [_, before, after] = self.figures {
            let p99 = |figures: &Figures| figures.latency.percentile(99.0);
            let change = text::change("p99", p99(before), p99(after));
            let _ = write!(summary, "From plain join_all to the annotated function: {change}.");
        }
        summary
    }

    fn section_figures(&self, page: &mut String) -> fmt::Result {
        write!(page, "<table class=\"figures\"><thead><tr><th></th>")?;
        for strategy in Strategy::ALL {
            write!(page, "<th class=\"{0}\">{0}</th>", strategy.name())?;
        }
        writeln!(page, "</tr></thead><tbody>")?;
        for (label, cells) in text::rows(self.figures) {
            write!(page, "<tr><th scope=\"row\">{label}</th>")?;
            cells.iter().try_for_each(|cell| write!(page, "<td>{cell}</td>"))?;
            writeln!(page, "</tr>")?;
        }
        writeln!(page, "</tbody></table>")?;
        let agreement = text::agreement(self.agreement, self.weather.is_some());
        writeln!(page, "<p class=\"note\">{}.</p>", Escaped(&capitalised(&agreement)))?;
        if self.weather.is_some() {
            writeln!(page, "<p class=\"note\">{RIGHT}</p>")?;
        }
        for (strategy, figures) in Strategy::ALL.iter().zip(self.figures) {
            let split = text::split(figures);
            writeln!(page, "<p class=\"note\"><b>{}</b> {}.</p>", strategy.name(), Escaped(&split))?;
        }
        Ok(())
    }

    fn section_brownout(&self, page: &mut String, weather: Weather) -> fmt::Result {
        for (provider, climate) in CLIMATES.iter().enumerate() {
            let searches = weather.brownout(provider);
            let arrival = |number: u64| Some(self.plan.searches.get(usize::try_from(number).ok()?)?.arrival);
            let (Some(from), Some(to)) = (arrival(searches.start), arrival(searches.end)) else { continue };
            if from < to {
                section(page, &format!("The brown-out of {}", climate.name), BROWNOUT)?;
                timeline::plot(page, provider, from..to, self.measured)?;
            }
        }
        Ok(())
    }

    fn section_hits(&self, page: &mut String) -> fmt::Result {
        writeln!(page, "<h2>Hits for “<bdi>{}</bdi>”</h2>", Escaped(self.words))?;
        if self.hits.is_empty() {
            return writeln!(page, "<p class=\"note\">No character's name has these words.</p>");
        }
        writeln!(
            page,
            "<div class=\"wide\"><table class=\"hits\"><thead><tr><th></th><th>code point</th><th>name</th>"
        )?;
        writeln!(page, "<th>block</th><th>score</th><th>providers</th></tr></thead><tbody>")?;
        for (Ranked { hit, providers, .. }, detail) in self.hits.iter().zip(self.details) {
            let (char, name, block) = (text::visible(hit.char).to_string(), hit.name.as_str(), hit.block.as_str());
            write!(page, "<tr><td class=\"char\">{}</td><td>U+{:04X}</td>", Escaped(&char), u32::from(hit.char))?;
            let block = format!("{block}{}", text::kind(detail.as_ref()));
            write!(page, "<td><bdi>{}</bdi></td><td><bdi>{}</bdi></td>", Escaped(name), Escaped(&block))?;
            writeln!(page, "<td>{}</td><td>{providers}</td></tr>", hit.score)?;
        }
        writeln!(page, "</tbody></table></div>")
    }

    fn section_settings(&self, page: &mut String) -> fmt::Result {
        writeln!(page, "<h2>Settings</h2>\n<table class=\"settings\"><tbody>")?;
        let mut setting = |label: &str, value: &str| {
            writeln!(page, "<tr><th scope=\"row\">{label}</th><td>{}</td></tr>", Escaped(value))
        };
        setting("seed", &self.seed.to_string())?;
        setting("sequential", "one provider after the other, up to three more tries at once after any error")?;
        setting("join_all", "all providers at once, up to three more tries at once after any error")?;
        setting("annotated", "the function below")?;
        setting("its hedges", client::HEDGE)?;
        setting("its breakers", client::BREAKER)?;
        setting("its patience", &format!("{} ms, and then what is there", PATIENCE.as_millis()))?;
        setting(
            "load",
            &format!("{}, Poisson arrivals at {} a second", text::searches(self.plan.searches.len()), self.rate),
        )?;
        for climate in CLIMATES.iter().take_while(|_| self.weather.is_some()) {
            setting(climate.name, &climate.describe())?;
        }
        writeln!(page, "</tbody></table>\n<pre>{}</pre>", Escaped(client::source()))?;
        if self.weather.is_some() {
            writeln!(page, "<p class=\"note\">{WEATHER}</p>")?;
        }
        Ok(())
    }
}

fn section(page: &mut String, title: &str, what: &str) -> fmt::Result {
    writeln!(page, "<h2>{title}</h2>\n<p class=\"note\">{what}</p>")
}

fn legend(page: &mut String) -> fmt::Result {
    write!(page, "<p class=\"legend\">")?;
    for strategy in Strategy::ALL {
        write!(page, "<span><i class=\"{0}\"></i>{0}</span>", strategy.name())?;
    }
    writeln!(page, "</p>")
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

const STYLE: &str = include_str!("report/style.css");
const RIGHT: &str = "Right hits are those of an index of all characters. Every character is held by two providers, so an \
    answer can be right although one of them is missing.";
const LATENCIES: &str = "The share of the searches (upwards, ever finer towards all of them) that had every provider's \
    outcome within a time (to the right, on a logarithmic scale). Further left is better. The dots mark p50, p95 and \
    p99.";
const PROVIDERS: &str = "The time from asking a provider to having its hits or giving up: each bar reaches from p50 to \
    p99. On the right the p99, and how many of the calls brought hits.";
const BROWNOUT: &str = "Requests that reached the provider in each tenth of a second, by how they ended. The shaded \
    band is the time in which searches met the brown-out. Hollow bars are calls that an open circuit breaker spared \
    it.";
const WEATHER: &str = "Latency is lognormal (median 15 ms, σ 0.4), and for 3 requests in 100 Pareto from 80 ms \
    (α 1.8), at most 3 s. Each provider has 16 workers and a queue. All of it depends on the seed, the provider, the \
    search and the attempt alone, so each strategy met the same.";

#[cfg(test)]
mod tests {
    use super::*;

    fn page(words: &str, hits: &[Ranked]) -> String {
        let plan = Plan { searches: Vec::new() };
        Report {
            words,
            hits,
            details: &vec![None; hits.len()],
            names: &[],
            plan: &plan,
            weather: None,
            seed: 1,
            rate: 90.0,
            measured: &[],
            figures: &[],
            agreement: &Agreement { compared: 0, equal: 0 },
        }
        .to_html()
    }

    #[test]
    fn words_stay_words() {
        let page = page("<script>alert(1)</script>", &[]);

        assert!(!page.contains("<script"));
        assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    }

    #[test]
    fn names_from_a_provider_stay_names() {
        let hit = crate::hit::Hit { char: '<', score: 1, name: "<b onload='x'>".into(), block: "\u{202e}\"".into() };

        let page = page("x", &[Ranked { hit, holder: 0, providers: 1 }]);

        assert!(page.contains("<td class=\"char\">&lt;</td>"));
        assert!(page.contains("<bdi>&lt;b onload=&#39;x&#39;&gt;</bdi>"));
        assert!(!page.contains('\u{202e}'));
    }
}
