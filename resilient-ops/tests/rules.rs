//! The rules and the dashboard for a program with every kind of policy.

mod shop;

use std::collections::BTreeSet;

use resilient::metrics::{FAMILIES, Sort};
use resilient_ops::alerts::{self, KINDS};
use resilient_ops::{Options, Snapshot, dashboard, promtool, rules, runbook, table};

fn options() -> Options {
    Options { job: Some("shop".to_owned()), ..Options::default() }
}

/// The words of a text that look like a name of ours.
fn names(text: &str) -> BTreeSet<&str> {
    let words = text.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_' || letter == ':'));
    words.filter(|word| word.starts_with("resilient_")).collect()
}

#[test]
fn every_name_in_a_query_is_in_the_table_of_the_metrics() {
    let mut known = BTreeSet::new();
    for family in FAMILIES {
        known.insert(family.name.to_owned());
        if family.sort == Sort::Histogram {
            known.insert(format!("{}_bucket", family.name));
        }
    }
    let (snapshot, options) = (shop::snapshot(), options());
    let mut text = rules::file(&snapshot, &options).unwrap();
    text.push_str(&promtool::file(&snapshot, &options, "rules.yml").unwrap());
    for (_, query) in dashboard::queries(&snapshot, &options) {
        text.push_str(&query);
        text.push(' ');
    }

    let used = names(&text);
    let unknown: Vec<&&str> = used.iter().filter(|name| !known.contains(**name)).collect();

    assert!(unknown.is_empty(), "{unknown:?}");
    assert!(used.len() > 30, "{used:?}");
}

#[test]
fn a_program_with_every_policy_has_every_alert() {
    let snapshot = shop::snapshot();

    let alerts = alerts::of(&snapshot, &options());

    let made: BTreeSet<&str> = alerts.iter().map(|alert| alert.kind.name).collect();
    let all: BTreeSet<&str> = KINDS.iter().map(|kind| kind.name).collect();
    assert_eq!(made, all);
}

#[test]
fn no_two_rules_are_the_same_alert() {
    let mut known = BTreeSet::new();

    for alert in alerts::of(&shop::snapshot(), &options()) {
        let series = alert.series.as_ref().map(|series| (&series.policy, &series.function, &series.layer));
        assert!(
            known.insert(format!("{} {series:?} {:?} {:?}", alert.kind.name, alert.function, alert.window)),
            "{alert:?}"
        );
    }
}

fn description(kind: &str, function: &str) -> (String, String) {
    let alerts = alerts::of(&shop::snapshot(), &options());
    let of = |alert: &&alerts::Alert| {
        let of = alert.series.as_ref().map(|series| (series.function.as_str(), series.policy.as_str()));
        let by = |path: &str, name: &str| path.ends_with(function) || name == function;
        let is_it =
            of.is_some_and(|(path, name)| by(path, name)) || alert.function.as_ref().is_some_and(|path| by(path, ""));
        alert.kind.name == kind && is_it
    };
    let alert = alerts.iter().find(of).unwrap_or_else(|| panic!("{kind} of {function}"));
    (alert.expr.clone(), alert.description.clone())
}

#[test]
fn thresholds_follow_from_the_settings() {
    let (expr, text) = description("ResilientBreakerKeepsRefusing", "::price");
    assert!(
        expr.contains("> 60\n")
            && text.contains("open for 2s at a time, so five openings in a row take 10s; a fifth of 5m is 1m"),
        "{text}"
    );
    // 10 + 20 + 40 + 60 + 60 seconds
    let (expr, text) = description("ResilientBreakerKeepsRefusing", "payments");
    assert!(
        expr.contains("[6m20s]") && expr.contains("> 190\n") && text.contains("five openings in a row take 3m10s"),
        "{expr}\n{text}"
    );
    let (expr, text) = description("ResilientRateLimitUsedUp", "::price");
    assert!(expr.ends_with("> 135") && text.contains("of a rate of 150/s. 90 % of 150 a second is 135"), "{text}");
    let (expr, _) = description("ResilientRateLimitUsedUp", "::search");
    assert!(expr.ends_with("> 9"), "{expr}");
    let (expr, text) = description("ResilientBulkheadSaturated", "::price");
    assert!(expr.ends_with("> 0.9") && text.contains("90 % of 16 is 14.4"), "{text}");
    let (expr, _) = description("ResilientQueueFull", "::price");
    assert!(expr.ends_with("> 8"), "{expr}");
    let (expr, text) = description("ResilientWaitsLong", "::price");
    assert!(expr.contains("> 0.025\n") && text.contains("50 % of 50ms is 25ms"), "{text}");
    let (expr, text) = description("ResilientRetriesAmplify", "::price");
    assert!(
        expr.contains("> 1.1\n") && text.contains("The budget pays for 20 % of the calls; half of that is 0.1"),
        "{text}"
    );
    let (expr, text) = description("ResilientRetriesAmplify", "::stock");
    assert!(expr.contains("> 1.2\n") && text.contains("With max = 2"), "{text}");
    let (expr, text) = description("ResilientCallsSlow", "::price");
    assert!(
        expr.contains(">= 0.8\n") && text.contains("The total_timeout ends them at 1s, 80 % of which are 800ms"),
        "{text}"
    );
    let (expr, text) = description("ResilientErrorBudgetBurn", "::price");
    assert!(expr.contains("> 0.0144\n") && text.contains("so 0.1 % may fail; 14.4 times that is 1.44 %"), "{text}");
}

