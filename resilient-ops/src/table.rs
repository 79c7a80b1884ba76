//! The list of policies as a table.

use std::fmt::Write as _;

use crate::snapshot::{Function, Given, Number, Policy, Setting, Snapshot};

/// Returns a table of the policies: a line for each, the outermost first, with its state, its settings and its numbers that are not zero.
pub fn text(snapshot: &Snapshot) -> String {
    let mut text = String::new();
    for function in &snapshot.functions {
        let Function { module, function: name, file, line, stack, worst_case, unlimited } = function;
        let longest = match (worst_case, unlimited) {
            (Some(time), _) => format!("at most {time:?} a call"),
            (None, Some(reason)) => format!("no limit to the time of a call: {reason}"),
            (None, None) => "no limit to the time of a call".to_owned(),
        };
        let _ = writeln!(text, "{module}::{name} at {file}:{line}, {longest}");
        let rows = stack.iter().map(|layer| match &layer.policy {
            Some(policy) if policy.name == *name => (layer.layer.clone(), cells(policy)),
            Some(policy) => (format!("{} `{}`", layer.layer, policy.name), cells(policy)),
            None => (layer.layer.clone(), Cells { settings: given(&layer.given), ..Cells::default() }),
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

/// The origin of a policy that a function gets from elsewhere.
fn given(given: &[Given]) -> String {
    let one = |Given { name, settings: its, .. }: &Given| format!("from `{name}`, a policy by hand: {}", settings(its));
    if given.is_empty() {
        return "a policy of the function's own choice".to_owned();
    }
    given.iter().map(one).collect::<Vec<String>>().join(", or ")
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
    let keys = policy
        .keys
        .as_ref()
        .map(|keys| format!("{} of {} keys, {} in trouble", keys.len, keys.capacity, keys.unhealthy));
    Cells {
        state: state.collect::<Vec<String>>().join(", "),
        calls: numbers(&policy.outcomes),
        refused: numbers(&policy.rejections),
        levels: [numbers(&policy.levels), keys.unwrap_or_default()].join(" ").trim().to_owned(),
        settings: settings(&policy.settings),
    }
}

fn settings(settings: &[Setting]) -> String {
    let shown = settings.iter().map(|setting| {
        let by = setting.origin.as_ref().map_or_else(String::new, |origin| format!(", by {origin}"));
        let is_as_compiled = setting.value == setting.compiled && by.is_empty();
        let changed = if is_as_compiled { String::new() } else { format!(" (compiled: {}{by})", setting.compiled) };
        format!("{} {}{changed}", setting.key, setting.value)
    });
    shown.collect::<Vec<String>>().join(", ")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_from_elsewhere_and_a_missing_limit_are_explained() {
        let json = r#"{"others": [], "functions": [{"module": "shop", "function": "pay", "file": "pay.rs", "line": 3, "worst_case": null,
            "unlimited": "no time-out", "stack": [
                {"layer": "retry", "policy": null},
                {"layer": "circuit_breaker", "policy": null, "given": [{"kind": "circuit_breaker", "name": "bank", "settings": [
                    {"key": "consecutive", "value": "7", "compiled": "7"}]}]}]}]}"#;

        let text = text(&Snapshot::from_json(json).unwrap());

        assert!(text.starts_with("shop::pay at pay.rs:3, no limit to the time of a call: no time-out\n"), "{text}");
        assert!(text.contains("retry            a policy of the function's own choice\n"), "{text}");
        assert!(text.contains("circuit_breaker  from `bank`, a policy by hand: consecutive 7\n"), "{text}");
    }

    #[test]
    fn a_changed_setting_says_what_it_was_and_where_it_was_changed() {
        let json = r#"{"functions": [], "others": [{
            "kind": "retry", "name": "a", "file": "", "line": 0, "series": {"policy": "a", "function": "", "layer": "retry"},
            "mode": "observe", "state": null, "levels": [{"name": "budget_balance", "value": null}], "outcomes": [], "rejections": [],
            "counts": [], "keys": null, "durations": null, "settings": [
                {"key": "max", "value": "5", "compiled": "3", "origin": "live.toml:2"},
                {"key": "base", "value": "1s", "compiled": "2s"},
                {"key": "cap", "value": "9s", "compiled": "9s"}]}]}"#;
        let snapshot = Snapshot::from_json(json).unwrap();

        let text = text(&snapshot);

        assert!(text.contains("mode observe"), "{text}");
        assert!(text.contains("max 5 (compiled: 3, by live.toml:2), base 1s (compiled: 2s), cap 9s\n"), "{text}");
    }
}
