//! The waits before each retry: the formulae, as pure functions of the retry and a random fraction.

use std::time::Duration;

use crate::clock::nanos;
use crate::list::Description;
use crate::tune::accept;

/// The wait before each retry.
///
/// A `const` value: a formula, its `base`, a `factor` for the exponential ones and a `cap`. The cap limits the wait
/// *before* the jitter is drawn, so clients that have reached it stay spread out.
///
/// In the table, `a` is the retry from zero, `r` is uniform in [0, 1), `b` the base, `c` the cap and
/// `e = min(c, b·factor^a)`.
///
/// | constructor | attribute | wait before retry `a` |
/// |---|---|---|
/// | [`none`](Self::none) | `"none"` | 0 |
/// | [`fixed`](Self::fixed) | `"fixed"` | b |
/// | [`linear`](Self::linear) | `"linear"` | min(c, b·(a + 1)) |
/// | [`fibonacci`](Self::fibonacci) | `"fibonacci"` | min(c, b·fib(a + 1)) |
/// | [`exp`](Self::exp) | `"exp"` | e |
/// | [`exp_jitter`](Self::exp_jitter) | `"exp_jitter"` | e + r·jitter, where jitter is b unless set |
/// | [`full_jitter`](Self::full_jitter) | `"full_jitter"` | r·e |
/// | [`equal_jitter`](Self::equal_jitter) | `"equal_jitter"` | e/2 + r·e/2 |
/// | [`decorrelated`](Self::decorrelated) | `"decorrelated"` | uniform in [b, min(c, 3·the wait before)] |
/// | [`decorrelated_v2`](Self::decorrelated_v2) | `"decorrelated_v2"` | (f(a + r) − f(a − 1 + r before))·b/1.4 |
/// | [`custom`](Self::custom) | a path to a function | what the function says |
///
/// Full and equal jitter are those of the AWS Architecture Blog, "Exponential Backoff And Jitter"; the decorrelated ones
/// are named at their constructors. All arithmetic saturates; no retry number overflows.
///
/// ```
/// use std::time::Duration;
/// use resilient::Backoff;
///
/// const GENTLE: Backoff = Backoff::exp(Duration::from_millis(100)).cap(Duration::from_secs(1));
///
/// assert_eq!(GENTLE.min_delay(2), Duration::from_millis(400));
/// assert_eq!(GENTLE.max_delay(40), Duration::from_secs(1));
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Backoff {
    formula: Formula,
    base: Duration,
    factor: f64,
    cap: Duration,
    jitter: Option<Duration>,
}

#[derive(Debug, Clone, Copy)]
enum Formula {
    None,
    Fixed,
    Linear,
    Fibonacci,
    Exp,
    ExpJitter,
    FullJitter,
    EqualJitter,
    Decorrelated,
    DecorrelatedV2,
    Custom(fn(u32) -> Duration),
}

/// The formulae that have names, in the order of [`Backoff::NAMES`].
const NAMED: &[Formula] = &[
    Formula::None,
    Formula::Fixed,
    Formula::Linear,
    Formula::Fibonacci,
    Formula::Exp,
    Formula::ExpJitter,
    Formula::FullJitter,
    Formula::EqualJitter,
    Formula::Decorrelated,
    Formula::DecorrelatedV2,
];

impl Formula {
    fn is(self, other: Self) -> bool {
        match (self, other) {
            (Self::Custom(one), Self::Custom(other)) => std::ptr::fn_addr_eq(one, other),
            (one, other) => std::mem::discriminant(&one) == std::mem::discriminant(&other),
        }
    }
}

/// The memory of a back-off from one retry of a call to the next: the wait before as a part of the cap, or the fraction
/// that was drawn for it; both over 2³², because it is part of every future with a retry.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Memory(pub(crate) u32);

impl Backoff {
    /// Says what it is told, for the list of policies.
    pub(crate) fn describe_to(&self, description: &mut Description) {
        description.fixed(
            "backoff",
            NAMED
                .iter()
                .zip(Self::NAMES)
                .find(|(formula, _)| self.formula.is(**formula))
                .map_or("a function", |(_, name)| name),
        );
        if !matches!(self.formula, Formula::None | Formula::Custom(_)) {
            description.time("base", self.base);
            if matches!(self.formula, Formula::Exp | Formula::ExpJitter | Formula::FullJitter | Formula::EqualJitter) {
                description.fixed("factor", self.factor);
            }
            description.time("cap", self.cap);
            description.optional_time("jitter", self.jitter);
        }
    }

