//! The budget: how many extra attempts there may be for so many calls, in one atomic word, and deposits on their way into it.

mod deposits;

use std::mem;

use self::deposits::Deposits;
use crate::book::Record;
use crate::clock::Ticks;
use crate::striped::Padded;
use crate::sync::atomic::AtomicU64;
use crate::sync::atomic::Ordering::Relaxed;
use crate::sync::const_fn;

/// Limits extra attempts, so that retries cannot turn a struggling server into an overloaded one.
///
/// Every call deposits a fraction of a token, [`ratio`](Self::ratio); every extra attempt takes one, half of one after a
/// throttle, and two after a time-out, which has already cost the server more. Beside the deposits there is a reserve that
/// fills by itself, so that a client with few calls can retry too. Whatever happens concurrently, there are never more extra
/// attempts than the reserve has given out plus the ratio of the calls. Deposits wear off after about ten seconds:
/// an hour of success does not pay for a storm.
///
/// A deposit does not read the clock. The first withdrawal of all therefore finds deposits of unknown age, and counts them as far as a
/// full reserve: after 10,000 calls at the default ratio, it finds 200 tokens and not 2,100, however short ago the calls were.
///
/// A retry has one of its own. To share one between policies, put it in a `static`:
///
/// ```
/// use resilient::{Budget, Retry};
///
/// static PAYMENTS: Budget = Budget::new().ratio(0.1);
/// static CHARGE: Retry = Retry::named("charge").budget(&PAYMENTS);
/// static REFUND: Retry = Retry::named("refund").budget(&PAYMENTS);
/// ```
///
/// Deposits that expire and a reserve for clients with few calls are those of Finagle's retry budget. That a time-out costs
/// twice as much as another failure is from the AWS SDKs' retry quota before their rules of November 2026, which make no difference there.
#[derive(Debug)]
pub struct Budget {
    /// The deposit of a call, in ten-thousandths of a token.
    deposit: u32,
    /// The most the reserve holds, and what it gains a second, in ten-thousandths of a token.
    reserve: u32,
    refill: u32,
    deposits: Deposits,
    /// On cache lines of its own: what stands beside it is read at each call, and this is written at one of 64 by whichever thread.
    word: Padded<AtomicU64>,
}

/// The contents of the word: ten-thousandths of tokens, and the millisecond of the last withdrawal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Balance {
    units: u32,
    since: Millis,
}

/// Milliseconds, modulo 2³², which takes 49 days to wrap.
///
/// Between two withdrawals, ten seconds fill the reserve, and minutes leave nothing of the deposits. After 49 days without one
/// the time seems short again: the reserve has what it had and what that time fills, and is full ten seconds later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Millis(u32);

/// The cost of an extra attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cost {
    /// After an ordinary failure: one token.
    Failure,
    /// After the server asked for less, and so has spent next to nothing: half a token.
    Throttle,
    /// After a time-out, when the server may still be at work: two tokens.
    Timeout,
}

impl Cost {
    const fn units(self) -> u32 {
        match self {
            Self::Failure => TOKEN,
            Self::Throttle => TOKEN / 2,
            Self::Timeout => TOKEN * 2,
        }
    }
}

impl Budget {
    const_fn! {
        /// A budget of one extra attempt for every five calls, and a reserve of ten a second.
        pub fn new() -> Self {
            Self {
                deposit: TOKEN / 5,
                reserve: RESERVE,
                refill: REFILL,
                deposits: Deposits::new(),
                word: Padded(AtomicU64::new(RESERVE as u64)),
            }
        }
    }

    /// Sets how many extra attempts a call pays for. Default 0.2.
    ///
    /// # Panics
    ///
    /// If `ratio` is not between 0 and 1; in a `const` or `static`, that is a compile error.
    #[cfg(not(resilient_loom))]
    #[must_use]
    pub const fn ratio(mut self, ratio: f64) -> Self {
        assert!(ratio >= 0.0 && ratio <= 1.0, "the ratio of extra attempts to calls is between 0 and 1");
        self.deposit = (ratio * TOKEN as f64 + 0.5) as u32;
        self
    }

