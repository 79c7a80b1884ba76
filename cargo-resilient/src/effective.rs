//! The settings of a policy as they count: those that are written, and the defaults of the others.

use resilient_expansion::{Quantity, Row};
use resilient_words::{parse_duration, percent};

use crate::written::{Argument, Value, Written};

/// A setting of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The key.
    pub key: String,
    /// The value as Rust, or the behaviour without the key in words; empty for a key that stands alone.
    pub value: String,
    /// The reason why it counts.
    pub origin: Origin,
    quantity: Quantity,
}

/// The reason why a setting counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// It is written.
    Written,
    /// It is the default of its key.
    Default,
    /// Its key is absent and has no default.
    Absent,
}

impl Setting {
    /// Returns the setting as an argument, such as `max = 3`.
    pub fn text(&self) -> String {
        match self.origin {
            _ if self.value.is_empty() => self.key.clone(),
            Origin::Absent => format!("{}: {}", self.key, self.value),
            Origin::Written if self.value.starts_with(&format!("{}(", self.key)) => self.value.clone(),
            Origin::Written | Origin::Default => format!("{} = {}", self.key, self.value),
        }
    }

    /// Returns whether both values mean the same, as `"1s"` and `"1000ms"` do.
    pub fn is_as(&self, other: &Self) -> bool {
        let [one, two] = [self, other].map(|setting| setting.value.trim_matches('"'));
        let equal = match self.quantity {
            Quantity::Time => parse_duration(one).ok().zip(parse_duration(two).ok()).map(|(one, two)| one == two),
            Quantity::Share => share(one).zip(share(two)).map(|(one, two)| one.total_cmp(&two).is_eq()),
            Quantity::Number => number(one).zip(number(two)).map(|(one, two)| one.total_cmp(&two).is_eq()),
            Quantity::Other => None,
        };
        let code = |text: &str| text.split_whitespace().collect::<String>();
        equal.unwrap_or_else(|| code(one) == code(two))
    }
}

/// Returns the settings of the policy, in the order of its documentation, and after them the arguments that it does not know.
///
/// With a policy of the user's own (`with = …`), the settings that are configured there are left out.
pub fn settings(written: &Written) -> Vec<Setting> {
    let rows = resilient_expansion::rows(&written.policy).unwrap_or_default();
    let arguments: Vec<(String, String)> = written.arguments.iter().map(|argument| placed(argument, &rows)).collect();
    let find = |key: &str| arguments.iter().find(|(other, _)| other == key).map(|(_, value)| value.as_str());
    let has_own = find("with").is_some();
    let mut settings = Vec::new();
    for row in &rows {
        let setting = |value: &str, origin| Setting {
            key: row.name.to_owned(),
            value: value.to_owned(),
            origin,
            quantity: row.quantity,
        };
        let hides = row.unless.is_some_and(|key| find(key).is_some_and(|value| is_of_another_kind(key, value, &rows)));
        match (find(row.name), row.default) {
            (Some(value), _) => settings.push(setting(value, Origin::Written)),
            (None, _) if row.is_path || row.name == "with" || row.replaceable => {}
            (None, _) if has_own && row.configures => {}
            (None, Some(_)) if hides => {}
            (None, Some(default)) => settings.push(setting(default, Origin::Default)),
            (None, None) => settings.push(setting(row.absent, Origin::Absent)),
        }
    }
    let unknown = arguments.iter().filter(|(key, _)| rows.iter().all(|row| row.name != *key));
    settings.extend(unknown.map(|(key, value)| Setting {
        key: key.clone(),
        value: value.clone(),
        origin: Origin::Written,
        quantity: Quantity::Other,
    }));
    settings
}

/// Returns the policy with the place that it says it has: `timeout (total)`.
pub fn title(written: &Written) -> String {
    let places = ["total", "attempt"].into_iter().filter(|place| written.policy == "timeout" && written.has(place));
    match places.collect::<Vec<_>>()[..] {
        [place] => format!("{} ({place})", written.policy),
        _ => written.policy.clone(),
    }
}

/// Returns the key that the argument is for, and its value as Rust.
fn placed(argument: &Argument, rows: &[Row]) -> (String, String) {
    let row = |name: &str| rows.iter().find(|row| row.name == name);
    let positional = || rows.iter().find(|row| row.positional).map_or(String::new(), |row| row.name.to_owned());
    match &argument.value {
        None if row(&argument.key).is_some() => (argument.key.clone(), String::new()),
        // a constant
        None => (positional(), argument.key.clone()),
        Some(value) if argument.key.is_empty() => {
            let text = as_rust(value, None);
            // `clone(request)`
            match text.split_once('(').and_then(|(name, _)| row(name)) {
                Some(row) => (row.name.to_owned(), text),
                None => (positional(), text),
            }
        }
        Some(value) => (argument.key.clone(), as_rust(value, row(&argument.key))),
    }
}

