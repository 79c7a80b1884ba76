//! The list of policies: the functions that carry them, their settings, what state they are in, and their counts.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::sync::{LazyLock, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use crate::book::{self, Ended, Note, Record, Tally};
use crate::error::reason_label;
use crate::histogram::{self, Reading};
use crate::naming::Unused;
use crate::notes;
#[cfg(feature = "config")]
use crate::tune::{self, Change, Mistakes, Plan, Tunable, Tuning};
use crate::tune::{Live, Settings};
use crate::vocabulary::{CircuitBreakerState, GaveUp, PolicyKind};
use crate::{FallbackSource, Mode};

mod show;

/// A snapshot of all policies that are listed or have been used, from [`policies`].
///
/// Its `Display` is a table for people: a line for each policy, the settings beside the numbers. With the feature `serde`
/// it can be serialised.
#[derive(Debug, Clone)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Policies {
    /// The annotated functions, by module and name.
    pub functions: Vec<FunctionSnapshot>,
    /// Policies that belong to no listed function: made by hand, for `with = …` too, or of a program for a platform on
    /// which functions are not listed.
    pub others: Vec<PolicySnapshot>,
}

/// An annotated function and its stack.
#[derive(Debug, Clone)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct FunctionSnapshot {
    /// The path of its module.
    pub module: &'static str,
    /// Its name.
    pub function: &'static str,
    /// The file of its attributes.
    pub file: &'static str,
    /// The line of its first attribute.
    pub line: u32,
    /// Its policies in source order, the outermost first.
    pub stack: Vec<LayerSnapshot>,
    /// The longest that a call can take, as far as the settings say: time-outs, retries and waits, added up from the innermost
    /// policy to the outermost. `None` if nothing limits it.
    pub worst_case: Option<Duration>,
    /// The reason for which nothing limits it.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub unlimited: Option<String>,
    /// The chaos in force in it: `fails 10 %`.
    #[cfg(feature = "chaos")]
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Vec::is_empty"))]
    pub chaos: Vec<String>,
}

/// One policy of a stack.
#[derive(Debug, Clone)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct LayerSnapshot {
    /// The name that tells it from the others of the stack: `retry`, `total_timeout`.
    pub layer: String,
    /// The policy; `None` for one that the function gets from elsewhere, by `with = …`.
    pub policy: Option<PolicySnapshot>,
    /// The `static`s that it gets it from: `BREAKER` of `with = BREAKER`. Their counts are among [the others](Policies::others).
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Vec::is_empty"))]
    pub given: Vec<GivenSnapshot>,
}

/// A `static` from which a function gets a policy.
#[derive(Debug, Clone)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct GivenSnapshot {
    /// The kind.
    pub kind: PolicyKind,
    /// The name.
    pub name: &'static str,
    /// The settings.
    pub settings: Vec<Setting>,
}

/// A policy: what it is told, what it does, and what has come of its calls.
#[derive(Debug, Clone)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct PolicySnapshot {
    /// The kind.
    pub kind: PolicyKind,
    /// The name.
    pub name: &'static str,
    /// The file in which it is written.
    pub file: &'static str,
    /// The line.
    pub line: u32,
    /// The labels of its series in the metrics.
    pub series: Labels,
    /// The mode that it is in; `None` for a policy of which only the counts are known.
    pub mode: Option<Mode>,
    /// The settings.
    pub settings: Vec<Setting>,
    /// The state, of a circuit breaker.
    pub state: Option<CircuitBreakerState>,
    /// The time for which it has been in that state.
    pub state_for: Option<Duration>,
    /// The levels: permits in use, the balance of a budget.
    pub levels: Vec<Number>,
    /// The ends of calls: `success`, `transient`, `throttled`, `permanent`, `abandoned`. For a policy that does not look at
    /// outcomes, every outcome is a success.
    pub outcomes: Vec<Number>,
    /// The refusals by their reasons.
    pub rejections: Vec<Number>,
    /// Other numbers that only rise.
    pub counts: Vec<Number>,
    /// The keys, of a policy that there is one of for each key.
    pub keys: Option<KeysSnapshot>,
    /// The durations of calls, of a measure.
    pub durations: Option<DurationsSnapshot>,
}

/// The labels that every series of a policy has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Labels {
    /// The policy's name.
    pub policy: &'static str,
    /// The path of the annotated function; empty for a policy by hand.
    pub function: &'static str,
    /// The name that tells the policies of a function apart.
    pub layer: &'static str,
}

impl Labels {
    pub(crate) const fn by_hand(record: &Record) -> Self {
        Self { policy: record.name, function: "", layer: record.kind.label() }
    }
}

/// The durations of a measure's calls.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct DurationsSnapshot {
    /// The upper bounds of the buckets, in seconds. There is one bucket more, for what took longer.
    pub bounds: Vec<f64>,
    /// The durations by the outcome of the call.
    pub outcomes: Vec<OutcomeDurations>,
}

/// The durations of the calls that had one outcome.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct OutcomeDurations {
    /// The outcome: `success`, `transient`, `throttled`, `permanent`, `abandoned`.
    pub outcome: &'static str,
    /// The number of calls in each bucket alone.
    pub buckets: Vec<u64>,
    /// The sum of all durations in seconds.
    pub seconds: f64,
}

/// A setting: the value that counts now, and the one that was compiled in.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Setting {
    /// The key of the attribute.
    pub key: &'static str,
    /// The value that counts.
    pub value: String,
    /// The value that it was built with.
    pub compiled: String,
    /// The origin of a value that settings say: a file and its line, or `code`; `None` for one that was built in.
    pub origin: Option<String>,
}

