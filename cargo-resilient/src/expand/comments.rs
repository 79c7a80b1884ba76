//! The comments of an expansion: the order of the policies, the worst case and all settings.

use std::fmt::Write as _;
use std::path::Path;

use syn::{File, ImplItem, Item};

use crate::check::source::Function;
use crate::check::{attempts_in_words, worst};
use crate::effective::{Origin, settings, title};
use crate::stack::comment;
use crate::written::Written;

/// Returns the comment above the function.
pub(super) fn head(function: &Function, file: &Path, stack: &[Written], beside: &[String]) -> String {
    let mut text = comment("", &format!("`{}`, {}:{}", function.title(), file.display(), function.line));
    if stack.is_empty() {
        return text + &comment("", "It has no policy.");
    }
    let layers: Vec<String> = stack.iter().filter(|written| !is_beside(written)).map(title).collect();
    if !layers.is_empty() {
        text += &comment("", &format!("The outermost first: {}, the body.", layers.join(", ")));
    }
    if !beside.is_empty() {
        text += &comment("", &format!("Beside it: {}.", beside.join(", ")));
    }
    let worst = worst::of(stack).text();
    let attempts = attempts_in_words(worst::attempts(stack));
    text + &comment("", &format!("Worst case of a call{attempts}: {worst}."))
}

/// Returns the names of the functions that the expansion adds.
pub(super) fn beside(file: &File, function: &str) -> Vec<String> {
    let name = |item: &Item| match item {
        Item::Fn(item) => vec![item.sig.ident.to_string()],
        Item::Impl(item) => item.items.iter().filter_map(member).collect(),
        _ => Vec::new(),
    };
    let names = file.items.iter().flat_map(name).filter(|name| name != function);
    names.map(|name| format!("`{name}`")).collect()
}

fn member(item: &ImplItem) -> Option<String> {
    match item {
        ImplItem::Fn(function) => Some(function.sig.ident.to_string()),
        _ => None,
    }
}

fn is_beside(written: &Written) -> bool {
    matches!(written.policy.as_str(), "fan_out" | "batch")
}

/// Returns the code with the settings above the place of each policy.
pub(super) fn annotated(code: &str, stack: &[Written]) -> String {
    let lines: Vec<&str> = code.lines().collect();
    let mut notes: Vec<(usize, &Written)> = Vec::new();
    let mut homeless = Vec::new();
    for written in stack {
        let is_free = |line: &usize| notes.iter().all(|(taken, _)| taken != line);
        match (0..lines.len()).filter(is_free).find(|line| declares(lines[*line], written)) {
            Some(line) => notes.push((line, written)),
            None => homeless.push(written),
        }
    }
    let mut text: String = homeless.into_iter().map(|written| note("", written)).collect();
    for (index, line) in lines.iter().enumerate() {
        if let Some((_, written)) = notes.iter().find(|(place, _)| *place == index) {
            text += &note(&line[..line.len() - line.trim_start().len()], written);
        }
        let _ = writeln!(text, "{line}");
    }
    text
}

/// Returns whether the line brings the policy into scope: `static TOTAL_TIMEOUT_: …`, or `let hedge_: &… = …` for one of the user's own.
fn declares(line: &str, written: &Written) -> bool {
    let line = line.trim_start();
    let Some(rest) = line.strip_prefix(if written.has("with") { "let " } else { "static " }) else { return false };
    let Some((name, _)) = rest.split_once(':') else { return false };
    let name = name.to_lowercase();
    let Some(name) = name.strip_suffix('_') else { return false };
    let name = name.strip_suffix("_per_key").unwrap_or(name);
    // the second of a kind is `retry2_`
    let name = name.trim_end_matches(|c: char| c.is_ascii_digit());
    name.strip_suffix(&written.policy).is_some_and(|before| before.is_empty() || before.ends_with('_'))
}

/// Returns the settings of a policy as a comment.
fn note(indent: &str, written: &Written) -> String {
    let (mut here, mut defaults, mut without) = (Vec::new(), Vec::new(), Vec::new());
    for setting in settings(written) {
        match setting.origin {
            Origin::Written => here.push(setting.text()),
            Origin::Absent if setting.value == "none" => without.push(setting.key),
            Origin::Default | Origin::Absent => defaults.push(setting.text()),
        }
    }
    let title = title(written);
    let mut text = if here.is_empty() { format!("{indent}// {title}\n") } else { listed(indent, &title, &here) };
    for (words, settings) in [("    by default", defaults), ("    without", without)] {
        if !settings.is_empty() {
            text += &listed(indent, words, &settings);
        }
    }
    text
}

/// Returns a comment with the settings after the words, broken between settings.
fn listed(indent: &str, words: &str, settings: &[String]) -> String {
    let margin = " ".repeat(words.chars().take_while(|c| *c == ' ').count() + 2);
    let (mut text, mut line) = (String::new(), format!("{words}: "));
    let last = settings.len() - 1;
    for (index, setting) in settings.iter().enumerate() {
        let comma = if index == last { "" } else { ", " };
        if line.chars().count() + setting.chars().count() >= WIDTH && index > 0 {
            let _ = writeln!(text, "{indent}// {}", line.trim_end());
            line.clone_from(&margin);
        }
        let _ = write!(line, "{setting}{comma}");
    }
    text + &format!("{indent}// {line}\n")
}

/// The most characters in a line of settings.
const WIDTH: usize = 90;
