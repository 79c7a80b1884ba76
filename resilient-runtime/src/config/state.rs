//! The settings in force: of each source, and of each policy.

use std::cell::Cell;
use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

#[cfg(feature = "chaos")]
use super::chaos;
use super::check::{self, Planned};
use super::file::{self, Entry, Place};
use super::report::{Applied, Mistake, Refused};
use super::resolve::{self, Found, Known, NotFound};
use super::rules;
use crate::Event;
use crate::list::{self, Function};
use crate::naming;
use crate::tune::{self, Change, Plan, RELOADS, Value};

/// The settings of all sources, files in the order in which they came.
#[derive(Default)]
struct State {
    sources: Vec<Source>,
    /// The settings in force of each policy, by the address of its shell.
    in_force: HashMap<usize, Vec<Change>>,
    /// Set if some settings wait for their policy.
    some_wait: bool,
    #[cfg(feature = "chaos")]
    chaos: chaos::InForce,
}

/// A file, or the code.
#[derive(Clone)]
struct Source {
    name: String,
    is_code: bool,
    entries: Vec<Entry>,
}

/// The settings of one policy, of all sources together.
struct Wanted {
    known: Known,
    changes: Vec<Change>,
    /// The place of each change.
    origins: Vec<Origin>,
}

/// The remarks on settings, besides their changes.
struct Said<'a> {
    /// The source that is new.
    new: usize,
    mistakes: &'a mut Vec<Mistake>,
    overruled: &'a mut Vec<Mistake>,
}

#[derive(Clone)]
struct Origin {
    source: usize,
    at: Place,
    key_at: Place,
    /// Its rank: code counts in place of a file, and then one policy in place of all of a name.
    rank: (bool, bool),
}

/// Everything that is to be done, after all was checked.
struct Agreed {
    plans: Vec<Plan>,
    in_force: HashMap<usize, Vec<Change>>,
    origins: tune::Origins,
    /// The changes of each policy that has others now, in words.
    news: Vec<String>,
    /// The settings of the new source in whose place something else counts.
    overruled: Vec<Mistake>,
    /// Tables of the new source that wait for their policy.
    waiting: Vec<Mistake>,
    some_wait: bool,
    #[cfg(feature = "chaos")]
    chaos: chaos::Ordered,
}

/// Poisoned or not: it is changed as a whole, after everything was checked.
fn state() -> MutexGuard<'static, State> {
    static STATE: LazyLock<Mutex<State>> = LazyLock::new(Mutex::default);
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

thread_local! {
    /// Set while this thread changes settings. Whoever hears of a changed state must not change settings from there.
    static APPLIES: Cell<bool> = const { Cell::new(false) };
}

struct Applying;

impl Applying {
    fn begin() -> Option<Self> {
        (!APPLIES.replace(true)).then_some(Self)
    }
}

impl Drop for Applying {
    fn drop(&mut self) {
        APPLIES.set(false);
    }
}

/// Applies the text of a settings file, in place of what the same source said before.
///
/// `source` stands in messages and in the list of policies: the path of the file, or another name.
///
/// # Errors
///
/// [`Refused`] with every mistake. Nothing has changed then.
pub fn apply(source: &str, text: &str) -> Result<Applied, Refused> {
    let result = file::read(source, text).and_then(|entries| replace(source, entries));
    tell(source, result)
}

/// Takes back all settings of that source.
///
/// # Errors
///
/// [`Refused`] if settings of another source do not go without them.
pub fn forget(source: &str) -> Result<Applied, Refused> {
    let result = replace(source, Vec::new());
    tell(source, result)
}

/// Takes back all settings, of files and from code: every policy is as it was built.
pub fn forget_all() {
    let Some(_applying) = Applying::begin() else { return };
    let mut state = state();
    state.sources.clear();
    if let Ok(agreed) = state.agree(usize::MAX) {
        state.put(agreed);
    }
}