/// A number with a name.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Number {
    /// The name.
    pub name: String,
    /// The value; seconds where it is a time.
    pub value: f64,
}

/// The keys of a [`PerKey`](crate::PerKey).
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct KeysSnapshot {
    /// The number of keys that have a policy.
    pub len: usize,
    /// The number of keys that there is room for.
    pub capacity: usize,
    /// The number of policies in trouble: a breaker that is not closed, a limit that is full or paused.
    pub unhealthy: usize,
    /// The number of calls for a key that there was no room for.
    pub overflowed: u64,
    /// Some of the policies in trouble, the busiest first: ten at the most.
    pub in_trouble: Vec<KeySnapshot>,
    /// The busiest policies, of which something is known to go on: ten at the most.
    pub busiest: Vec<KeySnapshot>,
}

/// One key of a [`PerKey`](crate::PerKey).
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct KeySnapshot {
    /// The text of the key where that may be shown (`log_key`), and otherwise a number like `#3f2a9c01`, by which it is known until the process ends.
    pub key: String,
    /// The state, of a circuit breaker.
    pub state: Option<CircuitBreakerState>,
    /// The measure of its business: the calls in a breaker's or throttle's window, the permits of a bulkhead in use and the callers that wait for one,
    /// the calls that a rate limit let through, the attempts that a hedge started.
    pub activity: u64,
}

/// Returns a snapshot of all policies.
///
/// A function whose attributes make its policies is listed before its first call, on Linux, macOS, Windows and the BSDs. So is a `static`
/// that attributes name, as in `with = PAYMENTS` or `with = HOSTS.of(host)`. So are
/// the policies of a layer that was put around a service. Elsewhere, and for other policies by hand, a policy is listed once it is used, or once [`list`] was called for it.
///
/// ```
/// use std::time::Duration;
/// use resilient::Timeout;
///
/// static LOOKUP: Timeout = Timeout::named("lookup", Duration::from_millis(50));
///
/// resilient::list(&LOOKUP);
///
/// let listed = resilient::policies().others;
/// assert_eq!((listed[0].name, listed[0].settings[0].value.as_str()), ("lookup", "50ms"));
/// ```
pub fn policies() -> Policies {
    let mut known = Known::default();
    let mut unused = Unused::default();
    let functions = functions().iter().map(|function| function.snapshot(&mut known, &mut unused));
    let mut functions: Vec<FunctionSnapshot> = functions.collect();
    functions.sort_by(|one, other| {
        (one.module, one.function, one.file, one.line).cmp(&(other.module, other.function, other.file, other.line))
    });
    let mut others: Vec<PolicySnapshot> = Vec::new();
    for policy in listed_by_hand() {
        let record = policy.record();
        if known.records.insert(std::ptr::from_ref(record)) {
            others.push(policy.snapshot());
        }
    }
    for record in book::all() {
        if !known.records.contains(&std::ptr::from_ref(record)) {
            others.push(PolicySnapshot::of(record));
        }
    }
    others.sort_by(|one, other| (one.name, one.file, one.line).cmp(&(other.name, other.file, other.line)));
    Policies { functions, others }
}

/// The policies of the functions so far.
#[derive(Default)]
struct Known {
    records: HashSet<*const Record>,
    series: HashMap<*const Record, Labels>,
}

/// Lists a policy that is made by hand, before its first call, and with its settings and state.
pub fn list(policy: &'static dyn Listed) {
    // its times count from here on, and not from when somebody first looks
    policy.record();
    let mut listed = by_hand();
    if !listed.iter().any(|known| std::ptr::addr_eq(*known, policy)) {
        listed.push(policy);
    }
    drop(listed);
    #[cfg(feature = "config")]
    tell();
}

/// Lists a policy that a layer has, unless that is done. To ask again costs two loads.
pub(crate) fn list_once(policy: &'static dyn Listed) {
    if policy.record().begins_to_be_listed() {
        list(policy);
    }
}

/// Takes note of a policy that was looked up by its name, which settings may be for.
#[cfg(feature = "config")]
pub(crate) fn met(policy: &'static dyn Listed) {
    let mut known = looked_up();
    let is_new = !known.iter().any(|known| std::ptr::addr_eq(*known, policy));
    if is_new {
        known.push(policy);
    }
    drop(known);
    if is_new {
        tell();
    }
}

/// The policies that were looked up by their names.
#[cfg(feature = "config")]
pub(crate) fn looked_up() -> MutexGuard<'static, Vec<&'static dyn Listed>> {
    static LOOKED_UP: Mutex<Vec<&'static dyn Listed>> = Mutex::new(Vec::new());
    LOOKED_UP.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(feature = "config")]
fn tell() {
    if let Some(met) = MET.get() {
        met();
    }
}

/// The function that is told of each policy that is listed or shared.
#[cfg(feature = "config")]
pub(crate) static MET: OnceLock<fn()> = OnceLock::new();

fn by_hand() -> MutexGuard<'static, Vec<&'static dyn Listed>> {
    static LISTED: Mutex<Vec<&'static dyn Listed>> = Mutex::new(Vec::new());
    LISTED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes every policy that is listed as new, where that can be done.
#[cfg(any(test, feature = "test-util"))]
pub(crate) fn reset() {
    let mut unused = Unused::default();
    for layer in functions().iter().flat_map(Function::layers) {
        if let Some(policy) = layer.effective(&mut unused) {
            policy.reset();
        }
    }
    for policy in listed_by_hand() {
        policy.reset();
    }
}

/// The policies that were listed by hand, and those that functions get from `static`s of the user's.
pub(crate) fn listed_by_hand() -> Vec<&'static dyn Listed> {
    let given = functions().iter().flat_map(Function::layers).flat_map(|layer| &layer.given);
    let mut listed = by_hand().clone();
    for policy in given {
        if !listed.iter().any(|known| std::ptr::addr_eq(*known, *policy)) {
            listed.push(*policy);
        }
    }
    listed
}

