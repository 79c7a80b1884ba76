//! Batching: calls for one key each become one call for many.

mod group;
mod members;
mod open;
mod outcome;
mod run;

use std::future::Future;
use std::hash::Hash;
use std::time::Duration;

pub use self::group::BatchGroup;
pub use self::outcome::{BatchAnswers, BatchItem, BatchOutcome};
pub use self::run::BatchFuture;

use self::open::Open;
use crate::list::{Described, Description};
use crate::shell::{Shell, shell};
use crate::sync::atomic::AtomicU64;
use crate::sync::atomic::Ordering::Relaxed;
use crate::sync::const_fn;
#[cfg(feature = "config")]
use crate::tune::{Kept, Key, Settings, every_value};
use crate::tune::{Live, accept};

/// Gathers calls for one key each, and makes one call for all of them.
///
/// The first caller leads: it waits for others, for [`max_wait`](Self::max_wait) at the most, or until there are
/// [`max_size`](Self::max_size), and then runs the function over all keys, inside its own task. Nothing is spawned. Whoever
/// comes meanwhile begins the next batch, so that several may run at once. Equal keys are asked for once, and each
/// caller gets a clone of the answer.
///
/// # When the leader leaves
///
/// If its future is dropped, another member leads: it goes on gathering, or runs the function again for the keys that
/// are still wanted. All members are woken then, and the first that is polled leads, or whoever joins before that; a
/// member that is no longer polled holds up no other. If the function panics, the panic stays with the leader, and the
/// next one does the same. So a key that always panics takes one caller down after the other, and no more than those
/// who are in its batch.
///
/// # Deadlines
///
/// A batch is closed while each of its members has at least half of the time left that it had when it joined: one whose
/// [deadline](crate::Deadline) is 10 ms away is in a batch that gathers for 5 ms more at the most. So what counts is the
/// earliest deadline, and only if less than twice `max_wait` is left until then. The function itself runs under the
/// leader's deadline; when that ends the leader's call, the batch is handed over.
///
/// # What a leader must do
///
/// A leader has to be polled, as long as the others are to get on. One whose future is kept and not polled,
/// for instance between two branches of a loop over `select!`, holds up its batch: while it gathers, until somebody joins who finds
/// that it is 100 ms late, and leads in its place; once the function runs, until it is polled again or dropped, or a time-out ends the
/// others' calls. Whoever comes after that is in a later batch, which it does not hold up.
///
/// # Keys and answers
///
/// They go from one task to another, so they are `Send + 'static`. They are hashed, compared, cloned and dropped outside
/// all locks.
///
/// # Examples
///
/// ```
/// use std::collections::HashMap;
/// use std::convert::Infallible;
/// use resilient::Batch;
///
/// static SQUARES: Batch = Batch::named("squares");
///
/// async fn squares(keys: Vec<u64>) -> Result<HashMap<u64, u64>, Infallible> {
///     Ok(keys.into_iter().map(|key| (key, key * key)).collect())
/// }
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let (two, three) = tokio::join!(SQUARES.run(2, squares), SQUARES.run(3, squares));
///
/// assert_eq!((two, three), (Ok(Some(4)), Ok(Some(9))));
/// assert_eq!(SQUARES.counts().batches, 1);
/// # }
/// ```
#[must_use = "a batch gathers what runs in it"]
pub struct Batch {
    shell: Shell<Self>,
    config: Live<Config>,
    open: Open,
    counts: Counters,
}

/// The settings of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Config {
    max_size: u32,
    max_wait: Duration,
}

/// The counts of a [`Batch`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct BatchCounts {
    /// Batches that gather at present.
    pub gathering: u64,
    /// The number of times that the function was run for a batch, ever; one that was run again is counted again.
    pub batches: u64,
    /// Keys that it was given, ever.
    pub keys: u64,
    /// Callers whose key was in their batch already, ever.
    pub duplicates: u64,
    /// Number of times a leader left, by being dropped or by a panic, and left the lead to other members, ever.
    pub handed_over: u64,
}