/// Changes of settings from code: what an operator does in an incident.
///
/// They count in place of what files say, until they are taken back by [`Changes::unset`] or [`forget_all`].
///
/// ```
/// use std::time::Duration;
/// use resilient::{CircuitBreaker, CircuitBreakerState, config};
///
/// static PAYMENTS: CircuitBreaker = CircuitBreaker::named("payments");
/// resilient::list(&PAYMENTS);
///
/// let changes = config::Changes::new()
///     .set("payments", "circuit_breaker", "open_for", Duration::from_secs(5))
///     .set("payments", "circuit_breaker", "force", "open");
/// changes.apply()?;
/// assert_eq!(PAYMENTS.state(), CircuitBreakerState::ForcedOpen);
///
/// config::Changes::new().unset("payments", "circuit_breaker", "force").apply()?;
/// assert_eq!(PAYMENTS.state(), CircuitBreakerState::Closed);
/// # Ok::<(), config::Refused>(())
/// ```
#[derive(Debug, Clone, Default)]
#[must_use = "nothing changes before they are applied"]
pub struct Changes {
    changes: Vec<(Entry, bool)>,
}

impl Changes {
    /// No change yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a key of a policy, which is named as in a file: by the name of a policy or the path of a function, and by its kind.
    pub fn set(self, policy: &str, kind: &str, key: &str, value: impl Into<Value>) -> Self {
        self.with(policy, Some(kind), key, value.into(), false)
    }

    /// Sets the mode of all policies of that name, or of that function.
    pub fn set_mode(self, policy: &str, mode: crate::Mode) -> Self {
        self.with(policy, None, "mode", Value::from(mode.as_str()), false)
    }

    /// Takes back what code has set, so that the key is again as a file says, or as it was built.
    pub fn unset(self, policy: &str, kind: &str, key: &str) -> Self {
        self.with(policy, Some(kind), key, Value::Flag(false), true)
    }

    /// Takes back the mode that code has set for all policies of that name.
    pub fn unset_mode(self, policy: &str) -> Self {
        self.with(policy, None, "mode", Value::Flag(false), true)
    }

    fn with(mut self, policy: &str, kind: Option<&str>, key: &str, value: Value, unsets: bool) -> Self {
        self.changes.push((Entry::from_code(policy, kind, Change { key: key.to_owned(), value }), unsets));
        self
    }

    /// Applies them together, or none of them.
    ///
    /// # Errors
    ///
    /// [`Refused`] with every mistake. Nothing has changed then.
    pub fn apply(self) -> Result<Applied, Refused> {
        let same = |one: &Entry, other: &Entry| {
            (&one.target, &one.part, &one.change.key) == (&other.target, &other.part, &other.change.key)
        };
        let result = change(CODE, true, |entries| {
            for (entry, unsets) in self.changes {
                entries.retain(|other| !same(other, &entry));
                if !unsets {
                    entries.push(entry);
                }
            }
        });
        tell(CODE, result)
    }
}

/// The number of times that settings were applied or refused, from any source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reloads {
    /// Times that they were applied.
    pub applied: u64,
    /// Times that they were refused.
    pub refused: u64,
}

/// Returns how often settings were applied and refused, ever. They are the metric `resilient_settings_total`.
pub fn reloads() -> Reloads {
    Reloads { applied: RELOADS[0].load(Relaxed), refused: RELOADS[1].load(Relaxed) }
}

/// Makes the policies of that name or function as new: windows and queues of limits are empty, budgets full, breakers closed. Settings stay.
///
/// # Errors
///
/// [`Refused`] if there is no such policy, or it has no such part.
pub fn reset(policy: &str, kind: &str) -> Result<usize, Refused> {
    match found(policy, Some(kind)) {
        Ok(found) => {
            for (known, _) in &found {
                known.policy.reset();
            }
            Ok(found.len())
        }
        Err(NotFound::Yet(mistake) | NotFound::Mistaken(mistake)) => Err(Refused::of(CODE, vec![mistake])),
    }
}

/// Has the settings of keys asked for again, as [`PerKey::ask_again`](crate::PerKey::ask_again) does: after a customer has changed to another plan.
/// Returns the number of policies with keys that the name stands for.
///
/// The name is that of [`reset`], and so is the kind: `"rate_limit"`.
///
/// # Errors
///
/// A mistake in the name or in the kind.
pub fn ask_again(policy: &str, kind: &str) -> Result<usize, Refused> {
    match found(policy, Some(kind)) {
        Ok(found) => Ok(found.iter().filter(|(known, _)| known.policy.ask_again()).count()),
        Err(NotFound::Yet(mistake) | NotFound::Mistaken(mistake)) => Err(Refused::of(CODE, vec![mistake])),
    }
}