/// A policy that can be listed; those of this crate are, and only they.
pub trait Listed: sealed::Listed {}

impl<P: sealed::Listed> Listed for P {}

pub(crate) mod sealed {
    use super::{Description, KeysSnapshot};
    use crate::book::Record;
    use crate::naming::Unused;
    #[cfg(feature = "config")]
    use crate::tune::{Change, Mistakes, Plan};
    use crate::{Mode, PolicyKind};

    pub trait Listed: Sync {
        #[doc(hidden)]
        fn kind(&self) -> PolicyKind;
        /// The address of its shell.
        #[doc(hidden)]
        fn address(&self) -> usize;
        #[doc(hidden)]
        fn record(&self) -> &'static Record;
        /// The policy that its name stands for, as far as is known.
        #[doc(hidden)]
        fn known(&'static self, unused: &mut Unused) -> &'static dyn super::Listed;
        #[doc(hidden)]
        fn mode(&self) -> Mode;
        #[doc(hidden)]
        fn describe(&self, description: &mut Description);
        #[doc(hidden)]
        fn keys(&self) -> Option<KeysSnapshot> {
            None
        }
        /// Makes it as new, where that can be done.
        #[doc(hidden)]
        fn reset(&self);
        /// Has the settings of keys asked for again. Returns whether there are keys.
        #[cfg(feature = "config")]
        #[doc(hidden)]
        fn ask_again(&self) -> bool {
            false
        }
        /// Checks changes of its settings, and plans to make them. `before` are those that were in force until now.
        #[cfg(feature = "config")]
        #[doc(hidden)]
        fn plan(&'static self, changes: &[Change], before: &[Change]) -> Result<Plan, Mistakes>;
    }
}

/// A policy's account of itself.
#[derive(Debug, Default)]
pub struct Description {
    /// Set if only the numbers are wanted, so that no setting is written out.
    pub(crate) numbers_only: bool,
    pub(crate) settings: Vec<Setting>,
    pub(crate) state: Option<CircuitBreakerState>,
    /// The time for which it has been in that state.
    pub(crate) state_for: Option<Duration>,
    pub(crate) levels: Vec<(&'static str, f64)>,
    /// Numbers that rise and are kept by the policy itself.
    pub(crate) counts: Vec<(&'static str, &'static str, f64)>,
    /// Time that the policy itself may take or allow, for the worst case.
    pub(crate) bound: Bound,
    /// The durations of calls.
    pub(crate) durations: Option<Reading>,
}

/// The change that a policy makes to the longest time of a call.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) enum Bound {
    /// Not at all.
    #[default]
    None,
    /// No longer than this.
    AtMost(Duration),
    /// Longer by a wait.
    Wait(Duration),
    /// Longer by a wait that only a deadline ends, and without one by this.
    WaitUntilDeadline(Duration),
    /// So many more attempts, each begun after this, or as late as the one before it can end.
    Beside(Option<Duration>, u32),
    /// So many attempts, with waits of so long between them; `None` if they are not limited.
    Attempts(Option<(u32, Duration)>),
}

/// The value of a setting that is not made.
const UNSET: &str = "unset";

#[cfg(feature = "config")]
impl Described for crate::tune::NoSettings {
    fn describe_to(&self, _description: &mut Description) {}
}

/// Settings that can say what they are.
pub(crate) trait Described {
    /// Adds each of them.
    fn describe_to(&self, description: &mut Description);
}

impl Description {
    /// An account of the numbers alone.
    pub(crate) fn of_numbers() -> Self {
        Self { numbers_only: true, ..Self::default() }
    }

    /// Makes room for the account of another policy.
    pub(crate) fn clear(&mut self) {
        self.settings.clear();
        self.levels.clear();
        self.counts.clear();
        (self.state, self.state_for, self.bound, self.durations) = (None, None, Bound::None, None);
    }

    /// Adds a setting that does not change.
    pub(crate) fn fixed(&mut self, key: &'static str, value: impl fmt::Display) {
        if self.numbers_only {
            return;
        }
        let value = value.to_string();
        self.settings.push(Setting { key, compiled: value.clone(), value, origin: None });
    }

    /// Adds a time that does not change.
    pub(crate) fn time(&mut self, key: &'static str, time: Duration) {
        self.fixed(key, format_args!("{time:?}"));
    }

    /// Adds a setting, if it was made.
    pub(crate) fn optional(&mut self, key: &'static str, value: Option<impl fmt::Display>) {
        if let Some(value) = value {
            self.fixed(key, value);
        }
    }

    /// Adds a time, if there is one.
    pub(crate) fn optional_time(&mut self, key: &'static str, time: Option<Duration>) {
        if let Some(time) = time {
            self.time(key, time);
        }
    }

    /// Adds a setting that may have changed.
    pub(crate) fn changing(&mut self, key: &'static str, value: impl fmt::Display, compiled: impl fmt::Display) {
        if self.numbers_only {
            return;
        }
        let (value, compiled) = (value.to_string(), compiled.to_string());
        self.settings.push(Setting { key, value, compiled, origin: None });
    }