impl BatchCounts {
    /// Returns how many keys the function was given at once, on average; 0 before the first batch.
    pub fn mean_size(&self) -> f64 {
        if self.batches == 0 { 0.0 } else { self.keys as f64 / self.batches as f64 }
    }
}

/// Relaxed throughout: nothing is decided on them.
#[derive(Debug)]
struct Counters {
    batches: AtomicU64,
    keys: AtomicU64,
    duplicates: AtomicU64,
    handed_over: AtomicU64,
}

/// A key that a batch can ask for: one that is `Hash`, `Eq`, `Clone`, `Send` and `'static`.
#[diagnostic::on_unimplemented(
    message = "a batch asks for each key once, for callers in any task, and `{Self}` cannot be told apart, copied or sent",
    label = "is not `Hash + Eq + Clone + Send + 'static`",
    note = "derive `Hash`, `PartialEq`, `Eq` and `Clone` for the key, and let it own what it has"
)]
pub trait BatchKey: Hash + Eq + Clone + Send + 'static {}

#[diagnostic::do_not_recommend]
impl<K: Hash + Eq + Clone + Send + 'static> BatchKey for K {}

impl Batch {
    const_fn! {
        /// Batches of at most 100 keys, gathered for 2 ms at the most; the name is the one in rejections.
        #[track_caller]
        pub fn named(name: &'static str) -> Self {
            Self {
                shell: Shell::named(name),
                config: Live::new(Config { max_size: 100, max_wait: Duration::from_millis(2) }),
                open: Open::new(),
                counts: Counters {
                    batches: AtomicU64::new(0),
                    keys: AtomicU64::new(0),
                    duplicates: AtomicU64::new(0),
                    handed_over: AtomicU64::new(0),
                },
            }
        }
    }

    const_fn! {
        /// Sets how many callers may be in one batch; 100 unless set. A batch that has as many runs at once.
        ///
        /// # Panics
        ///
        /// Unless `calls >= 2`, since a batch of one is none; at compile time in a `static`.
        pub fn max_size(mut self, calls: u32) -> Self {
            accept(refuses_max_size(calls));
            self.config.built.max_size = calls;
            self
        }
    }

    const_fn! {
        /// Sets how long the first caller waits for others; 2 ms unless set.
        ///
        /// With zero, it waits until the other tasks that are ready had a turn. So it does where there is no tokio runtime to
        /// measure the time.
        pub fn max_wait(mut self, time: Duration) -> Self {
            self.config.built.max_wait = time;
            self
        }
    }

    /// Returns what it has seen; each number is right, but other threads may have changed one before the next was read.
    pub fn counts(&self) -> BatchCounts {
        let counts = &self.counts;
        BatchCounts {
            gathering: self.open.len() as u64,
            batches: counts.batches.load(Relaxed),
            keys: counts.keys.load(Relaxed),
            duplicates: counts.duplicates.load(Relaxed),
            handed_over: counts.handed_over.load(Relaxed),
        }
    }

    /// Asks for `key`, in one batch with whoever else asks meanwhile; the leader of it runs its `load`.
    ///
    /// All calls with keys and answers of these types are batched together, whatever `load` does: it must do the same for
    /// all. Where it depends on something, begin with [`of`](Self::of) or [`by`](Self::by).
    ///
    /// # Errors
    ///
    /// The errors of `load`: one for the whole batch, of which each gets a clone, or the key's own. A vector with
    /// more or fewer answers than keys is [`Reason::Unanswered`](crate::Reason::Unanswered) for all of them.
    ///
    /// # Panics
    ///
    /// With what panics in `load`, and in the `Hash`, `Eq` and `Clone` of keys and answers, if it leads. When it is polled
    /// after it has finished.
    ///
    /// # Cancel safety
    ///
    /// Dropping it leaves the batch; if it leads, another member does so in its place.
    #[inline]
    pub fn run<K, L, F>(&self, key: K, load: L) -> BatchFuture<'_, K, L, F, <F::Output as BatchOutcome<K>>::One>
    where
        K: BatchKey,
        L: FnOnce(Vec<K>) -> F,
        F: Future<Output: BatchOutcome<K, One: Send + 'static>>,
    {
        self.all().run(key, load)
    }

