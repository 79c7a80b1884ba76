//! The snapshot of a program's policies, read from the JSON of `resilient::policies()`.

use std::collections::HashSet;
use std::time::Duration;

use serde::Deserialize;

use crate::settings;

/// The policies of a program at one moment.
///
/// Fields that are not known are passed over, so that the snapshot of a newer runtime can be read.
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
pub struct Snapshot {
    /// The annotated functions.
    pub functions: Vec<Function>,
    /// The policies that belong to no function.
    pub others: Vec<Policy>,
}

/// An annotated function and its stack, the outermost policy first.
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
pub struct Function {
    /// The path of its module.
    pub module: String,
    /// Its name.
    pub function: String,
    /// The file of its attributes.
    pub file: String,
    /// The line of the first of them.
    pub line: u32,
    /// Its policies.
    pub stack: Vec<Layer>,
    /// The longest that a call can take, if anything limits it.
    pub worst_case: Option<Duration>,
    /// The reason for which nothing does.
    #[serde(default)]
    pub unlimited: Option<String>,
}

/// One policy of a stack.
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
pub struct Layer {
    /// The name that tells it from the others of the stack.
    pub layer: String,
    /// The policy; `None` for one that the function gets from elsewhere.
    pub policy: Option<Policy>,
    /// The `static`s that it gets it from.
    #[serde(default)]
    pub given: Vec<Given>,
}

/// A `static` from which a function gets a policy.
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
pub struct Given {
    /// The name.
    pub name: String,
    /// The settings.
    pub settings: Vec<Setting>,
}

/// A policy: its settings, its state and its numbers.
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
pub struct Policy {
    /// The kind, as the metrics have it: `circuit_breaker`.
    pub kind: String,
    /// The name.
    pub name: String,
    /// The file in which it is written.
    pub file: String,
    /// The line.
    pub line: u32,
    /// The labels of its series.
    pub series: Labels,
    /// The mode, if it is known.
    pub mode: Option<String>,
    /// The settings.
    pub settings: Vec<Setting>,
    /// The state, of a circuit breaker.
    pub state: Option<String>,
    /// The levels.
    pub levels: Vec<Number>,
    /// The ends of calls.
    pub outcomes: Vec<Number>,
    /// The refusals by their reasons.
    pub rejections: Vec<Number>,
    /// Other numbers that only rise.
    pub counts: Vec<Number>,
    /// The keys, of a policy that there is one of for each key.
    pub keys: Option<Keys>,
    /// The durations of calls, of a measure.
    pub durations: Option<Durations>,
}

/// The labels of a policy's series.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[non_exhaustive]
pub struct Labels {
    /// The policy's name.
    pub policy: String,
    /// The path of the function; empty for a policy by hand.
    pub function: String,
    /// The layer.
    pub layer: String,
}

/// A setting.
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
pub struct Setting {
    /// The key of the attribute.
    pub key: String,
    /// The value that counts.
    pub value: String,
    /// The value that it was built with.
    pub compiled: String,
    /// The origin of a value that was changed: a file and its line, or `code`.
    #[serde(default)]
    pub origin: Option<String>,
}

/// A number with a name.
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
pub struct Number {
    /// The name.
    pub name: String,
    /// The value. JSON has none for a number that is not finite, as the balance of a retry without a budget.
    pub value: Option<f64>,
}

/// The keys of a policy.
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
pub struct Keys {
    /// The number of keys.
    pub len: u64,
    /// The number of keys that there is room for.
    pub capacity: u64,
    /// The number of keys whose policy is in trouble.
    pub unhealthy: u64,
}

/// The durations of a measure's calls.
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
pub struct Durations {
    /// The upper bounds of the buckets in seconds, but for the last, which is infinite.
    pub bounds: Vec<f64>,
}

impl Snapshot {
    /// Reads the JSON of `resilient::policies()`.
    ///
    /// # Errors
    ///
    /// If it is not that, with the place in the text.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// Each policy once, with the function that its series belong to: the first, where several share it.
    pub(crate) fn policies(&self) -> Vec<(Option<&Function>, &Policy)> {
        let of_functions = self.functions.iter().flat_map(|function| {
            function.stack.iter().filter_map(move |layer| Some((Some(function), layer.policy.as_ref()?)))
        });
        let mut seen = HashSet::new();
        let all = of_functions.chain(self.others.iter().map(|policy| (None, policy)));
        all.filter(|(_, policy)| seen.insert(&policy.series)).collect()
    }
}

impl Function {
    /// Returns whether that is its path in the metrics: its name with its module, and the line where another function has the same.
    pub(crate) fn is_path(&self, path: &str) -> bool {
        let Self { module, function, line, .. } = self;
        path == format!("{module}::{function}") || path == format!("{module}::{function}:{line}")
    }
}

impl Policy {
    /// The value of a setting.
    pub(crate) fn setting(&self, key: &str) -> Option<&str> {
        self.settings.iter().find(|setting| setting.key == key).map(|setting| setting.value.as_str())
    }

    /// A setting that is a time.
    pub(crate) fn time(&self, key: &str) -> Option<Duration> {
        settings::time(self.setting(key)?)
    }

    /// A setting that is a number.
    pub(crate) fn number(&self, key: &str) -> Option<f64> {
        self.setting(key)?.parse().ok()
    }

    /// Returns whether it has a level or a count of that name, or one with a label.
    pub(crate) fn has(&self, name: &str) -> bool {
        let is_it = |number: &Number| number.name.split(' ').next() == Some(name);
        self.levels.iter().chain(&self.counts).any(is_it)
    }

    /// Its name for people: the function and the layer, or the policy by hand.
    pub(crate) fn title(&self) -> String {
        let Labels { policy, function, layer } = &self.series;
        let last = function.rsplit("::").next().unwrap_or_default();
        match (function.as_str(), last == policy) {
            ("", _) => format!("{layer} `{policy}`"),
            (function, true) => format!("{layer} of {function}"),
            (function, false) => format!("{layer} `{policy}` of {function}"),
        }
    }
}