    /// The longest that so many waits can take together.
    pub(crate) fn longest(&self, retries: u32) -> Duration {
        const ADDED_UP: u32 = 64;

        let each = |retry| match self.formula {
            // each may be as long as the cap, whatever came before
            Formula::Decorrelated | Formula::DecorrelatedV2 => self.cap,
            _ => self.delay(retry, || u64::MAX, &mut self.memory()),
        };
        let first: Duration = (0..retries.min(ADDED_UP)).map(each).fold(Duration::ZERO, Duration::saturating_add);
        // by then they have come to the cap
        let rest = each(ADDED_UP).saturating_mul(retries.saturating_sub(ADDED_UP));
        first.saturating_add(rest)
    }

    /// Returns whether both are the same formula with the same settings.
    fn agrees(&self, other: &Self) -> bool {
        self.formula.is(other.formula)
            && (self.base, self.cap, self.jitter) == (other.base, other.cap, other.jitter)
            && self.factor.to_bits() == other.factor.to_bits()
    }
}

impl PartialEq for Backoff {
    fn eq(&self, other: &Self) -> bool {
        self.agrees(other)
    }
}

impl Backoff {
    /// The base where none is given: 100 ms.
    pub const DEFAULT_BASE: Duration = Duration::from_millis(100);
    /// The cap where none is given: 10 s.
    pub const DEFAULT_CAP: Duration = Duration::from_secs(10);
    /// The factor where none is given: 2.
    pub const DEFAULT_FACTOR: f64 = 2.0;

    const fn new(formula: Formula, base: Duration) -> Self {
        Self { formula, base, factor: Self::DEFAULT_FACTOR, cap: Self::DEFAULT_CAP, jitter: None }
    }

    /// No wait at all.
    pub const fn none() -> Self {
        Self::new(Formula::None, Duration::ZERO)
    }

    /// The same wait each time; the cap does not apply.
    pub const fn fixed(base: Duration) -> Self {
        Self::new(Formula::Fixed, base)
    }

    /// One base more each time.
    pub const fn linear(base: Duration) -> Self {
        Self::new(Formula::Linear, base)
    }

    /// The base times 1, 1, 2, 3, 5, 8, …
    pub const fn fibonacci(base: Duration) -> Self {
        Self::new(Formula::Fibonacci, base)
    }

    /// The base times 1, `factor`, `factor²`, …
    pub const fn exp(base: Duration) -> Self {
        Self::new(Formula::Exp, base)
    }

    /// The exponential wait plus up to one [`jitter`](Self::jitter). What a bare `#[retry]` uses.
    pub const fn exp_jitter(base: Duration) -> Self {
        Self::new(Formula::ExpJitter, base)
    }

    /// Anything between nothing and the exponential wait.
    pub const fn full_jitter(base: Duration) -> Self {
        Self::new(Formula::FullJitter, base)
    }

    /// Half the exponential wait, and up to another half.
    pub const fn equal_jitter(base: Duration) -> Self {
        Self::new(Formula::EqualJitter, base)
    }

    /// Anything between the base and three times the wait before.
    ///
    /// The "decorrelated jitter" of the AWS Architecture Blog, with the cap applied to the upper end of the range.
    pub const fn decorrelated(base: Duration) -> Self {
        Self::new(Formula::Decorrelated, base)
    }

    /// A smooth exponential spread without two peaks: f(t) = 2^t · tanh(√(4t)).
    ///
    /// The total wait before retry `n` is f(n − 1 + r)·b/1.4, whatever the waits between were. Source: Polly's
    /// `DecorrelatedJitterBackoffV2`. Past the last retry whose longest wait is within the cap, the waits
    /// keep that retry's spread.
    pub const fn decorrelated_v2(base: Duration) -> Self {
        Self::new(Formula::DecorrelatedV2, base)
    }