    /// Adds the settings that count, each beside the one that was built in.
    pub(crate) fn settings_of<C: Described + Settings>(&mut self, live: &Live<C>) {
        if self.numbers_only {
            return;
        }
        let first = self.settings.len();
        live.describe_to(self);
        if !live.is_changed() {
            return;
        }
        let mut built = Self::default();
        live.built.describe_to(&mut built);
        for setting in &mut self.settings[first..] {
            let compiled = built.settings.iter().find(|built| built.key == setting.key);
            setting.compiled = compiled.map_or_else(|| UNSET.to_owned(), |built| built.value.clone());
        }
        let there: Vec<&str> = self.settings[first..].iter().map(|setting| setting.key).collect();
        let gone = built.settings.into_iter().filter(|built| !there.contains(&built.key));
        self.settings.extend(gone.map(|built| Setting { value: UNSET.to_owned(), ..built }));
    }

    /// Replaces the value of a setting by what has become of it.
    pub(crate) fn now(&mut self, key: &'static str, value: impl fmt::Display) {
        if let Some(setting) = self.settings.iter_mut().find(|setting| setting.key == key) {
            setting.value = value.to_string();
        }
    }

    pub(crate) fn level(&mut self, family: &'static str, value: f64) {
        self.levels.push((family, value));
    }

    /// Adds a number that rises, with the value of the family's own label or `""`.
    pub(crate) fn count(&mut self, family: &'static str, label: &'static str, value: u64) {
        self.counts.push((family, label, value as f64));
    }
}

/// A policy whose settings can change, and can say what they are.
#[cfg(feature = "config")]
pub(crate) trait Tuned: Tunable<Config: Described> {}

#[cfg(feature = "config")]
impl<P: Tunable<Config: Described>> Tuned for P {}

/// Without the feature `config`, every policy.
#[cfg(not(feature = "config"))]
pub(crate) trait Tuned {}

#[cfg(not(feature = "config"))]
impl<P> Tuned for P {}

/// Checks the changes of a policy, and plans to make them. `before` are those that were in force until now.
#[cfg(feature = "config")]
pub(crate) fn plan<P>(policy: &'static P, changes: &[Change], before: &[Change]) -> Result<Plan, Mistakes>
where
    P: Tunable<Config: Described> + Sync,
{
    let tuning = Tuning::read(policy, changes)?;
    let before = Tuning::read(policy, before).ok();
    Ok(plan_of(tuning.config(), move || tuning.put(policy, before.as_ref())))
}

/// A plan that ends with those settings.
#[cfg(feature = "config")]
pub(crate) fn plan_of<C: Described + Settings>(config: &C, make: impl FnOnce() + Send + 'static) -> Plan {
    let mut description = Description::default();
    config.describe_to(&mut description);
    let settings = description.settings.into_iter().map(|setting| (setting.key, setting.value)).collect();
    Plan { facts: config.facts(), settings, make: Box::new(make) }
}

impl dyn Listed {
    pub(crate) fn description(&self) -> Description {
        let mut description = Description::default();
        self.describe(&mut description);
        description
    }

    pub(crate) fn snapshot(&self) -> PolicySnapshot {
        let record = self.record();
        let description = self.description();
        let number = |name: String, value: f64| Number { name, value };
        let mut snapshot = PolicySnapshot::of(record);
        snapshot.mode = Some(self.mode());
        (snapshot.state, snapshot.state_for) = (description.state, description.state_for);
        snapshot.levels = description.levels.iter().map(|(name, value)| number((*name).to_owned(), *value)).collect();
        let own = description.counts.iter().map(|(family, label, value)| {
            let name = if label.is_empty() { (*family).to_owned() } else { format!("{family} {label}") };
            number(name, *value)
        });
        snapshot.counts.extend(own);
        snapshot.settings = description.settings;
        #[cfg(feature = "config")]
        for setting in &mut snapshot.settings {
            setting.origin = tune::origin(self.address(), setting.key).map(|(_, origin)| origin);
        }
        #[cfg(feature = "config")]
        for key in ["mode", "force"] {
            let written = tune::origin(self.address(), key);
            snapshot.settings.extend(written.map(|(value, origin)| Setting {
                key,
                value,
                compiled: UNSET.to_owned(),
                origin: Some(origin),
            }));
        }
        snapshot.keys = self.keys();
        snapshot.durations = description.durations.map(Into::into);
        snapshot
    }
}

impl PolicySnapshot {
    /// The snapshot of a policy of which only the counts are known.
    fn of(record: &'static Record) -> Self {
        let outcomes = Ended::ALL.iter().zip(record.ended());
        let rejections =
            reasons(record.kind).iter().map(|&reason| (reason_label(reason).to_owned(), record.rejected(reason)));
        let counts = counts(record.kind).iter().map(|count| {
            let name = if count.label.is_empty() {
                count.family.to_owned()
            } else {
                format!("{} {}", count.family, count.label)
            };
            (name, count.value(record))
        });
        Self {
            kind: record.kind,
            name: record.name,
            file: record.place.file(),
            line: record.place.line(),
            series: Labels::by_hand(record),
            mode: None,
            settings: Vec::new(),
            state: None,
            state_for: None,
            levels: Vec::new(),
            outcomes: outcomes
                .map(|(ended, value)| Number { name: ended.as_str().to_owned(), value: value as f64 })
                .collect(),
            rejections: rejections.map(|(name, value)| Number { name, value: value as f64 }).collect(),
            counts: counts.map(|(name, value)| Number { name, value }).collect(),
            keys: None,
            durations: histogram::read(record).map(Into::into),
        }
    }
}

/// An annotated function. It writes its own entry when somebody looks at the list, by the methods that return `&mut Self`.
#[derive(Debug, Default)]
pub struct Function {
    module: &'static str,
    name: &'static str,
    file: &'static str,
    line: u32,
    /// The name of the function that this one was added beside, and runs.
    beside: Option<&'static str>,
    layers: Vec<Layer>,
    /// The limits that rules set to the values of its policies: `retry(max <= 5)`.
    limits: &'static [&'static str],
    path: OnceLock<String>,
}

/// A policy of an annotated function.
pub(crate) struct Layer {
    /// The name of its `static`, or of what stands for it.
    pub(crate) name: &'static str,
    policy: Option<&'static dyn Listed>,
    /// The policies of the user's that an expression begins with.
    given: Vec<&'static dyn Listed>,
    origin: Origin,
    /// The keys that say how the function uses the policy, and their values as they were written.
    usage: &'static [(&'static str, &'static str)],
}

/// The origin of a layer's policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// A `static` of the function's own.
    Own,
    /// The same, and it runs other functions besides the body.
    Open,
    /// The policy that the name of such a `static` stands for.
    Shared,
    /// An expression of the user's.
    Given,
}

impl fmt::Debug for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl Layer {
    /// The account of its policy, with what the function says.
    fn snapshot(&self, policy: &'static dyn Listed, series: Labels) -> PolicySnapshot {
        let mut snapshot = PolicySnapshot { series, ..policy.snapshot() };
        let usage = self.usage.iter();
        snapshot.settings.extend(usage.map(|(key, value)| Setting {
            key,
            value: (*value).into(),
            compiled: (*value).into(),
            origin: None,
        }));
        snapshot
    }

