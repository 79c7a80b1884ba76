//! Chaos: faults in a share of the calls of annotated functions, for tests and for staging.
//!
//! A stack of policies is only as good as its behaviour on a bad day. Here such a day is ordered: some calls fail, come late, never come back or panic. The faults
//! take the place of the body, below all policies, so every policy of the function reacts as it would to the real thing: retries retry, time-outs fire, breakers open.
//!
//! The feature `chaos` compiles it in. Without the feature there is none of it in a program: not an instruction, not a byte. With it, and while no chaos is
//! in force, an attempt pays one load. Leave the feature out of what serves customers, unless chaos is wanted there.
//!
#![cfg_attr(all(feature = "macros", feature = "listed"), doc = "```")]
#![cfg_attr(not(all(feature = "macros", feature = "listed")), doc = "```text")]
//! use std::time::Duration;
//!
//! use resilient::chaos::{Chaos, Faulty};
//! use resilient::{Class, Classify, retry};
//!
//! #[derive(Debug, Classify)]
//! enum FetchError {
//!     #[transient]
//!     Down,
//!     #[permanent]
//!     Unknown,
//! }
//!
//! impl Faulty for FetchError {
//!     fn faulty(class: Class) -> Self {
//!         if class == Class::Permanent { Self::Unknown } else { Self::Down }
//!     }
//! }
//!
//! #[retry(max = 3, budget = none)]
//! async fn fetch() -> Result<u32, FetchError> {
//!     Ok(42)
//! }
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), resilient::chaos::Refused> {
//! let chaos = Chaos::on("fetch")
//!     .fail(0.2)
//!     .delay(0.1, Duration::from_millis(50)..=Duration::from_millis(200))
//!     .seed(7)
//!     .begin()?;
//!
//! let mut failed = 0;
//! for _ in 0..1_000 {
//!     failed += u32::from(fetch().await.is_err());
//! }
//!
//! let counts = chaos.counts();
//! assert!(counts.failed > 200, "of more than a thousand attempts");
//! assert!(failed < 10, "four attempts in a row seldom fail");
//! drop(chaos); // and all is well again
//! # Ok(())
//! # }
//! ```
//!
//! # Which calls
//!
//! A name is that of a function, its whole path as in `shop::prices::fetch`, or the name of a policy that it carries: the names of live settings. [`Chaos::everywhere`] is
//! for all annotated functions.
//!
//! The function under `#[batch]` or `#[fan_out]` has the faults: a fault meets a whole run of a batch, and one item of a fan-out. Where functions are listed, the name of
//! the function beside it stands for it too, as `load_one` does for `load`. If a module has several functions of that name, it stands for all of them.
//!
//! An output that is `impl Trait` as a whole cannot be failed, since it may be no `Result`. It can be late, lost or panic. `Result<impl Trait, Error>` can be failed.
//!
//! # Which faults
//!
//! One draw decides for each attempt, so that shares are exact: with `fail(0.1)` and `hang(0.1)`, eight attempts in ten are left alone. A seed makes the draws repeat, in the
//! order in which attempts begin.
//!
//! | fault | effect |
//! |---|---|
//! | [`fail`](Chaos::fail) | the attempt ends at once with an `Err` of the function's own type, which [`Faulty`] makes |
//! | [`delay`](Chaos::delay) | the body begins later |
//! | [`hang`](Chaos::hang) | the attempt never ends, as when an answer is lost; a time-out or the caller ends it |
//! | [`panic`](Chaos::panic) | the attempt panics |
//!
//! In a function that blocks, a delay has its thread wait. A hang there keeps the thread for good, since nothing ends an attempt that blocks: order it only for a thread that may be lost.
//!
//! # From a file
//!
//! With the feature `config`, the table `[fetch.chaos]` of a settings file orders it: `fail = "10%"`, `fail_as = "permanent"`, `delay = "10%"` with `min_delay` and
//! `max_delay`, `hang`, `panic` and `seed`. `["*".chaos]` is for all functions. It ends when the table is gone.
//!
//! # Never unseen
//!
//! Its beginning and its end are events of level `WARN`, each fault is one of level `DEBUG`, and the [list of policies](crate::policies) says it beside each function.

use std::any::type_name;
use std::fmt;
use std::marker::PhantomData;
use std::ops::RangeInclusive;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use crate::list::{self, Function};
use crate::{Class, Event, clock, naming, parked, random};

/// An error that chaos can make in place of the outside world.
///
/// It is the user's own, so that it is classified, converted and logged as in earnest. A rejection of the crate's own would say that a policy refused, and none did.
pub trait Faulty: Sized {
    /// Returns an error that means about this: [`Class::Transient`], unless [`Chaos::fail_as`] asks for another.
    fn faulty(class: Class) -> Self;
}

/// Faults to be ordered: whose, how many and which.
///
/// A share is the fraction of the attempts that have the fault.
#[derive(Debug, Clone, PartialEq)]
#[must_use = "it does nothing until it begins"]
pub struct Chaos {
    /// `None` for all functions.
    name: Option<String>,
    faults: Vec<(f64, Fault)>,
    seed: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    Fail(Class),
    Delay { least: Duration, most: Duration },
    Hang,
    Panic,
}

/// Chaos in force; it ends when this is dropped.
#[must_use = "it ends when it is dropped"]
pub struct Running {
    rule: Arc<Rule>,
}

/// The faults that there were; from [`Running::counts`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ChaosCounts {
    /// Attempts of the functions that it is for.
    pub attempts: u64,
    /// Attempts that failed.
    pub failed: u64,
    /// Attempts that began late.
    pub delayed: u64,
    /// Attempts that hang, or hung.
    pub hung: u64,
    /// Attempts that panicked.
    pub panicked: u64,
    /// Attempts that were to fail and could not, since their error is not [`Faulty`].
    pub spared: u64,
}

