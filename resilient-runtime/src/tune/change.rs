//! Changes of settings while their policy is in use: their keys, their checks, and how a policy takes them.

use std::collections::HashMap;
use std::sync::atomic::AtomicU64;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

use super::{Given, Kept, Key, Live, Value};
use crate::Mode;

/// The settings of one kind of policy.
pub(crate) trait Settings: Copy + PartialEq + Send + Sync + 'static {
    /// The keys that can change while the policy is in use, in the order in which they are set.
    const KEYS: &'static [Key<Self>];

    /// Returns why these settings contradict each other, if they do.
    ///
    /// # Errors
    ///
    /// A message that says what to write.
    fn agree(&self) -> Result<(), String> {
        Ok(())
    }

    /// The settings that are compared with those of other policies.
    fn facts(&self) -> Facts {
        Facts::default()
    }

    /// All settings of this type that took the place of others.
    fn kept() -> &'static Kept<Self>;
}

/// The settings of a policy that has none that could change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoSettings;

impl Settings for NoSettings {
    const KEYS: &'static [Key<Self>] = &[];

    fn kept() -> &'static Kept<Self> {
        static KEPT: Kept<NoSettings> = Kept::new();
        &KEPT
    }
}

/// A value for a key of one policy.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    pub(crate) key: String,
    pub(crate) value: Value,
}

/// A policy whose settings can change while it is in use.
pub(crate) trait Tunable {
    type Config: Settings;

    fn live(&self) -> &Live<Self::Config>;

    /// Brings what it holds into line with settings that have taken the place of `before`.
    fn adopt(&self, before: &Self::Config) {
        let _ = before;
    }

    /// Begins to go by a mode that settings say, or by the one that it was built with.
    fn tune_mode(&self, mode: Option<Mode>);

    /// Set if it has a state that can be forced.
    const HAS_A_STATE: bool = false;

    /// Set if it has more than one mode.
    const HAS_MODES: bool = true;

    /// Forces its state, or lets go of it.
    fn force(&self, state: Option<Forced>) {
        let _ = state;
    }
}

/// The state that settings force a circuit breaker into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Forced {
    /// It refuses every call.
    Open,
    /// It lets every call through.
    Closed,
}

/// All that settings say of one policy.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tuning<C> {
    config: C,
    mode: Option<Mode>,
    forced: Option<Forced>,
}

/// A mistake in the changes of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The index of the change; of one that concerns several, the last of them.
    pub(crate) index: usize,
    /// Set if the key is wrong, and not its value.
    pub(crate) in_key: bool,
    /// Says what to write.
    pub(crate) message: String,
}

pub(crate) type Mistakes = Vec<Mistake>;

/// The settings of a policy that are compared with those of others in its stack.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    /// The time that it gives.
    pub(crate) limit: Option<Duration>,
    /// The shortest wait before the first retry.
    pub(crate) first_delay: Option<Duration>,
    /// Set if nothing of its own ends the retries.
    pub(crate) unbounded: bool,
    /// The time after which a hedge starts another attempt.
    pub(crate) hedges_after: Option<Duration>,
}

impl<C: Settings> Tuning<C> {
    /// Reads the changes, for a policy that was built with those settings.
    pub(crate) fn read<P: Tunable<Config = C>>(policy: &P, changes: &[Change]) -> Result<Self, Mistakes> {
        let mut tuning = Self { config: policy.live().built, mode: None, forced: None };
        let mut mistakes = Mistakes::new();
        // in the order of the table, so that the order in the file does not matter
        let place = |change: &Change| C::KEYS.iter().position(|key| key.name == change.key);
        let mut order: Vec<usize> = (0..changes.len()).collect();
        order.sort_by_key(|&index| place(&changes[index]));
        for index in order {
            let Change { key, value } = &changes[index];
            let known = C::KEYS.iter().find(|known| known.name == key);
            let result = match (key.as_str(), known) {
                (_, Some(known)) => known.set(&mut tuning.config, value),
                ("mode", None) if P::HAS_MODES => tuning.set_mode(value),
                ("force", None) if P::HAS_A_STATE => tuning.set_forced(value),
                ("force", None) => Err("only a circuit breaker can be forced into a state: write `mode`".to_owned()),
                (_, None) => {
                    mistakes.push(Mistake { index, in_key: true, message: unknown::<P>(key) });
                    Ok(())
                }
            };
            mistakes.extend(result.err().map(|message| Mistake { index, in_key: false, message }));
        }
        let last = changes.len().saturating_sub(1);
        if mistakes.is_empty() {
            let contradiction = tuning.config.agree().err();
            mistakes.extend(contradiction.or_else(|| tuning.contradiction()).map(|message| Mistake {
                index: last,
                in_key: false,
                message,
            }));
        }
        if mistakes.is_empty() { Ok(tuning) } else { Err(mistakes) }
    }

    pub(crate) const fn config(&self) -> &C {
        &self.config
    }

    /// Has the policy go by the settings, and stay in its mode and state.
    pub(crate) fn put_settings<P: Tunable<Config = C>>(&self, policy: &P) {
        let before = **policy.live();
        policy.live().put(self.config);
        if before != self.config {
            policy.adopt(&before);
        }
    }