    /// Its part in the longest time of a call. Nothing is known of a policy from elsewhere, nor of one that runs other functions.
    fn bound(&self, policy: Option<&'static dyn Listed>) -> Bound {
        let known = policy.filter(|_| self.origin != Origin::Open);
        known.map_or(Bound::Attempts(None), |policy| policy.description().bound)
    }

    /// The reason for which it limits no call, however long those inside are limited to.
    fn is_endless(&self) -> String {
        let label = self.label();
        let why = match self.policy.map(sealed::Listed::kind) {
            None => "gets its policy by `with`",
            Some(PolicyKind::Coalesce) => "has callers wait for the runs of others, one after the other",
            Some(PolicyKind::Fallback) => "runs another function",
            Some(PolicyKind::FanOut) => "runs as many items as it is given",
            Some(PolicyKind::Retry) => "makes attempts without a limit",
            Some(_) => "waits until the deadline",
        };
        format!("`{label}` {why}, and no time-out stands above it")
    }

    /// The policy of the function's own, if it has one.
    pub(crate) fn own_policy(&self) -> Option<&'static dyn Listed> {
        self.policy
    }

    /// The policies of the user's that it comes from.
    #[cfg(feature = "config")]
    pub(crate) fn given(&self) -> &[&'static dyn Listed] {
        &self.given
    }

    /// The policy that acts for it: that which its name stands for, where the name was written.
    pub(crate) fn effective(&self, unused: &mut Unused) -> Option<&'static dyn Listed> {
        let policy = self.policy?;
        Some(if self.origin == Origin::Shared { policy.known(unused) } else { policy })
    }

    /// Its name among those of the function: `total_timeout` for `TOTAL_TIMEOUT_`.
    pub(crate) fn label(&self) -> &'static str {
        // those of all functions, which are no more than there are words for layers.
        static LABELS: Mutex<BTreeMap<&str, &str>> = Mutex::new(BTreeMap::new());

        let mut labels = LABELS.lock().unwrap_or_else(PoisonError::into_inner);
        labels.entry(self.name).or_insert_with(|| self.name.trim_end_matches('_').to_lowercase().leak())
    }
}

impl Function {
    /// Names the function, and the place of its attributes.
    pub fn is(&mut self, module: &'static str, name: &'static str, file: &'static str, line: u32) -> &mut Self {
        (self.module, self.name, self.file, self.line) = (module, name, file, line);
        self
    }

    /// Names the function of the same module that this one was added beside, and runs.
    pub const fn stands_beside(&mut self, function: &'static str) -> &mut Self {
        self.beside = Some(function);
        self
    }

    /// Adds a policy of the function's own.
    pub fn own(&mut self, name: &'static str, policy: &'static dyn Listed) -> &mut Self {
        self.layer(name, Some(policy), Origin::Own)
    }

    /// As [`own`](Self::own), for a policy that runs other functions besides the body.
    pub fn open(&mut self, name: &'static str, policy: &'static dyn Listed) -> &mut Self {
        self.layer(name, Some(policy), Origin::Open)
    }

    /// As [`own`](Self::own), for a policy whose name was written, so that another may stand for it.
    pub fn shared(&mut self, name: &'static str, policy: &'static dyn Listed) -> &mut Self {
        self.layer(name, Some(policy), Origin::Shared)
    }