/// The reason for which chaos does not begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused(String);

impl Chaos {
    /// Chaos in the functions of that name, of that path, or that carry a policy of that name.
    pub fn on(name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), faults: Vec::new(), seed: None }
    }

    /// Chaos in all annotated functions.
    pub const fn everywhere() -> Self {
        Self { name: None, faults: Vec::new(), seed: None }
    }

    /// Has a share of the attempts fail with a [transient](Class::Transient) error.
    pub fn fail(self, share: f64) -> Self {
        self.fail_as(share, Class::Transient)
    }

    /// Has a share of the attempts fail with an error of that class.
    pub fn fail_as(self, share: f64, class: Class) -> Self {
        self.with(share, Fault::Fail(class))
    }

    /// Has a share of the attempts begin later by a time from that range, each as likely as another.
    pub fn delay(self, share: f64, time: RangeInclusive<Duration>) -> Self {
        let (least, most) = time.into_inner();
        self.with(share, Fault::Delay { least, most })
    }

    /// Has a share of the attempts never end.
    pub fn hang(self, share: f64) -> Self {
        self.with(share, Fault::Hang)
    }

    /// Has a share of the attempts panic.
    pub fn panic(self, share: f64) -> Self {
        self.with(share, Fault::Panic)
    }

    /// Has the draws repeat; without a seed they are others each time.
    pub const fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    fn with(mut self, share: f64, fault: Fault) -> Self {
        self.faults.push((share, fault));
        self
    }

    /// Begins the faults. Several may be in force at once: an attempt has the first fault that is drawn for it, of those that began first.
    ///
    /// # Errors
    ///
    /// If a share is not above 0 and at most 1, if all of them together are more than 1, if there is no fault, or if a range is empty. Where
    /// functions are [listed](crate::policies), also if there is none of that name.
    pub fn begin(self) -> Result<Running, Refused> {
        self.check_faults()?;
        if let Some(message) = self.unknown_name() {
            return Err(Refused(message));
        }
        let rule = Arc::new(Rule {
            name: self.name,
            faults: self.faults,
            seed: self.seed.unwrap_or_else(random::next),
            attempts: AtomicU64::new(0),
            counts: Default::default(),
            spared: AtomicU64::new(0),
        });
        list::CHAOS.get_or_init(|| said_of);
        rules().write().unwrap_or_else(PoisonError::into_inner).push(rule.clone());
        // Relaxed: an attempt that begins at the same time may be left alone.
        IN_FORCE.fetch_add(1, Relaxed);
        Event::ChaosBegan { name: rule.shown_name() }.emit();
        Ok(Running { rule })
    }

    /// Refuses faults that cannot be.
    pub(crate) fn check_faults(&self) -> Result<(), Refused> {
        let refused = |message: String| Err(Refused(message));
        if self.faults.is_empty() {
            return refused("there is no fault: add, for instance, `fail(0.1)`".to_owned());
        }
        for (share, fault) in &self.faults {
            if !(*share > 0.0 && *share <= 1.0) {
                return refused(format!("a share is above 0 and at most 1, as in `fail(0.1)`, and not {share}"));
            }
            if let Fault::Delay { least, most } = fault
                && least > most
            {
                return refused(format!("no time lies between {least:?} and {most:?}: write the shorter one first"));
            }
        }
        let sum: f64 = self.faults.iter().map(|(share, _)| share).sum();
        if sum > 1.0 + 1e-9 {
            return refused(format!("the shares are {sum} together, and there is one fault for an attempt: at most 1"));
        }
        Ok(())
    }

    /// Says that there is no function of that name, where functions are listed.
    pub(crate) fn unknown_name(&self) -> Option<String> {
        let (functions, name) = (list::functions(), self.name.as_ref()?);
        if functions.is_empty() || functions.iter().any(|function| function.is_called(name)) {
            return None;
        }
        let meant = resilient_words::nearest(name, functions.iter().flat_map(Function::names));
        let hint = meant.map_or_else(
            || "`resilient::policies()` lists all names".to_owned(),
            |meant| format!("did you mean `{meant}`?"),
        );
        Some(format!("there is no annotated function `{name}`, and none with a policy of that name: {hint}"))
    }
}