    /// Forces the state that settings say, and leaves the rest.
    pub(crate) fn force_only<P: Tunable<Config = C>>(&self, policy: &P, before: Option<&Self>) {
        if self.forced != before.and_then(|before| before.forced) {
            policy.force(self.forced);
        }
    }

    /// As [`put`](Self::put), in one that is switched off because calls of all keys are its own: it refuses calls only where all are refused.
    pub(crate) fn put_in_stand_in<P: Tunable<Config = C>>(&self, policy: &P, before: Option<&Self>) {
        self.put_settings(policy);
        let forced = |tuning: &Self| tuning.forced.filter(|forced| *forced == Forced::Open);
        if forced(self) != before.and_then(forced) {
            policy.force(forced(self));
        }
    }

    fn set_mode(&mut self, value: &Value) -> Result<(), String> {
        let modes = [Mode::Enforce, Mode::Observe, Mode::Off];
        let given = Given { key: "mode", example: "\"observe\"", value, word: None };
        self.mode = Some(modes[given.word(&modes.map(Mode::as_str))?]);
        Ok(())
    }

    fn set_forced(&mut self, value: &Value) -> Result<(), String> {
        let given = Given { key: "force", example: "\"open\"", value, word: None };
        self.forced = Some([Forced::Open, Forced::Closed][given.word(&["open", "closed"])?]);
        Ok(())
    }

    fn contradiction(&self) -> Option<String> {
        let (mode, _) = self.mode.zip(self.forced)?;
        (mode != Mode::Enforce).then(|| {
            format!("`force` has no effect in mode \"{mode}\": leave out one of the two, or write `mode = \"enforce\"`")
        })
    }

    /// Has the policy go by it. `before` is what settings said of it until now.
    pub(crate) fn put<P: Tunable<Config = C>>(&self, policy: &P, before: Option<&Self>) {
        self.put_settings(policy);
        let (mode, forced) = before.map_or((None, None), |before| (before.mode, before.forced));
        if (self.mode, self.forced) != (mode, forced) {
            policy.tune_mode(self.mode);
            policy.force(self.forced);
        }
    }
}

/// Has a policy go by the settings and the mode that another was built with, as if they were its own.
pub(crate) fn take_over<P: Tunable>(policy: &P, settings: P::Config, mode: Option<Mode>) {
    let before = **policy.live();
    policy.live().put(settings);
    if before != settings {
        policy.adopt(&before);
    }
    if mode.is_some() {
        policy.tune_mode(mode);
    }
}

/// The message for a key that cannot be changed, or that there is not.
fn unknown<P: Tunable>(key: &str) -> String {
    let names = || {
        let common = P::HAS_MODES.then_some("mode").into_iter().chain(P::HAS_A_STATE.then_some("force"));
        P::Config::KEYS.iter().map(|key| key.name).chain(common)
    };
    if PARTS_OF_THE_CODE.contains(&key) {
        return format!(
            "`{key}` is a part of the code, which no setting changes: {}",
            resilient_words::choice("key", names())
        );
    }
    let is_key = |name: &str| P::Config::KEYS.iter().any(|key| key.name == name);
    if let Some((meant, says)) = resilient_words::other_word(key, is_key) {
        return format!("unknown key `{key}`: write `{meant}`, {says}");
    }
    match resilient_words::nearest(key, names()) {
        Some(meant) => format!("unknown key `{key}`: did you mean `{meant}`?"),
        None => format!("unknown key `{key}`: {}", resilient_words::choice("key", names())),
    }
}

/// Keys of the attributes that decide on what code there is.
const PARTS_OF_THE_CODE: &[&str] = &[
    "associated",
    "buckets",
    "budget",
    "clone",
    "companion",
    "cost",
    "crate",
    "dedup",
    "dialect",
    "executor",
    "function",
    "group",
    "idempotent",
    "key",
    "load",
    "log_key",
    "name",
    "nested",
    "number",
    "on",
    "on_give_up",
    "on_retry",
    "priority",
    "share",
    "settings",
    "shared",
    "shared_across",
    "span",
    "stream",
    "value",
    "weight",
    "when",
    "with",
];

/// The settings of a policy that has none.
pub(crate) static NO_SETTINGS: Live<NoSettings> = Live::new(NoSettings);

/// The changes of one policy, checked and ready to be made.
pub struct Plan {
    /// The settings that are compared with those of others.
    pub(crate) facts: Facts,
    /// All settings as the list will show them.
    pub(crate) settings: Vec<(&'static str, String)>,
    pub(crate) make: Box<dyn FnOnce() + Send>,
}

/// The number of times that settings were applied, and that they were refused.
pub(crate) static RELOADS: [AtomicU64; 2] = [AtomicU64::new(0), AtomicU64::new(0)];

/// The value and the origin of each setting that is in force: by the address of the policy's shell, and by the key.
pub(crate) type Origins = HashMap<(usize, String), (String, String)>;

static ORIGINS: LazyLock<Mutex<Origins>> = LazyLock::new(Mutex::default);

pub(crate) fn set_origins(origins: Origins) {
    *ORIGINS.lock().unwrap_or_else(PoisonError::into_inner) = origins;
}

/// The value of a setting as it was written, and its origin: a file and its line, or the code. `None` for one that was built in.
pub(crate) fn origin(address: usize, key: &str) -> Option<(String, String)> {
    ORIGINS.lock().unwrap_or_else(PoisonError::into_inner).get(&(address, key.to_owned())).cloned()
}