    /// Adds a policy that the function gets from elsewhere, and the policies that it comes from, as far as they are known.
    pub fn given(&mut self, name: &'static str, from: &[Option<&'static dyn Listed>]) -> &mut Self {
        self.layer(name, None, Origin::Given);
        if let Some(layer) = self.layers.last_mut() {
            layer.given = from.iter().flatten().copied().collect();
        }
        self
    }

    fn layer(&mut self, name: &'static str, policy: Option<&'static dyn Listed>, origin: Origin) -> &mut Self {
        self.layers.push(Layer { name, policy, given: Vec::new(), origin, usage: &[] });
        self
    }

    /// Adds the keys that say how the function uses the last policy.
    pub fn used_with(&mut self, usage: &'static [(&'static str, &'static str)]) -> &mut Self {
        if let Some(layer) = self.layers.last_mut() {
            layer.usage = usage;
        }
        self
    }

    /// Adds the limits that rules set to the values of its policies.
    pub fn held_to(&mut self, limits: &'static [&'static str]) -> &mut Self {
        self.limits = limits;
        self
    }

    #[cfg(feature = "config")]
    pub(crate) const fn limits(&self) -> &'static [&'static str] {
        self.limits
    }

    /// The path of the function, with the line of its attributes if another has the same.
    pub(crate) fn path(&self) -> &str {
        self.path.get_or_init(|| {
            // nothing but its place tells a method from one of the same name on another type
            let place = if self.is_one_of_several() { format!(":{}", self.line) } else { String::new() };
            format!("{}::{}{place}", self.module, self.name)
        })
    }

    /// Returns whether a function at another place has the same name and module.
    fn is_one_of_several(&self) -> bool {
        type Name = (&'static str, &'static str);
        type Place = (&'static str, u32);
        // of each name the first place, and whether there is another
        static PLACES: LazyLock<HashMap<Name, (Place, bool)>> = LazyLock::new(|| {
            let mut places = HashMap::new();
            for Function { module, name, file, line, .. } in functions() {
                let (first, several) = places.entry((*module, *name)).or_insert(((*file, *line), false));
                *several |= *first != (*file, *line);
            }
            places
        });
        PLACES
            .get(&(self.module, self.name))
            .is_some_and(|(first, several)| *several || *first != (self.file, self.line))
    }

    pub(crate) fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// The names that it is known by: its own, its path and those of its policies.
    #[cfg(feature = "chaos")]
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        let policies = self.layers.iter().flat_map(|layer| layer.policy.iter().chain(&layer.given));
        [self.name, self.path()].into_iter().chain(self.beside).chain(policies.map(|policy| policy.record().name))
    }

    /// Returns whether calls of the function are meant by that name: its own, its path, that of the function which it runs, or that of a policy.
    #[cfg(feature = "chaos")]
    pub(crate) fn is_called(&self, name: &str) -> bool {
        let runs = || self.beside.is_some_and(|beside| name.strip_prefix(self.module) == Some(&format!("::{beside}")));
        self.names().any(|known| known == name) || runs()
    }

    /// The listed functions that run this one, as they were added beside it.
    #[cfg(feature = "chaos")]
    pub(crate) fn companions(&self) -> impl Iterator<Item = &'static Self> {
        let (module, name) = (self.module, self.name);
        functions().iter().filter(move |function| function.module == module && function.beside == Some(name))
    }

    fn snapshot(&'static self, known: &mut Known, unused: &mut Unused) -> FunctionSnapshot {
        let mut bounds = Vec::new();
        let layers = self.layers.iter().map(|layer| {
            let policy = layer.effective(unused);
            bounds.push((layer, layer.bound(policy)));
            // its own record is known as well where another stands for it
            let own = [layer.policy, policy].into_iter().flatten();
            known.records.extend(own.map(|policy| std::ptr::from_ref(policy.record())));
            let policy = policy.map(|policy| {
                let first = Labels { policy: policy.record().name, function: self.path(), layer: layer.label() };
                // several functions that share a policy have one series, as in the metrics
                let series = *known.series.entry(std::ptr::from_ref(policy.record())).or_insert(first);
                layer.snapshot(policy, series)
            });
            let given = layer.given.iter().map(|policy| GivenSnapshot {
                kind: policy.kind(),
                name: policy.record().name,
                settings: policy.snapshot().settings,
            });
            LayerSnapshot { layer: layer.label().to_owned(), policy, given: given.collect() }
        });
        let stack = layers.collect();
        let (worst_case, unlimited) = match worst_case(&bounds) {
            Ok(time) => (Some(time), None),
            Err(reason) => (None, Some(reason)),
        };
        let Self { module, name: function, file, line, .. } = *self;
        FunctionSnapshot {
            module,
            function,
            file,
            line,
            stack,
            worst_case,
            unlimited,
            #[cfg(feature = "chaos")]
            chaos: CHAOS.get().map_or_else(Vec::new, |said_of| said_of(self)),
        }
    }
}

/// The longest that a call can take, from the innermost policy to the outermost, or the reason for which nothing limits it. The body alone is not limited.
fn worst_case(layers: &[(&Layer, Bound)]) -> Result<Duration, String> {
    let nothing = Err("no time-out".to_owned());
    layers.iter().enumerate().rev().fold(nothing, |inside: Result<Duration, String>, (place, (layer, bound))| {
        let has_deadline = layers[..place].iter().any(|(_, outer)| matches!(outer, Bound::AtMost(_)));
        match *bound {
            Bound::None => inside,
            Bound::AtMost(limit) => Ok(inside.map_or(limit, |inside| inside.min(limit))),
            Bound::Wait(wait) => inside.map(|inside| inside.saturating_add(wait)),
            // the deadline further out limits it
            Bound::WaitUntilDeadline(_) if has_deadline => Err(layer.is_endless()),
            Bound::WaitUntilDeadline(wait) => inside.map(|inside| inside.saturating_add(wait)),
            Bound::Beside(delay, attempts) => {
                inside.map(|inside| inside.saturating_add(delay.unwrap_or(inside).min(inside).saturating_mul(attempts)))
            }
            Bound::Attempts(None) => Err(layer.is_endless()),
            Bound::Attempts(Some((attempts, waits))) => {
                inside.map(|inside| inside.saturating_mul(attempts).saturating_add(waits))
            }
        }
    })
}