impl Running {
    /// Returns the faults so far.
    pub fn counts(&self) -> ChaosCounts {
        self.rule.counts()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut rules = rules().write().unwrap_or_else(PoisonError::into_inner);
        rules.retain(|rule| !Arc::ptr_eq(rule, &self.rule));
        drop(rules);
        IN_FORCE.fetch_sub(1, Relaxed);
        let ChaosCounts { attempts, failed, delayed, hung, panicked, .. } = self.counts();
        let faults = failed + delayed + hung + panicked;
        Event::ChaosEnded { name: self.rule.shown_name(), attempts, faults }.emit();
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").field("chaos", &self.rule.to_string()).field("counts", &self.counts()).finish()
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refused {}

/// Chaos in force.
struct Rule {
    name: Option<String>,
    faults: Vec<(f64, Fault)>,
    seed: u64,
    /// The attempts so far, which number the draws.
    attempts: AtomicU64,
    /// By [`Fault::place`].
    counts: [AtomicU64; 4],
    spared: AtomicU64,
}

/// The number of rules in force.
static IN_FORCE: AtomicUsize = AtomicUsize::new(0);

/// The chaos in force, in the order in which it began.
fn rules() -> &'static RwLock<Vec<Arc<Rule>>> {
    static RULES: RwLock<Vec<Arc<Rule>>> = RwLock::new(Vec::new());
    &RULES
}

impl Rule {
    /// Returns whether it is for the function, or for one beside it that runs it.
    fn is_for(&self, function: &Function) -> bool {
        let Some(name) = &self.name else { return true };
        function.is_called(name) || function.companions().any(|companion| companion.is_called(name))
    }

    /// The fault of the next attempt, if it has one, and a number for what else is to be drawn.
    fn draw(&self) -> Option<(Fault, u64)> {
        // Relaxed: a count, which gives each attempt another number.
        let attempt = self.attempts.fetch_add(1, Relaxed);
        let drawn = mixed(self.seed ^ mixed(attempt));
        let mut at = fraction(drawn);
        for &(share, fault) in &self.faults {
            if at < share {
                return Some((fault, mixed(drawn)));
            }
            at -= share;
        }
        None
    }

    fn counts(&self) -> ChaosCounts {
        let [failed, delayed, hung, panicked] = self.counts.each_ref().map(|count| count.load(Relaxed));
        let (attempts, spared) = (self.attempts.load(Relaxed), self.spared.load(Relaxed));
        ChaosCounts { attempts, failed: failed - spared.min(failed), delayed, hung, panicked, spared }
    }

    /// The name in events: kept for the life of the process, as events keep none of their own.
    fn shown_name(&self) -> &'static str {
        self.name.as_deref().map_or("everywhere", naming::kept_name)
    }
}

/// `fails 10 %, delays 5 % by 50ms to 200ms`.
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (share, fault)) in self.faults.iter().enumerate() {
            let percent = share * 100.0;
            f.write_str(if index == 0 { "" } else { ", " })?;
            match fault {
                Fault::Fail(_) => write!(f, "fails {percent} %")?,
                Fault::Delay { least, most } => write!(f, "delays {percent} % by {least:?} to {most:?}")?,
                Fault::Hang => write!(f, "hangs {percent} %")?,
                Fault::Panic => write!(f, "panics {percent} %")?,
            }
        }
        Ok(())
    }
}

impl Fault {
    const fn place(self) -> usize {
        match self {
            Self::Fail(_) => 0,
            Self::Delay { .. } => 1,
            Self::Hang => 2,
            Self::Panic => 3,
        }
    }

    const fn as_str(self) -> &'static str {
        ["fail", "delay", "hang", "panic"][self.place()]
    }
}

/// The chaos in a function, as the list of policies has it.
fn said_of(function: &Function) -> Vec<String> {
    let rules = rules().read().unwrap_or_else(PoisonError::into_inner);
    rules.iter().filter(|rule| rule.is_for(function)).map(ToString::to_string).collect()
}

/// A function whose calls can have faults; the attributes make one for each.
#[doc(hidden)]
pub struct Site {
    write: fn(&mut Function),
    function: OnceLock<Function>,
    /// Set once it was said that its error is not `Faulty`.
    is_said: AtomicBool,
}

