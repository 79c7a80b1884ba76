//! Every key that can change: which values are taken and which refused, as the attribute would.

use crate::{alone, apply, mistakes};

/// A function of the shop, the layer, the key, a value that is taken with what the list then shows, and one that is refused.
type Row = (&'static str, &'static str, &'static str, &'static str, &'static str, &'static str);

const ROWS: &[Row] = &[
    ("look", "timeout", "limit", "\"3s\"", "3s", "\"0s\""),
    ("order", "retry", "max", "9", "9", "0"),
    ("order", "retry", "max_elapsed", "\"30s\"", "30s", "\"0s\""),
    ("order", "retry", "max_hint", "\"5s\"", "5s", "5"),
    ("order", "retry", "backoff", "\"exp\"", "exp", "\"exponential\""),
    ("stock", "retry", "base", "\"50ms\"", "50ms", "\"20s\""),
    ("stock", "retry", "factor", "3", "3", "0.5"),
    ("stock", "retry", "cap", "\"20s\"", "20s", "\"1\""),
    ("stock", "retry", "jitter", "\"10ms\"", "10ms", "-1"),
    ("stock", "retry", "throttled_base", "\"2s\"", "2s", "2"),
    ("stock", "retry", "throttled_cap", "\"30s\"", "30s", "\"30\""),
    ("order", "circuit_breaker", "failure_rate", "\"20%\"", "20 %", "0"),
    ("order", "circuit_breaker", "window", "\"60s\"", "60s", "2000"),
    ("order", "circuit_breaker", "min_calls", "60", "60", "0"),
    ("order", "circuit_breaker", "consecutive", "7", "7", "0"),
    ("order", "circuit_breaker", "open_for", "\"5s\"", "5s", "\"0s\""),
    ("order", "circuit_breaker", "open_max", "\"60s\"", "60s", "true"),
    ("order", "circuit_breaker", "open_growth", "1.5", "1.5", "0.5"),
    ("order", "circuit_breaker", "open_jitter", "\"20%\"", "20 %", "1.0"),
    ("order", "circuit_breaker", "probes", "5", "5", "5000"),
    ("order", "circuit_breaker", "probe_timeout", "\"2s\"", "2s", "\"0s\""),
    ("order", "circuit_breaker", "slow_call", "\"200ms\"", "200ms", "\"1us\""),
    ("order", "circuit_breaker", "recover", "\"10s\"", "10s", "\"0s\""),
    ("order", "circuit_breaker", "throttled", "\"fail\"", "fails", "\"fails\""),
    ("order", "rate_limit", "rate", "\"50/s\"", "50/s", "\"0/s\""),
    ("order", "rate_limit", "burst", "5", "5", "0"),
    ("order", "rate_limit", "max_wait", "\"50ms\"", "50ms", "50"),
    ("order", "rate_limit", "max_pause", "\"10s\"", "10s", "false"),
    ("supplier", "rate_limit", "when_down", "\"closed\"", "closed", "\"fail\""),
    ("order", "bulkhead", "limit", "3", "3", "0"),
    ("order", "bulkhead", "queue", "2", "2", "-2"),
    ("order", "bulkhead", "max_wait", "\"10ms\"", "10ms", "\"ten\""),
    ("report", "bulkhead", "min_limit", "5", "5", "0"),
    ("report", "bulkhead", "max_limit", "30", "30", "1"),
    ("report", "bulkhead", "initial_limit", "15", "15", "40"),
    ("price", "throttle", "k", "1.5", "1.5", "0.5"),
    ("price", "throttle", "max_drop", "\"80%\"", "0.8", "0"),
    ("price", "hedge", "after", "\"p99\"", "p99", "\"p10\""),
    ("price", "hedge", "min_after", "\"5ms\"", "", "5"),
    ("price", "hedge", "max_after", "\"500ms\"", "500ms", "\"\""),
    ("price", "hedge", "max", "2", "2", "11"),
    ("price", "hedge", "ratio", "\"10%\"", "10 %", "2.5"),
    ("price", "fallback", "stale", "\"1m\"", "60s", "1"),
    ("stock", "coalesce", "hold", "\"100ms\"", "100ms", "\"0s\""),
    ("stock", "coalesce", "max_wait", "\"2s\"", "2s", "\"0s\""),
    ("discount", "coalesce", "stale_while_revalidate", "\"7s\"", "7s", "\"0s\""),
    ("names_one", "batch", "max_size", "20", "20", "1"),
    ("names_one", "batch", "max_wait", "\"5ms\"", "5ms", "5"),
    ("search_all", "fan_out", "limit", "4", "4", "0"),
];