/// Returns the number of policies that a change under that name, and for that kind, would be for now. It is 0 if the change would wait for a policy.
///
/// ```
/// use resilient::{CircuitBreaker, config};
///
/// static ORDERS: CircuitBreaker = CircuitBreaker::named("orders");
/// resilient::list(&ORDERS);
///
/// assert_eq!(config::count("orders", Some("circuit_breaker"))?, 1);
/// assert_eq!(config::count("orders", None)?, 1);
/// assert_eq!(config::count("order", None)?, 0);
/// # Ok::<(), config::Refused>(())
/// ```
///
/// # Errors
///
/// [`Refused`] if the name stands for policies of several functions, or the kind for none or several of its policies.
pub fn count(policy: &str, kind: Option<&str>) -> Result<usize, Refused> {
    match found(policy, kind) {
        Ok(found) => Ok(found.len()),
        Err(NotFound::Yet(_)) => Ok(0),
        Err(NotFound::Mistaken(mistake)) => Err(Refused::of(CODE, vec![mistake])),
    }
}

/// Finds the policies that changes from code under that name are for.
fn found(policy: &str, kind: Option<&str>) -> Result<Found, NotFound> {
    // which key it is does not matter
    let change = Change { key: "mode".to_owned(), value: Value::Flag(false) };
    resolve::find(&Entry::from_code(policy, kind, change), &resolve::all())
}

/// The source that changes from code have in the list of policies.
const CODE: &str = "code";

/// Puts what a file says in the place of what it said before.
fn replace(source: &str, new: Vec<Entry>) -> Result<Applied, Refused> {
    change(source, false, |entries| *entries = new)
}

/// Changes the entries of a source, and applies what all sources then come to.
fn change(source: &str, is_code: bool, edit: impl FnOnce(&mut Vec<Entry>)) -> Result<Applied, Refused> {
    let Some(_applying) = Applying::begin() else {
        return Err(Refused::because(
            source,
            "this thread is changing settings already: change them later, and not from a waker or a listener of events",
        ));
    };
    list::MET.get_or_init(|| met);
    let mut state = state();
    let before = state.sources.clone();
    let place = state.place_of(source, is_code);
    edit(&mut state.sources[place].entries);
    match state.agree(place) {
        Ok(agreed) => {
            let (waiting, overruled, news) = (agreed.waiting.clone(), agreed.overruled.clone(), agreed.news.clone());
            let changed = state.put(agreed);
            Ok(Applied { changed, waiting, overruled, news })
        }
        Err(mistakes) => {
            state.sources = before;
            Err(Refused::of(source, mistakes))
        }
    }
}

/// Counts the result, and tells everybody who listens.
fn tell(source: &str, result: Result<Applied, Refused>) -> Result<Applied, Refused> {
    RELOADS[usize::from(result.is_err())].fetch_add(1, Relaxed);
    let source = naming::kept_name(source);
    match &result {
        Ok(applied) => {
            Event::SettingsApplied { source, policies: applied.changed, waiting: applied.waiting.len() }.emit();
            #[cfg(feature = "tracing")]
            for mistake in applied.waiting.iter().chain(&applied.overruled).take(MOST_LINES) {
                tracing::warn!(target: "resilient", source, line = mistake.line, column = mistake.column, message = %mistake.message);
            }
            #[cfg(feature = "tracing")]
            for news in applied.news.iter().take(MOST_LINES) {
                tracing::info!(target: "resilient", source, message = %news);
            }
        }
        Err(refused) => {
            Event::SettingsRefused { source, mistakes: refused.mistakes.len() }.emit();
            #[cfg(feature = "tracing")]
            for mistake in refused.mistakes.iter().take(MOST_LINES) {
                tracing::warn!(target: "resilient", source, line = mistake.line, column = mistake.column, message = %mistake.message);
            }
        }
    }
    result
}

/// The number of mistakes, and of changes, of one file that are logged.
#[cfg(feature = "tracing")]
const MOST_LINES: usize = 10;

/// Refuses what cannot be read.
pub(super) fn refuse(source: &str, message: String) -> Result<Applied, Refused> {
    tell(source, Err(Refused::because(source, message)))
}