    /// Sets how many extra attempts a second there may be without any deposits; ten seconds of them can be saved up. Default 10.
    ///
    /// # Panics
    ///
    /// If it is more than 10,000; in a `const` or `static`, that is a compile error.
    #[cfg(not(resilient_loom))]
    #[must_use]
    pub const fn reserve(mut self, attempts_per_second: u32) -> Self {
        assert!(attempts_per_second <= 10_000, "a reserve of more than 10,000 a second limits nothing");
        self.refill = attempts_per_second * TOKEN;
        self.reserve = self.refill * HORIZON_SECONDS;
        self.word = Padded(AtomicU64::new(self.reserve as u64));
        self
    }

    /// The extra attempts that it pays for: so many for a hundred calls, and so many a second.
    pub(crate) fn terms(&self) -> (f64, u32) {
        (f64::from(self.deposit) * 100.0 / f64::from(TOKEN), self.refill / TOKEN)
    }

    /// The extra attempts that could be paid for now.
    pub fn balance(&self) -> f64 {
        self.put(self.deposits.try_take_all());
        let balance = self.at(Balance::unpack(self.word.0.load(Relaxed)), Millis::now());
        f64::from(balance.units) / f64::from(TOKEN)
    }

    /// Makes it as new, with the reserve saved up.
    pub(crate) fn reset(&self) {
        self.deposits.try_take_all();
        self.word.0.store(u64::from(self.reserve), Relaxed);
    }

    /// Pays in for one call. A policy that has the budget does so by itself.
    ///
    /// A thread counts its deposits without a look at other threads, and puts 64 of them into the budget at once. Whoever finds the budget
    /// empty puts in what all threads have counted.
    #[inline]
    pub fn deposit(&self) {
        match self.deposits.pay_in() {
            Some(0) => {}
            deposits => self.deposit_slowly(deposits),
        }
    }

    #[cold]
    fn deposit_slowly(&self, deposits: Option<u64>) {
        self.put(deposits.unwrap_or_else(|| u64::from(!self.deposits.pay_in_slowly(None))));
    }

    /// Pays in for a call that succeeds, in such a way that the record of its policy [reads](Self::deposit_first_success) the deposit as the
    /// success. Returns false where this thread has not paid in before: nothing is paid in, then.
    #[inline]
    pub(crate) fn deposit_success(&self) -> bool {
        match self.deposits.pay_in() {
            Some(0) => true,
            Some(deposits) => self.put(deposits),
            None => false,
        }
    }

    /// As [`deposit_success`](Self::deposit_success), where this thread has not paid in before. Returns false if it never can.
    #[cold]
    pub(crate) fn deposit_first_success(&self, record: &Record) -> bool {
        self.deposits.pay_in_slowly(Some(record))
    }

    /// Pays in for a call that has not succeeded yet, so that the record does not read a success.
    #[cold]
    pub(crate) fn deposit_uncounted(&self, record: &Record) {
        if !self.deposits.pay_in_uncounted(record) {
            self.put(1);
        }
    }

    /// Puts so many deposits into the budget, and returns whether there are any.
    #[cold]
    fn put(&self, deposits: u64) -> bool {
        if deposits == 0 {
            return false;
        }
        // Relaxed throughout this file: nothing is read on the strength of the balance but the balance itself.
        let more = u32::try_from(deposits * u64::from(self.deposit)).unwrap_or(u32::MAX);
        let before = self.word.0.fetch_update(Relaxed, Relaxed, |word| {
            let balance = Balance::unpack(word);
            Some(Balance { units: balance.units.saturating_add(more), ..balance }.pack())
        });
        if before.is_ok_and(|before| Balance::unpack(before).units >= FULL) {
            self.wear_off();
        }
        true
    }

    /// Makes room: so many deposits take longer than they last.
    #[cold]
    fn wear_off(&self) {
        let now = Millis::now();
        let full = |word: u64| Balance::unpack(word).units >= FULL;
        let half = |balance: Balance| Balance { units: balance.units.min(FULL / 2), ..balance };
        let _ = self.word.0.fetch_update(Relaxed, Relaxed, |word| {
            full(word).then(|| half(self.at(Balance::unpack(word), now)).pack())
        });
    }