fn settings(function: &str, layer: &str) -> Vec<resilient::snapshot::Setting> {
    let functions = resilient::policies().functions;
    let function = functions.into_iter().find(|listed| listed.function == function && listed.module.ends_with("shop"));
    let stack = function.expect("it is listed").stack;
    let layer = stack.into_iter().find(|listed| listed.layer == layer).unwrap_or_else(|| panic!("no {layer}"));
    layer.policy.expect("it is its own").settings
}

#[test]
fn each_key_takes_the_values_that_its_attribute_takes() {
    let _alone = alone();
    for (function, layer, key, taken, shown, refused) in ROWS {
        let table = format!("[\"settings::shop::{function}\".{layer}]\n");
        let before = settings(function, layer);

        apply(&format!("{table}{key} = {taken}")).unwrap_or_else(|refused| panic!("{refused}"));
        if !shown.is_empty() {
            let now = settings(function, layer);
            let setting = now.iter().find(|setting| setting.key == *key);
            let setting = setting.unwrap_or_else(|| panic!("{function}.{layer}.{key} is not shown: {now:?}"));
            assert!(setting.value.contains(shown), "{layer}.{key}: {setting:?}");
            assert_ne!(setting.value, setting.compiled, "{layer}.{key}");
            assert_eq!(setting.origin.as_deref(), Some("test.toml:2"), "{layer}.{key}");
        }

        let said = mistakes(&format!("{table}{key} = {refused}"));
        assert!(said.starts_with("test.toml:2:") && !said.contains('\n'), "{layer}.{key}: {said}");

        apply("").unwrap();
        assert_eq!(settings(function, layer), before, "{layer}.{key} is again as it was built");
    }
}

#[test]
fn words_turn_off_what_a_number_turns_on() {
    let _alone = alone();
    for (function, layer, key, on, word) in [
        ("order", "retry", "max_elapsed", "\"30s\"", "off"),
        ("order", "circuit_breaker", "consecutive", "7", "off"),
        ("order", "circuit_breaker", "slow_call", "\"1s\"", "off"),
        ("order", "circuit_breaker", "recover", "\"1s\"", "off"),
        ("stock", "coalesce", "hold", "\"1s\"", "off"),
        ("stock", "coalesce", "max_wait", "\"1s\"", "off"),
    ] {
        let table = format!("[\"settings::shop::{function}\".{layer}]\n");
        apply(&format!("{table}{key} = {on}")).unwrap();
        apply(&format!("{table}{key} = \"{word}\"")).unwrap_or_else(|refused| panic!("{refused}"));

        let now = settings(function, layer);
        let is_off = now.iter().find(|setting| setting.key == key).is_none_or(|setting| setting.value == word);
        assert!(is_off, "{layer}.{key}: {now:?}");
    }
    let slow = "[\"settings::shop::order\".circuit_breaker]\nslow_rate = \"70%\"\n";
    assert_eq!(
        mistakes(slow),
        "test.toml:2:13: `slow_rate` is a share of the slow calls, and none is slow: say from when on one is, with `slow_call = \"1s\"`"
    );
    apply(&format!("{slow}slow_call = \"1s\"")).unwrap();
    let now = settings("order", "circuit_breaker");
    assert!(now.iter().any(|setting| setting.key == "slow_rate" && setting.value == "70 %"), "{now:?}");
    apply("[\"settings::shop::order\".retry]\nmax = \"unlimited\"").unwrap();
    assert_eq!(
        mistakes("[\"settings::depot::order\".retry]\nmax = \"unlimited\""),
        "test.toml:2:7: `settings::depot::order`: nothing would ever stop an unlimited retry: set `max_elapsed` as well"
    );
    apply("[\"settings::depot::order\".retry]\nmax = \"unlimited\"\nmax_elapsed = \"1m\"").unwrap();
}