/// Applies settings that waited for a policy that has come.
fn met() {
    let Some(_applying) = Applying::begin() else { return };
    let mut state = state();
    if !state.some_wait {
        return;
    }
    let agreed = state.agree(usize::MAX);
    match agreed {
        Ok(agreed) => {
            state.put(agreed);
        }
        Err(mistakes) => {
            drop(state);
            let _ = tell("settings that waited", Err(Refused::of("settings that waited", mistakes)));
        }
    }
}

/// Returns whether the entry is about chaos, and not about a policy.
fn is_about_chaos(entry: &Entry) -> bool {
    cfg!(feature = "chaos") && entry.part.as_deref() == Some("chaos")
}

impl State {
    fn place_of(&mut self, source: &str, is_code: bool) -> usize {
        if let Some(place) = self.sources.iter().position(|known| known.name == source && known.is_code == is_code) {
            return place;
        }
        self.sources.push(Source { name: source.to_owned(), is_code, entries: Vec::new() });
        // code counts in place of what files say
        self.sources.sort_by_key(|source| source.is_code);
        self.sources.iter().position(|known| known.name == source && known.is_code == is_code).unwrap_or(0)
    }

    /// Checks all settings, of which those of the source at that place are new.
    fn agree(&self, new: usize) -> Result<Agreed, Vec<Mistake>> {
        let all = resolve::all();
        let mut mistakes = Vec::new();
        let (mut waiting, mut some_wait) = (Vec::<Mistake>::new(), false);
        let mut overruled = Vec::new();
        let mut wanted: BTreeMap<usize, Wanted> = BTreeMap::new();
        for (place, source) in self.sources.iter().enumerate() {
            for entry in source.entries.iter().filter(|entry| !is_about_chaos(entry)) {
                match resolve::find(entry, &all) {
                    Ok(found) => {
                        let mut said = Said { new, mistakes: &mut mistakes, overruled: &mut overruled };
                        self.want(place, entry, found, &mut wanted, &mut said);
                    }
                    // whoever calls from code knows what policies there are
                    Err(NotFound::Yet(mistake)) if place == new && source.is_code => mistakes.push(mistake),
                    Err(NotFound::Yet(mistake)) => {
                        some_wait = true;
                        if place == new && !waiting.contains(&mistake) {
                            waiting.push(mistake);
                        }
                    }
                    Err(NotFound::Mistaken(mistake)) if place == new => {
                        if !mistakes.contains(&mistake) {
                            mistakes.push(mistake);
                        }
                    }
                    // a name that has become ambiguous since
                    Err(NotFound::Mistaken(mistake)) => mistakes.push(self.elsewhere(place, mistake)),
                }
            }
        }

        #[cfg(feature = "chaos")]
        let chaos = self.order_chaos(new, &mut mistakes, &mut waiting);

        let mut plans: BTreeMap<usize, Plan> = BTreeMap::new();
        for (address, wanted) in &wanted {
            let before = self.in_force.get(address).map_or(&[][..], Vec::as_slice);
            match wanted.known.policy.plan(&wanted.changes, before) {
                Ok(plan) => {
                    plans.insert(*address, plan);
                }
                Err(found) => mistakes.extend(found.into_iter().map(|mistake| {
                    let origin = &wanted.origins[mistake.index];
                    let at = if mistake.in_key { origin.key_at } else { origin.at };
                    self.elsewhere_unless(new, origin.source, at.says(mistake.message))
                })),
            }
        }
        if mistakes.is_empty() {
            self.check_stacks(&all, &wanted, &plans, new, &mut mistakes);
        }
        if !mistakes.is_empty() {
            mistakes.sort_by_key(|mistake| (mistake.line, mistake.column));
            // the mode of a name is for several policies, and wrong for all
            mistakes.dedup();
            return Err(mistakes);
        }

        // those of which nothing is said any more are as they were built
        for known in &all {
            let address = known.policy.address();
            if let (Some(before), false) = (self.in_force.get(&address), wanted.contains_key(&address))
                && let Ok(plan) = known.policy.plan(&[], before)
            {
                plans.insert(address, plan);
            }
        }
        let in_force: HashMap<usize, Vec<Change>> =
            wanted.iter().map(|(address, wanted)| (*address, wanted.changes.clone())).collect();
        plans.retain(|address, _| self.in_force.get(address) != in_force.get(address));
        let news = all.iter().filter(|known| plans.contains_key(&known.policy.address())).map(|known| {
            let now = in_force.get(&known.policy.address()).map_or(&[][..], Vec::as_slice);
            let now: Vec<String> = now.iter().map(|Change { key, value }| format!("{key} = {value}")).collect();
            let now = if now.is_empty() { "as it was built".to_owned() } else { now.join(", ") };
            format!("{} `{}`: {now}", known.kind, known.name())
        });
        let mut news: Vec<String> = news.collect();
        news.dedup();
        #[cfg(feature = "chaos")]
        news.extend(chaos.news.iter().cloned());
        let origins = wanted.iter().flat_map(|(address, wanted)| {
            let origins = wanted.changes.iter().zip(&wanted.origins);
            origins.map(|(change, origin)| {
                let value = match &change.value {
                    Value::Text(text) => text.to_string(),
                    other => other.to_string(),
                };
                ((*address, change.key.clone()), (value, self.origin_text(origin)))
            })
        });
        Ok(Agreed {
            plans: plans.into_values().collect(),
            in_force,
            origins: origins.collect(),
            waiting,
            some_wait,
            news,
            overruled,
            #[cfg(feature = "chaos")]
            chaos,
        })
    }