    /// Returns what `delay` says for the retry, counted from zero. The cap applies to it.
    pub const fn custom(delay: fn(u32) -> Duration) -> Self {
        let mut backoff = Self::new(Formula::Custom(delay), Duration::ZERO);
        backoff.cap = Duration::MAX;
        backoff
    }

    /// The base, for a back-off that is made in one place and scaled in another.
    #[must_use]
    pub const fn base(mut self, base: Duration) -> Self {
        self.base = base;
        self
    }

    /// By how much an exponential wait grows each time. Default 2.
    ///
    /// # Panics
    ///
    /// If `factor` is not finite or is below 1; in a `const` or `static`, that is a compile error.
    #[must_use]
    pub const fn factor(mut self, factor: f64) -> Self {
        accept(Self::refuses_factor(factor));
        self.factor = factor;
        self
    }

    /// Returns why that is no factor, if it is none.
    pub(crate) const fn refuses_factor(factor: f64) -> Option<&'static str> {
        if factor.is_finite() && factor >= 1.0 {
            None
        } else {
            Some("`factor` must be 1 or more, or the waits would shrink")
        }
    }

    /// The longest wait before jitter. Default 10 s.
    #[must_use]
    pub const fn cap(mut self, cap: Duration) -> Self {
        self.cap = cap;
        self
    }

    /// Replaces the formula by that of the name at that place among [`NAMES`](Self::NAMES). One that had no waits of its own gets the default ones.
    #[cfg(feature = "config")]
    pub(crate) fn set_formula(&mut self, place: usize) {
        if matches!(self.formula, Formula::None | Formula::Custom(_)) {
            let new = Self::exp_jitter(Self::DEFAULT_BASE);
            (self.base, self.factor, self.cap) = (new.base, new.factor, new.cap);
        }
        self.formula = NAMED[place];
    }

    /// The names of the formulae.
    pub(crate) const NAMES: &[&str] = &[
        "none",
        "fixed",
        "linear",
        "fibonacci",
        "exp",
        "exp_jitter",
        "full_jitter",
        "equal_jitter",
        "decorrelated",
        "decorrelated_v2",
    ];

    /// Returns whether the base, where a cap applies to it, is no longer than that.
    pub(crate) const fn fits_its_cap(&self) -> bool {
        match self.formula {
            Formula::None | Formula::Fixed | Formula::Custom(_) => true,
            _ => self.base.as_nanos() <= self.cap.as_nanos(),
        }
    }

    /// Sets how much [`exp_jitter`](Self::exp_jitter) adds at the most. Default: the base.
    #[must_use]
    pub const fn jitter(mut self, jitter: Duration) -> Self {
        self.jitter = Some(jitter);
        self
    }

    /// Returns whether the formula grows from its base, as all but one without waits and one of a function's own do.
    pub(crate) const fn has_base(&self) -> bool {
        !matches!(self.formula, Formula::None | Formula::Custom(_))
    }

    /// Returns whether a cap limits the formula.
    pub(crate) const fn has_cap(&self) -> bool {
        self.has_base() && !matches!(self.formula, Formula::Fixed)
    }

    /// The same with waits that are longer, or as long where nothing is given or what is given is shorter.
    pub(crate) fn lengthened(self, base: Option<Duration>, cap: Option<Duration>) -> Self {
        if !self.has_base() {
            return self;
        }
        let base = base.map_or(self.base, |base| base.max(self.base));
        let cap = cap.map_or(self.cap, |cap| cap.max(self.cap)).max(base);
        Self { base, cap, ..self }
    }

    /// The shortest wait before retry `a`, counted from zero.
    pub fn min_delay(&self, retry: u32) -> Duration {
        match self.formula {
            // the wait before may have been drawn long
            Formula::DecorrelatedV2 => Duration::ZERO,
            _ => self.delay(retry, || 0, &mut self.memory()),
        }
    }

    /// The longest wait before retry `a`, counted from zero.
    pub fn max_delay(&self, retry: u32) -> Duration {
        match self.formula {
            Formula::Decorrelated => {
                let tripled = 3_u64.checked_pow(retry.saturating_add(1)).unwrap_or(u64::MAX);
                Duration::from_nanos(scale(nanos(self.base), tripled).min(nanos(self.cap)))
            }
            _ => self.delay(retry, || u64::MAX, &mut self.memory()),
        }
    }

    /// The waits of one call in their order, for the fractions that are drawn: each from 0 up to, but not including, 1.
    ///
    /// A larger fraction counts as the largest there is. The iterator never ends.
    ///
    /// ```
    /// use std::time::Duration;
    /// use resilient::Backoff;
    ///
    /// let halfway = Backoff::full_jitter(Duration::from_secs(1)).delays(|| 0.5);
    ///
    /// assert!(halfway.take(3).eq([500, 1_000, 2_000].map(Duration::from_millis)));
    /// ```
    pub fn delays(self, mut fraction: impl FnMut() -> f64) -> impl Iterator<Item = Duration> {
        let mut memory = self.memory();
        (0..=u32::MAX).chain(std::iter::repeat(u32::MAX)).map(move |retry| {
            // 2⁶⁴ as a float; the cast saturates, and makes 0 of what is no number
            let random = (fraction() * 18_446_744_073_709_551_616.0) as u64;
            self.delay(retry, || random, &mut memory)
        })
    }

    /// As [`wait`](Self::wait), as a time.
    fn delay(&self, retry: u32, random: impl FnOnce() -> u64, memory: &mut Memory) -> Duration {
        Duration::from_nanos(self.wait(retry, random, memory))
    }

    /// The wait before retry `a` in nanoseconds, for the fraction `random / 2⁶⁴`.
    pub(crate) fn wait(&self, retry: u32, random: impl FnOnce() -> u64, memory: &mut Memory) -> u64 {
        let (base, cap) = (|| nanos(self.base), || nanos(self.cap));
        match self.formula {
            Formula::None => 0,
            Formula::Fixed => base(),
            Formula::Linear => scale(base(), u64::from(retry) + 1).min(cap()),
            Formula::Fibonacci => scale(base(), fibonacci(retry)).min(cap()),
            Formula::Exp => self.exponential(retry),
            Formula::ExpJitter => {
                let jitter = self.jitter.map_or_else(base, nanos);
                self.exponential(retry).saturating_add(fraction(jitter, random()))
            }
            Formula::FullJitter => fraction(self.exponential(retry), random()),
            Formula::EqualJitter => {
                let whole = self.exponential(retry);
                whole / 2 + fraction(whole - whole / 2, random())
            }
            Formula::Decorrelated => {
                let cap = cap();
                let low = base().min(cap);
                let before = fraction(cap, u64::from(memory.0) << 32).max(low);
                let high = scale(before, 3).min(cap).max(low);
                let wait = low + fraction(high - low, random());
                *memory = Memory::part(wait, cap);
                wait
            }
            Formula::DecorrelatedV2 => {
                let retry = self.spread_v2(retry);
                let before =
                    if retry == 0 { 0.0 } else { smooth(f64::from(retry) - 1.0 + unit(u64::from(memory.0) << 32)) };
                let random = random();
                *memory = Memory((random >> 32) as u32);
                let grown = (smooth(f64::from(retry) + unit(random)) - before).max(0.0);
                saturating(grown * base() as f64 / V2_SCALE).min(cap())
            }
            Formula::Custom(delay) => nanos(delay(retry).min(self.cap)),
        }
    }

    /// Returns what a call's first retry remembers.
    #[expect(clippy::unused_self, reason = "what there is to remember is the back-off's business")]
    pub(crate) const fn memory(&self) -> Memory {
        // a decorrelated wait before the first counts as one base, which is the least it can be
        Memory(0)
    }

    /// min(cap, base·factor^retry) in nanoseconds.
    fn exponential(&self, retry: u32) -> u64 {
        let base = nanos(self.base);
        let cap = nanos(self.cap);
        #[expect(clippy::float_cmp, reason = "the default is exactly 2, and has an exact integer form")]
        let grown = if self.factor == 2.0 {
            scale(base, 1_u64.checked_shl(retry).unwrap_or(u64::MAX))
        } else if base == 0 {
            0
        } else {
            saturating(base as f64 * self.factor.powi(i32::try_from(retry).unwrap_or(i32::MAX)))
        };
        grown.min(cap)
    }

    /// The retry whose spread is used for `retry`: itself, or the last one whose longest wait is within the cap.
    fn spread_v2(&self, retry: u32) -> u32 {
        let mut spread = 0;
        while spread < retry.min(V2_FITS) && self.longest_v2(spread + 1) <= nanos(self.cap) {
            spread += 1;
        }
        spread
    }

    /// The longest wait before retry `a`: f(a + 1) − f(a − 1), in nanoseconds.
    fn longest_v2(&self, retry: u32) -> u64 {
        let before = if retry == 0 { 0.0 } else { smooth(f64::from(retry) - 1.0) };
        saturating((smooth(f64::from(retry) + 1.0) - before) * nanos(self.base) as f64 / V2_SCALE)
    }
}