#[test]
fn the_times_of_a_hedge_go_together() {
    let _alone = alone();

    let said = mistakes("[price.hedge]\nafter = \"p95\"\nmin_after = \"2s\"\nmax_after = \"1s\"");
    assert!(said.contains("`min_after` must not be longer than `max_after`"), "{said}");
    let said = mistakes("[quote.hedge]\nafter = \"1s\"");
    assert!(said.contains("the hedge waits for 1s, and the call ends after 1s"), "{said}");
    apply("[quote.hedge]\nafter = \"999ms\"").unwrap();
    apply("[quote.hedge]\nafter = \"p95\"").unwrap();
    apply("").unwrap();
}

#[test]
fn a_shared_rate_limit_keeps_room_for_its_leases() {
    let _alone = alone();

    let said = mistakes("[\"settings::shop::supplier\".rate_limit]\nburst = 3");
    assert!(said.contains("40 ms' worth"), "{said}");
    let said = mistakes("[\"settings::shop::order\".rate_limit]\nwhen_down = \"open\"");
    assert!(said.contains("for a limit that machines share"), "{said}");
}

/// The keys of the attributes' tables are either among the rows here, or a part of the code.
#[test]
fn every_key_of_an_attribute_changes_or_says_why_not() {
    let _alone = alone();
    let own = ["open_growth", "open_jitter"];
    let attributes = keys_of_attributes();
    assert!(attributes.len() >= 12 && attributes.iter().all(|(_, keys)| keys.len() >= 3), "{attributes:?}");
    for (attribute, keys) in attributes {
        let function = match attribute.as_str() {
            "retry" | "circuit_breaker" | "rate_limit" | "bulkhead" => "order",
            "throttle" | "hedge" | "fallback" => "price",
            "coalesce" => "stock",
            "batch" => "names_one",
            "measure" | "cancel" => "search",
            "fan_out" => "search_all",
            _ => "look",
        };
        for key in keys.iter().filter(|key| !own.contains(&key.as_str())) {
            let row = ROWS.iter().find(|row| row.1 == attribute && row.2 == key);
            if row.is_some() || key == "mode" || KNOWN_OTHERWISE.contains(&(&attribute, key)) {
                continue;
            }
            let text = format!("[\"settings::shop::{function}\".{attribute}]\n{key} = 1");
            let said = mistakes(&text);
            assert!(said.contains("is a part of the code"), "{attribute}.{key}: {said}");
        }
    }
}

/// The attributes and their keys, as the tables of their documentation have them, which are made from the rows.
fn keys_of_attributes() -> Vec<(String, Vec<String>)> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../resilient-macros/src/lib.rs");
    let text = std::fs::read_to_string(path).unwrap();
    let mut attributes = Vec::new();
    let mut keys = Vec::new();
    for line in text.lines() {
        if let Some(row) = line.strip_prefix("/// | `") {
            let key =
                row.split(['`', '(']).next().filter(|key| key.chars().all(|c| c.is_ascii_lowercase() || c == '_'));
            keys.extend(key.map(str::to_owned));
        } else if let Some(function) = line.strip_prefix("pub fn ") {
            let name = function.split('(').next().unwrap_or_default();
            attributes.push((name.to_owned(), std::mem::take(&mut keys)));
        }
    }
    attributes.retain(|(name, keys)| !keys.is_empty() && !["resilient", "enforce", "exempt"].contains(&name.as_str()));
    attributes
}

/// Keys that are tested in another way than by a row; `per` is a part of `rate`, as its message says.
const KNOWN_OTHERWISE: &[(&str, &str)] =
    &[("timeout", "total"), ("timeout", "attempt"), ("circuit_breaker", "slow_rate"), ("rate_limit", "per")];
