//! The measure: how long calls take, in a histogram for each class of outcome.

mod run;
mod span;
mod timing;

use std::future::Future;
use std::sync::OnceLock;
use std::time::Duration;

pub use self::run::{MeasureFuture, MeasureGuard};

use self::timing::Timing;
use crate::histogram::{self, Histogram};
use crate::list::Description;
use crate::shell::{Shell, shell};
use crate::stack::Judged;
use crate::sync::const_fn;
use crate::when::{ByClass, ByWhen};
use crate::{Classified, Outcome, When};

/// Measures how long calls take, and counts them in a histogram for each class of outcome.
///
/// It refuses nothing. The histograms are in the metrics as `resilient_duration_seconds`, and in the list of [policies](crate::policies). A call counts two
/// numbers in one of eight lines that threads share, and reads the clock twice.
///
/// ```
/// use std::time::Duration;
/// use resilient::Measure;
///
/// static DISK: Measure = Measure::named("disk").buckets(const { &[Duration::from_millis(1), Duration::from_millis(100)] });
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let read = async {
///     tokio::time::sleep(Duration::from_millis(20)).await;
///     Ok::<u32, std::io::Error>(7)
/// };
/// assert_eq!(DISK.run(read).await.unwrap(), 7);
///
/// # resilient::list(&DISK);
/// let listed = resilient::policies().others;
/// let durations = listed[0].durations.as_ref().unwrap();
/// assert_eq!((durations.bounds[..].len(), durations.outcomes[0].buckets[..].as_ref()), (2, [0, 1, 0].as_slice()));
/// # }
/// ```
///
/// # Spans
///
/// With [`span`](Self::span) and the feature `tracing`, each call has a span of the target `resilient`, which has no argument of the call and no text of an
/// error.
#[must_use = "it measures only what it runs"]
pub struct Measure {
    shell: Shell<Self>,
    bounds: &'static [Duration],
    spans: bool,
    histogram: OnceLock<&'static Histogram>,
}

/// Says what an outcome means, and which rejection it is or wraps.
type Judging<O> = for<'o> fn(&'o O) -> Classified<'o>;