/// As the attribute without arguments: [`exp_jitter`](Backoff::exp_jitter) from 100 ms.
impl Default for Backoff {
    fn default() -> Self {
        Self::exp_jitter(Self::DEFAULT_BASE)
    }
}

impl Memory {
    /// The part that `wait` is of `cap`, rounded down.
    fn part(wait: u64, cap: u64) -> Self {
        let part = (u128::from(wait) << 32) / u128::from(cap.max(1));
        Self(u32::try_from(part).unwrap_or(u32::MAX))
    }
}

fn scale(base: u64, times: u64) -> u64 {
    base.saturating_mul(times)
}

/// `whole · random / 2⁶⁴`, rounded to the nearest.
fn fraction(whole: u64, random: u64) -> u64 {
    ((u128::from(whole) * u128::from(random) + (1 << 63)) >> 64) as u64
}

/// `random / 2⁶⁴` as a number in [0, 1).
fn unit(random: u64) -> f64 {
    (random >> 11) as f64 / (1_u64 << 53) as f64
}

/// f(t) = 2^t · tanh(√(4t)).
fn smooth(t: f64) -> f64 {
    t.exp2() * (4.0 * t).sqrt().tanh()
}

/// Nanoseconds from a number that is never negative; infinity saturates.
fn saturating(nanos: f64) -> u64 {
    debug_assert!(nanos >= 0.0, "{nanos} ns");
    nanos as u64
}