    /// The calls with this very object, such as the client whose method is called.
    ///
    /// ```
    /// use std::collections::HashMap;
    /// use std::convert::Infallible;
    /// use resilient::Batch;
    ///
    /// static PRICES: Batch = Batch::named("prices");
    ///
    /// struct Shop { rate: u64 }
    ///
    /// impl Shop {
    ///     async fn prices(&self, keys: Vec<u64>) -> Result<HashMap<u64, u64>, Infallible> {
    ///         Ok(keys.into_iter().map(|key| (key, key * self.rate)).collect())
    ///     }
    ///
    ///     async fn price(&self, key: u64) -> Result<Option<u64>, Infallible> {
    ///         PRICES.of(self).run(key, |keys| self.prices(keys)).await
    ///     }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() {
    /// let (dear, cheap) = (Shop { rate: 9 }, Shop { rate: 2 });
    ///
    /// assert_eq!(tokio::join!(dear.price(5), cheap.price(5)), (Ok(Some(45)), Ok(Some(10))));
    /// # }
    /// ```
    pub fn of<T: ?Sized>(&self, object: &T) -> BatchGroup<'_> {
        self.all().of(object)
    }

    /// The calls with an equal value, such as the tenant that they are for. It is known by its hash, of 128 bits.
    pub fn by<T: Hash + ?Sized>(&self, value: &T) -> BatchGroup<'_> {
        self.all().by(value)
    }

    /// The calls with the same type, for a function that is generic over it.
    pub fn typed<T: ?Sized>(&self) -> BatchGroup<'_> {
        self.all().typed::<T>()
    }

    const fn all(&self) -> BatchGroup<'_> {
        BatchGroup::all(self)
    }

    fn most(&self) -> usize {
        self.config.max_size as usize
    }
}

shell!(Batch is Batch, modes: /// A batch that gathers already goes on. With [`Mode::Observe`](crate::Mode::Observe) each caller makes its own call, and those
/// that would have been gathered are counted.
, agrees: |one, other| one.config.built == other.config.built,
    shows: |this| { max_size: this.config.max_size, max_wait: this.config.max_wait, counts: this.counts() }, tunes: Config
);

/// Returns why that is no size, if it is none.
const fn refuses_max_size(calls: u32) -> Option<&'static str> {
    if calls >= 2 { None } else { Some("`max_size` must be at least 2: a batch of one is none") }
}

impl Described for Config {
    fn describe_to(&self, description: &mut Description) {
        description.fixed("max_size", self.max_size);
        description.time("max_wait", self.max_wait);
    }
}

#[cfg(feature = "config")]
impl Settings for Config {
    const KEYS: &'static [Key<Self>] = &[
        Key::count("max_size", "100", refuses_max_size, |config, calls| config.max_size = calls),
        Key::time("max_wait", "\"2ms\"", every_value, |config, time| config.max_wait = time),
    ];

    fn kept() -> &'static Kept<Self> {
        static KEPT: Kept<Config> = Kept::new();
        &KEPT
    }
}

impl Batch {
    /// Says what it is told and what it has done, for the list of policies.
    fn describe_to(&self, description: &mut Description) {
        description.settings_of(&self.config);
        let counts = self.counts();
        description.level("gathering", counts.gathering as f64);
        description.count("batches", "", counts.batches);
        description.count("batch_keys", "", counts.keys);
        description.count("batch_duplicates", "", counts.duplicates);
        description.count("handovers", "", counts.handed_over);
    }
}

#[cfg(all(test, not(resilient_loom)))]
mod tests;

#[cfg(all(test, not(resilient_loom)))]
mod model;

#[cfg(all(test, resilient_loom))]
mod loom_models;