    /// Takes out what an extra attempt costs, and says whether there was that much; if not, nothing is taken.
    pub fn withdraw(&self, cost: Cost) -> bool {
        self.withdraw_untimed(cost) || self.withdraw_at(cost, Millis::now())
    }

    /// Takes it out without a look at the clock, where the time makes no difference to the answer: there are no deposits
    /// that could have worn off, and the reserve has enough without what it has gained since. It gains that at the
    /// next look, from the same moment on, so that nothing is gained twice.
    fn withdraw_untimed(&self, cost: Cost) -> bool {
        let taken = self.word.0.fetch_update(Relaxed, Relaxed, |word| {
            let balance = Balance::unpack(word);
            let units = balance.units.checked_sub(cost.units())?;
            // the reserve fills from the first look on, which therefore writes down the time
            let untimed = balance.units <= self.reserve && balance.since != Millis::NEVER;
            untimed.then(|| Balance { units, ..balance }.pack())
        });
        taken.is_ok()
    }

    fn withdraw_at(&self, cost: Cost, now: Millis) -> bool {
        self.put(self.deposits.take_own());
        self.withdraw_from_word(cost, now)
            || self.put(self.deposits.try_take_all()) && self.withdraw_from_word(cost, now)
    }

    fn withdraw_from_word(&self, cost: Cost, now: Millis) -> bool {
        let mut granted = false;
        // A refusal is written down too: what has worn off by now must not wear off again, from a longer time.
        let _ = self.word.0.fetch_update(Relaxed, Relaxed, |word| {
            let balance = self.at(Balance::unpack(word), now);
            let left = balance.units.checked_sub(cost.units());
            granted = left.is_some();
            Some(Balance { units: left.unwrap_or(balance.units), ..balance }.pack())
        });
        granted
    }

    /// The balance after the time that has passed: the reserve has filled, and what lies above it has worn off.
    fn at(&self, balance: Balance, now: Millis) -> Balance {
        let deposits = u64::from(balance.units.saturating_sub(self.reserve));
        if balance.since == Millis::NEVER {
            // Nobody has looked since the program began, and nobody knows how old the deposits are.
            let units = u64::from(balance.units.min(self.reserve)) + deposits.min(u64::from(RESERVE));
            return Balance { units: units as u32, since: now };
        }
        let Some(passed) = now.since(balance.since) else {
            let is_late = balance.since.since(now).is_some_and(|ahead| ahead <= LATE);
            return if is_late { balance } else { Balance { since: now, ..balance } };
        };
        let passed = u64::from(passed);
        let filled = u64::from(balance.units.min(self.reserve)) + passed * u64::from(self.refill) / 1_000;
        // an hour of deposits leaves those of the last ten seconds, and a moment takes next to nothing away
        let horizon = u64::from(HORIZON_SECONDS) * 1_000;
        let units = filled.min(u64::from(self.reserve)) + deposits * horizon / (horizon + passed);
        Balance { units: units.min(u64::from(FULL)) as u32, since: now }
    }
}

/// Tokens taken out for an attempt that has not begun. If that does not come to pass, it is paid back.
#[derive(Debug)]
pub(crate) struct Withdrawal<'a> {
    budget: &'a Budget,
    cost: Cost,
}

impl Budget {
    /// As [`withdraw`](Self::withdraw), until it is certain that the attempt begins.
    pub(crate) fn reserve_for(&self, cost: Cost) -> Option<Withdrawal<'_>> {
        self.withdraw(cost).then(|| Withdrawal { budget: self, cost })
    }
}

impl Withdrawal<'_> {
    /// The attempt begins.
    pub(crate) fn spend(self) {
        mem::forget(self);
    }
}

impl Drop for Withdrawal<'_> {
    fn drop(&mut self) {
        self.budget.word.0.fetch_add(u64::from(self.cost.units()), Relaxed);
    }
}

impl Default for Budget {
    fn default() -> Self {
        Self::new()
    }
}

impl Balance {
    const fn unpack(word: u64) -> Self {
        Self { units: word as u32, since: Millis((word >> 32) as u32) }
    }

    const fn pack(self) -> u64 {
        (self.since.0 as u64) << 32 | self.units as u64
    }
}