/// fib(retry + 1), counted from fib(1) = fib(2) = 1.
fn fibonacci(retry: u32) -> u64 {
    let (mut this, mut next) = (1_u64, 1_u64);
    for _ in 0..retry.min(FIBONACCI_FITS) {
        (this, next) = (next, this.saturating_add(next));
    }
    this
}

/// The divisor that makes the median of the first wait about one base.
const V2_SCALE: f64 = 1.4;
/// Past this retry no base above a nanosecond gives a wait that fits 64 bits.
const V2_FITS: u32 = 64;
/// Past this index the Fibonacci numbers no longer fit 64 bits.
const FIBONACCI_FITS: u32 = 93;

#[cfg(all(test, not(resilient_loom)))]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ALL: [fn(Duration) -> Backoff; 9] = [
        Backoff::fixed,
        Backoff::linear,
        Backoff::fibonacci,
        Backoff::exp,
        Backoff::exp_jitter,
        Backoff::full_jitter,
        Backoff::equal_jitter,
        Backoff::decorrelated,
        Backoff::decorrelated_v2,
    ];

    proptest! {
        #[test]
        fn every_delay_lies_between_its_bounds(
            kind in 0..ALL.len(), base in 0..u64::MAX, cap in 0..u64::MAX, factor in 1.0..1e9_f64, random: Vec<u64>,
        ) {
            let backoff = ALL[kind](Duration::from_nanos(base)).cap(Duration::from_nanos(cap)).factor(factor);
            let mut memory = backoff.memory();

            for (retry, random) in (0..).zip(random) {
                let delay = backoff.delay(retry, || random, &mut memory);

                prop_assert!(delay >= backoff.min_delay(retry), "{delay:?} < {:?}", backoff.min_delay(retry));
                prop_assert!(delay <= backoff.max_delay(retry), "{delay:?} > {:?}", backoff.max_delay(retry));
            }
        }

        #[test]
        fn no_retry_number_overflows(kind in 0..ALL.len(), retry: u32, random: u64, base: Duration, factor in 1.0..f64::MAX) {
            let backoff = ALL[kind](base).cap(Duration::MAX).factor(factor);

            let delay = backoff.delay(retry, || random, &mut backoff.memory());

            prop_assert!(base.is_zero() || retry < 2 || !delay.is_zero() || random < u64::MAX / 2);
        }
    }

    const fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    /// The first waits for these fractions, to the millisecond.
    fn waits<const N: usize>(backoff: Backoff, fractions: [f64; N]) -> [u128; N] {
        let mut fractions = fractions.into_iter();
        let mut delays = backoff.delays(|| fractions.next().unwrap());
        [(); N].map(|()| rounded(delays.next().unwrap()))
    }

    fn rounded(delay: Duration) -> u128 {
        (delay + Duration::from_micros(500)).as_millis()
    }

    #[test]
    fn a_decorrelated_wait_is_drawn_up_to_three_times_the_one_before() {
        let backoff = Backoff::decorrelated(secs(1)).cap(secs(20));

        assert_eq!(waits(backoff, [1.0, 1.0, 1.0, 1.0]), [3_000, 9_000, 20_000, 20_000]);
        assert_eq!(waits(backoff, [0.5, 0.5, 0.0, 0.5]), [2_000, 3_500, 1_000, 2_000]);
        assert_eq!([0, 1, 2, 3].map(|retry| rounded(backoff.max_delay(retry))), [3_000, 9_000, 20_000, 20_000]);
    }

    #[test]
    fn smooth_waits_keep_the_spread_of_the_last_that_fits_the_cap() {
        let backoff = Backoff::decorrelated_v2(secs(1)).cap(secs(5));

        assert_eq!([0, 1, 2, 3, 9].map(|retry| rounded(backoff.max_delay(retry))), [1_377, 2_837, 4_326, 4_326, 4_326]);
        assert_eq!([1, 2, 9].map(|retry| rounded(backoff.cap(secs(3)).max_delay(retry))), [2_837, 2_837, 2_837]);
    }

    #[test]
    fn exponential_waits_grow_by_the_factor_up_to_the_cap() {
        let tripled = Backoff::exp(secs(1)).factor(3.0).cap(secs(20));

        assert_eq!([0, 1, 2, 3].map(|retry| tripled.min_delay(retry)), [secs(1), secs(3), secs(9), secs(20)]);
        assert_eq!(
            [0.5, 0.99, f64::NAN, f64::INFINITY].map(|factor| Backoff::refuses_factor(factor).is_some()),
            [true; 4]
        );
        assert_eq!(Backoff::refuses_factor(1.0), None);
    }

    #[test]
    fn longer_waits_are_no_shorter_than_those_before() {
        let backoff = Backoff::exp(secs(2)).cap(secs(5));
        let lengthened = |base, cap| backoff.lengthened(base, cap);

        assert!(lengthened(Some(secs(3)), Some(secs(9))) == Backoff::exp(secs(3)).cap(secs(9)));
        assert!(lengthened(Some(secs(7)), None) == Backoff::exp(secs(7)).cap(secs(7)));
        assert!(lengthened(Some(secs(1)), Some(secs(3))) == backoff);
        assert!(Backoff::none().lengthened(Some(secs(3)), Some(secs(9))) == Backoff::none());
    }

    #[cfg(feature = "config")]
    #[test]
    fn another_formula_keeps_the_waits_and_has_the_default_ones_where_there_were_none() {
        let place = |name| Backoff::NAMES.iter().position(|of| *of == name).unwrap();
        let (mut linear, mut none) = (Backoff::linear(secs(2)).cap(secs(5)), Backoff::none());

        linear.set_formula(place("exp"));
        none.set_formula(place("exp_jitter"));

        assert!(linear == Backoff::exp(secs(2)).cap(secs(5)));
        assert!(none == Backoff::default());
    }

    #[test]
    fn it_is_described_by_its_formula_and_what_counts_for_that() {
        let described = |backoff: Backoff| {
            let mut description = Description::default();
            backoff.describe_to(&mut description);
            let settings = description.settings.into_iter().map(|setting| format!("{} {}", setting.key, setting.value));
            settings.collect::<Vec<_>>().join(", ")
        };

        assert_eq!(described(Backoff::none()), "backoff none");
        assert_eq!(described(Backoff::custom(|_| Duration::ZERO)), "backoff a function");
        assert_eq!(described(Backoff::linear(secs(1))), "backoff linear, base 1s, cap 10s");
        assert_eq!(
            described(Backoff::exp_jitter(secs(1)).jitter(secs(3))),
            "backoff exp_jitter, base 1s, factor 2, cap 10s, jitter 3s"
        );
    }

    #[test]
    fn the_largest_fraction_gives_all_there_is_to_give() {
        let (base, cap) = (secs(1), secs(60));

        assert_eq!(Backoff::full_jitter(base).cap(cap).max_delay(3), secs(8));
        assert_eq!(Backoff::equal_jitter(base).cap(cap).max_delay(3), secs(8));
        assert_eq!(Backoff::exp_jitter(base).cap(cap).max_delay(3), secs(9));
    }

    #[test]
    fn all_waits_of_a_call_together_are_bounded() {
        let longest = |backoff: Backoff, retries| backoff.cap(secs(10)).longest(retries);

        assert_eq!(longest(Backoff::linear(secs(1)), 3), secs(1 + 2 + 3));
        assert_eq!(longest(Backoff::exp(secs(1)), 70), secs(1 + 2 + 4 + 8 + 66 * 10));
        assert_eq!(longest(Backoff::decorrelated(secs(1)), 3), secs(30));
        assert_eq!(longest(Backoff::decorrelated_v2(secs(1)), 3), secs(30));
    }

    #[test]
    fn a_base_longer_than_the_cap_fits_where_the_cap_does_not_apply() {
        let no_wait = |_: u32| Duration::ZERO;
        for (backoff, has_base, has_cap) in [
            (Backoff::none(), false, false),
            (Backoff::custom(no_wait), false, false),
            (Backoff::fixed(secs(2)), true, false),
            (Backoff::linear(secs(2)), true, true),
            (Backoff::decorrelated(secs(2)), true, true),
        ] {
            assert_eq!((backoff.has_base(), backoff.has_cap()), (has_base, has_cap), "{backoff:?}");
            assert_eq!(backoff.base(secs(2)).cap(secs(1)).fits_its_cap(), !has_cap, "{backoff:?}");
            assert!(backoff.base(secs(2)).cap(secs(2)).fits_its_cap(), "{backoff:?}");
        }
    }

    #[test]
    fn two_with_the_same_formula_and_settings_are_equal() {
        let (waits, no_wait) = (|retry: u32| secs(retry.into()), |_: u32| Duration::ZERO);
        let different = [
            Backoff::exp(secs(1)),
            Backoff::linear(secs(1)),
            Backoff::exp(secs(2)),
            Backoff::exp(secs(1)).cap(secs(5)),
            Backoff::exp(secs(1)).factor(3.0),
            Backoff::exp(secs(1)).jitter(secs(1)),
            Backoff::custom(waits),
            Backoff::custom(no_wait),
        ];

        for (place, one) in different.iter().enumerate() {
            assert_eq!(different.iter().position(|other| other == one), Some(place), "{one:?}");
        }
    }

    #[test]
    fn waits_at_the_cap_stay_spread() {
        let spread = [Backoff::exp_jitter, Backoff::full_jitter, Backoff::equal_jitter, Backoff::decorrelated_v2];
        for make in spread {
            let backoff = make(Duration::from_millis(100)).cap(Duration::from_secs(5));
            let mut memory = backoff.memory();

            let early = backoff.delay(1_000, || u64::MAX / 8, &mut memory);
            let late = backoff.delay(1_001, || u64::MAX / 8 * 7, &mut memory);

            assert!(late > early + Duration::from_millis(50), "{backoff:?}: {early:?} {late:?}");
        }
    }

    #[test]
    fn the_smooth_total_is_bounded_by_its_own_curve() {
        let backoff = Backoff::decorrelated_v2(Duration::from_secs(1)).cap(Duration::from_secs(3_600));
        crate::random::seed(7);
        for _ in 0..1_000 {
            let mut memory = backoff.memory();
            let mut total = Duration::ZERO;

            for retry in 0..6 {
                total += backoff.delay(retry, crate::random::next, &mut memory);

                let bound = smooth(f64::from(retry) + 1.0) / V2_SCALE;
                assert!(total.as_secs_f64() < bound + 1e-6, "after retry {retry}: {total:?} > {bound}");
            }
        }
    }
}
