//! The list of policies as a table.

use std::fmt::Write as _;

use crate::snapshot::{Function, Number, Policy, Snapshot};

/// Returns a table of the policies: a line for each, the outermost first, with its state, its settings and its numbers that are not zero.
pub fn text(snapshot: &Snapshot) -> String {
    let mut text = String::new();
    for function in &snapshot.functions {
        let Function { module, function: name, file, line, stack, worst_case } = function;
        let longest = worst_case
            .map_or_else(|| "no limit to the time of a call".to_owned(), |time| format!("at most {time:?} a call"));
        let _ = writeln!(text, "{module}::{name} at {file}:{line}, {longest}");
        let rows = stack.iter().map(|layer| match &layer.policy {
            Some(policy) if policy.name == *name => (layer.layer.clone(), cells(policy)),
            Some(policy) => (format!("{} `{}`", layer.layer, policy.name), cells(policy)),
            None => (
                layer.layer.clone(),
                Cells { settings: "a policy of the function's own choice".to_owned(), ..Cells::default() },
            ),
        });
        aligned(&mut text, rows.collect());
        text.push('\n');
    }
    if !snapshot.others.is_empty() {
        text.push_str("policies by hand\n");
        let rows =
            snapshot.others.iter().map(|policy| (format!("{} `{}`", policy.series.layer, policy.name), cells(policy)));
        aligned(&mut text, rows.collect());
    }
    if text.is_empty() {
        text.push_str("there are no policies, or none has been used\n");
    }
    text
}

#[derive(Default)]
struct Cells {
    state: String,
    calls: String,
    refused: String,
    levels: String,
    settings: String,
}

fn cells(policy: &Policy) -> Cells {
    let mode = policy.mode.as_deref().filter(|mode| *mode != "enforce");
    let state =
        policy.state.as_deref().map(str::to_uppercase).into_iter().chain(mode.map(|mode| format!("mode {mode}")));
    let settings = policy.settings.iter().map(|setting| {
        let changed = if setting.value == setting.compiled {
            String::new()
        } else {
            format!(" (compiled: {})", setting.compiled)
        };
        format!("{} {}{changed}", setting.key, setting.value)
    });
    let keys = policy
        .keys
        .as_ref()
        .map(|keys| format!("{} of {} keys, {} in trouble", keys.len, keys.capacity, keys.unhealthy));
    Cells {
        state: state.collect::<Vec<String>>().join(", "),
        calls: numbers(&policy.outcomes),
        refused: numbers(&policy.rejections),
        levels: [numbers(&policy.levels), keys.unwrap_or_default()].join(" ").trim().to_owned(),
        settings: settings.collect::<Vec<String>>().join(", "),
    }
}

/// The numbers that are not zero.
fn numbers(numbers: &[Number]) -> String {
    let shown = numbers.iter().filter_map(|number| {
        let value = number.value.filter(|value| *value != 0.0)?;
        Some(format!("{} {}", number.name, crate::settings::shown(value)))
    });
    shown.collect::<Vec<String>>().join(", ")
}

/// Writes the rows with columns as wide as their widest cell, and leaves out columns that are empty.
fn aligned(text: &mut String, rows: Vec<(String, Cells)>) {
    let rows: Vec<[String; 6]> = rows
        .into_iter()
        .map(|(name, Cells { state, calls, refused, levels, settings })| {
            [name, state, calls, refused, levels, settings]
        })
        .collect();
    let titles = ["layer", "state", "calls", "refused", "now", "settings"];
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let columns: Vec<(usize, usize)> = (0..titles.len())
        .filter(|column| width(*column) > 0)
        .map(|column| (column, width(column).max(titles[column].chars().count())))
        .collect();
    let mut line = |cells: [&str; 6]| {
        let padded = columns.iter().map(|(column, width)| format!("{:<width$}", cells[*column]));
        let _ = writeln!(text, "  {}", padded.collect::<Vec<String>>().join("  ").trim_end());
    };
    line(titles);
    for row in &rows {
        line(row.each_ref().map(String::as_str));
    }
}
