//! The plan: advice and trials together, as text, as JSON and as a page.

use std::fmt::Write as _;

use resilient_simulator::report::Table;
use serde::Serialize;

use crate::advice::Advice;
use crate::page;
use crate::stack::{self, Stack};
use crate::trials::{self, Contender, Line, Row, World};
use crate::wish::{Wish, millis};

/// A plan: the settings, and their trials.
#[derive(Debug)]
pub struct Plan {
    /// The settings with their reasons.
    pub advice: Advice,
    /// The name of the profile.
    pub name: String,
    /// The command that makes the plan again.
    pub command: String,
    /// The settings of the present stack that are not simulated.
    pub left_out: Vec<String>,
    wish: Wish,
    world: World,
    contenders: Vec<Contender>,
    seeds: Vec<u64>,
    rows: Vec<Row>,
}

#[derive(Serialize)]
struct Json<'a> {
    command: &'a str,
    seeds: &'a [u64],
    simulated_part: u32,
    advice: &'a Advice,
    profile: String,
    trials: &'a [Row],
}

impl Plan {
    /// Makes the plan, and tries it beside no policy, a loop by hand and the present stack, once for each seed.
    pub fn make(wish: Wish, name: &str, command: &str, present: Option<(Stack, Vec<String>)>, seeds: Vec<u64>) -> Self {
        let advice = Advice::of(&wish, name);
        let world = World::of(&wish);
        let contender = |name: &str, stack: &Stack| Contender { name: name.to_owned(), stack: stack.clone() };
        let mut contenders =
            vec![contender("no policy", &Stack::none()), contender("naive retry", &Stack::naive(wish.slo))];
        let (present, left_out) = present.unzip();
        contenders.extend(present.map(|stack| contender("present", &stack)));
        contenders.push(contender("**plan**", &advice.stack));
        if let Some(hedge) = &advice.possible_hedge {
            let hedged = Stack { hedge: Some(hedge.clone()), ..advice.stack.clone() };
            contenders.push(contender("plan, hedged", &hedged));
        }
        let rows = trials::rows(&world, &wish, &contenders, &seeds);
        Self {
            advice,
            name: name.to_owned(),
            command: command.to_owned(),
            left_out: left_out.unwrap_or_default(),
            wish,
            world,
            contenders,
            seeds,
            rows,
        }
    }

    /// Returns the profile to paste, with a reason above each figure.
    pub fn profile(&self) -> String {
        let Advice { stack, possible_hedge, .. } = &self.advice;
        let mut text = format!("// made by `{}`\n\n", self.command);
        let constant = format!("{}_BUDGET", self.name.to_uppercase());
        if let Some((ratio, reserve)) = self.advice.budget() {
            let ratio = (ratio * 1e4).round() / 1e4;
            let _ = write!(
                text,
                "/// The extra attempts of `{}`: {} of the calls, and {reserve} a second.\n\
                 pub(crate) static {constant}: resilient::Budget = resilient::Budget::new().ratio({}).reserve({reserve});\n\n",
                self.name,
                stack::percents(ratio),
                decimal(ratio),
            );
        }
        let path = format!("crate::policies::{constant}");
        let _ = write!(text, "resilient::profile! {{\n    pub(crate) {} =\n", self.name);
        text += &stack.to_profile(Some(&path), |part| self.advice.about(part));
        text += "}\n";
        if let Some(hedge) = possible_hedge {
            let _ = write!(
                text,
                "\n// If an attempt may run twice at once, above the bulkhead:\n//     {},\n",
                hedge.to_text()
            );
            for reason in self.advice.about("hedge") {
                text += &stack::comment("", &reason);
            }
        }
        text.push('\n');
        for reason in self.advice.about("absent") {
            text += &stack::comment("", &reason);
        }
        for reason in self.advice.about("connections") {
            text += &stack::comment("", &reason);
        }
        text += "\n// Alerts, for Prometheus; `resilient-ops alerts` makes rules from the running program:\n";
        for alert in &self.advice.alerts {
            let _ = writeln!(text, "// {}\n//     {}", alert.reason, alert.expression);
        }
        text
    }

    /// Returns the tables of the trials.
    pub fn tables(&self) -> Vec<Table> {
        trials::tables(&self.rows, self.wish.fan_out)
    }

    /// Returns the rows of the trials.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Returns the sentences about the trials.
    pub fn setting(&self) -> String {
        let seeds: Vec<String> = self.seeds.iter().map(ToString::to_string).collect();
        let part = match self.world.part {
            1 => String::new(),
            part => format!(" One part in {part} of the whole is simulated, with as many instances and calls fewer."),
        };
        let left_out = match &self.left_out[..] {
            [] => String::new(),
            left_out => format!(" Of the present stack, {} are not simulated.", left_out.join(", ")),
        };
        format!(
            "Simulated with the seeds {}, of which the worst figures count; the upstream's queue has no end, and it goes on when a client leaves.{part}{left_out}",
            seeds.join(", ")
        )
    }

    /// Returns the plan as text.
    pub fn text(&self) -> String {
        let mut text = self.profile();
        let _ = write!(text, "\n{}\n", self.setting());
        for table in self.tables() {
            let _ = write!(text, "\n{}", table.to_markdown());
        }
        text
    }

    /// Returns the plan as JSON.
    ///
    /// # Errors
    ///
    /// If a figure has no JSON.
    pub fn json(&self) -> Result<String, serde_json::Error> {
        let Self { advice, command, seeds, rows, .. } = self;
        let json =
            Json { command, seeds, simulated_part: self.world.part, advice, profile: self.profile(), trials: rows };
        Ok(serde_json::to_string_pretty(&json)? + "\n")
    }

    /// Returns the plan as a page with curves, for which the simulator runs once more.
    pub fn html(&self) -> String {
        let Self { world, wish, contenders, .. } = self;
        let seed = self.seeds.first().copied().unwrap_or_default();
        let named = |lines: Vec<Line>| {
            lines.into_iter().map(|line| Line { name: line.name.replace("**", ""), ..line }).collect()
        };
        let goodput = named(trials::goodput_by_load(world, wish, contenders, seed));
        let extra = trials::latency_by_extra(world, wish, &self.advice.stack, seed);
        let recovery = named(trials::recovery_of_spike(world, wish, contenders, seed));
        let tail = if wish.fan_out == 1 { "p99".to_owned() } else { format!("p99 of {} calls", wish.fan_out) };
        let plots = [
            page::Plot {
                title: "Good answers against offered load".to_owned(),
                x: "offered, as a share of the capacity",
                y: "answered in time, as a share of the capacity",
                lines: goodput,
            },
            page::Plot {
                title: format!("{tail} against extra requests"),
                x: "extra requests, in per cent",
                y: "milliseconds",
                lines: vec![extra],
            },
            page::Plot {
                title: "Ten times the calls, from 2 s to 5 s".to_owned(),
                x: "seconds",
                y: "share of the calls answered in time",
                lines: recovery,
            },
        ];
        let about = format!(
            "p50 {}, p95 {}, p99 {}; {} % errors; {:.0} % of the {} in use",
            millis(wish.times.at(0.5)),
            millis(wish.times.at(0.95)),
            millis(wish.times.at(0.99)),
            wish.errors * 100.0,
            wish.load() * 100.0,
            wish.bound()
        );
        page::page(&format!("Plan for {}", self.name), &about, &self.profile(), &self.setting(), &self.tables(), &plots)
    }
}

/// Writes a share as Rust writes a float.
fn decimal(share: f64) -> String {
    let text = share.to_string();
    if text.contains('.') { text } else { text + ".0" }
}