#[test]
fn what_is_zero_or_endless_has_no_alert() {
    let alerts = alerts::of(&shop::snapshot(), &options());
    let has = |kind: &str, policy: &str| {
        alerts
            .iter()
            .any(|alert| alert.kind.name == kind && alert.series.as_ref().is_some_and(|series| series.policy == policy))
    };

    assert!(has("ResilientBulkheadSaturated", "places"), "it has a limit");
    assert!(!has("ResilientWaitsLong", "places"), "nothing waits there");
    assert!(!has("ResilientRateLimitUsedUp", "clients"), "each key has its own rate");
    assert!(!has("ResilientRetryBudgetExhausted", "stock"), "it has no budget");
}

/// A third-party program's objective of 90 % cannot be missed 14.4 times over.
#[test]
fn a_burn_rate_that_no_outage_reaches_has_no_rule() {
    let options = Options { slo: 90.0, ..options() };

    let yaml = rules::file(&shop::snapshot(), &options).unwrap();

    let burns = yaml.matches("alert: ResilientErrorBudgetBurn").count();
    assert_eq!(burns, yaml.matches(" spends its error budget ").count());
    assert!(!yaml.contains("14.4 times too fast") && yaml.contains("6 times too fast"), "{yaml}");
}

#[test]
fn the_objective_counts_refusals_that_the_judge_does_not_see() {
    // the retry is inside the total time-out, and sees all refusals further in
    let (expr, _) = description("ResilientErrorBudgetBurn", "::stock");
    assert!(!expr.contains("resilient_rejections_total"), "{expr}");
    // the breaker judges, and to it a refusal of the bulkhead is a call that was dropped
    let (expr, _) = description("ResilientErrorBudgetBurn", "::order");
    for layer in ["total_timeout", "circuit_breaker", "bulkhead"] {
        assert!(expr.contains(&format!("layer=\"{layer}\",reason!~\"cancelled\"")), "{layer}: {expr}");
    }
}

#[test]
fn a_policy_that_functions_share_has_rules_once_and_is_no_judge_of_another_function() {
    let alerts = alerts::of(&shop::snapshot(), &options());

    let money = |alert: &&alerts::Alert| alert.series.as_ref().is_some_and(|series| series.policy == "money");
    let opened = alerts.iter().filter(money).filter(|alert| alert.kind.name == "ResilientBreakerOpened").count();
    assert_eq!(opened, 1);
    // the linker decides which of the two has the series; here the second one does
    let mut snapshot = shop::snapshot();
    let credit = snapshot.functions.iter_mut().find(|function| function.function == "credit").unwrap();
    let series = &mut credit.stack[0].policy.as_mut().unwrap().series;
    series.function = series.function.replace("::credit", "::refund");
    let alerts = alerts::of(&snapshot, &options());
    let burn = |alert: &&alerts::Alert| alert.function.as_ref().is_some_and(|function| function.ends_with("::refund"));
    let burn = alerts.iter().find(burn).unwrap();
    assert!(burn.expr.contains("layer=\"retry\"") && !burn.expr.contains("money"), "{}", burn.expr);
}

#[test]
fn the_runbook_has_a_section_for_each_alert_of_the_program() {
    let page = runbook::page(&shop::snapshot(), &options());

    for kind in KINDS {
        assert!(page.contains(&format!("\n## {}\n", kind.name)), "{}", kind.name);
    }
    let templates = page.replace("{{ odd }}", "");
    assert!(page.contains("{{ odd }} \"name\" \\| ") && !templates.contains("{{"), "no template is left: {page}");
    let few = Snapshot::from_json(r#"{"functions": [], "others": []}"#).unwrap();
    let page = runbook::page(&few, &options());
    assert_eq!(
        page.matches("\n## ").count(),
        2,
        "the metrics may be absent, and settings refused: there is nothing else"
    );
}

#[test]
fn the_table_has_a_line_for_each_policy() {
    let text = table::text(&shop::snapshot());

    for part in [
        "::price at ",
        "at most ",
        "total_timeout",
        "CLOSED",
        "rate 150/s",
        "policies by hand",
        "rate_limit `clients`",
        "0 of 100 keys",
    ] {
        assert!(text.contains(part), "{part}:\n{text}");
    }
}

#[test]
fn the_dashboard_has_no_panel_without_a_policy_for_it() {
    let all = dashboard::queries(&shop::snapshot(), &options());
    let few = Snapshot::from_json(r#"{"functions": [], "others": []}"#).unwrap();

    let titles =
        |queries: Vec<(String, String)>| queries.into_iter().map(|(title, _)| title).collect::<BTreeSet<String>>();
    assert!(titles(all).len() >= 25);
    assert_eq!(
        titles(dashboard::queries(&few, &options())),
        BTreeSet::from(["Alerts".to_owned(), "Policies".to_owned()])
    );
}

#[test]
fn panels_do_not_lie_on_each_other() {
    let json = dashboard::json(&shop::snapshot(), &options());

    let mut cells = BTreeSet::new();
    let mut ids = BTreeSet::new();
    for panel in json["panels"].as_array().unwrap() {
        let at = |side: &str| panel["gridPos"][side].as_u64().unwrap();
        assert!(ids.insert(panel["id"].as_u64().unwrap()));
        assert!(at("x") + at("w") <= 24, "{panel}");
        for x in at("x")..at("x") + at("w") {
            for y in at("y")..at("y") + at("h") {
                assert!(cells.insert((x, y)), "{panel}");
            }
        }
    }
}