/// The number of the layer whose policy has its shell at that address, counted over all functions, or 0 if none has.
///
/// All policies of a function are made where its attributes are, so that their place does not tell them apart.
pub(crate) fn layer_at(address: usize) -> usize {
    static LAYERS: LazyLock<HashMap<usize, usize>> = LazyLock::new(|| {
        let policies = functions().iter().flat_map(Function::layers).filter_map(|layer| layer.policy);
        policies.zip(1..).map(|(policy, number)| (policy.address(), number)).collect()
    });
    LAYERS.get(&address).copied().unwrap_or(0)
}

/// The path of the function that the layer of that number belongs to.
pub(crate) fn function_of(layer: usize) -> Option<&'static str> {
    static FUNCTIONS: LazyLock<Vec<&'static Function>> = LazyLock::new(|| {
        let layers =
            functions().iter().flat_map(|function| function.layers().iter().map(move |layer| (function, layer)));
        layers.filter(|(_, layer)| layer.policy.is_some()).map(|(function, _)| function).collect()
    });
    FUNCTIONS.get(layer.checked_sub(1)?).map(|function| function.path())
}

/// The label of the layer of that number.
#[cfg(feature = "tracing")]
pub(crate) fn label_of(layer: usize) -> Option<&'static str> {
    let layers = functions().iter().flat_map(Function::layers).filter(|layer| layer.policy.is_some());
    layers.skip(layer.checked_sub(1)?).map(Layer::label).next()
}

impl From<Reading> for DurationsSnapshot {
    fn from(reading: Reading) -> Self {
        let outcomes = Ended::ALL.iter().zip(reading.ends).map(|(ended, durations)| OutcomeDurations {
            outcome: ended.as_str(),
            seconds: durations.seconds(),
            buckets: durations.buckets,
        });
        Self { bounds: reading.bounds.iter().map(Duration::as_secs_f64).collect(), outcomes: outcomes.collect() }
    }
}

impl DurationsSnapshot {
    /// The bound within which that share of the calls stayed, whatever their outcome; `None` if there was no call, and infinity if they took
    /// longer than the last bound.
    pub fn within(&self, share: f64) -> Option<f64> {
        let all: u64 = self.outcomes.iter().flat_map(|outcome| &outcome.buckets).sum();
        let mut wanted = (all as f64 * share).ceil();
        for (place, bound) in self.bounds.iter().chain([&f64::INFINITY]).enumerate() {
            wanted -= self.outcomes.iter().map(|outcome| outcome.buckets[place]).sum::<u64>() as f64;
            if all > 0 && wanted <= 0.0 {
                return Some(*bound);
            }
        }
        None
    }
}

/// The annotated functions of the program. The linker collects them; on other platforms there are none.
#[cfg(feature = "listed")]
pub(crate) fn functions() -> &'static [Function] {
    static LISTED: LazyLock<Vec<Function>> = LazyLock::new(|| {
        let written = FUNCTIONS.iter().map(|write| {
            let mut function = Function::default();
            write(&mut function);
            function
        });
        written.collect()
    });
    &LISTED
}

#[cfg(not(feature = "listed"))]
pub(crate) fn functions() -> &'static [Function] {
    &[]
}

/// The annotated functions, each of which adds one that writes its entry.
///
/// They are no entries themselves, for those would be `static`s with references to `static`s, which took the compiler a twentieth longer.
#[cfg(feature = "listed")]
#[doc(hidden)]
#[linkme::distributed_slice]
pub static FUNCTIONS: [fn(&mut Function)];

/// The function that says what chaos is in force in a function, once there was some.
#[cfg(feature = "chaos")]
pub(crate) static CHAOS: OnceLock<fn(&Function) -> Vec<String>> = OnceLock::new();

/// A number of a policy's book, in the terms of the metrics.
pub(crate) struct Count {
    pub(crate) family: &'static str,
    /// The value of the family's own label; empty if it has none.
    pub(crate) label: &'static str,
    pub(crate) source: Source,
    /// The number of the book's that are one of the metric's.
    unit: f64,
}

/// The place of a number in the book.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    Note(Note),
    Tally(Tally),
}

impl Count {
    const fn new(family: &'static str, label: &'static str, note: usize) -> Self {
        Self { family, label, source: Source::Note(note), unit: 1.0 }
    }

    const fn nanos(family: &'static str, note: usize) -> Self {
        Self { family, label: "", source: Source::Note(note), unit: 1e9 }
    }

    const fn tally(family: &'static str, label: &'static str, tally: Tally) -> Self {
        Self { family, label, source: Source::Tally(tally), unit: 1.0 }
    }

    pub(crate) fn value(&self, record: &Record) -> f64 {
        let number = match self.source {
            Source::Note(note) => record.noted(note),
            Source::Tally(tally) => record.tallied(tally),
        };
        number as f64 / self.unit
    }
}

