//! The shape that all tables share: how a case is introduced, read and reported.

use serde::Deserialize;
use serde::de::DeserializeOwned;

/// One behaviour, which is replayed or is skipped for a reason. `S` is the replay that the table's policy understands.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case<S> {
    /// The promise, in words.
    pub(crate) name: String,
    /// The project whose tests show the behaviour.
    pub(crate) seen_in: String,
    /// The difference of our behaviour, and the reason for it.
    pub(crate) ours: Option<String>,
    /// The reason why the case is not replayed.
    skip: Option<String>,
    replay: Option<S>,
}

/// The replay of a case.
pub(crate) trait Script {
    /// Returns whether the replay checks anything.
    fn expects_something(&self) -> bool;
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table<S> {
    case: Vec<Case<S>>,
}

/// Reads a table. A case that checks nothing is an error, as is an unknown word in it.
pub(crate) fn read<S: DeserializeOwned + Script>(text: &str) -> Result<Vec<Case<S>>, String> {
    let table: Table<S> = toml::from_str(text).map_err(|error| error.to_string())?;
    for case in &table.case {
        match (&case.skip, &case.replay) {
            (Some(reason), None) if reason.is_empty() => {
                return Err(format!("`{}` is skipped for no reason", case.name));
            }
            (Some(_), None) => {}
            (None, Some(script)) if script.expects_something() => {}
            (None, Some(_)) => return Err(format!("`{}` expects nothing", case.name)),
            _ => return Err(format!("`{}` must have either `replay` or `skip`", case.name)),
        }
    }
    Ok(table.case)
}

/// Replays every case that is not skipped, and reports all failures together.
pub(crate) async fn replay<S>(cases: &[Case<S>], run: impl AsyncFn(&S) -> Result<(), String>) {
    let mut failures = Vec::new();
    for case in cases {
        if let Some(script) = &case.replay
            && let Err(failure) = run(script).await
        {
            let ours = case.ours.as_deref().unwrap_or("the same");
            failures.push(format!("{}\n  {failure}\n  seen in {}; ours: {ours}", case.name, case.seen_in));
        }
    }
    assert!(failures.is_empty(), "{} of {} cases failed:\n{}", failures.len(), cases.len(), failures.join("\n"));
}
