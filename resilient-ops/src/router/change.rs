//! A change of settings by a request.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::request::Parts;
use axum::response::Response;
use resilient::Mode;
use resilient::config::{self, Changes, Refused, Value};
use resilient::snapshot::{Policies, PolicySnapshot};
use serde::{Deserialize, Deserializer, Serialize};

use super::pages::{json, refuse, refuse_all};
use super::{Access, Shared, origin};

/// The body of a request.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    kind: Option<String>,
    #[serde(default)]
    mode: Said<Word>,
    #[serde(default)]
    force: Said<String>,
    #[serde(default)]
    set: BTreeMap<String, Given>,
    #[serde(default)]
    unset: Vec<String>,
    #[serde(default)]
    reset: bool,
}

/// A value that may be said, or taken back by `null`.
#[derive(Debug, Clone, Copy, Default)]
enum Said<T> {
    #[default]
    Nothing,
    Null,
    Value(T),
}

/// A mode.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Word {
    Enforce,
    Observe,
    Off,
}

/// A value of a setting.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Given {
    Integer(i64),
    Number(f64),
    Flag(bool),
    Text(String),
}

/// The settings, modes and states that are others than before.
#[derive(Debug, Serialize)]
struct Changed {
    changed: Vec<Difference>,
    /// The number of policies that are as new.
    reset: usize,
}

#[derive(Debug, Serialize, PartialEq, Eq)]
struct Difference {
    policy: &'static str,
    function: &'static str,
    layer: &'static str,
    /// The key of the setting, `mode` or `state`.
    key: &'static str,
    before: String,
    after: String,
}

pub(super) async fn change(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Response> {
    let (parts, body) = request.into_parts();
    if let Some(reason) = origin::refused(&parts) {
        return Err(refuse(StatusCode::FORBIDDEN, reason));
    }
    allowed(&shared, &parts).await?;
    let is_json = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(|value| {
        value.split(';').next().is_some_and(|name| name.trim().eq_ignore_ascii_case("application/json"))
    });
    if !is_json {
        return Err(refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, "the content type has to be `application/json`"));
    }
    let wanted = Wanted::read(body).await?;
    if resilient::config::count(&name, None).is_ok_and(|count| count == 0) && !is_listed(&name) {
        let message = format!("no policy has the name `{name}`, and no function that path");
        return Err(refuse(StatusCode::NOT_FOUND, message));
    }
    let before = resilient::policies();
    let reset = wanted.apply(&name).map_err(|mistakes| refuse_all(StatusCode::UNPROCESSABLE_ENTITY, mistakes))?;
    let after = resilient::policies();
    let sees_state = wanted.force.is_something() || wanted.reset || wanted.mode.is_something();
    Ok(json(StatusCode::OK, &Changed { changed: differences(&before, &after, sees_state), reset }))
}

async fn allowed(shared: &Shared, parts: &Parts) -> Result<(), Response> {
    let access = match &shared.guard {
        Some(guard) => guard.ask(parts).await,
        None => Access::Forbidden,
    };
    match access {
        Access::Allowed => Ok(()),
        Access::Forbidden => Err(refuse(StatusCode::FORBIDDEN, "the program does not allow it")),
        Access::Identify(challenge) => {
            let mut response = refuse(StatusCode::UNAUTHORIZED, "the program asks for credentials");
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
            Err(response)
        }
    }
}

impl Wanted {
    async fn read(body: Body) -> Result<Self, Response> {
        let bytes = match tokio::time::timeout(PATIENCE, to_bytes(body, LONGEST)).await {
            Ok(Ok(bytes)) => bytes,
            // it says no more than that it could not be read, and too long is the usual reason
            Ok(Err(error)) => {
                let message = format!("the body has to be complete and at most {LONGEST} bytes long: {error}");
                return Err(refuse(StatusCode::PAYLOAD_TOO_LARGE, message));
            }
            Err(_) => return Err(refuse(StatusCode::REQUEST_TIMEOUT, "the body did not come within ten seconds")),
        };
        // a list of the values, without their keys, could be read as well
        if matches!(bytes.trim_ascii_start(), [first, ..] if *first != b'{') {
            let message = r#"the body cannot be read: it is no object: write, say, {"mode": "observe"}"#;
            return Err(refuse(StatusCode::BAD_REQUEST, message));
        }
        let wanted: Self = serde_json::from_slice(&bytes)
            .map_err(|error| refuse(StatusCode::BAD_REQUEST, format!("the body cannot be read: {error}")))?;
        let mistakes = wanted.mistakes();
        if mistakes.is_empty() { Ok(wanted) } else { Err(refuse_all(StatusCode::BAD_REQUEST, mistakes)) }
    }

    /// The mistakes that show without a policy.
    fn mistakes(&self) -> Vec<String> {
        let mut mistakes = Vec::new();
        let changes =
            self.mode.is_something() || self.force.is_something() || !self.set.is_empty() || !self.unset.is_empty();
        if !changes && !self.reset {
            mistakes.push("it says nothing to do: write `mode`, `force`, `set`, `unset` or `reset`".to_owned());
        }
        if changes && self.reset {
            mistakes.push("`reset` is a request of its own".to_owned());
        }
        if self.kind.is_none() {
            let with_kind = [
                ("force", self.force.is_something()),
                ("set", !self.set.is_empty()),
                ("unset", !self.unset.is_empty()),
                ("reset", self.reset),
            ];
            let of_one_kind = with_kind.iter().filter(|(_, is_there)| *is_there);
            mistakes.extend(of_one_kind.map(|(word, _)| format!("`{word}` needs the `kind` of policy that it is for")));
        }
        let own = [("mode", self.mode.is_something()), ("force", self.force.is_something())];
        for (word, is_there) in own {
            if is_there && (self.set.contains_key(word) || self.unset.iter().any(|key| key == word)) {
                mistakes.push(format!("`{word}` is there twice"));
            }
        }
        let twice = self.unset.iter().filter(|key| self.set.contains_key(*key));
        mistakes.extend(twice.map(|key| format!("`{key}` is both in `set` and in `unset`")));
        mistakes
    }