impl Millis {
    /// Before the first look.
    const NEVER: Self = Self(0);

    /// The time since then; none if the other is ahead: by moments of a thread that has read the clock later, and by up to
    /// a day where the clock has gone back.
    const fn since(self, other: Self) -> Option<u32> {
        let passed = self.0.wrapping_sub(other.0);
        if passed >= u32::MAX - DAY { None } else { Some(passed) }
    }

    fn now() -> Self {
        Self(((Ticks::now().0 / 1_000_000) as u32).max(1))
    }
}

/// One token in the units of the word.
const TOKEN: u32 = 10_000;
/// For so long the reserve is saved up, and about so long a deposit counts.
const HORIZON_SECONDS: u32 = 10;
const REFILL: u32 = 10 * TOKEN;
const RESERVE: u32 = REFILL * HORIZON_SECONDS;
/// Milliseconds.
const DAY: u32 = 86_400_000;
/// A thread may have read the clock so long before another; by more the clock has gone back. Milliseconds.
const LATE: u32 = 10_000;
/// From here on deposits wear off at once: half of what fits.
const FULL: u32 = u32::MAX / 2;

#[cfg(all(test, not(resilient_loom)))]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const START: Millis = Millis(u32::MAX - 500);

    fn later(millis: u32) -> Millis {
        Millis(START.0.wrapping_add(millis))
    }

    /// A budget whose reserve is full and whose clock stands at the start, just before the milliseconds wrap.
    fn fresh(budget: Budget) -> Budget {
        let balance = Balance { units: budget.reserve, since: START };
        budget.word.0.store(balance.pack(), Relaxed);
        budget
    }

    fn withdrawals(budget: &Budget, cost: Cost, now: Millis) -> u32 {
        (0..u32::MAX).take_while(|_| budget.withdraw_at(cost, now)).count() as u32
    }

    #[test]
    fn the_reserve_lets_a_quiet_client_retry() {
        let budget = fresh(Budget::new());

        assert_eq!(withdrawals(&budget, Cost::Failure, START), 100);
        assert_eq!(withdrawals(&budget, Cost::Failure, later(99)), 0);
        assert_eq!(withdrawals(&budget, Cost::Failure, later(1_100)), 11);
    }

    #[test]
    fn five_calls_pay_for_one_extra_attempt() {
        for (ratio, calls, extra) in [(0.2, 1_000, 200), (0.1, 10_000, 1_000), (0.5, 10, 5), (1.0, 7, 7), (0.0, 100, 0)]
        {
            let budget = fresh(Budget::new().reserve(0).ratio(ratio));

            (0..calls).for_each(|_| budget.deposit());

            assert_eq!(withdrawals(&budget, Cost::Failure, START), extra, "{ratio}");
        }
    }

    #[test]
    fn five_calls_on_any_threads_pay_for_one_extra_attempt() {
        let budget = fresh(Budget::new().reserve(0));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..25).for_each(|_| budget.deposit()));
            }
        });

        // one look may find the cells in use by another test
        let granted = (0..10_000).filter(|_| budget.withdraw_at(Cost::Failure, START)).count();

        assert_eq!(granted, 20);
    }

    #[test]
    fn a_reserve_that_is_drawn_on_now_and_then_never_runs_out() {
        let budget = Budget::new().ratio(0.0);

        for minute in 0..200 {
            let now = later(minute * 60_000);
            assert!(budget.withdraw_untimed(Cost::Failure) || budget.withdraw_at(Cost::Failure, now), "{minute}");
        }
    }

    #[test]
    fn what_the_first_look_finds_is_worth_the_reserve_and_as_much_again() {
        let budget = Budget::new();
        (0..10_000).for_each(|_| budget.deposit());

        // 2,000 tokens were paid in, and nobody knows whether in this second or in the last hour
        assert_eq!(withdrawals(&budget, Cost::Failure, START), 200);
        (0..10_000).for_each(|_| budget.deposit());
        assert_eq!(withdrawals(&budget, Cost::Failure, later(1_000)), 1_818 + 9, "from then on it is known");
    }

    #[test]
    fn the_costs_differ_by_what_the_failure_cost_the_server() {
        for (cost, attempts) in [(Cost::Failure, 100), (Cost::Throttle, 200), (Cost::Timeout, 50)] {
            assert_eq!(withdrawals(&fresh(Budget::new()), cost, START), attempts, "{cost:?}");
        }
    }

    #[test]
    fn an_hour_of_success_does_not_pay_for_a_storm() {
        let budget = fresh(Budget::new());
        (0..360_000).for_each(|_| budget.deposit());

        let extra = withdrawals(&budget, Cost::Failure, later(3_600_000));

        assert!(
            (200..310).contains(&extra),
            "the reserve, and the deposits of ten seconds at 100 calls a second: {extra}"
        );
    }

    #[test]
    fn refusals_do_not_wear_the_deposits_off() {
        let budget = fresh(Budget::new().reserve(0));

        let granted = (0..1_000).filter(|_| {
            budget.deposit();
            budget.withdraw_at(Cost::Failure, later(86_400_000))
        });

        assert_eq!(granted.count(), 199, "the first deposit alone was a day old");
    }

    #[test]
    fn the_first_failure_finds_some_of_what_was_paid_before() {
        let budget = Budget::new();
        (0..100_000).for_each(|_| budget.deposit());

        assert_eq!(withdrawals(&budget, Cost::Failure, START), 200);
    }

    #[test]
    fn a_stream_of_calls_pays_for_those_of_ten_seconds() {
        let budget = fresh(Budget::new());
        for second in 0..600 {
            (0..1_000).for_each(|_| budget.deposit());
            assert!(budget.withdraw_at(Cost::Failure, later(second * 1_000)));
        }

        let extra = withdrawals(&budget, Cost::Failure, later(600_000));

        assert!((1_900..2_300).contains(&extra), "{extra}");
    }

    #[test]
    fn a_thread_that_read_the_clock_before_another_fills_nothing() {
        let budget = fresh(Budget::new());
        assert_eq!(withdrawals(&budget, Cost::Failure, later(100)), 100);

        for earlier in [99, 50, 0] {
            assert_eq!(withdrawals(&budget, Cost::Failure, later(earlier)), 0, "{earlier}");
        }
        assert_eq!(withdrawals(&budget, Cost::Failure, later(1_100)), 10, "counted once");
    }

    /// The real clock turns under them from one millisecond to the next.
    #[test]
    fn threads_get_no_more_than_the_reserve_has_given_out() {
        let budget = Budget::new();
        let began = std::time::Instant::now();

        let granted: u32 = std::thread::scope(|scope| {
            let threads = [(); 4]
                .map(|()| scope.spawn(|| (0..100_000).map(|_| u32::from(budget.withdraw(Cost::Failure))).sum::<u32>()));
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });

        let most = 100.0 + (began.elapsed().as_secs_f64() + 0.01) * 10.0;
        assert!(f64::from(granted) <= most, "{granted} of {most}");
    }

    #[test]
    fn a_clock_that_goes_back_an_hour_fills_nothing_and_goes_on_from_there() {
        let budget = fresh(Budget::new());
        assert_eq!(withdrawals(&budget, Cost::Failure, later(3_600_000)), 100);

        assert_eq!(withdrawals(&budget, Cost::Failure, later(0)), 0);
        assert_eq!(withdrawals(&budget, Cost::Failure, later(1_000)), 10);
    }

    #[test]
    fn a_year_idle_fills_the_reserve_and_no_more() {
        let budget = fresh(Budget::new());
        withdrawals(&budget, Cost::Failure, START);
        let year = later((365_u64 * 86_400_000) as u32);

        assert_eq!(withdrawals(&budget, Cost::Failure, year), 100);
    }

    #[tokio::test(start_paused = true)]
    async fn deposits_never_reach_the_time() {
        let budget = fresh(Budget::new().ratio(1.0));
        budget.word.0.store(Balance { units: FULL - 1, since: Millis::now() }.pack(), Relaxed);

        (0..1_000_000).for_each(|_| budget.deposit());

        let balance = Balance::unpack(budget.word.0.load(Relaxed));
        assert_eq!(balance.since, Millis::now());
        assert!((FULL / 4..FULL).contains(&balance.units), "{balance:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn half_of_a_full_balance_wears_off_at_the_next_deposit() {
        let budget = fresh(Budget::new().ratio(1.0));
        let units = || Balance::unpack(budget.word.0.load(Relaxed)).units;
        budget.word.0.store(Balance { units: FULL - 1, since: Millis::now() }.pack(), Relaxed);

        assert!(budget.put(1));
        assert_eq!(units(), FULL - 1 + TOKEN);
        assert!(budget.put(1));
        assert_eq!(units(), FULL / 2);
    }

    #[test]
    fn what_the_reserve_pays_for_needs_no_look_at_the_clock() {
        let budget = fresh(Budget::new());
        assert!((0..100).all(|_| budget.withdraw_untimed(Cost::Failure)));
        assert!(!budget.withdraw_untimed(Cost::Failure), "the reserve may have filled since");

        let with_deposits = fresh(Budget::new());
        with_deposits.put(1);
        assert!(!with_deposits.withdraw_untimed(Cost::Failure), "deposits may have worn off");
        assert!(!Budget::new().withdraw_untimed(Cost::Failure), "the first look writes down the time");
    }

    #[test]
    fn made_as_new_it_has_its_reserve_and_no_deposits() {
        let budget = fresh(Budget::new());
        assert_eq!(withdrawals(&budget, Cost::Failure, START), 100);
        budget.put(1_000);

        budget.reset();

        assert_eq!(withdrawals(&budget, Cost::Failure, later(5_000)), 100);
    }

    #[derive(Debug, Clone, Copy)]
    enum Step {
        Deposit(u16),
        Withdraw(u8),
        Pass(u32),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            any::<u16>().prop_map(Step::Deposit),
            any::<u8>().prop_map(Step::Withdraw),
            (0..100_000_u32).prop_map(Step::Pass),
        ];
        proptest::collection::vec(step, 0..40)
    }

    proptest! {
        #[test]
        fn extra_attempts_never_exceed_the_reserve_and_the_ratio_of_the_calls(steps in steps()) {
            let budget = fresh(Budget::new());
            let (mut calls, mut extra, mut now) = (0.0_f64, 0.0_f64, 0_u32);

            for step in steps {
                match step {
                    Step::Deposit(times) => {
                        (0..times).for_each(|_| budget.deposit());
                        calls += f64::from(times);
                    }
                    Step::Withdraw(times) => {
                        let granted = |_: &u8| {
                            budget.withdraw_untimed(Cost::Failure) || budget.withdraw_at(Cost::Failure, later(now))
                        };
                        extra += (0..times).filter(granted).count() as f64;
                    }
                    Step::Pass(millis) => now = now.saturating_add(millis),
                }
                let reserve = 100.0 + f64::from(now) / 1_000.0 * 10.0;
                prop_assert!(extra <= reserve + 0.2 * calls + 1e-6, "{extra} > {reserve} + 0.2 · {calls}");
            }
        }
    }
}

#[cfg(all(test, resilient_loom))]
mod loom_models {
    use loom::sync::Arc;
    use loom::sync::atomic::AtomicU32;

    use super::*;

    #[test]
    fn loom_concurrent_withdrawals_never_exceed_the_deposits() {
        loom::model(|| {
            // half a token for each of two calls pays for one extra attempt
            let budget = Arc::new(Budget {
                deposit: TOKEN / 2,
                reserve: TOKEN,
                refill: 0,
                deposits: Deposits::new(),
                word: Padded(AtomicU64::new(0)),
            });
            let taken = Arc::new(AtomicU32::new(0));
            let calls: Vec<_> = (0..2)
                .map(|_| {
                    let (budget, taken) = (budget.clone(), taken.clone());
                    loom::thread::spawn(move || {
                        budget.deposit();
                        if budget.withdraw_untimed(Cost::Failure) || budget.withdraw_at(Cost::Failure, Millis(1)) {
                            taken.fetch_add(1, Relaxed);
                        }
                    })
                })
                .collect();
            for call in calls {
                call.join().unwrap();
            }

            let left = Balance::unpack(budget.word.0.load(Relaxed)).units;
            assert_eq!(taken.load(Relaxed) * TOKEN + left, TOKEN);
        });
    }
}
