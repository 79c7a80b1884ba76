//! A report as text and as SARIF.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{Level, RULES, Report, attempts_in_words};

/// Returns the report as text.
pub fn text(report: &Report) -> String {
    let mut text = String::new();
    for stacked in &report.stacks {
        let attempts = attempts_in_words(stacked.attempts);
        let _ = writeln!(
            text,
            "{}:{}: {}: {}{attempts}; worst case {}",
            stacked.file.display(),
            stacked.line,
            stacked.function,
            stacked.stack.join(" > "),
            stacked.worst_case_text
        );
    }
    if !report.stacks.is_empty() {
        text.push('\n');
    }
    for finding in &report.findings {
        let about = if finding.function.is_empty() { String::new() } else { format!("`{}`: ", finding.function) };
        let _ = writeln!(
            text,
            "{}:{}: {}: {about}{} [{}]",
            finding.file.display(),
            finding.line,
            finding.level,
            finding.message,
            finding.rule
        );
    }
    for (file, reason) in &report.unread {
        let _ = writeln!(text, "{}: not read: {reason}", file.display());
    }
    let clients: Vec<String> = report
        .outgoing
        .iter()
        .map(|(client, (all, bare))| format!("{client} {all}, {bare} of them without a stack"))
        .collect();
    let clients = if clients.is_empty() { "none that is known".to_owned() } else { clients.join("; ") };
    let count = |level: Level| report.findings.iter().filter(|finding| finding.level == level).count();
    let _ = writeln!(
        text,
        "{} files, {} functions, {} with a stack; outgoing calls: {clients}; {} warnings, {} notes, {} silenced",
        report.files,
        report.functions,
        report.stacks.len(),
        count(Level::Warning),
        count(Level::Note),
        report.silenced
    );
    text
}

/// Returns the findings as SARIF 2.1.0.
pub fn sarif(report: &Report) -> Value {
    let rules = RULES.map(|rule| {
        json!({
            "id": rule.name,
            "shortDescription": { "text": rule.meaning },
            "defaultConfiguration": { "level": rule.level.to_string() },
        })
    });
    let result = |finding: &super::Finding| {
        let file =
            finding.file.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/");
        json!({
            "ruleId": finding.rule,
            "ruleIndex": RULES.iter().position(|rule| rule.name == finding.rule),
            "level": finding.level.to_string(),
            "message": { "text": finding.message },
            "locations": [{
                "physicalLocation": {
                    "artifactLocation": { "uri": file },
                    "region": { "startLine": finding.line },
                },
            }],
        })
    };
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "cargo-resilient", "version": env!("CARGO_PKG_VERSION"), "rules": rules } },
            "results": report.findings.iter().map(result).collect::<Vec<_>>(),
        }],
    })
}