    /// Reads what all sources say of chaos.
    #[cfg(feature = "chaos")]
    fn order_chaos(&self, new: usize, mistakes: &mut Vec<Mistake>, waiting: &mut Vec<Mistake>) -> chaos::Ordered {
        let mut wanted = chaos::Wanted::default();
        for (place, source) in self.sources.iter().enumerate() {
            for entry in source.entries.iter().filter(|entry| is_about_chaos(entry)) {
                if let Err(earlier) = wanted.add(place, source.is_code, entry) {
                    let (key, before) = (&entry.change.key, &self.sources[earlier].name);
                    let message = format!("`{key}` of this chaos is set by {before} already: keep one of the two");
                    mistakes.push(self.elsewhere_unless(new, place, entry.key_at.says(message)));
                }
            }
        }
        let mut ordered = wanted.order();
        let found = std::mem::take(&mut ordered.mistakes).into_iter();
        mistakes.extend(found.map(|(source, mistake)| self.elsewhere_unless(new, source, mistake)));
        let missing = std::mem::take(&mut ordered.missing).into_iter().filter(|(source, _)| *source == new);
        waiting.extend(missing.map(|(_, mistake)| mistake));
        ordered.news = self.chaos.news(&ordered);
        ordered
    }

    /// Adds the change that an entry makes to each policy that it is for.
    fn want(
        &self,
        place: usize,
        entry: &Entry,
        found: Found,
        wanted: &mut BTreeMap<usize, Wanted>,
        said: &mut Said<'_>,
    ) {
        for (known, change) in found {
            let wanted = wanted.entry(known.policy.address()).or_insert_with(|| Wanted {
                known,
                changes: Vec::new(),
                origins: Vec::new(),
            });
            let rank = (self.sources[place].is_code, entry.part.is_some());
            let origin = Origin { source: place, at: entry.value_at, key_at: entry.key_at, rank };
            let earlier = wanted.changes.iter().position(|earlier| earlier.key == change.key);
            let Some(earlier) = earlier else {
                wanted.changes.push(change);
                wanted.origins.push(origin);
                continue;
            };
            match origin.rank.cmp(&wanted.origins[earlier].rank) {
                Ordering::Less => {
                    if place == said.new && wanted.origins[earlier].source != place {
                        let before = self.origin_text(&wanted.origins[earlier]);
                        let message = format!("`{}` of this policy stays as {before} says", change.key);
                        said.overruled.push(entry.key_at.says(message));
                    }
                }
                Ordering::Equal if !self.sources[place].is_code => {
                    let before = self.origin_text(&wanted.origins[earlier]);
                    let message =
                        format!("`{}` of this policy is set at {before} already: keep one of the two", change.key);
                    said.mistakes.push(self.elsewhere_unless(said.new, place, entry.key_at.says(message)));
                }
                // of two changes from code, the later
                Ordering::Equal | Ordering::Greater => {
                    let before = &wanted.origins[earlier];
                    if before.source == said.new && before.source != place {
                        let message =
                            format!("`{}` of this policy stays as {} says", change.key, self.origin_text(&origin));
                        said.overruled.push(before.key_at.says(message));
                    }
                    (wanted.changes[earlier], wanted.origins[earlier]) = (change, origin);
                }
            }
        }
    }