/// An attempt that is to fail.
#[doc(hidden)]
pub struct Failing {
    class: Class,
    rule: Arc<Rule>,
    site: &'static Site,
}

/// The fault that an attempt has from here on.
enum Disturbance {
    Fails(Failing),
    Delays(Duration),
    Hangs,
}

impl Site {
    pub const fn new(write: fn(&mut Function)) -> Self {
        Self { write, function: OnceLock::new(), is_said: AtomicBool::new(false) }
    }

    /// Lets an attempt have its fault, and returns one that is to fail.
    ///
    /// # Panics
    ///
    /// If the attempt is to panic.
    pub async fn disturb(&'static self) -> Option<Failing> {
        match self.disturbance()? {
            Disturbance::Fails(failing) => Some(failing),
            Disturbance::Delays(time) => {
                // a runtime without timers knows no delay
                if let Some(delay) = clock::sleep(time) {
                    delay.await;
                }
                None
            }
            Disturbance::Hangs => std::future::pending().await,
        }
    }

    /// Does what [`disturb`](Self::disturb) does, for an attempt that blocks.
    ///
    /// # Panics
    ///
    /// If the attempt is to panic.
    pub fn disturb_blocking(&'static self) -> Option<Failing> {
        match self.disturbance()? {
            Disturbance::Fails(failing) => Some(failing),
            Disturbance::Delays(time) => {
                parked::sleep(time);
                None
            }
            Disturbance::Hangs => loop {
                std::thread::park();
            },
        }
    }

    /// Draws a fault, and counts and reports it.
    fn disturbance(&'static self) -> Option<Disturbance> {
        let (rule, fault, number) = self.draw()?;
        rule.counts[fault.place()].fetch_add(1, Relaxed);
        let function = naming::kept_name(self.function().path());
        Event::Disturbed { function, fault: fault.as_str() }.emit();
        Some(match fault {
            Fault::Fail(class) => Disturbance::Fails(Failing { class, rule, site: self }),
            Fault::Delay { least, most } => {
                let further = most.saturating_sub(least).mul_f64(fraction(number));
                Disturbance::Delays(least.saturating_add(further))
            }
            Fault::Hang => Disturbance::Hangs,
            Fault::Panic => panic!("chaos: an attempt of `{function}` panics on purpose"),
        })
    }

    fn draw(&self) -> Option<(Arc<Rule>, Fault, u64)> {
        let function = self.function();
        let rules = rules().read().unwrap_or_else(PoisonError::into_inner);
        let mut those = rules.iter().filter(|rule| rule.is_for(function));
        those.find_map(|rule| rule.draw().map(|(fault, number)| (rule.clone(), fault, number)))
    }

    fn function(&self) -> &Function {
        self.function.get_or_init(|| {
            let mut function = Function::default();
            (self.write)(&mut function);
            function
        })
    }
}

impl Failing {
    /// Counts an attempt that could not fail, for its outcome is of that type.
    pub fn spared(&self, outcome: &'static str) {
        self.rule.spared.fetch_add(1, Relaxed);
        if !self.site.is_said.swap(true, Relaxed) {
            let function = naming::kept_name(self.site.function().path());
            Event::Unfailing { function, outcome }.emit();
        }
    }
}

/// Returns whether any chaos is in force.
#[doc(hidden)]
#[inline]
pub fn is_on() -> bool {
    // Relaxed: an attempt that begins while this changes may see either.
    IN_FORCE.load(Relaxed) > 0
}

/// Finds out whether an outcome can be a fault.
#[doc(hidden)]
pub struct Outcomes<O>(PhantomData<fn() -> O>);

impl<O> Outcomes<O> {
    pub const ALL: Self = Self(PhantomData);
}

/// The outcome can be a fault.
#[doc(hidden)]
pub trait CanFail<O> {
    fn fault(&self, failing: &Failing) -> Option<O>;
}

impl<T, E: Faulty> CanFail<Result<T, E>> for Outcomes<Result<T, E>> {
    fn fault(&self, failing: &Failing) -> Option<Result<T, E>> {
        Some(Err(E::faulty(failing.class)))
    }
}

/// Any other outcome, which the compiler finds second.
#[doc(hidden)]
pub trait CannotFail<O> {
    fn fault(&self, failing: &Failing) -> Option<O>;
}

impl<O> CannotFail<O> for &Outcomes<O> {
    fn fault(&self, failing: &Failing) -> Option<O> {
        failing.spared(type_name::<O>());
        None
    }
}

/// A number that looks like chance: the finaliser of `SplitMix64` (Steele, Lea and Flood 2014).
const fn mixed(number: u64) -> u64 {
    let z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The number as one from 0 up to 1.
fn fraction(number: u64) -> f64 {
    (number >> 11) as f64 / (1_u64 << 53) as f64
}