    /// Applies all of it to the policies of that name, or nothing. Returns the number of those that are as new.
    fn apply(&self, name: &str) -> Result<usize, Vec<String>> {
        let kind = self.kind.as_deref();
        match config::count(name, kind) {
            Ok(0) => return Err(vec![missing(name, kind)]),
            Ok(_) => {}
            Err(refused) => return Err(messages(&refused)),
        }
        let applied = if let (true, Some(kind)) = (self.reset, kind) {
            config::reset(name, kind)
        } else {
            self.changes(name).apply().map(|_| 0)
        };
        applied.map_err(|refused| messages(&refused))
    }

    fn changes(&self, name: &str) -> Changes {
        let changes = Changes::new();
        let changes = match (self.kind.as_deref(), self.mode) {
            (_, Said::Nothing) => changes,
            (None, Said::Null) => changes.unset_mode(name),
            (None, Said::Value(mode)) => changes.set_mode(name, mode.into()),
            (Some(kind), Said::Null) => changes.unset(name, kind, "mode"),
            (Some(kind), Said::Value(mode)) => changes.set(name, kind, "mode", Mode::from(mode).as_str()),
        };
        let Some(kind) = self.kind.as_deref() else { return changes };
        let mut changes = match &self.force {
            Said::Nothing => changes,
            Said::Null => changes.unset(name, kind, "force"),
            Said::Value(state) => changes.set(name, kind, "force", state.clone()),
        };
        for (key, value) in &self.set {
            changes = changes.set(name, kind, key, Value::from(value.clone()));
        }
        self.unset.iter().fold(changes, |changes, key| changes.unset(name, kind, key))
    }
}

impl From<Word> for Mode {
    fn from(word: Word) -> Self {
        match word {
            Word::Enforce => Self::Enforce,
            Word::Observe => Self::Observe,
            Word::Off => Self::Off,
        }
    }
}

impl From<Given> for Value {
    fn from(given: Given) -> Self {
        match given {
            Given::Integer(number) => Self::Integer(number),
            Given::Number(number) => Self::Number(number),
            Given::Flag(flag) => Self::Flag(flag),
            Given::Text(text) => Self::Text(text.into()),
        }
    }
}

impl<T> Said<T> {
    const fn is_something(&self) -> bool {
        !matches!(self, Self::Nothing)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Said<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(from)?.map_or(Self::Null, Self::Value))
    }
}

fn messages(refused: &Refused) -> Vec<String> {
    refused.mistakes().iter().map(|mistake| mistake.message.clone()).collect()
}

fn missing(name: &str, kind: Option<&str>) -> String {
    match kind {
        Some(kind) => format!("no `{kind}` of the name `{name}` can be changed"),
        None => format!(
            "nothing of the name `{name}` can be changed: a policy by hand has to be listed by `resilient::list`"
        ),
    }
}

/// Returns whether the list has that name.
fn is_listed(name: &str) -> bool {
    let policies = resilient::policies();
    all(&policies).any(|policy| policy.name == name || policy.series.function == name)
}

fn all(policies: &Policies) -> impl Iterator<Item = &PolicySnapshot> {
    let of_functions = policies.functions.iter().flat_map(|function| &function.stack);
    of_functions.filter_map(|layer| layer.policy.as_ref()).chain(&policies.others)
}

/// Returns what is different after a change. States change by themselves as well, so only a change that is for them looks at them.
fn differences(before: &Policies, after: &Policies, sees_state: bool) -> Vec<Difference> {
    let known: BTreeMap<_, _> = all(before).map(|policy| (place(policy), policy)).collect();
    let mut found = Vec::new();
    for now in all(after) {
        let Some(then) = known.get(&place(now)) else { continue };
        let mut compare = |key, before: Option<String>, after: Option<String>| {
            if let (Some(before), Some(after)) = (before, after)
                && before != after
            {
                let (policy, function, layer) = (now.series.policy, now.series.function, now.series.layer);
                let difference = Difference { policy, function, layer, key, before, after };
                // a policy that several functions share is listed with each
                if !found.contains(&difference) {
                    found.push(difference);
                }
            }
        };
        for setting in &now.settings {
            let same = then.settings.iter().find(|other| other.key == setting.key);
            compare(setting.key, same.map(|other| other.value.clone()), Some(setting.value.clone()));
        }
        let mode = |policy: &PolicySnapshot| policy.mode.map(|mode| mode.as_str().to_owned());
        compare("mode", mode(then), mode(now));
        if sees_state {
            let state = |policy: &PolicySnapshot| {
                policy.state.and_then(|state| serde_json::to_value(state).ok()?.as_str().map(str::to_owned))
            };
            compare("state", state(then), state(now));
        }
    }
    found
}

/// Tells a policy from all others.
fn place(policy: &PolicySnapshot) -> (&'static str, &'static str, &'static str, &'static str, u32) {
    let series = policy.series;
    (series.policy, series.function, series.layer, policy.file, policy.line)
}

/// The longest body in bytes.
const LONGEST: usize = 16 * 1024;
/// The longest that a body may take.
const PATIENCE: Duration = Duration::from_secs(10);