/// Returns the value as Rust. Numbers and the word that the key knows have no quotes.
fn as_rust(value: &Value, row: Option<&Row>) -> String {
    match value {
        Value::Code(code) => code.clone(),
        Value::Text(text) if number(text).is_some() || row.and_then(|row| row.word) == Some(text) => text.clone(),
        Value::Text(text) => format!("{text:?}"),
    }
}

/// Returns whether the value of the key is something else than its default is, as a number of calls is no time.
fn is_of_another_kind(key: &str, value: &str, rows: &[Row]) -> bool {
    let kind = |value: &str| match value.trim_matches('"') {
        "none" => "nothing",
        text if number(text).is_some() => "number",
        text if parse_duration(text).is_ok() => "time",
        _ if value.starts_with('"') => "word",
        _ => "code",
    };
    let default = rows.iter().find(|row| row.name == key).and_then(|row| row.default);
    default.is_none_or(|default| kind(default) != kind(value))
}

fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|_| text.starts_with(|c: char| c.is_ascii_digit() || c == '-'))
}

fn share(text: &str) -> Option<f64> {
    percent(text).or_else(|| number(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::written::stack;

    fn of(text: &str) -> Vec<String> {
        settings(&stack(text).unwrap()[0]).iter().map(Setting::text).collect()
    }

    #[test]
    fn defaults_stand_where_nothing_is_written() {
        let retry = of("retry(max = 5, budget = none, clone(a, b), number = n)");
        assert_eq!(retry[0], "max = 5");
        for setting in
            ["base = \"100ms\"", "budget = none", "clone(a, b)", "max_elapsed: none", "number = n", "cap = \"10s\""]
        {
            assert!(retry.iter().any(|other| other == setting), "{setting}: {retry:?}");
        }
        assert!(of("hedge(idempotent)").contains(&"idempotent".to_owned()));
    }

    #[test]
    fn values_without_a_key_have_one() {
        assert_eq!(of("timeout(\"2s\")")[0], "limit = \"2s\"");
        assert_eq!(of("timeout(LIMIT)")[0], "limit = LIMIT");
        assert_eq!(of("timeout(Duration::from_secs(2))")[0], "limit = Duration::from_secs(2)");
        assert!(!of("timeout(total = \"2s\")").iter().any(|setting| setting.starts_with("attempt")));
    }

    #[test]
    fn defaults_that_another_key_replaces_are_left_out() {
        let has = |text: &str, key: &str| of(text).iter().any(|setting| setting.starts_with(&format!("{key} =")));
        assert!(has("retry(backoff = \"exp\")", "base"));
        assert!(!has("retry(backoff = \"none\")", "base"));
        assert!(!has("retry(backoff = WAITS)", "base"));
        assert!(has("circuit_breaker(window = \"30s\")", "min_calls"));
        assert!(!has("circuit_breaker(window = 100)", "min_calls"));
        assert!(!has("hedge(idempotent, after = \"20ms\")", "min_after"));
    }

    #[test]
    fn a_policy_of_the_users_own_has_its_own_settings() {
        let breaker = of("circuit_breaker(with = self.breaker)");

        assert!(breaker.contains(&"with = self.breaker".to_owned()), "{breaker:?}");
        assert!(!breaker.iter().any(|setting| setting.starts_with("window")), "{breaker:?}");
    }

    #[test]
    fn texts_of_one_value_are_equal() {
        let first = |text: &str, key: &str| {
            settings(&stack(text).unwrap()[0]).into_iter().find(|setting| setting.key == key).unwrap()
        };
        let same = |one: &str, other: &str, key: &str| first(one, key).is_as(&first(other, key));
        assert!(same("retry(base = \"1s\")", "retry(base = \"1000ms\")", "base"));
        assert!(same("retry(base = \"100ms\")", "retry", "base"));
        assert!(same(
            "circuit_breaker(failure_rate = 0.25)",
            "circuit_breaker(failure_rate = \"25%\")",
            "failure_rate"
        ));
        assert!(same("retry(factor = 2.0)", "retry", "factor"));
        assert!(!same("retry(max = 4)", "retry", "max"));
        assert!(!same("retry(max = unlimited)", "retry", "max"));
        assert!(same("retry(on_retry = |r| log(r))", "retry(on_retry = |r|\n log(r))", "on_retry"));
        assert!(!same("retry(max = RETRIES)", "retry", "max"));
    }
}