impl Measure {
    /// The upper bounds of the buckets where none are given: 5 ms to 10 s, those that OpenTelemetry advises for the durations of calls.
    pub const DEFAULT_BUCKETS: &'static [Duration] = &[
        Duration::from_millis(5),
        Duration::from_millis(10),
        Duration::from_millis(25),
        Duration::from_millis(50),
        Duration::from_millis(75),
        Duration::from_millis(100),
        Duration::from_millis(250),
        Duration::from_millis(500),
        Duration::from_millis(750),
        Duration::from_secs(1),
        Duration::from_millis(2_500),
        Duration::from_secs(5),
        Duration::from_millis(7_500),
        Duration::from_secs(10),
    ];
    /// The largest number of buckets, besides the one for what takes longer.
    pub const MOST_BUCKETS: usize = 50;

    const_fn! {
        /// A measure with the default buckets.
        #[track_caller]
        pub fn named(name: &'static str) -> Self {
            Self { shell: Shell::named(name), bounds: Self::DEFAULT_BUCKETS, spans: false, histogram: OnceLock::new() }
        }
    }

    /// Sets the upper bounds of the buckets, each of which has the calls that take as long or less. What takes longer than the last has a bucket anyway.
    ///
    /// # Panics
    ///
    /// Unless there are 1 to [`MOST_BUCKETS`](Self::MOST_BUCKETS), longer than zero and each longer than the one before; at compile time in a `static`.
    pub const fn buckets(mut self, bounds: &'static [Duration]) -> Self {
        assert!(!bounds.is_empty() && bounds.len() <= Self::MOST_BUCKETS, "`buckets` are 1 to 50 durations");
        assert!(!bounds[0].is_zero(), "the first of the `buckets` must be longer than zero");
        let mut next = 1;
        while next < bounds.len() {
            assert!(
                bounds[next - 1].as_nanos() < bounds[next].as_nanos(),
                "the `buckets` must rise: each is longer than the one before"
            );
            next += 1;
        }
        self.bounds = bounds;
        self
    }

    /// Opens a span of the crate `tracing` for each call, if the feature `tracing` is on.
    pub const fn span(mut self) -> Self {
        self.spans = true;
        self
    }

    /// Runs `future`, and measures how long that takes from its first poll on.
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops `future`, which counts as abandoned after so long.
    #[inline]
    pub const fn run<F: Future<Output: Outcome>>(&self, future: F) -> MeasureFuture<'_, F, ByClass> {
        MeasureFuture::new(self, future, ByClass)
    }

    /// As [`run`](Self::run), with the class that `when` assigns.
    #[inline]
    pub const fn run_when<F, W, By>(&self, future: F, when: W) -> MeasureFuture<'_, F, ByWhen<W, F::Output>>
    where
        F: Future,
        W: When<F::Output, By>,
    {
        MeasureFuture::new(self, future, ByWhen::new(when))
    }

    /// As [`run`](Self::run), for outcomes of any type, which `judge` classifies.
    #[inline]
    pub fn run_as<F: Future>(
        &self,
        future: F,
        judge: Judging<F::Output>,
    ) -> MeasureFuture<'_, F, ByWhen<Judging<F::Output>, F::Output>> {
        MeasureFuture::new(self, future, ByWhen::new(judge))
    }

    /// Runs a call that blocks the thread, and measures it; the blocking form of [`run_when`](Self::run_when).
    ///
    /// ```
    /// use resilient::{Class, Measure};
    ///
    /// static SUM: Measure = Measure::named("sum");
    ///
    /// let sum = SUM.call_when(|| (1..=4).sum::<u32>(), |_: &u32| Class::Success);
    ///
    /// assert_eq!(sum, 10);
    /// ```
    ///
    /// # Panics
    ///
    /// If the call panics, which counts as abandoned after so long.
    #[inline]
    pub fn call_when<O, By>(&self, call: impl FnOnce() -> O, when: impl When<O, By>) -> O {
        run::measured(self.begin(), call, &ByWhen::new(when))
    }

    /// Runs a call that blocks the thread, and measures it; the blocking form of [`run_as`](Self::run_as).
    #[inline]
    pub fn call_as<O>(&self, call: impl FnOnce() -> O, judge: Judging<O>) -> O {
        run::measured(self.begin(), call, &ByWhen::new(judge))
    }

    /// The measure in a [stack](crate::run), with outcomes judged by `when`.
    #[inline]
    pub const fn when<O, W: When<O, By>, By>(&self, when: W) -> Judged<&Self, W, O> {
        Judged::new(self, when)
    }

    /// The measure in a [stack](crate::run), for outcomes of any type, which `judge` classifies.
    #[inline]
    pub fn judged<O>(&self, judge: Judging<O>) -> Judged<&Self, Judging<O>, O> {
        Judged::new(self, judge)
    }

    /// The histogram, which all measures of this name and place have together.
    #[inline]
    fn histogram(&self) -> &'static Histogram {
        self.histogram.get_or_init(|| histogram::of(self.shell.record(), self.bounds))
    }

    #[inline]
    const fn begin(&self) -> Timing<'_> {
        Timing::new(self)
    }

    /// Says what it is told, for the list of policies.
    fn describe_to(&self, description: &mut Description) {
        let bounds: Vec<String> = self.bounds.iter().map(|bound| format!("{bound:?}")).collect();
        description.fixed("buckets", bounds.join(" "));
        if self.spans {
            description.fixed("span", true);
        }
        description.durations = Some(self.histogram().read());
    }
}

shell!(
    Measure is Measure,
    modes: /// With [`Mode::Observe`](crate::Mode::Observe) it measures all the same, since it refuses nothing. With
    /// [`Mode::Off`](crate::Mode::Off) it counts the ends of calls, and neither measures nor opens spans.
    , agrees: |one, other| one.bounds == other.bounds && one.spans == other.spans,
    shows: |this| { buckets: this.bounds, span: this.spans }
);