/// The numbers that the book of a policy of that kind has.
pub(crate) fn counts(kind: PolicyKind) -> &'static [Count] {
    use notes::{batch, bulkhead, cancel, circuit_breaker, fallback, hedge, retry, throttle, timeout};

    const fn observed(note: usize) -> Count {
        Count::new("observed", "", note)
    }
    const fn to(state: CircuitBreakerState) -> Count {
        Count::new("circuit_transitions", state.label(), circuit_breaker::TRANSITIONS + state as usize)
    }
    const fn gave_up(why: GaveUp) -> Count {
        Count::new("gave_up", why.label(), retry::GAVE_UP + why as usize)
    }
    const fn answered(source: FallbackSource) -> Count {
        Count::new("fallback_answers", source.as_str(), fallback::ANSWERED + source as usize)
    }
    match kind {
        PolicyKind::CircuitBreaker => {
            const {
                &[
                    observed(circuit_breaker::OBSERVED),
                    to(CircuitBreakerState::Closed),
                    to(CircuitBreakerState::Open),
                    to(CircuitBreakerState::HalfOpen),
                    to(CircuitBreakerState::Recovering),
                    to(CircuitBreakerState::ForcedOpen),
                    to(CircuitBreakerState::Disabled),
                ]
            }
        }
        PolicyKind::Bulkhead => {
            const {
                &[
                    observed(bulkhead::OBSERVED),
                    Count::new("queued", "", bulkhead::QUEUED),
                    Count::nanos("wait_seconds", bulkhead::WAITED_NANOS),
                ]
            }
        }
        PolicyKind::RateLimit => OF_RATE_LIMITS,
        PolicyKind::Throttle => const { &[observed(throttle::OBSERVED)] },
        PolicyKind::Timeout => const { &[observed(timeout::OBSERVED), Count::new("late", "", timeout::LATE)] },
        PolicyKind::Cancel => const { &[observed(cancel::OBSERVED)] },
        PolicyKind::Hedge => {
            const {
                &[
                    observed(hedge::OBSERVED),
                    Count::new("hedges", "", hedge::SENT),
                    Count::new("hedges_won", "", hedge::WON),
                    Count::new("hedges_suppressed", "", hedge::SUPPRESSED),
                ]
            }
        }
        PolicyKind::Retry => {
            const {
                &[
                    observed(retry::OBSERVED),
                    Count::new("retries", "", retry::RETRIES),
                    Count::new("retried_calls", "1", retry::CALLS_BY_RETRIES),
                    Count::new("retried_calls", "2", retry::CALLS_BY_RETRIES + 1),
                    Count::new("retried_calls", "3", retry::CALLS_BY_RETRIES + 2),
                    Count::new("retried_calls", "5", retry::CALLS_BY_RETRIES + 3),
                    Count::new("retried_calls", "10", retry::CALLS_BY_RETRIES + 4),
                    Count::new("retried_calls", "more", retry::CALLS_BY_RETRIES + 5),
                    gave_up(GaveUp::Refused),
                    gave_up(GaveUp::Suppressed),
                    gave_up(GaveUp::NoRetriesLeft),
                    gave_up(GaveUp::HintTooLong),
                    gave_up(GaveUp::TimeOver),
                    gave_up(GaveUp::DeadlineFirst),
                    gave_up(GaveUp::DeadlineTooClose),
                    gave_up(GaveUp::NoTimer),
                    gave_up(GaveUp::BudgetExhausted),
                    gave_up(GaveUp::SwitchedOff),
                ]
            }
        }
        PolicyKind::Fallback => {
            const {
                &[
                    observed(fallback::OBSERVED),
                    answered(FallbackSource::Stale),
                    answered(FallbackSource::Function),
                    answered(FallbackSource::Value),
                    Count::new("fallback_unanswered", "", fallback::UNANSWERED),
                    Count::new("fallback_kept", "", fallback::KEPT),
                ]
            }
        }
        PolicyKind::Batch => const { &[observed(batch::OBSERVED)] },
        // coalescing keeps its numbers itself
        PolicyKind::Coalesce | PolicyKind::FanOut | PolicyKind::Measure => &[],
    }
}

/// The numbers that the book of a rate limit has.
const OF_RATE_LIMITS: &[Count] = &[
    Count::new("observed", "", notes::rate_limit::OBSERVED),
    Count::new("queued", "", notes::rate_limit::QUEUED),
    Count::nanos("wait_seconds", notes::rate_limit::WAITED_NANOS),
    Count::new("pauses", "", notes::rate_limit::PAUSES),
    Count::new("slowdowns", "", notes::rate_limit::SLOWED),
    Count::new("shared_asks", "answered", notes::rate_limit::EXCHANGES),
    Count::new("shared_asks", "failed", notes::rate_limit::FAILED_EXCHANGES),
    Count::new("shared_degraded", "", notes::rate_limit::DEGRADED),
    Count::tally("units", "reserved", Tally::Reserved),
    Count::tally("units", "charged", Tally::Charged),
    Count::tally("units", "returned", Tally::Returned),
];

/// The numbers of the reasons for which a policy of that kind refuses calls.
pub(crate) fn reasons(kind: PolicyKind) -> &'static [usize] {
    use crate::error::number_of::{
        CANCELLED, CIRCUIT_OPEN, DEADLINE_EXCEEDED, NO_RUNTIME, PAUSED, QUEUE_FULL, RATE_LIMITED, REENTRANT, SHED,
        TIMED_OUT, TOO_HEAVY, WAITED_TOO_LONG,
    };

    match kind {
        PolicyKind::CircuitBreaker => &[CIRCUIT_OPEN],
        PolicyKind::Bulkhead => &[QUEUE_FULL, WAITED_TOO_LONG, REENTRANT, DEADLINE_EXCEEDED, NO_RUNTIME],
        PolicyKind::RateLimit => &[RATE_LIMITED, PAUSED, TOO_HEAVY, NO_RUNTIME],
        PolicyKind::Throttle => &[SHED],
        PolicyKind::Timeout => &[TIMED_OUT, DEADLINE_EXCEEDED, NO_RUNTIME],
        PolicyKind::Cancel | PolicyKind::FanOut => &[CANCELLED],
        _ => &[],
    }
}

#[cfg(all(test, not(resilient_loom)))]
mod tests;