    /// Checks the times of each stack that a setting is for.
    fn check_stacks(
        &self,
        all: &[Known],
        wanted: &BTreeMap<usize, Wanted>,
        plans: &BTreeMap<usize, Plan>,
        new: usize,
        mistakes: &mut Vec<Mistake>,
    ) {
        let mut functions: Vec<&'static Function> = Vec::new();
        for known in all.iter().filter(|known| wanted.contains_key(&known.policy.address())) {
            if let Some((function, _)) = known.layer
                && !functions.iter().any(|other| std::ptr::eq(*other, function))
            {
                functions.push(function);
            }
        }
        self.check_rules(all, wanted, plans, new, mistakes);
        for function in functions {
            let planned = |place: usize| {
                let of_place =
                    |known: &&Known| known.layer.is_some_and(|(of, at)| std::ptr::eq(of, function) && at == place);
                let known = *all.iter().find(of_place)?;
                let plan = plans.get(&known.policy.address()).map(|plan| plan.facts);
                let facts = plan.or_else(|| known.policy.plan(&[], &[]).ok().map(|plan| plan.facts));
                Some(Planned { known, facts: facts.unwrap_or_default() })
            };
            let layers: Vec<Option<Planned>> = (0..function.layers().len()).map(planned).collect();
            let Some(broken) = check::check(&layers) else { continue };
            let address = |layer: usize| layers[layer].as_ref().map(|planned| planned.known.policy.address());
            // at the policy that is wrong, or at any other of the stack of which something is said
            let mut places = std::iter::once(broken.layer).chain(0..layers.len());
            let origin = places.find_map(|layer| wanted.get(&address(layer)?)?.origins.last());
            let message = format!("`{}`: {}", function.path(), broken.message);
            let mistake = match origin {
                Some(origin) => self.elsewhere_unless(new, origin.source, origin.at.says(message)),
                None => Place::default().says(message),
            };
            if !mistakes.contains(&mistake) {
                mistakes.push(mistake);
            }
        }
    }

    /// Checks the limits that rules set to the values of each policy that a setting is for.
    fn check_rules(
        &self,
        all: &[Known],
        wanted: &BTreeMap<usize, Wanted>,
        plans: &BTreeMap<usize, Plan>,
        new: usize,
        mistakes: &mut Vec<Mistake>,
    ) {
        for known in all {
            let address = known.policy.address();
            let (Some((function, _)), Some(wanted), Some(plan)) =
                (known.layer, wanted.get(&address), plans.get(&address))
            else {
                continue;
            };
            for exceeded in rules::exceeded(function, known, &plan.settings) {
                // a rule that the code breaks, where it may, is no matter of the settings
                let of_key = wanted.changes.iter().position(|change| change.key == exceeded.key);
                let Some(origin) = of_key.map(|place| &wanted.origins[place]) else { continue };
                mistakes.push(self.elsewhere_unless(new, origin.source, origin.at.says(exceeded.message)));
            }
        }
    }

    fn elsewhere_unless(&self, new: usize, source: usize, mistake: Mistake) -> Mistake {
        if source == new { mistake } else { self.elsewhere(source, mistake) }
    }

    /// A mistake in what another source said before.
    fn elsewhere(&self, source: usize, mistake: Mistake) -> Mistake {
        Mistake { line: 0, column: 0, message: format!("{}:{mistake}", self.sources[source].name) }
    }

    fn origin_text(&self, origin: &Origin) -> String {
        let name = &self.sources[origin.source].name;
        if origin.at.line == 0 { name.clone() } else { format!("{name}:{}", origin.at.line) }
    }

    /// Does what was agreed, and returns how many policies it was done to.
    fn put(&mut self, agreed: Agreed) -> usize {
        let changed = agreed.plans.len();
        #[cfg(feature = "chaos")]
        let changed = changed + agreed.chaos.news.len();
        #[cfg(feature = "chaos")]
        self.chaos.put(agreed.chaos);
        self.in_force = agreed.in_force;
        self.some_wait = agreed.some_wait;
        tune::set_origins(agreed.origins);
        agreed.plans.into_iter().for_each(|plan| (plan.make)());
        changed
    }
}
